"""Reports: one message with numbers, a picture of them, buttons to go on with, and the table in its thread."""

import asyncio
import base64
from collections.abc import Sequence
from hashlib import sha256
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from connectors.base import Value
from connectors.errors import ConnectorError, Missing, Reconnect, Refused
from connectors.limits import patiently
from connectors.slack.client import Workspace
from connectors.slack.connector import slack
from connectors.slack.contents import (
    CHANNEL,
    ChannelId,
    Contents,
    Key,
    Marked,
    buttons_of,
    context,
    notice_of,
    parts_of,
    sections,
)
from connectors.slack.files import LONGEST, FileName, NewFile, promise, share
from connectors.slack.posting import find, messages, post_once

READY: Final = (0.3, 0.7, 1.5, 3.0, 5.0)
"""Pauses until Slack has looked at a picture. Until then no message can show it."""
PICTURE: Final = "report.png"
INVALID: Final = "invalid_blocks"
NO_PICTURE: Final = ":frame_with_picture: The picture is missing"


class NewReport(Contents):
    """A report to be posted in a channel."""

    channel: ChannelId = Field(title="Channel", description=CHANNEL)
    key: Key = Field(
        title="Key",
        description="Text that names this report, such as {{ run.id }}: the same again posts no second one.",
    )
    details: Marked | None = Field(
        default=None, title="Details", description="More text, under the picture: what the picture does not show."
    )
    picture: Annotated[str, StringConstraints(max_length=LONGEST)] | None = Field(
        default=None,
        title="Picture",
        description="A PNG in base64, as charts.draw gives it. Empty text: there should be one, and the report says that it is missing.",
    )
    table: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] | None = Field(
        default=None, title="Table", description="CSV, as csv.compose gives it. It is put into the report's thread."
    )
    table_name: FileName = Field(default="report.csv", title="Table's name", description="What the file is called.")

    @field_validator("picture")
    @classmethod
    def _a_picture(cls, picture: str | None) -> str | None:
        """Accept base64."""
        try:
            base64.b64decode(picture or "", validate=True)
        except ValueError:
            raise ValueError("This is not base64.") from None
        return picture

    @model_validator(mode="after")
    def _with_words(self) -> Self:
        if self.picture and not self.image_text:
            raise ValueError("A picture needs its content in words.")
        return self


class Reported(Value):
    """A report that was posted."""

    channel: str = Field(title="Channel", description="The id of the channel.")
    message: str = Field(title="Message", description="Its own name in there: its timestamp.")
    existed: bool = Field(title="Existed", description="Whether it was there before.")
    missing: str = Field(title="Missing", description="Why the picture or the table is missing; empty if nothing is.")


@slack.action("Post a report", effect="changes", repeatable=True)
async def post_report(client: Workspace, given: NewReport) -> Reported:
    """Post numbers with their picture, buttons, and a table in the thread, once for each key.

    Where the picture cannot be shown, the numbers are posted without it, and say so. The app has to be in the channel: for
    the picture and the table, and so that there is certainly no second report.
    """
    mark = sha256(given.key.encode()).hexdigest()
    member, posted = await _looked_for(client, given.channel, mark)
    undrawn = "It could not be drawn." if given.picture == "" else ""
    # Where we cannot look, we say so by giving no key: otherwise it would be looked for in vain.
    key = given.key if member else None
    ts = (
        posted
        or (await post_once(client, given.channel, text=notice_of(given), blocks=_blocks(given, why=undrawn), key=key))[
            1
        ]
    )
    lost = await _pictured(client, given, ts, mark) if given.picture else undrawn
    untabled = await _tabled(client, given, ts) if given.table is not None else ""
    return Reported(
        channel=given.channel, message=ts, existed=posted is not None, missing=" ".join(filter(None, (lost, untabled)))
    )


async def _looked_for(client: Workspace, channel: str, mark: str) -> tuple[bool, str | None]:
    """Return whether we can look into a channel, and the report if it is there."""
    try:
        return True, await find(client, channel, key=mark, since=None)
    except (Missing, Reconnect):
        return False, None


async def _pictured(client: Workspace, given: NewReport, ts: str, mark: str) -> str:
    """Show the picture in the report. Returns why it is missing, which the report then says, too.

    It goes into the thread first: a file that is in no channel can be seen by nobody but us, also within a message.
    """
    try:
        file = await _in_thread(client, given, ts, PICTURE) or await _upload(client, given, ts)
        await _shown(client, given, ts, mark, file)
    except ConnectorError as error:
        why = "Slack did not show it." if error.code == INVALID else error.message
    else:
        return ""
    try:
        await _update(client, given, ts, mark, _blocks(given, why=why))
    except ConnectorError as error:  # the numbers stand there, and the run says what is missing
        return f"{why} {error.message}"
    return why


async def _upload(client: Workspace, given: NewReport, ts: str) -> str:
    file = NewFile(
        channel=given.channel, message=ts, name=PICTURE, base64=given.picture, image_text=_brief(given.image_text)
    )
    uploaded = await patiently(lambda: promise(client, file), attempts=2, longest=5.0)
    await patiently(lambda: share(client, file, uploaded, channel=given.channel), attempts=2, longest=5.0)
    return uploaded


async def _shown(client: Workspace, given: NewReport, ts: str, mark: str, file: str) -> None:
    for pause in READY:
        try:
            return await _update(client, given, ts, mark, _blocks(given, file=file))
        except Refused as error:
            if error.code != INVALID:
                raise
        await asyncio.sleep(pause)
    return await _update(client, given, ts, mark, _blocks(given, file=file))


async def _update(client: Workspace, given: NewReport, ts: str, mark: str, blocks: Sequence[dict[str, Any]]) -> None:
    await patiently(
        lambda: client.call(
            "chat.update",
            channel=given.channel,
            ts=ts,
            text=notice_of(given),
            blocks=list(blocks),
            metadata={"event_type": "cicflow", "event_payload": {"key": mark}},
        ),
        attempts=2,
        longest=5.0,
    )


def _blocks(given: NewReport, *, file: str | None = None, why: str = "") -> list[dict[str, Any]]:
    blocks = parts_of(given)
    if file is not None:
        blocks.append({"type": "image", "slack_file": {"id": file}, "alt_text": given.image_text})
    if why:
        blocks.append(context(f"{NO_PICTURE}: {why}"))
    blocks += sections(given.details or "")
    return [*blocks, *buttons_of(given)]


async def _tabled(client: Workspace, given: NewReport, ts: str) -> str:
    """Put the table into the report's thread, unless it is there. Returns why it is missing."""
    file = NewFile(channel=given.channel, message=ts, name=given.table_name, text=given.table)
    try:
        if await _in_thread(client, given, ts, file.name) is not None:
            return ""
        uploaded = await promise(client, file)
        await share(client, file, uploaded, channel=given.channel)
    except (Missing, Refused, Reconnect) as error:
        text = f"The table is missing: {error.message}"
        await post_once(client, given.channel, text=text, blocks=[context(text)], key=None, thread=ts)
        return text
    return ""


async def _in_thread(client: Workspace, given: NewReport, ts: str, name: str) -> str | None:
    """Return the file of a name in the report's thread, if it is there. Raises ConnectorError."""
    there = await messages(client, given.channel, since=None, thread=ts)
    files = [file for message in there for file in message.get("files") or []]
    return next((str(file["id"]) for file in files if file.get("name") == name), None)


def _brief(text: str | None) -> str | None:
    return text and text[:1000]
