"""How many people have not been there for long, by how long, by connection, and by what shows it."""

from collections import Counter
from itertools import pairwise
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.counts import TOP, Count
from connectors.auth0.inactive import Inactive, Looked, find_inactive_users
from connectors.auth0.signs_of_life import Signs
from connectors.base import Value

AGES: Final = [30, 60, 120, 365]
SIGNALS: Final = {
    "last_login": "their last login",
    "session": "a session",
    "refresh_token": "a refresh token",
    "log": "the log",
    "never": "the age of the account: they never signed in",
}


class Ages(Value):
    """Whom to count."""

    ages: Annotated[list[int], Field(min_length=1, max_length=10)] = Field(
        default=AGES,
        title="Ages",
        description="Days at which the groups begin: 30, 60 makes 30 to 59, and 60 and more.",
    )
    connection: str | None = Field(
        default=None, min_length=1, max_length=128, title="Connection", description="Only people of this connection."
    )
    without_blocked: bool = Field(
        default=False, title="Without blocked", description="Leave out people whom an administrator blocked."
    )
    confirm_with: Signs | Literal["none"] = Field(
        default="none",
        title="Confirm with",
        description="What to look at for each person found, a call or more each, before they count as inactive.",
    )

    @property
    def groups(self) -> list[int]:
        """Return where the groups begin: with the first, and then those that are greater."""
        first, *others = self.ages
        return [first, *sorted({age for age in others if age > first})]


class Inactives(Value):
    """How many they are."""

    total: int = Field(title="Total", description="How many people are inactive.")
    by_age: list[Count] = Field(title="By age", description="How many by how long; then those who never signed in.")
    by_connection: list[Count] = Field(title="By connection", description="The ten connections with the most.")
    table: list[dict[str, Any]] = Field(
        title="Table", description="How many by both: objects with connection, inactive and people."
    )
    signals: str = Field(title="Signals", description="By which signals, in words, with how many by each.")
    note: str = Field(title="Note", description="How complete it is, in words.")
    complete: bool = Field(title="Complete", description="Whether nobody can have been missed.")
    seen: int = Field(title="Seen", description="How many people were looked at.")
    active: int = Field(title="Active", description="How many turned out to be active after all.")


@auth0.action("Count inactive users", effect="reads", repeatable=True)
async def count_inactive_users(client: Tenant, given: Ages) -> Inactives:
    """Count people who have not been there for long, and those who never were, however many there are."""
    groups = given.groups
    bands = [f"{low} to {high - 1} days" for low, high in pairwise(groups)] + [f"{groups[-1]} days and more"]
    both: Counter[tuple[str, str]] = Counter()
    looked: Looked | None = None
    wanted = Inactive(
        days=groups[0],
        connection=given.connection,
        without_blocked=given.without_blocked,
        confirm_with=given.confirm_with,
        fields=["connection"],
    )
    async for user in find_inactive_users(client, wanted):
        if isinstance(user, Looked):
            looked = user
            continue
        reached = sum(user.inactive_days >= age for age in groups)
        band = "never signed in" if user.signal == "never" else bands[max(reached - 1, 0)]
        both[user.connection or "unknown", band] += 1
    ages: Counter[str] = Counter()
    connections: Counter[str] = Counter()
    for (connection, band), count in both.items():
        ages[band] += count
        connections[connection] += count
    order = [*bands, "never signed in"]
    signals = looked.signals if looked else {}
    said = ", ".join(f"{SIGNALS.get(name, name)} ({count:,})" for name, count in signals.items())
    return Inactives(
        total=both.total(),
        by_age=[Count(name=band, count=ages[band]) for band in order],
        by_connection=[Count(name=name, count=count) for name, count in connections.most_common(TOP)],
        table=[
            {"connection": connection, "inactive": band, "people": both[connection, band]}
            for connection, _ in connections.most_common()
            for band in order
            if both[connection, band]
        ],
        signals=said or "nobody was found",
        note=looked.note if looked else "",
        complete=bool(looked and looked.complete),
        seen=looked.seen if looked else 0,
        active=looked.active if looked else 0,
    )
