"""What a message may hold: the checks that every way of posting one has in common."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.slack.arguments import Arguments
from sandbox.slack.blocks import Problem, check_message
from sandbox.slack.blocks.surfaces import MARKDOWN_TEXT, MESSAGE_TEXT, characters
from sandbox.slack.files import Files
from sandbox.slack.refusals import Refusal

Json = dict[str, Any]

LONGEST_TEXT = 40_000
MOST_ATTACHMENTS = 100
METADATA_CHARACTERS = 8_000
NO_TEXT = "This content can't be displayed."
"""The text that Slack gives to a message that has blocks and no text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The checked contents of a message. None means: not given."""

    text: str | None
    blocks: list[Json] | None
    attachments: list[Json] | None
    metadata: Json | None


def refuse_blocks(problems: list[Problem], error: str = "invalid_blocks") -> None:
    """Raise the Refusal that names these problems, if there are any."""
    if problems:
        texts = [each.as_text() for each in problems]
        raise Refusal(error, errors=texts, response_metadata={"messages": [f"[ERROR] {text}" for text in texts]})


def read_contents(arguments: Arguments, files: Files) -> Contents:
    """Read and check what a message is to hold. Raises Refusal."""
    text = arguments.text("text") if arguments.has("text") else None
    blocks = _blocks(arguments, files)
    attachments = _attachments(arguments)
    markdown = arguments.text("markdown_text")
    if markdown:
        if text or blocks:
            raise Refusal("markdown_text_conflict")
        if len(markdown) > MARKDOWN_TEXT:
            raise Refusal("msg_too_long")
        text, blocks = markdown, [{"type": "markdown", "text": markdown}]
    return Contents(text=text, blocks=blocks, attachments=attachments, metadata=_metadata(arguments))


def posted_text(contents: Contents) -> str:
    """Give the text of a new message. Raises Refusal when the message holds nothing."""
    if contents.text:
        return contents.text[:LONGEST_TEXT]
    if not contents.blocks and not contents.attachments:
        raise Refusal("no_text")
    return NO_TEXT if contents.blocks else ""


def _blocks(arguments: Arguments, files: Files) -> list[Json] | None:
    blocks = arguments.json("blocks", error="invalid_blocks_format")
    if blocks is None:
        return None
    if not isinstance(blocks, list):
        raise Refusal("invalid_blocks_format")
    refuse_blocks(check_message(blocks))
    refuse_blocks(list(_missing_files(blocks, files, "/blocks")))
    if characters(blocks) > MESSAGE_TEXT:
        raise Refusal("msg_blocks_too_long")
    return blocks


def _missing_files(value: Any, files: Files, at: str) -> Iterator[Problem]:
    """Find the pictures that are named by the id of a file which is not there, or not there yet."""
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _missing_files(each, files, f"{at}/{place}")
    elif isinstance(value, dict):
        named = value.get("slack_file")
        if isinstance(named, dict) and "id" in named:
            file = files.find(named["id"])
            if file is None or not files.ready(file):
                yield Problem(message="invalid slack file", pointer=f"{at}/slack_file")
        for key, each in value.items():
            yield from _missing_files(each, files, f"{at}/{key}")


def _attachments(arguments: Arguments) -> list[Json] | None:
    attachments = arguments.json("attachments", error="invalid_attachments")
    if attachments is None:
        return None
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise Refusal("invalid_attachments")
    if len(attachments) > MOST_ATTACHMENTS:
        raise Refusal("too_many_attachments")
    for place, attachment in enumerate(attachments):
        if "blocks" in attachment:
            refuse_blocks(check_message(attachment["blocks"], f"/attachments/{place}/blocks"))
    return attachments


def _metadata(arguments: Arguments) -> Json | None:
    metadata = arguments.json("metadata", error="invalid_metadata_format")
    if metadata is None:
        return None
    if not isinstance(metadata, dict):
        raise Refusal("invalid_metadata_format")
    if not metadata:
        return {}
    if not isinstance(metadata.get("event_type"), str) or not isinstance(metadata.get("event_payload"), dict):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(metadata)) > METADATA_CHARACTERS:
        raise Refusal("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}
