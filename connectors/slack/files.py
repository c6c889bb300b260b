"""Files: a text, a table or a picture, uploaded into a channel or a thread."""

import base64
import binascii
import time
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from connectors.base import Filling, Value
from connectors.errors import Ambiguous, Missing, Reconnect, Refused
from connectors.slack.client import Workspace
from connectors.slack.connector import slack
from connectors.slack.contents import CHANNEL, STAMP, ChannelId, Stamp
from connectors.slack.marks import escaped
from connectors.slack.posting import messages

FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\\x00-\x1f]+$", max_length=200)]
Comment = Annotated[str, StringConstraints(min_length=1, max_length=3000), Filling(escaped)]
LONGEST = 10_000_000


class NewFile(Value):
    """A file to upload."""

    channel: ChannelId = Field(title="Channel", description=f"{CHANNEL} The app must be in it.")
    message: Stamp | None = Field(
        default=None, title="Message", description=f"Upload it into the thread of a message. {STAMP}"
    )
    name: FileName = Field(title="Name", description="Such as people.csv: how Slack shows it follows from its end.")
    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] | None = Field(
        default=None, title="Text", description="What is in it, for texts and tables."
    )
    base64: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST)] | None = Field(
        default=None, title="Base64", description="Or what is in it, for pictures and the like, written as base64."
    )
    title: Annotated[str, StringConstraints(min_length=1, max_length=255)] | None = Field(
        default=None, title="Title", description="What is shown above it, if it is not its name."
    )
    comment: Comment | None = Field(
        default=None, title="Comment", description="What the message with the file says, in Slack's own marks."
    )
    image_text: Annotated[str, StringConstraints(min_length=1, max_length=1000)] | None = Field(
        default=None,
        title="Picture in words",
        description="What is to be seen in a picture, for those who do not see it.",
    )

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("Say what is in the file, either as text or as base64.")
        if self.base64 is not None:
            try:
                base64.b64decode(self.base64, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError("This is not base64.") from None
        return self


class Uploaded(Value):
    """A file that was uploaded."""

    file: str = Field(title="File", description="Its id.")
    channel: str = Field(title="Channel", description="The id of the channel that it is in.")


@slack.action("Upload a file", effect="changes")
async def upload_file(client: Workspace, given: NewFile) -> Uploaded:
    """Upload a text, a table or a picture into a channel that the app is in, or into a thread there."""
    file = await promise(client, given)
    await share(client, given, file, channel=given.channel)
    return Uploaded(file=file, channel=given.channel)


async def promise(client: Workspace, given: NewFile) -> str:
    """Send the bytes of a file. Nobody sees it yet. Returns its id. Raises ConnectorError."""
    content = given.text.encode() if given.text is not None else base64.b64decode(given.base64 or "")
    promised = await client.call(
        "files.getUploadURLExternal", filename=given.name, length=len(content), alt_txt=given.image_text
    )
    await client.upload(str(promised["upload_url"]), content)
    return str(promised["file_id"])


async def share(client: Workspace, given: NewFile, file: str, *, channel: str | None = None) -> None:
    """Complete a file: for a channel or a thread, or for messages that are to show it. Raises ConnectorError."""
    began = time.time()
    try:
        await client.call(
            "files.completeUploadExternal",
            files=[{"id": file, "title": given.title or given.name}],
            channel_id=channel,
            thread_ts=given.message,
            initial_comment=given.comment,
        )
    except Ambiguous as error:
        if channel is None or not await _shared(client, given, file, since=began, error=error):
            raise


async def _shared(client: Workspace, given: NewFile, file: str, *, since: float, error: Ambiguous) -> bool:
    """Tell whether a file is in its channel. Raises Ambiguous where that cannot be seen."""
    try:
        said = await messages(client, given.channel, since=since, thread=given.message)
    except (Missing, Reconnect, Refused) as why:
        raise Ambiguous(f"{error.message} I could not look: {why.message}", code=error.code) from why
    return any(each.get("id") == file for message in said for each in message.get("files") or [])
