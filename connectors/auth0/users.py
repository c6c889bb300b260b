"""Finding people and changing what Auth0 knows of them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import User, UserId, UserRef, user_from
from connectors.base import Value

MOST = 1000
"""Auth0 shows no more results of a search, however one asks."""
PAGE = 100

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


class Metadata(Value):
    """What to store about a person."""

    user_id: UserId
    app_metadata: dict[str, Any] = Field(
        min_length=1,
        title="App metadata",
        description="Names and values. Other names stay as they are; an empty value removes the name.",
    )


class MetadataSet(Value):
    """What is stored about a person now."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    app_metadata: dict[str, Any] = Field(title="App metadata", description="All of it, after the change.")


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


@auth0.action("Set app metadata", effect="changes", repeatable=True)
async def set_app_metadata(client: Tenant, given: Metadata) -> MetadataSet:
    """Store something about a person where your applications can read it. A value replaces the one before."""
    changed = await client.api.users.update(given.user_id, app_metadata=given.app_metadata)
    return MetadataSet(user_id=given.user_id, app_metadata=user_from(changed).app_metadata)


def lucene(search: Search) -> str | None:
    """Write the search in Auth0's query language. Texts are quoted, so that nothing in them is taken for syntax."""
    never = "(NOT _exists_:logins_count OR logins_count:0)"
    terms = [
        search.email and f"email:{_quoted(search.email)}",
        search.name and f"name:{_quoted(search.name)}",
        search.phone_number and f"phone_number:{_quoted(search.phone_number)}",
        search.connection and f"identities.connection:{_quoted(search.connection)}",
        search.blocked is not None and ("blocked:true" if search.blocked else "(NOT blocked:true)"),
        search.never_logged_in is not None and (never if search.never_logged_in else "logins_count:[1 TO *]"),
        search.last_login_before and f"last_login:[* TO {_moment(search.last_login_before)}}}",
        search.created_before and f"created_at:[* TO {_moment(search.created_before)}}}",
    ]
    return " AND ".join(term for term in terms if term) or None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
