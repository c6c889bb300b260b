"""Versions of flows: listed, compared, restored and exported by people."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.flow_settings import FlowSettings
from bot.permissions import Permissions
from bot.replies import Said, refusal
from bot.shelf import Shelf
from connectors.base import Catalog
from flows import exports
from flows.store import SetUp, Store
from flows.tables import FlowVersion
from flows.versions import restore

log = structlog.get_logger()
_PAGES: Final = 12
"""Blocks of code in one answer: more, nobody reads in Slack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """What people do with the versions of flows."""

    store: Store
    shelf: Shelf
    catalog: Catalog
    permissions: Permissions
    settings: FlowSettings

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="versions <flow>",
                about="what a flow was before, and who changed it",
                example=f"versions {example}",
                carry_out=self._list,
            ),
            Verb(
                usage="diff <flow> [version version]",
                about="what differs between two versions, or the last two",
                example=f"diff {example} 1 2",
                carry_out=self._diff,
            ),
            Verb(
                usage="restore <flow> <version>",
                about="make a flow what it was",
                example=f"restore {example} 1",
                carry_out=self._restore,
            ),
            Verb(
                usage="export <flow>",
                about="a flow as text, without secrets",
                example=f"export {example}",
                carry_out=self._export,
            ),
        ]

    async def _list(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest)
        if isinstance(flow, str):
            return flow
        lines = [
            f"• version {one.version}{' (in force)' if one.version == flow.version else ''}, "
            f"by {words.person(one.saved_by)} {words.moment(one.saved_at)}"
            for one in (await self.store.versions(flow.name))[:30]
        ]
        return "\n".join([*lines, f"Compare two with `{COMMAND} diff {flow.name} <version> <version>`."])

    async def _diff(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest[:1])
        if isinstance(flow, str):
            return flow
        found = await self._two(flow, typed.rest[1:])
        if isinstance(found, str):
            return found
        old, new = found
        text = exports.compare(old, new)
        if not text:
            return f"Versions {old.version} and {new.version} of `{flow.name}` say the same."
        head = f"`{flow.name}`, from version {old.version} to {new.version}:"
        return self._paged(head, text, f"flows diff {flow.name} {old.version} {new.version}")

    async def _two(self, flow: SetUp, typed: Sequence[str]) -> tuple[FlowVersion, FlowVersion] | str:
        versions = {str(one.version): one for one in await self.store.versions(flow.name)}
        if not typed and len(versions) < 2:
            return f"`{flow.name}` has one version only, so there is nothing to compare."
        if not typed:
            last = max(version for version in map(int, versions) if version != flow.version)
            typed = sorted((str(last), str(flow.version)), key=int)
        if len(typed) != 2 or any(version not in versions for version in typed):
            return f"Say which two versions: `{COMMAND} diff {flow.name} 1 2`. There is {words.listed(sorted(versions, key=int)[-20:])}."
        return versions[typed[0]], versions[typed[1]]

    async def _restore(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest[:1])
        if isinstance(flow, str):
            return flow
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        version = int(typed.rest[1]) if len(typed.rest) == 2 and typed.rest[1].isdecimal() else 0
        if version == flow.version:
            return f"Version {version} of `{flow.name}` is in force already."
        done = await restore(
            self.store,
            flow.name,
            version,
            by=typed.user,
            now=time.time(),
            catalog=self.catalog,
            connections=await self.settings.connections(),
        )
        if isinstance(done, list):
            problems = "\n".join(f"• {words.escape(str(problem), 400)}" for problem in done[:20])
            return f"Nothing was restored:\n{problems}\n`{COMMAND} versions {flow.name}` lists the versions."
        log.info("flow_restored", flow=flow.name, restored=version, version=done.version, user=typed.user)
        await self.settings.announce(done, f"restored version {version} of `{flow.name}`", by=typed.user)
        return f"`{flow.name}` is again what it was in version {version}; this is its version {done.version}."

    async def _export(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest)
        if isinstance(flow, str):
            return flow
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        return self._paged(f"`{flow.name}`:", exports.export([flow]), f"flows export {flow.name}")

    def _paged(self, head: str, text: str, command: str) -> Said:
        """Return a long text as blocks of code, or say where it is to be had."""
        pages = words.code_pages(text, _PAGES)
        if pages is None:
            return f"This is too long to be read here. Whoever runs this bot sees it with `python -m bot {command}`."
        return head, [words.section(head), *pages]
