"""Rights: who may decide and who may configure, as people see and change it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.permissions import RIGHTS, Permissions
from bot.replies import Said
from flows.store import Store

log = structlog.get_logger()
_SUBJECT: Final = re.compile(r"<(?:@|!subteam\^)([UWS][A-Z0-9]{2,20})(?:\|[^>]*)?>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Shows and changes who may do what."""

    store: Store
    permissions: Permissions

    def verbs(self) -> Sequence[Verb]:
        """Return what can be typed."""
        return [
            Verb(
                usage="permissions",
                about="who may decide and who may configure",
                example="permissions",
                carry_out=self._show,
            ),
            Verb(
                usage="allow @person-or-group decide|configure",
                about="let people decide, or set up flows",
                example="allow @security-team decide",
                carry_out=lambda typed: self._change(typed, given=True),
            ),
            Verb(
                usage="disallow @person-or-group decide|configure",
                about="take that back",
                example="disallow @security-team decide",
                carry_out=lambda typed: self._change(typed, given=False),
            ),
        ]

    async def _show(self, _typed: Typed) -> Said:
        lines = [f"• {right}: {await self.permissions.who_may(right)}" for right in RIGHTS]
        return "\n".join([*lines, f"Change it with `{COMMAND} allow` and `{COMMAND} disallow`."])

    async def _change(self, typed: Typed, *, given: bool) -> Said:
        rest = [word.lower() for word in typed.words[2:] if word.lower() not in {"to", "may"}]
        subject = _SUBJECT.fullmatch(typed.words[1]) if typed.rest else None
        right = next((right for right in RIGHTS if rest == [right]), None)
        if subject is None or right is None:
            verb = "allow" if given else "disallow"
            return (
                f"Say whom and what: `{COMMAND} {verb} @person-or-group decide|configure`, "
                f"for instance `{COMMAND} {verb} @security-team decide`."
            )
        if not await self.permissions.may_give(typed.user):
            return "Only workspace admins can change who may do what, so nothing was changed."
        name = subject.group(1)
        if given:
            await self.store.allow(right, name)
            log.info("allowed", right=right, subject=name, by=typed.user)
            return f"{words.subject(name)} may {right} now."
        if not await self.store.disallow(right, name):
            return f"{words.subject(name)} was not allowed to {right}, so nothing changed."
        log.info("disallowed", right=right, subject=name, by=typed.user)
        return f"{words.subject(name)} may not {right} any more."
