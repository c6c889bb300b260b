"""Files that belong to records."""

import asyncio
import base64
import hashlib
from binascii import Error
from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import Field, model_validator

from connectors.base import Value
from connectors.errors import Ambiguous, ConnectorError, Missing, Refused
from connectors.servicenow.client import Instance, result_of
from connectors.servicenow.connector import servicenow
from connectors.servicenow.names import SysId, written
from connectors.servicenow.queries import equal, page
from connectors.servicenow.records import RecordRef

FIELDS: Final = ("file_name", "content_type", "size_bytes", "hash", "sys_created_on")
LARGEST: Final = 5_000_000
"""Bytes; flows are no place for larger files."""
MOST: Final = 1000


class NewAttachment(RecordRef):
    """A file to be attached."""

    file_name: str = Field(
        min_length=1,
        max_length=100,
        pattern=r"^[^\x00-\x1f/\\^]+$",
        title="File name",
        description="Such as report.csv.",
    )
    text: str | None = Field(default=None, max_length=LARGEST, title="Text", description="What is in it, as text.")
    base64: str | None = Field(
        default=None, max_length=LARGEST * 4 // 3 + 4, title="Base64", description="What is in it, if it is no text."
    )
    content_type: str = Field(
        default="text/plain",
        pattern=r"^[a-z0-9.+-]+/[a-z0-9.+-]+$",
        max_length=100,
        title="Kind",
        description="What kind of file it is, such as text/csv.",
    )

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("Give either a text or base64.")
        self.content()
        return self

    def content(self) -> bytes:
        """Return the bytes of the file."""
        if self.text is not None:
            return self.text.encode()
        try:
            return base64.b64decode(self.base64 or "", validate=True)
        except Error:
            raise ValueError("This is not base64.") from None


class Attachment(Value):
    """A file that belongs to a record."""

    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the file.")
    file_name: str = Field(title="File name", description="What it is called.")
    content_type: str = Field(title="Kind", description="What kind of file it is.")
    size: int = Field(title="Size", description="In bytes.")
    sys_created_on: str = Field(title="Created", description="When it was attached: UTC, as ServiceNow writes it.")


class Attached(Attachment):
    """A file that is there."""

    created: bool = Field(title="Attached now", description="False where the same file was there before.")


class Attachments(Value):
    """The files of a record."""

    attachments: list[Attachment] = Field(title="Files", description="The newest first.")
    count: int = Field(title="Count", description="How many were brought back.")
    complete: bool = Field(title="Complete", description="False when there are more.")


class AttachmentRef(Value):
    """Which file is meant."""

    sys_id: SysId


class Content(Attachment):
    """A file with what is in it."""

    text: str | None = Field(title="Text", description="What is in it, if it is text in UTF-8.")
    base64: str = Field(title="Base64", description="What is in it, in any case.")


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    size = written(row.get("size_bytes"))
    texts = {name: written(row.get(name)) for name in ("sys_id", "file_name", "content_type", "sys_created_on")}
    return {**texts, "size": int(size) if size.isdecimal() else 0}


async def _same(client: Instance, given: NewAttachment, content: bytes) -> Mapping[str, Any] | None:
    """Find the file where it is attached already."""
    where = {"table_sys_id": given.sys_id, "table_name": given.table}
    found = await page(client, "sys_attachment", equal(where), fields=FIELDS, limit=MOST)
    digest = hashlib.sha256(content).hexdigest()
    for row in found.rows:
        same_content = row["hash"] == digest if row.get("hash") else row.get("size_bytes") == str(len(content))
        if row.get("file_name") == given.file_name and same_content:
            return row
    return None


@servicenow.action("Attach a file", effect="changes")
async def add_attachment(client: Instance, given: NewAttachment) -> Attached:
    """Attach a file to a record, unless the same file is attached there already."""
    content = given.content()
    async with client.turn(f"{given.sys_id}/{given.file_name}"):
        there = await _same(client, given, content)
        if there:
            return Attached(**_shown(there), created=False)
        try:
            row = await result_of(
                client,
                "POST",
                "/api/now/attachment/file",
                params={"table_name": given.table, "table_sys_id": given.sys_id, "file_name": given.file_name},
                content=content,
                headers={"Content-Type": given.content_type},
            )
        except Ambiguous as error:
            # A file cannot be marked, and may still be on its way: it is not sent a second time.
            for pause in client.pauses:
                await asyncio.sleep(pause)
                try:
                    there = await _same(client, given, content)
                except ConnectorError:
                    continue
                if there:
                    return Attached(**_shown(there), created=True)
            message = f"{error.message} It was looked for and is not there yet; look at the record first."
            raise Ambiguous(message, status=error.status) from error
    return Attached(**_shown(row), created=True)


@servicenow.action("List attachments", effect="reads", repeatable=True)
async def list_attachments(client: Instance, given: RecordRef) -> Attachments:
    """List the files of a record."""
    where = {"table_sys_id": given.sys_id, "table_name": given.table}
    found = await page(client, "sys_attachment", equal(where), fields=FIELDS, limit=MOST)
    files = [Attachment(**_shown(row)) for row in found.rows]
    return Attachments(attachments=files, count=len(files), complete=found.total <= MOST)


@servicenow.action("Get an attachment", effect="reads", repeatable=True)
async def get_attachment(client: Instance, given: AttachmentRef) -> Content:
    """Fetch a file with what is in it; it must not be larger than 5 MB."""
    row = await result_of(client, "GET", f"/api/now/attachment/{given.sys_id}")
    if not isinstance(row, dict) or row.get("sys_id") != given.sys_id:
        raise Missing("ServiceNow has no such file.")
    known = Attachment(**_shown(row))
    if known.size > LARGEST:
        raise Refused(f"{known.file_name} has {known.size} bytes, which is more than a flow may carry.")
    content = (await client.http.get(f"/api/now/attachment/{given.sys_id}/file")).content
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = None
    return Content(**known.model_dump(), text=text, base64=base64.b64encode(content).decode())
