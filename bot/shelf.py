"""The shelf: every flow that people can name, those we ship and those that were set up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot import words
from bot.commands import COMMAND
from flows.exports import templates_of
from flows.language import Template
from flows.problems import nearest
from flows.store import SetUp, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One flow on the shelf."""

    name: str
    template: Template
    """What it says now; or what it would say, because we ship a newer one."""
    flow: SetUp | None
    """How it is set up, if it is."""

    @property
    def on(self) -> bool:
        """Whether events wake it."""
        return self.flow is not None and self.flow.enabled

    @property
    def sign(self) -> str:
        """How it is doing, in a word."""
        if self.flow is not None and self.flow.paused:
            return ":double_vertical_bar: paused"
        return ":large_green_circle: on" if self.on else ":white_circle: off"


class Shelf:
    """Looks flows up by the names that people type."""

    def __init__(self, store: Store, library: Mapping[str, Template]) -> None:
        self._store = store
        self._library = library

    async def entries(self) -> Mapping[str, Entry]:
        """Return every flow by its name: first those we ship."""
        flows = {flow.name: flow for flow in await self._store.flows()}
        templates = {**self._library}
        for name, own in templates_of(list(flows.values())).items():
            shipped = self._library.get(flows[name].template)
            # Somebody may have changed it, and that is kept until we ship a newer one.
            templates[name] = shipped if shipped is not None and shipped.version > own.version else own
        return {name: Entry(name=name, template=found, flow=flows.get(name)) for name, found in templates.items()}

    async def named(self, typed: Sequence[str]) -> Entry | str:
        """Return the flow that was typed, or what to answer if none was, or one that is not there."""
        entries = await self.entries()
        known = ", ".join(f"`{name}`" for name in list(entries)[:20])
        if not typed:
            return f"Which flow? There is {known}."
        if len(typed) == 1 and typed[0] in entries:
            return entries[typed[0]]
        name = " ".join(typed)
        guess = nearest(name.lower(), entries)
        return f"There is no flow `{words.escape(name, 60)}`{f'; {guess}' if guess else '.'} There is {known}."

    async def set_up(self, typed: Sequence[str]) -> SetUp | str:
        """Return the flow that was typed, or what to answer if it is not set up."""
        entry = await self.named(typed)
        if isinstance(entry, str):
            return entry
        return entry.flow or f"`{entry.name}` is not set up yet. Do that with `{COMMAND} enable {entry.name}`."
