"""The page's templates, and the few words that they have beside Jinja's own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup

from sandbox.page.controls import Side
from sandbox.page.corner import ABSENCES, Corner
from sandbox.page.emoji import with_emoji
from sandbox.page.guide import GUIDE
from sandbox.page.moments import Moments
from sandbox.page.mrkdwn import safe
from sandbox.page.names import Names, Offers
from sandbox.page.scene import Scene
from sandbox.page.scribe import Scribe, choices, chosen
from sandbox.page.tabs.tab import Tab
from sandbox.page.trouble import SERVICES

FOLDER = Path(__file__).parent

HINTS = (
    ("/cicflow help", "What the app can do"),
    ("/cicflow enable high-risk-login", "Switch the template on: opens its form"),
    ("/cicflow list", "Which templates there are and which are on"),
    ("/cicflow status", "How the app is doing"),
    ("/cicflow disable high-risk-login", "Switch it off again"),
)
"""What the input line offers after a slash; the app may know more."""

OPENINGS = (
    ("Switch the risky-login alert on and save its form:", "/cicflow enable high-risk-login"),
    ("Press “Risky login” of a customer in the Auth0 tab.", ""),
    ("Answer the alert that appears here, and watch the customer in the tab.", ""),
)

_ADDRESS = re.compile(r"(https?://[^\s<>\"']+[^\s<>\"'.,;:!?)])")
_COLOUR = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_LEADING_MENTION = re.compile(r"^<@[^>]+> ?")


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["emoji"] = with_emoji
    made.filters["without_author"] = lambda text: _LEADING_MENTION.sub("", str(text or ""))
    made.filters["linked"] = linked
    made.globals.update(safe=safe, loadable=loadable, colour=colour, hints=HINTS, openings=OPENINGS, chosen=chosen)
    made.globals.update(guide=GUIDE, services=SERVICES, absences=ABSENCES)
    return made


def loadable(address: object) -> bool:
    """Tell whether the page shows this picture: only what this machine serves, as nothing is fetched from outside."""
    try:
        parts = urlsplit(str(address or ""))
    except ValueError:
        return False
    return parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}


def linked(text: object) -> Markup:
    """Write a text with the web addresses in it as links."""
    parts = _ADDRESS.split(str(text or ""))
    return Markup("").join(
        Markup('<a href="{0}" target="_blank" rel="noopener noreferrer">{0}</a>').format(part) if at % 2 else part
        for at, part in enumerate(parts)
    )


def colour(value: object) -> str:
    """Give an attachment's colour if it is one."""
    found = _COLOUR.fullmatch(str(value or ""))
    return f"#{found[1]}" if found else ""


_ENVIRONMENT = _environment()


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is around the workspace."""

    tenant: Corner
    tabs: list[Tab]
    addresses: Mapping[Side, str]
    sequences: Mapping[Side, int]
    troubles: Mapping[Side, list[str]]

    @property
    def rail(self) -> list[tuple[str, str, int | None]]:
        """Name the tabs: their short names, their words, and how much has arrived there."""
        services = [(tab.side, tab.title, tab.arrived) for tab in self.tabs]
        return [("guide", "Guide", None), ("auth0", "Auth0", None), *services, ("trouble", "Trouble", None)]

    def host(self, side: Side) -> str:
        """Say where a service is."""
        return urlsplit(self.addresses[side]).netloc


def page(scene: Scene, around: Around, names: Names, moments: Moments) -> str:
    """Write the whole page for one person."""
    return _ENVIRONMENT.get_template("page.html").render(
        scene=scene, around=around, tenant=around.tenant, **_words(names, moments, scene.offers)
    )


def blocks(
    found: list[dict[str, Any]], names: Names, moments: Moments, offers: Offers, *, place: str = "place"
) -> Markup:
    """Write blocks alone."""
    module = _ENVIRONMENT.get_template("blocks.html").make_module(_words(names, moments, offers))
    return Markup(module.blocks(found, place))  # type: ignore[attr-defined] # a macro of the template


def absent() -> str:
    """Write the page that says that there is no workspace, and asks again."""
    return _ENVIRONMENT.get_template("absent.html").render()


def _words(names: Names, moments: Moments, offers: Offers) -> dict[str, Any]:
    scribe = Scribe(names=names, moments=moments, offers=offers)

    def local(stamp: object) -> str:
        moment = moments.read(stamp) if stamp else None
        return f"{moment:%Y-%m-%dT%H:%M}" if moment else ""

    return {"scribe": scribe, "moments": moments, "choices": choices, "local": local}


def now() -> datetime:
    """Read the clock."""
    return datetime.now(UTC)
