"""Back-fills: a flow for those who were there before it. Counted first, begun by a click, watched, cancelled."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.context.respond.async_respond import AsyncRespond

from bot import words
from bot.commands import COMMAND, Typed, Verb
from bot.connections import Accounts
from bot.flow_settings import FlowSettings
from bot.people_csv import people_csv
from bot.permissions import Permissions
from bot.replies import Message, Said, refusal, tell
from bot.shelf import Shelf
from bot.trials import summed, told
from bot.undertakings import Undertakings
from bot.why import guarded
from bot.workspace import Workspace
from connectors.errors import ConnectorError
from connectors.slack.files import NewFile, upload_file
from connectors.slack.posting import post_once
from flows.backfills import Backfills, Progress, WontFillError
from flows.dry_run import DryRun
from flows.offering import Counted, Person
from flows.runs import Runs
from flows.store import SetUp

log = structlog.get_logger()

BUTTON: Final = "backfill"
_BUTTONS: Final = re.compile(rf"{BUTTON}:(begin|cancel)")
SHOW: Final = 3.0
"""Seconds between two looks at how far it is that are shown."""
_SHOWN: Final = 5
"""People of whom it is said in full what would be done for them."""
_OWN: Final = "slack"
"""The connection to the bot's own workspace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillDesk:
    """Counts, begins, shows and cancels back-fills."""

    shelf: Shelf
    backfills: Backfills
    runs: Runs
    accounts: Accounts
    settings: FlowSettings
    permissions: Permissions
    workspace: Workspace
    undertakings: Undertakings

    def verbs(self, example: str) -> Sequence[Verb]:
        """Return what can be typed. `example` is the name of a flow."""
        return [
            Verb(
                usage="backfill <flow>",
                about="count for which existing users a flow would be carried out, and do it",
                example=f"backfill {example}",
                carry_out=self._count,
            )
        ]

    async def _count(self, typed: Typed) -> Said:
        flow = await self.shelf.set_up(typed.rest)
        if isinstance(flow, str):
            return flow
        if not await self.permissions.may(typed.user, "configure"):
            return await refusal("configure", self.permissions)
        try:
            self.backfills.sources(flow)
        except WontFillError as error:
            return f"`{flow.name}` cannot be back-filled: {words.escape(str(error), 500)}."
        under_way = await self.backfills.of(flow.name)
        if under_way is not None:
            return f"A back-fill of `{flow.name}` is under way already, for {words.number(under_way.total, 'user')}. Its message says how far it is."
        title = f"Back-fill of {flow.name}"
        key = f"backfill/{flow.name}/{time.time():.3f}"
        self.undertakings.begin(typed.user, title, lambda: self._dry_run(flow, typed.user, key), key=key)
        return (
            f"I am counting for whom `{flow.name}` would be carried out. Nothing is done yet: what came of it, "
            "I tell you in a direct message."
        )

    async def _dry_run(self, flow: SetUp, user: str, key: str) -> Sequence[str]:
        """Count, try out, and tell. Returns nothing more to say, or why it could not be counted."""
        try:
            counted = await self.backfills.count(flow, by=user)
        except WontFillError as error:
            return [f"It cannot be done: {words.escape(str(error), 500)}."]
        tried = [
            (person, await self.runs.dry_run(flow, person.event)) for person in await self.backfills.sample(counted.id)
        ]
        text, blocks = _dry_run_message(flow, counted, tried)
        channel, message = await self.workspace.post(user, text=text, blocks=blocks, key=key)
        if counted.fill:
            client, number = await self.accounts.client(_OWN), 0
            async for sheet in people_csv(
                self.backfills.people(counted.id), {one.person: did.summary for one, did in tried}
            ):
                number += 1
                given = NewFile(
                    channel=channel,
                    message=message,
                    name=f"backfill-{flow.name}{f'-{number}' if number > 1 else ''}.csv",
                    text=sheet,
                    comment="For whom it would be." if number == 1 else "And for these.",
                )
                await upload_file(client, given)
        log.info("backfill_counted", flow=flow.name, seen=counted.seen, fill=counted.fill, user=user)
        return ()

    async def begin(self, backfill_id: str, *, user: str, channel: str, message: str) -> str | None:
        """Begin what was counted. Returns why not."""
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        begun = await self.backfills.begin(backfill_id, channel=channel, message=message)
        if isinstance(begun, str):
            return words.escape(begun, 400)
        log.info("backfill_begun", flow=begun.flow, backfill=begun.id, people=begun.total, user=user)
        flow = await self.shelf.set_up([begun.flow])
        if not isinstance(flow, str):
            what = f"began a back-fill of `{begun.flow}` for {words.number(begun.total, 'user')}"
            await self.settings.announce(flow, what, by=user)
        await self.look()
        return None

    async def cancel(self, backfill_id: str, *, user: str) -> str:
        """Begin nothing more of a back-fill. Returns what to say."""
        if not await self.permissions.may(user, "configure"):
            return await refusal("configure", self.permissions)
        if not await self.backfills.cancel(backfill_id):
            return "This back-fill has ended already, so there is nothing to cancel."
        log.info("backfill_cancelled", backfill=backfill_id, user=user)
        return "Nothing more of it is begun. What was begun goes on to its end."

    async def look(self) -> None:
        """Go on with what is under way, and show how far it is."""
        for progress in await self.backfills.feed():
            row = progress.backfill
            if progress.over or time.time() - row.shown_at >= SHOW:
                try:
                    await self._show(progress)
                except ConnectorError as error:
                    log.warning("backfill_not_shown", backfill=row.id, why=error.message)
                else:
                    await self.backfills.shown(row.id, ended=progress.over)

    async def forget(self) -> None:
        """Forget what was counted and never begun."""
        await self.backfills.forget()

    async def _show(self, progress: Progress) -> None:
        row = progress.backfill
        text, blocks = _over(progress) if progress.over else _under_way(progress)
        await self.workspace.update(row.channel, row.message, text=text, blocks=blocks)
        if progress.over:
            # A message that changes tells nobody. The key keeps it from being told twice.
            client = await self.accounts.client(_OWN)
            await post_once(
                client, row.channel, text=text, blocks=[words.section(text)], key=f"{row.id}/over", thread=row.message
            )


def _dry_run_message(flow: SetUp, counted: Counted, tried: Sequence[tuple[Person, DryRun]]) -> Message:
    """Say for whom a flow would be carried out, and what it would do."""
    name = f"`{flow.name}`"
    lines = [
        f"*Back-fill of {name}: a dry run.* Nothing was done.",
        f"• {words.number(counted.seen, 'user')} in all",
        f"• {words.number(counted.fill, 'user')} would wake it",
    ]
    if counted.handled:
        lines.append(f"• {words.number(counted.handled, 'user')} it has dealt with already")
    if counted.never:
        lines.append(
            f"• for {words.number(counted.never, 'user')} it has not happened yet: they will wake it when it does"
        )
    lines += [
        f"• {words.number(count, 'user')} would not wake it: {words.escape(guarded(flow, guard), 300)}"
        for guard, count in counted.guards.most_common(5)
    ]
    text = f"Back-fill of {flow.name}: {words.number(counted.fill, 'user')} of {counted.seen:,} would wake it. Nothing was done."
    if not counted.fill:
        return text, words.pages(lines)
    lines += ["", f"Tried out, without doing it, for {'all' if len(tried) == counted.fill else len(tried)} of them:"]
    lines += [f"• {words.escape(line, 300)}" for line in summed([did for _, did in tried])]
    for person, did in tried[:_SHOWN]:
        lines.append(f"`{words.escape(person.person, 100)}`")
        lines += [f"      {words.escape(said, 400)}" for said in told(did)]
    begin = {
        **words.button(f"Do it for {words.number(counted.fill, 'user')}", action=f"{BUTTON}:begin", value=counted.id),
        "style": "danger",
        "confirm": {
            "title": words.plain("Back-fill", 100),
            "text": words.plain(f"Carry {flow.name} out for {words.number(counted.fill, 'user')}?", 300),
            "confirm": words.plain("Do it", 30),
            "deny": words.plain("Not now", 30),
        },
    }
    small = (
        "Each user once, a few at a time, within the flow's own caps. You can cancel it on the way. The file in the "
        "thread has all of them. What was counted is kept for a day."
    )
    return text, [*words.pages(lines, 20), {"type": "actions", "elements": [begin]}, words.context(small)]


def _under_way(progress: Progress) -> Message:
    row, states = progress.backfill, progress.states
    share = 100 * row.position // max(row.total, 1)
    facts = [
        f"{states.get('done', 0):,} went well",
        f"{_failed(progress):,} failed",
        f"{row.passed:,} passed over",
    ]
    waiting = states.get("waiting", 0)
    if waiting:
        facts.append(f"{waiting:,} wait for a time or an answer")
    what = "is being cancelled" if row.state == "cancelled" else "is under way"
    text = f"Back-fill of `{row.flow}` {what}: {row.position:,} of {words.number(row.total, 'user')} ({share} %)."
    lines = [text, f"So far {', '.join(facts)}."]
    if progress.halted:
        lines.append(f":double_vertical_bar: It halts: {words.escape(progress.halted, 300)}.")
    cancel = words.button("Cancel", action=f"{BUTTON}:cancel", value=row.id)
    buttons = [{"type": "actions", "elements": [cancel]}] if row.state == "running" else []
    return text, [*words.pages(lines), *buttons]


def _over(progress: Progress) -> Message:
    row, states = progress.backfill, progress.states
    what = "was cancelled" if row.state == "cancelled" else "is over"
    facts = [
        f"{states.get('done', 0):,} went well",
        f"{_failed(progress):,} failed",
        f"{row.passed:,} passed over",
    ]
    if states.get("cancelled"):
        facts.append(f"{states['cancelled']:,} were cancelled")
    if row.position < row.total:
        facts.append(f"{row.total - row.position:,} were not begun")
    text = f"Back-fill of `{row.flow}` {what}. Of {words.number(row.total, 'user')}: {', '.join(facts)}."
    if states.get("failed"):
        text += f" `{COMMAND} failed` lists the failures."
    return text, words.pages([text])


def _failed(progress: Progress) -> int:
    return progress.states.get("failed", 0) + progress.states.get("discarded", 0)


def register(app: AsyncApp, desk: BackfillDesk) -> None:
    """Listen to the buttons of back-fills."""

    @app.action(_BUTTONS)
    async def pressed(ack: AsyncAck, body: dict[str, Any], action: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        user, backfill_id = str(body["user"]["id"]), str(action["value"])
        if str(action["action_id"]).endswith(":cancel"):
            await tell(respond, await desk.cancel(backfill_id, user=user))
            return
        place = body["container"]
        refused = await desk.begin(
            backfill_id, user=user, channel=str(place["channel_id"]), message=str(place["message_ts"])
        )
        if refused is not None:
            await tell(respond, refused)
