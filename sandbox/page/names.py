"""What the people, channels and user groups of the workspace are called."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Offers:
    """Whom and what one person can choose in a select of people, channels or conversations: (id, name)."""

    people: tuple[tuple[str, str], ...] = ()
    channels: tuple[tuple[str, str], ...] = ()
    conversations: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names by id; an id that nobody knows is shown as it is."""

    users: Mapping[str, str] = field(default_factory=dict)
    channels: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    """The addresses of uploaded files."""

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Names":
        """Read them from the workspace's state."""
        return cls(
            users={user["id"]: called(user) for user in listed(state, "users")},
            channels={channel["id"]: str(channel.get("name", "")) for channel in listed(state, "channels")},
            groups={
                group["id"]: str(group.get("handle") or group.get("name") or group["id"])
                for group in listed(state, "user_groups")
            },
            files={file["id"]: str(file.get("url_private") or "") for file in listed(state, "files")},
        )

    def user(self, user_id: str) -> str:
        """Name a person."""
        return self.users.get(user_id, user_id)

    def channel(self, channel_id: str) -> str:
        """Name a channel."""
        return self.channels.get(channel_id, channel_id)

    def file(self, file_id: object) -> str:
        """Give the address of an uploaded file; nothing if there is none."""
        return self.files.get(str(file_id), "")

    def group(self, group_id: str) -> str:
        """Name a user group."""
        return self.groups.get(group_id, group_id)


def called(user: Mapping[str, Any]) -> str:
    """Choose what Slack would show for this person."""
    return str(user.get("real_name") or user.get("name") or user["id"])


def listed(state: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """Give the dictionaries with an id in a list of the state, or none."""
    found = state.get(key) or []
    rows: Iterable[Any] = found.values() if isinstance(found, Mapping) else found
    return [row for row in rows if isinstance(row, dict) and "id" in row]
