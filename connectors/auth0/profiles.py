"""What we say of a user: the parts of an Auth0 profile that flows may refer to."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from connectors.auth0.answers import picked
from connectors.auth0.ids import OnePart
from connectors.base import Value

UserId = Annotated[
    OnePart,
    Field(
        min_length=1,
        max_length=255,
        title="User",
        description="Auth0's id of the person, such as auth0|5f7c8ec7c33c6c004bbafe82.",
    ),
]


NO_SUCH_USER = "inexistent_user"
"""Auth0's short name for it."""


class UserRef(Value):
    """Which person is meant."""

    user_id: UserId


class Account(Value):
    """One of the accounts that are linked in a user."""

    provider: str | None = Field(default=None, title="Provider", description="Such as auth0 or google-oauth2.")
    user_id: str | None = Field(default=None, title="Id there", description="The person's id at the provider.")
    connection: str | None = Field(default=None, title="Connection", description="Auth0's name for the connection.")
    social: bool | None = Field(default=None, title="Social", description="Whether it is a social login.")


class User(Value):
    """A person's profile."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    email: str | None = Field(default=None, title="E-mail", description="The person's e-mail address.")
    email_verified: bool = Field(
        default=False, title="E-mail verified", description="Whether the person has shown that the address is theirs."
    )
    phone_number: str | None = Field(default=None, title="Phone", description="The person's phone number.")
    phone_verified: bool = Field(
        default=False, title="Phone verified", description="Whether the person has shown that the number is theirs."
    )
    username: str | None = Field(default=None, title="User name", description="The name used to sign in.")
    name: str | None = Field(default=None, title="Name", description="The full name.")
    given_name: str | None = Field(default=None, title="Given name", description="The first name.")
    family_name: str | None = Field(default=None, title="Family name", description="The last name.")
    nickname: str | None = Field(default=None, title="Nickname", description="The short name.")
    blocked: bool = Field(default=False, title="Blocked", description="Whether an administrator blocked the person.")
    logins_count: int = Field(default=0, title="Logins", description="How often the person has signed in.")
    last_login: str | None = Field(
        default=None, title="Last login", description="When the person last tried to sign in; empty if never."
    )
    last_ip: str | None = Field(default=None, title="Last address", description="From which address that was.")
    created_at: str | None = Field(default=None, title="Created", description="When the account was made.")
    updated_at: str | None = Field(default=None, title="Changed", description="When the profile last changed.")
    app_metadata: dict[str, Any] = Field(
        default_factory=dict, title="App metadata", description="What your applications store about the person."
    )
    user_metadata: dict[str, Any] = Field(
        default_factory=dict, title="User metadata", description="What the person may change about themselves."
    )
    identities: list[Account] = Field(
        default_factory=list, title="Accounts", description="The accounts linked in this user, the main one first."
    )


def user_from(profile: BaseModel) -> User:
    """Pick what we know from a profile as the library gives it; nulls and absent fields are the same."""
    known = profile.model_dump(mode="json")
    identities = [
        Account(
            provider=each.get("provider"),
            user_id=None if each.get("user_id") is None else str(each["user_id"]),
            connection=each.get("connection"),
            social=each.get("isSocial", each.get("is_social")),
        )
        for each in known.get("identities") or []
    ]
    return picked(User, known, identities=identities)
