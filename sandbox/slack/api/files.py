"""files.*: uploads, in Slack's three steps."""

from typing import Any

from sandbox.slack.contents import read_contents
from sandbox.slack.files import File
from sandbox.slack.methods import Call, method
from sandbox.slack.places import seen
from sandbox.slack.refusals import Refusal

Json = dict[str, Any]

LONGEST_ALT_TEXT = 1_000
MOST_CHANNELS = 100


@method("files.getUploadURLExternal", "files:write", tier=4)
def get_upload_url(call: Call) -> Json:
    """Promise a file; gives the address that its bytes go to."""
    arguments = call.arguments
    name = arguments.required("filename")
    length = arguments.number("length", 0, least=0, most=1 << 30)
    if length == 0:
        raise Refusal("missing_argument" if not arguments.has("length") else "invalid_arguments")
    alt_txt = arguments.text("alt_txt")
    if len(alt_txt) > LONGEST_ALT_TEXT:
        raise Refusal("alt_txt_too_large")
    file = call.workspace.files.promise(name=name, length=length, alt_txt=alt_txt, user=call.workspace.bot.id)
    return {"upload_url": f"{call.address}/upload/v1/{file.key}", "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(call: Call) -> Json:
    """Finish uploads, and share them in channels."""
    workspace, arguments = call.workspace, call.arguments
    wanted = arguments.json("files")
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, dict) for each in wanted):
        raise Refusal("invalid_arguments")
    files = [_uploaded(call, str(each.get("id", ""))) for each in wanted]
    contents = read_contents(arguments, workspace.files)
    if any(block["type"] == "markdown" for block in contents.blocks or []):
        raise Refusal("internal_error")
    if contents.blocks and arguments.text("initial_comment"):
        raise Refusal("invalid_arguments")
    channels = arguments.names("channels") or arguments.names("channel_id")
    if len(channels) > MOST_CHANNELS:
        raise Refusal("invalid_arguments")
    places = [seen(workspace, channel) for channel in channels]
    if any(workspace.bot.id not in place.members for place in places):
        raise Refusal("not_in_channel")
    if any(place.is_archived for place in places):
        raise Refusal("is_archived")
    for file, each in zip(files, wanted, strict=True):
        workspace.files.complete(file, str(each.get("title") or file.name))
    for place in places:
        for file in files:
            file.channels.append(place.id)
        message = workspace.post(
            place,
            workspace.bot,
            arguments.text("initial_comment"),
            contents.blocks or [],
            thread_ts=arguments.text("thread_ts") or None,
            files=[file.as_given(call.address) for file in files],
        )
        for file in files:
            file.shares.setdefault(place.id, []).append({"ts": message.ts, "channel_name": place.name})
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


@method("files.info", "files:read", tier=4)
def info(call: Call) -> Json:
    """Tell about a file."""
    file = call.workspace.files.find(call.arguments.required("file"))
    if file is None:
        raise Refusal("file_not_found")
    ready = call.workspace.files.ready(file)
    return {"file": file.as_given(call.address, ready=ready), "comments": [], "response_metadata": {"next_cursor": ""}}


def _uploaded(call: Call, file_id: str) -> File:
    file = call.workspace.files.find(file_id)
    if file is None or file.content is None:
        raise Refusal("file_not_found")
    return file
