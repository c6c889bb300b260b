"""Time fields: the menus of a form in which people choose days and a time zone."""

from collections.abc import Iterable
from typing import Any, Final

from bot import words
from flows.days import DAYS, zones

_GROUP: Final = 100
"""Options that a group of a menu has at most."""


def days_menu(chosen: Iterable[str]) -> dict[str, Any]:
    """Return a menu of kinds of days, some of them chosen."""
    options = [_option(day, day[:1].upper() + day[1:]) for day in DAYS]
    ticked = [option for option in options if option["value"] in set(chosen)]
    return {"type": "multi_static_select", "options": options, **({"initial_options": ticked} if ticked else {})}


def zones_menu(chosen: str) -> dict[str, Any]:
    """Return a menu of time zones by region, one of them chosen: it comes first, also if no place of today is called so."""
    regions: dict[str, list[str]] = {"Chosen": [chosen]}
    for zone in zones():
        if zone != chosen:
            regions.setdefault(zone.partition("/")[0], []).append(zone)
    groups: list[dict[str, Any]] = []
    for region, names in regions.items():
        for start in range(0, len(names), _GROUP):
            some = names[start : start + _GROUP]
            span = f", {_place(some[0])} to {_place(some[-1])}" if len(names) > _GROUP else ""
            options = [_option(name, name.replace("_", " ")) for name in some]
            groups.append({"label": words.plain(f"{region}{span}", 75), "options": options})
    return {"type": "static_select", "option_groups": groups, "initial_option": groups[0]["options"][0]}


def _place(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ")


def _option(value: str, said: str) -> dict[str, Any]:
    return {"text": words.plain(said, 75), "value": value}
