"""How the templates write Slack's texts: one reader's names, zone and present behind a few short words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from sandbox.page.emoji import with_emoji
from sandbox.page.moments import Moments
from sandbox.page.mrkdwn import Mrkdwn
from sandbox.page.names import Names, Offers
from sandbox.page.rich_text import rich_text

WORDS = {"text", "title", "subtitle", "body", "subtext", "caption", "label", "alt_text", "description"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scribe:
    """Writes texts, rich texts and choices for one reader."""

    names: Names
    moments: Moments
    offers: Offers

    @property
    def reader(self) -> Mrkdwn:
        """The same reader, for mrkdwn."""
        return Mrkdwn(names=self.names, moments=self.moments)

    def mrkdwn(self, text: object) -> Markup:
        """Write a message's own text."""
        return self.reader.html(str(text or ""))

    def text(self, composition: object) -> Markup:
        """Write a text object: mrkdwn rendered, plain_text as it is."""
        if isinstance(composition, str):
            return escape(composition)
        if not isinstance(composition, Mapping):
            return Markup()
        words = str(composition.get("text", ""))
        if composition.get("type") == "mrkdwn":
            return self.reader.html(words, verbatim=bool(composition.get("verbatim")))
        shown = words if composition.get("emoji") is False else with_emoji(words)
        return escape(shown).replace("\n", Markup("<br>"))

    def words(self, composition: object) -> str:
        """Write a text object where no markup can stand (an attribute, an option of a list)."""
        return Markup(str(self.text(composition)).replace("<br>", " ")).striptags()

    def rich(self, block: Mapping[str, Any]) -> Markup:
        """Write a rich_text block."""
        return rich_text(block, self.reader)

    def cell(self, cell: Mapping[str, Any]) -> Markup:
        """Write one cell of a table."""
        return (
            self.rich(cell) if cell.get("type") == "rich_text" else escape(str(cell.get("text", cell.get("value", ""))))
        )

    def gist(self, block: object) -> list[str]:
        """Collect the words of a block of a kind that the page does not draw."""
        return list(dict.fromkeys(text for text in self._gist(block) if text))

    def _gist(self, thing: object) -> Iterator[str]:
        if isinstance(thing, Mapping):
            if thing.get("type") in {"plain_text", "mrkdwn"}:
                yield self.words(thing)
                return
            for key, value in thing.items():
                if key in WORDS and isinstance(value, str):
                    yield value
                elif isinstance(value, Mapping | list):
                    yield from self._gist(value)
        elif isinstance(thing, list):
            for one in thing:
                yield from self._gist(one)


def choices(element: Mapping[str, Any], scribe: Scribe) -> list[tuple[str, list[tuple[str, str]]]]:
    """Give what a select offers: groups of (value, words); a list without groups is one group without a name."""
    kind = str(element.get("type", ""))
    if "users" in kind:
        return [("", list(scribe.offers.people))]
    if "channels" in kind:
        return [("", list(scribe.offers.channels))]
    if "conversations" in kind:
        return [("", list(scribe.offers.conversations))]
    if groups := element.get("option_groups"):
        return [(scribe.words(group.get("label")), _options(group, scribe)) for group in groups]
    return [("", _options(element, scribe))]


def _options(parent: Mapping[str, Any], scribe: Scribe) -> list[tuple[str, str]]:
    return [(str(option.get("value", "")), scribe.words(option.get("text"))) for option in parent.get("options") or []]


def chosen(element: Mapping[str, Any]) -> list[str]:
    """Give the values with which an element starts, whatever its kind calls them."""
    values: list[str] = []
    for key, value in element.items():
        if not key.startswith("initial_"):
            continue
        found = value if isinstance(value, list) else [value]
        values.extend(str(one.get("value", "")) if isinstance(one, Mapping) else str(one) for one in found)
    return values
