"""Calls of a service's API for which there is no action: what every one of them is given, and where it may go."""

import re
from typing import Any, ClassVar, Final, Literal
from urllib.parse import unquote

from pydantic import Field, field_validator

from connectors.base import Value

PLAIN: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%|/-]+")
UNESCAPED: Final = 5
"""How often a path is unescaped before it is looked at: whoever is between may do so once more."""


class Call(Value):
    """A call that reads. Each service says below which roots its API is."""

    roots: ClassVar[tuple[str, ...]]
    path: str
    query: dict[str, str | int | bool] = Field(
        default_factory=dict, title="Query", description="Names and values that go behind the question mark."
    )

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        """Refuse every path that could lead out of the API, however often it is escaped."""
        plain = path
        for _ in range(UNESCAPED):
            plain = unquote(plain)
        if not path.startswith(cls.roots) or not plain.startswith(cls.roots) or not PLAIN.fullmatch(path):
            raise ValueError(
                f"The path must begin with {' or '.join(cls.roots)} and hold only letters, digits and the usual marks."
            )
        parts = plain.split("/")
        if {".", ".."} & set(parts) or "" in parts[1:-1] or "\\" in plain or not plain.isprintable():
            raise ValueError("The path must not lead anywhere else.")
        return path

    @property
    def sent(self) -> dict[str, str | int]:
        """The query as it is sent: yes and no are words."""
        return {name: str(value).lower() if isinstance(value, bool) else value for name, value in self.query.items()}


def path(description: str) -> Any:
    """Declare the path of a service's calls."""
    return Field(max_length=1000, title="Path", description=description)


class Changing(Value):
    """What a call that changes something is given besides."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"] = Field(title="Method", description="What to do there.")
    body: Any = Field(default=None, title="Body", description="What is sent, as JSON; empty for nothing.")
