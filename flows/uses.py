"""Uses: what a flow relies on, so that it can be said who misses something that goes away."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flows.fields import ChannelField, ConnectionField
from flows.language import Template
from flows.references import only_path
from flows.store import SetUp
from flows.words import NAME

KINDS: Final = ("connection", "channel", "table", "flow", "action", "event")
"""What can be used, in the order in which it is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One thing that a flow uses."""

    kind: str
    name: str


def used(flow: SetUp) -> set[Use]:
    """Return everything that a flow uses, with its settings filled in."""
    fields = Template.model_validate(flow.document).settings
    found = {Use(kind="table", name=name) for name in flow.document.get("tables") or {}}
    for name, field in fields.items():
        value = flow.settings.get(name)
        match field:
            case ConnectionField() if isinstance(value, str) and value:
                found.add(Use(kind="connection", name=value))
            case ChannelField() if isinstance(value, str) and value:
                found.add(Use(kind="channel", name=value))
            case _:
                pass
    found.update(_within(flow.document, flow.settings))
    return {use for use in found if not (use.kind == "flow" and use.name == flow.name)}


def users(use: Use, flows: Sequence[SetUp]) -> list[SetUp]:
    """Return the flows that use something."""
    return [flow for flow in flows if use in used(flow)]


def _within(document: Any, settings: Mapping[str, Any]) -> Iterator[Use]:
    match document:
        case Mapping():
            for name, value in document.items():
                kind = _NAMED.get(name)
                if kind is not None and isinstance(value, str):
                    known = _LOOKS[kind]
                    yield from (Use(kind=kind, name=one) for one in _named(value, settings) if known.fullmatch(one))
                elif name == "starts" and isinstance(value, Mapping):  # buttons of a message that start other flows
                    yield from (
                        Use(kind="flow", name=one)
                        for flow in value.values()
                        if isinstance(flow, str)
                        for one in _named(flow, settings)
                    )
                else:
                    yield from _within(value, settings)
        case list():
            for each in document:
                yield from _within(each, settings)
        case _:
            pass


_NAMED: Final[Mapping[str, str]] = {
    "using": "connection",
    "from": "connection",
    "in": "channel",
    "to": "channel",
    "channel": "channel",
    "call": "flow",
    "do": "action",
    "event": "event",
    "table": "table",
}
"""Under which words of the language the name of what kind stands."""


_LOOKS: Final[Mapping[str, re.Pattern[str]]] = {
    "connection": re.compile(r"[a-z0-9-]+"),
    "channel": re.compile(r"[A-Z][A-Z0-9]{5,}"),
    "flow": re.compile(NAME),
    "action": re.compile(r"[a-z0-9_.]+"),
    "event": re.compile(r"[a-z0-9_.]+"),
    "table": re.compile(r"[a-z][a-z0-9_]*"),
}
"""How names of a kind look: the same words stand in what actions are given, and name something else there."""


def _named(value: str, settings: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a text names: itself, or what is set where it refers to a setting."""
    path = only_path(value)
    if path is None:
        if "{{" not in value:
            yield value
        return
    if path.startswith("settings."):
        named = settings.get(path.removeprefix("settings."))
        if isinstance(named, str) and named:
            yield named
