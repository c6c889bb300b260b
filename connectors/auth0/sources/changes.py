"""Events of an event stream: what changed in the tenant, told after it happened, as CloudEvents."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from connectors.auth0.signals import forget_user
from connectors.auth0.sources.existing import as_creation
from connectors.auth0.sources.logged import creation, deletion
from connectors.auth0.sources.parts import Identity
from connectors.base import Lenient, Memory, Source


class Place(Lenient):
    """Where the address seems to be."""

    continent_code: str | None = None
    country_code: str | None = None
    country_name: str | None = None
    city_name: str | None = None
    subdivision_code: str | None = None
    subdivision_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str | None = None


class Request(Lenient):
    """The request that made the change."""

    ip: str | None = None
    hostname: str | None = None
    custom_domain: str | None = None
    method: str | None = None
    user_agent: str | None = None
    geo: Place | None = None


class Named(Lenient):
    """Something with an id and a name."""

    id: str | None = None
    name: str | None = None


class Connection(Named):
    """Where the account is kept."""

    strategy: str | None = None


class Context(Lenient):
    """Who or what made the change, as far as Auth0 says."""

    client: Named | None = None
    connection: Connection | None = None
    request: Request | None = None
    tenant: Named | None = None


class User(Lenient):
    """A user, whole."""

    user_id: str = Field(min_length=1)
    email: str | None = None
    email_verified: bool | None = None
    username: str | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None
    name: str | None = None
    nickname: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    picture: str | None = None
    blocked: bool | None = None
    created_at: str | None = None
    updated_at: str | None = None
    last_login: str | None = None
    last_ip: str | None = None
    logins_count: int | None = None
    multifactor: list[str] | None = None
    app_metadata: dict[str, Any] | None = None
    user_metadata: dict[str, Any] | None = None
    identities: list[Identity] | None = None


class UserRef(Lenient):
    """Which user."""

    user_id: str | None = None


class Organization(Named):
    """An organization, whole."""

    display_name: str | None = None
    metadata: dict[str, Any] | None = None


class Member(Lenient):
    """Somebody who belongs to an organization."""

    organization: Named | None = None
    user: UserRef | None = None


class MemberRole(Member):
    """A role that somebody has in an organization."""

    role: Named | None = None


class OrganizationConnection(Lenient):
    """A connection by which the members of an organization sign in."""

    organization: Named | None = None
    connection: Connection | None = None
    is_enabled: bool | None = None
    is_signup_enabled: bool | None = None
    assign_membership_on_login: bool | None = None
    show_as_button: bool | None = None


class Group(Named):
    """A group of a directory."""

    external_id: str | None = None
    type: str | None = None
    created_at: str | None = None
    connection_id: str | None = None
    organization_id: str | None = None


class GroupMember(Lenient):
    """Somebody, or another group, that belongs to a group."""

    class Belonging(Lenient):
        """Who belongs to it."""

        id: str | None = None
        member_type: str | None = None
        type: str | None = None
        connection_id: str | None = None

    group: Group | None = None
    member: Belonging | None = None


class Change(Lenient):
    """What every change says."""

    id: str = Field(min_length=1)
    type: str
    time: str | None = None
    context: Context | None = None


class UserChange(Change):
    """A change of a user."""

    object: User
    previous_object: User | None = None


class OrganizationChange(Change):
    """A change of an organization."""

    object: Organization
    previous_object: Organization | None = None


class MemberChange(Change):
    """A change of who belongs to an organization."""

    object: Member
    previous_object: Member | None = None


class MemberRoleChange(Change):
    """A change of a role in an organization."""

    object: MemberRole
    previous_object: MemberRole | None = None


class OrganizationConnectionChange(Change):
    """A change of how the members of an organization sign in."""

    object: OrganizationConnection
    previous_object: OrganizationConnection | None = None


class GroupChange(Change):
    """A change of a group."""

    object: Group
    previous_object: Group | None = None


class GroupMemberChange(Change):
    """A change of who belongs to a group."""

    object: GroupMember
    previous_object: GroupMember | None = None


_KINDS: dict[str, tuple[type[Change], str]] = {
    "user.created": (UserChange, "A user was made"),
    "user.updated": (UserChange, "A user was changed"),
    "user.deleted": (UserChange, "A user was deleted"),
    "organization.created": (OrganizationChange, "An organization was made"),
    "organization.updated": (OrganizationChange, "An organization was changed"),
    "organization.deleted": (OrganizationChange, "An organization was deleted"),
    "organization.member.added": (MemberChange, "A member joined an organization"),
    "organization.member.deleted": (MemberChange, "A member left an organization"),
    "organization.member.role.assigned": (MemberRoleChange, "A member got a role in an organization"),
    "organization.member.role.deleted": (MemberRoleChange, "A member lost a role in an organization"),
    "organization.connection.added": (OrganizationConnectionChange, "An organization got a connection"),
    "organization.connection.updated": (OrganizationConnectionChange, "A connection of an organization was changed"),
    "organization.connection.removed": (OrganizationConnectionChange, "An organization lost a connection"),
    "group.created": (GroupChange, "A group was made"),
    "group.updated": (GroupChange, "A group was changed"),
    "group.deleted": (GroupChange, "A group was deleted"),
    "group.member.added": (GroupMemberChange, "A member joined a group"),
    "group.member.deleted": (GroupMemberChange, "A member left a group"),
}

TYPES = tuple(_KINDS)
"""The types of event that Auth0 can stream."""


def source_name(kind: str) -> str:
    """Return the name of the source for a type of event."""
    return f"auth0.{kind.replace('.', '_')}"


async def _forget(memory: Memory, event: Mapping[str, Any], _now: float) -> Mapping[str, Any]:
    """Forget what is remembered of a user who is gone."""
    await forget_user(memory, event["object"].get("user_id"))
    return event


CHANGES = tuple(
    Source(
        name=source_name(kind),
        title=title,
        about=f"Sent by Auth0's event stream ({kind}), shortly after it happened.",
        event=event,
        enrich=_forget if kind == "user.deleted" else None,
        person="object.user_id" if event is UserChange else "",
        existing=as_creation if kind == "user.created" else None,
        logged={"user.created": creation, "user.deleted": deletion}.get(kind),
    )
    for kind, (event, title) in _KINDS.items()
)
