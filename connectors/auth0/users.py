"""Finding people and changing what Auth0 knows of them."""

import secrets
import string
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from connectors.auth0.answers import MOST, PAGE
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import NO_SUCH_USER, Account, User, UserId, UserRef, user_from
from connectors.base import Value
from connectors.errors import Missing

Text = Annotated[str, StringConstraints(min_length=1, max_length=320)]


class Search(Value):
    """Whom to look for. Everything that is filled in must fit."""

    email: Text | None = Field(default=None, title="E-mail", description="The whole address.")
    name: Text | None = Field(default=None, title="Name", description="The full name.")
    phone_number: Text | None = Field(default=None, title="Phone", description="As Auth0 stores it, such as +15550100.")
    connection: Text | None = Field(default=None, title="Connection", description="Auth0's name for the connection.")
    blocked: bool | None = Field(default=None, title="Blocked", description="Only people who are blocked, or are not.")
    never_logged_in: bool | None = Field(
        default=None, title="Never signed in", description="Only people who never signed in, or who have."
    )
    last_login_before: AwareDatetime | None = Field(
        default=None,
        title="Last login before",
        description="People who never signed in are not among them: look for those separately.",
    )
    created_before: AwareDatetime | None = Field(
        default=None, title="Created before", description="Accounts older than this."
    )
    limit: int = Field(
        default=100, ge=1, le=MOST, title="At most", description="How many to bring back; Auth0 shows 1,000 at most."
    )


class Found(Value):
    """Who was found."""

    users: list[User] = Field(title="Users", description="The people found, the oldest account first.")
    total: int = Field(title="Total", description="How many fit, as far as Auth0 counts.")
    complete: bool = Field(
        title="Complete", description="False when more people fit than were brought back, or could be."
    )


class Email(Value):
    """An e-mail address."""

    email: Text = Field(title="E-mail", description="The whole address.")


class Same(Value):
    """Everybody who has an e-mail address."""

    users: list[User] = Field(title="Users", description="The people who have exactly this address.")
    count: int = Field(title="Count", description="How many they are.")


class Profile(Value):
    """What may be said of a person."""

    email: Text | None = Field(default=None, title="E-mail", description="The person's e-mail address.")
    email_verified: bool | None = Field(
        default=None, title="E-mail verified", description="Whether the person has shown that the address is theirs."
    )
    verify_email: bool | None = Field(
        default=None, title="Verify e-mail", description="Whether Auth0 sends an e-mail to verify the address."
    )
    phone_number: Text | None = Field(default=None, title="Phone", description="Such as +15550100.")
    phone_verified: bool | None = Field(
        default=None, title="Phone verified", description="Whether the person has shown that the number is theirs."
    )
    username: Text | None = Field(default=None, title="User name", description="Only if the connection has user names.")
    name: Text | None = Field(default=None, title="Name", description="The full name.")
    given_name: Text | None = Field(default=None, title="Given name", description="The first name.")
    family_name: Text | None = Field(default=None, title="Family name", description="The last name.")
    nickname: Text | None = Field(default=None, title="Nickname", description="The short name.")
    picture: str | None = Field(default=None, max_length=2000, title="Picture", description="An address of a picture.")
    user_metadata: dict[str, Any] | None = Field(
        default=None, title="User metadata", description="What the person may change about themselves."
    )
    app_metadata: dict[str, Any] | None = Field(
        default=None, title="App metadata", description="What your applications store about the person."
    )


class NewUser(Profile):
    """A person to be."""

    connection: Text = Field(
        title="Connection",
        description="Auth0's name for the connection: of a database, or `email` or `sms` for logins without password.",
    )
    blocked: bool | None = Field(default=None, title="Blocked", description="Whether the person begins blocked.")


class Change(Profile):
    """What to change of a person."""

    user_id: UserId
    connection: Text | None = Field(
        default=None,
        title="Connection",
        description="Which of the person's linked accounts is meant, if it is not the main one.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not changes(self):
            raise ValueError("Say what to change.")
        return self


class Deleted(Value):
    """Who is gone."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    existed: bool = Field(title="Existed", description="False where there was nobody of this id any more.")
    accounts: list[Account] = Field(
        title="Accounts", description="The accounts that were linked in this user: they are gone, too."
    )


REMOVABLE = {"email", "phone_number", "username", "name", "given_name", "family_name", "nickname", "picture"}
WITHOUT_PASSWORD = {"email", "sms"}
"""Auth0's own names of the connections that send a code instead of asking for a password."""


def changes(given: Change) -> dict[str, Any]:
    """Write a change as Auth0 wants it: what was named, and null only where it removes."""
    named = {name: getattr(given, name) for name in given.model_fields_set - {"user_id", "connection"}}
    return {name: value for name, value in named.items() if value is not None or name in REMOVABLE}


@auth0.action("Get a user", effect="reads", repeatable=True)
async def get_user(client: Tenant, given: UserRef) -> User:
    """Look up one person, as they are at this moment."""
    return user_from(await client.api.users.get(given.user_id))


@auth0.action("Search users", effect="reads", repeatable=True)
async def search_users(client: Tenant, given: Search) -> Found:
    """Find people. Changes of the last seconds may be missing, and never more than 1,000 people are found."""
    users: list[User] = []
    total = 0
    query = lucene(given)
    for page in range((given.limit + PAGE - 1) // PAGE):
        pager = await client.api.users.list(
            page=page, per_page=PAGE, include_totals=True, q=query, sort="created_at:1", search_engine="v3"
        )
        users += [user_from(each) for each in pager.items or []]
        total = max(total, int(pager.response.total or 0) if pager.response else 0, len(users))
        if len(pager.items or []) < PAGE:
            break
    kept = users[: given.limit]
    return Found(users=kept, total=total, complete=len(kept) == total)


@auth0.action("Find users by e-mail", effect="reads", repeatable=True)
async def find_users_by_email(client: Tenant, given: Email) -> Same:
    """Find everybody who has exactly this e-mail address, as it is at this moment.

    Auth0 tells capital letters from small ones here, and stores the addresses of databases in small letters. So it is
    asked for the address as it is given, and for the same in small letters; one that another provider reported with
    capital letters is found by these letters only.
    """
    found = await with_email(client, given.email)
    return Same(users=found, count=len(found))


@auth0.action("Create a user", effect="changes")
async def create_user(client: Tenant, given: NewUser) -> User:
    """Create a person in a database, or for logins without password.

    A person in a database begins with a long random password that nobody knows: give them a ticket to set their own.
    """
    body = given.model_dump(exclude_none=True)
    if given.connection not in WITHOUT_PASSWORD:
        body["password"] = _password()
    return user_from(await client.api.users.create(**body))


@auth0.action("Change a user", effect="changes", repeatable=True)
async def update_user(client: Tenant, given: Change) -> User:
    """Change what Auth0 knows of a person. What is not named stays; a text that is named and empty is removed.

    In metadata, names that are not given stay, and an empty value removes its name. A new address counts as not
    verified unless it is said to be.
    """
    where = {"connection": given.connection} if given.connection else {}
    return user_from(await client.api.users.update(given.user_id, **changes(given), **where))


@auth0.action("Delete a user", effect="destroys", repeatable=True)
async def delete_user(client: Tenant, given: UserRef) -> Deleted:
    """Delete a person for good, with all accounts that are linked in them. One who is not there is no error."""
    try:
        accounts = user_from(await client.api.users.get(given.user_id)).identities
    except Missing as error:
        if error.code != NO_SUCH_USER:
            raise
        return Deleted(user_id=given.user_id, existed=False, accounts=[])
    await client.api.users.delete(given.user_id)
    return Deleted(user_id=given.user_id, existed=True, accounts=accounts)


def _small(email: str) -> str:
    """Write an address in small letters, but for those foreign ones that would become plain letters of another."""
    return "".join(
        each if not each.isascii() and any(map(str.isascii, each.lower())) else each.lower() for each in email
    )


def _password() -> str:
    """Make a password that nobody knows, and that the strictest policy of a tenant takes.

    It wants letters of both sizes, digits and marks, and none of them twice in a row.
    """
    pairs = (secrets.choice(string.ascii_letters) + secrets.choice(string.digits) for _ in range(20))
    return f"{''.join(pairs)}a-A."


async def with_email(client: Tenant, email: str) -> list[User]:
    """Find everybody who has this address, as it is written or in small letters."""
    found: dict[str, User] = {}
    for spelling in dict.fromkeys((email, _small(email))):
        for each in await client.api.users.list_users_by_email(email=spelling):
            user = user_from(each)
            found.setdefault(user.user_id, user)
    return list(found.values())


def lucene(search: Search) -> str | None:
    """Write the search in Auth0's query language. Texts are quoted, so that nothing in them is taken for syntax."""
    never = "(NOT _exists_:logins_count OR logins_count:0)"
    terms = [
        search.email and f"email:{quoted(search.email)}",
        search.name and f"name:{quoted(search.name)}",
        search.phone_number and f"phone_number:{quoted(search.phone_number)}",
        search.connection and f"identities.connection:{quoted(search.connection)}",
        search.blocked is not None and ("blocked:true" if search.blocked else "(NOT blocked:true)"),
        search.never_logged_in is not None and (never if search.never_logged_in else "logins_count:[1 TO *]"),
        search.last_login_before and f"last_login:[* TO {moment_text(search.last_login_before)}}}",
        search.created_before and f"created_at:[* TO {moment_text(search.created_before)}}}",
    ]
    return " AND ".join(term for term in terms if term) or None


def quoted(text: str) -> str:
    """Write a text in Auth0's query language, so that nothing in it is taken for syntax."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def moment_text(moment: datetime) -> str:
    """Write a moment in Auth0's query language."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
