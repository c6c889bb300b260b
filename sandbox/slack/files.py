"""Files that the bot has uploaded."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.slack.stamps import Stamps

Json = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class File:
    """A file: promised, then uploaded, then completed."""

    id: str
    key: str
    name: str
    length: int
    alt_txt: str
    created: int
    user: str
    content: bytes | None = None
    title: str | None = None
    ready_at: float | None = None
    """When the service has looked at it, once it is complete: no message can show it before."""
    channels: list[str] = field(default_factory=list)
    shares: dict[str, list[Json]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Give the file's type, from its name."""
        return self.name.rpartition(".")[2].lower() if "." in self.name else "text"

    @property
    def mimetype(self) -> str:
        """Give the file's media type. Only pictures are shown as what they are."""
        return f"image/{self.kind}" if self.kind in ("png", "jpeg", "gif") else "application/octet-stream"

    def as_given(self, address: str, *, ready: bool = True) -> Json:
        """Show the file the way files.info does: of one that is not looked at yet, the kind is not known."""
        given: Json = {
            "id": self.id,
            "created": self.created,
            "timestamp": self.created,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype if ready else "",
            "filetype": self.kind if ready else "",
            "user": self.user,
            "size": self.length,
            "mode": "hosted",
            "is_external": False,
            "is_public": bool(self.channels),
            "url_private": f"{address}/files/{self.id}/{self.key}",
            "channels": [channel for channel in self.channels if channel.startswith("C")],
            "groups": [channel for channel in self.channels if channel.startswith("G")],
            "ims": [channel for channel in self.channels if channel.startswith("D")],
            "shares": {
                "public": {c: shares for c, shares in self.shares.items() if c.startswith("C")},
                "private": {c: shares for c, shares in self.shares.items() if not c.startswith("C")},
            },
        }
        if self.alt_txt:
            given["alt_txt"] = self.alt_txt
        return given


LOOKING = 0.15
"""Seconds that it takes to look at a file."""


class Files:
    """Every file of the workspace."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._files: dict[str, File] = {}

    def promise(self, *, name: str, length: int, alt_txt: str, user: str) -> File:
        """Make a file whose bytes are yet to come."""
        file = File(
            id=self._stamps.id("F"),
            key=self._stamps.secret(),
            name=name,
            length=length,
            alt_txt=alt_txt,
            created=int(self._stamps.clock()),
            user=user,
        )
        self._files[file.id] = file
        return file

    def complete(self, file: File, title: str) -> None:
        """Finish a file: it is looked at now."""
        file.title = title
        file.ready_at = self._stamps.clock() + LOOKING

    def ready(self, file: File) -> bool:
        """Tell whether a message can show a file."""
        return file.ready_at is not None and file.ready_at <= self._stamps.clock()

    def every(self) -> list[File]:
        """List those whose bytes have come."""
        return [file for file in self._files.values() if file.content is not None]

    def find(self, file_id: str) -> File | None:
        """Find a file by its id."""
        return self._files.get(file_id)

    def keyed(self, key: str) -> File | None:
        """Find a file by the secret part of its address."""
        return next((file for file in self._files.values() if file.key == key), None)
