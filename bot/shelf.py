"""The shelf: every flow that people can name, those we ship and those that were set up."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bot import words
from bot.commands import COMMAND
from flows.exports import templates_of
from flows.language import Template
from flows.problems import nearest
from flows.shipped import Shipped
from flows.store import SetUp, Store
from flows.words import NAME

_NAME: Final = re.compile(NAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One flow on the shelf."""

    name: str
    template: Template
    """What it says; or what it would say, if it is not set up."""
    flow: SetUp | None
    """How it is set up, if it is."""
    newer: Template | None = None
    """The newer version of its template that we ship, if there is one."""
    of: str = ""
    """The template that it is an instance of, if it has a name of its own."""
    upgrades: bool = False
    """What it says is what it is to become."""

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

    @property
    def form(self) -> Mapping[str, Any]:
        """What a form has to remember, so that `Shelf.meant` finds the same again."""
        upgrade = {"upgrade": self.template.version} if self.upgrades else {}
        return {"flow": self.name, **({"of": self.of} if self.of and self.flow is None else {}), **upgrade}

    @property
    def upgraded(self) -> "Entry":
        """The same flow as it would be with the newer version of its template."""
        return self if self.newer is None else replace(self, template=self.newer, newer=None, upgrades=True)


class Shelf:
    """Looks flows up by the names that people type."""

    def __init__(self, store: Store, library: Mapping[str, Template], shipped: Shipped) -> None:
        self._store = store
        self._library = library
        self.shipped = shipped

    async def entries(self) -> Mapping[str, Entry]:
        """Return every flow by its name: first those we ship, each with its instances, then people's own."""
        flows = {flow.name: flow for flow in await self._store.flows()}
        own = templates_of(list(flows.values()))
        found: dict[str, Entry] = {}
        for name, template in self._library.items():
            found[name] = self._entry(name, own.get(name, template), flows.get(name))
            for instance, flow in flows.items():
                if flow.template == name and instance in own and instance not in self._library:
                    found[instance] = self._entry(instance, own[instance], flow)
        for name, template in own.items():
            found.setdefault(name, self._entry(name, template, flows[name]))
        return found

    def _entry(self, name: str, template: Template, flow: SetUp | None) -> Entry:
        shipped = self._library.get(flow.template if flow else name)
        newer = shipped if shipped is not None and shipped.version > template.version else None
        of = flow.template if flow and flow.template != name and flow.template in self._library else ""
        return Entry(name=name, template=template, flow=flow, newer=newer, of=of)

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

    async def new_name(self, name: str) -> str | None:
        """Return why a flow cannot be called so, or None if it can."""
        if not _NAME.fullmatch(name):
            return (
                f"A flow cannot be called `{words.escape(name, 60)}`: names begin with a small letter and have small "
                "letters, digits, - and _, at most 63."
            )
        entry = (await self.entries()).get(name)
        if entry is None:
            return None
        taken = "is set up already" if entry.flow else "is the name of a template"
        return f"`{name}` {taken}: choose another name."

    async def instance(self, of: str, name: str) -> Entry | str:
        """Return a flow that is to be made of a template, or of what another flow was made of; or why it cannot be."""
        source = await self.named([of])
        if isinstance(source, str):
            return source
        if source.of:
            source = (await self.entries())[source.of]
        shipped = self._library.get(source.name)
        if shipped is None:
            return f"`{source.name}` is a flow of your own. A second one of it: `{COMMAND} fork {source.name} {words.escape(name, 60)}`."
        wrong = await self.new_name(name)
        return wrong or Entry(name=name, template=shipped, flow=None, of=source.name)

    async def meant(self, form: Mapping[str, Any]) -> Entry | None:
        """Return the flow that a form is about, or None if it is not there any more, or not as it was."""
        name, of, upgrade = str(form["flow"]), form.get("of"), form.get("upgrade")
        entry = (await self.entries()).get(name)
        if entry is None:
            made = await self.instance(str(of), name) if of else None
            return made if isinstance(made, Entry) else None
        if of:
            return None  # somebody took the name meanwhile
        if upgrade is None:
            return entry
        return entry.upgraded if entry.newer is not None and entry.newer.version == upgrade else None
