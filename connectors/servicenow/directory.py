"""Who is in ServiceNow: users and groups."""

from collections.abc import Mapping
from typing import Any, Final, Self

from pydantic import Field, model_validator

from connectors.base import Value
from connectors.errors import Missing, Refused
from connectors.servicenow.client import Instance
from connectors.servicenow.connector import servicenow
from connectors.servicenow.names import SYS_ID, Sought, written
from connectors.servicenow.queries import equal, page

USER: Final = ("user_name", "name", "email", "title", "active", "locked_out", "manager")
GROUP: Final = ("name", "description", "email", "active", "manager")
MOST: Final = 1000


class User(Value):
    """A person whom ServiceNow knows."""

    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the person.")
    user_name: str = Field(title="User name", description="What they sign in with.")
    name: str = Field(title="Name", description="The full name.")
    email: str = Field(title="E-mail", description="The address; empty if there is none.")
    title: str = Field(title="Title", description="What they do; empty if nobody says so.")
    active: bool = Field(title="Active", description="Whether they may use ServiceNow.")
    locked_out: bool = Field(title="Locked out", description="Whether they are kept from signing in.")
    manager: str = Field(title="Boss", description="The sys_id of the person above them; empty if there is none.")


class Group(Value):
    """People who work together."""

    sys_id: str = Field(title="sys_id", description="ServiceNow's id of the group.")
    name: str = Field(title="Name", description="What it is called.")
    description: str = Field(title="Description", description="What it is for.")
    email: str = Field(title="E-mail", description="The address of all; empty if there is none.")
    active: bool = Field(title="Active", description="Whether it still works.")
    manager: str = Field(title="Boss", description="The sys_id of who leads it; empty if nobody does.")


class UserSearch(Value):
    """Whom to look for. Everything that is filled in must fit."""

    email: Sought | None = Field(default=None, min_length=1, title="E-mail", description="The whole address.")
    user_name: Sought | None = Field(
        default=None, min_length=1, title="User name", description="What the person signs in with."
    )
    name: Sought | None = Field(default=None, min_length=1, title="Name", description="The full name.")
    active: bool | None = Field(default=None, title="Active", description="Only people who are active, or are not.")
    limit: int = Field(default=50, ge=1, le=MOST, title="At most", description="How many to bring back.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.email is None and self.user_name is None and self.name is None:
            raise ValueError("Say whom to look for.")
        return self


class FoundUsers(Value):
    """The people who were found."""

    users: list[User] = Field(title="Users", description="Those who fit, the newest first.")
    count: int = Field(title="Count", description="How many were brought back.")
    complete: bool = Field(title="Complete", description="False when more fit than were brought back.")


class GroupRef(Value):
    """Which group is meant."""

    group: Sought = Field(
        min_length=1,
        title="Group",
        description="Its name or its sys_id.",
        json_schema_extra={"choices_of": "servicenow.groups"},
    )


class Members(Value):
    """Who belongs to a group."""

    group: str = Field(title="Group", description="The sys_id of the group.")
    users: list[User] = Field(title="Users", description="The people in it.")
    count: int = Field(title="Count", description="How many were brought back.")
    complete: bool = Field(title="Complete", description="False when there are more.")


def _texts(row: Mapping[str, Any], names: tuple[str, ...], before: str = "") -> dict[str, Any]:
    texts = {name: written(row.get(before + name)) for name in ("sys_id", *names)}
    return {**texts, **{name: texts[name] == "true" for name in ("active", "locked_out") if name in names}}


async def user_id(client: Instance, user: str) -> str:
    """Find the sys_id of a person by e-mail address, user name or sys_id. Raises Missing."""
    if SYS_ID.fullmatch(user):
        return user
    return await _only(client, "sys_user", "email" if "@" in user else "user_name", user, "user")


async def group_id(client: Instance, group: str) -> str:
    """Find the sys_id of a group by its name or sys_id. Raises Missing."""
    return group if SYS_ID.fullmatch(group) else await _only(client, "sys_user_group", "name", group, "group")


async def _only(client: Instance, table: str, field: str, value: str, what: str) -> str:
    found = await page(client, table, equal({field: value}), fields=("active",), limit=10)
    # Somebody who comes back has an old account, too.
    rows = [row for row in found.rows if row.get("active") == "true"] or found.rows
    if not rows:
        raise Missing(f"ServiceNow has no {what} {value}.")
    if len(rows) > 1:
        raise Refused(f"ServiceNow has several {what}s {value}: use the sys_id.")
    return str(rows[0]["sys_id"])


@servicenow.action("Find users", effect="reads", repeatable=True)
async def find_users(client: Instance, given: UserSearch) -> FoundUsers:
    """Find people whom ServiceNow knows."""
    sought = ("email", "user_name", "name", "active")
    where = {name: getattr(given, name) for name in sought if getattr(given, name) is not None}
    found = await page(client, "sys_user", equal(where), fields=USER, limit=given.limit)
    users = [User(**_texts(row, USER)) for row in found.rows]
    return FoundUsers(users=users, count=len(users), complete=found.total <= given.limit)


@servicenow.action("Get a group", effect="reads", repeatable=True)
async def get_group(client: Instance, given: GroupRef) -> Group:
    """Look up one group."""
    found = await page(
        client, "sys_user_group", equal({"sys_id": await group_id(client, given.group)}), fields=GROUP, limit=1
    )
    if not found.rows:
        raise Missing(f"ServiceNow has no group {given.group}.")
    return Group(**_texts(found.rows[0], GROUP))


@servicenow.action("List the members of a group", effect="reads", repeatable=True)
async def list_group_members(client: Instance, given: GroupRef) -> Members:
    """List the people of a group."""
    group = await group_id(client, given.group)
    fields = [f"user.{name}" for name in ("sys_id", *USER)]
    found = await page(client, "sys_user_grmember", equal({"group": group}), fields=fields, limit=MOST)
    users = [User(**_texts(row, USER, "user.")) for row in found.rows]
    return Members(group=group, users=users, count=len(users), complete=found.total <= MOST)
