"""What becomes of people besides logging in: they come, are changed, are away for long, and go."""

from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.auth0 import records, user_events
from sandbox.auth0.moments import iso, seconds
from sandbox.auth0.profiles import new_account, taken
from sandbox.auth0.tenant import CONNECTIONS, Account, Tenant
from sandbox.auth0.visitors import Visitor, merged

DAY: Final = 86400.0
KEPT: Final = frozenset({"user_id", "identities", "created_at", "updated_at", "last_login", "logins_count"})
"""Nobody changes these."""


class Arrival(Visitor):
    """Somebody who comes through a social connection for the first time: the account is there with the first login."""

    connection: str = "google-oauth2"
    email: str | None = None
    email_verified: bool = True
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    nickname: str | None = None


class Person(BaseModel):
    """One person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: str


class Alteration(Person):
    """Fields of a profile, and what becomes of them. Metadata is merged, as it is in the dashboard."""

    profile: dict[str, Any]


class Absence(Person):
    """So many days since somebody was here last."""

    days: Annotated[float, Field(ge=0, le=3650)]


class WrongPersonError(Exception):
    """It cannot be done to this person. Says why, and the status that says so."""

    def __init__(self, words: str, status: int = 400) -> None:
        super().__init__(words)
        self.status = status


def arrive(tenant: Tenant, wanted: Arrival) -> Account:
    """Make the account of somebody who comes through a social connection. Nobody is logged in by that."""
    connection = CONNECTIONS.get(wanted.connection)
    if connection is None or not connection.social:
        raise WrongPersonError(f"nobody comes through the connection {wanted.connection} like that")
    given = {name: value for name, value in wanted.model_dump().items() if value is not None}
    if taken(tenant, connection, given):
        raise WrongPersonError("the user already exists", 409)
    account = new_account(tenant, given, connection)
    tenant.accounts[account.user_id] = account
    user_events.created(tenant, account, wanted.visit())
    tenant.changes.happened()
    return account


def alter(tenant: Tenant, wanted: Alteration) -> Account:
    """Change a profile."""
    account, fixed = _of(tenant, wanted), KEPT & set(wanted.profile)
    if fixed:
        raise WrongPersonError(f"nobody can change {', '.join(sorted(fixed))}")
    if taken(tenant, account.connection, wanted.profile, except_for=account.user_id):
        raise WrongPersonError("somebody else has this address", 409)
    before = user_events.shown_user(account.profile)
    account.profile |= merged({name: account.profile.get(name) for name in wanted.profile}, wanted.profile)
    account.profile["updated_at"] = iso(tenant.now())
    user_events.updated(tenant, account, before)
    tenant.changes.happened()
    return account


def be_away(tenant: Tenant, wanted: Absence) -> Account:
    """Set somebody's last login back; nothing tells of a later visit. Whoever came after it has come a day before."""
    account = _of(tenant, wanted)
    last = tenant.now() - wanted.days * DAY
    account.profile["last_login"] = iso(last)
    account.profile["logins_count"] = max(1, account.profile.get("logins_count", 0))
    if (seconds(str(account.profile.get("created_at"))) or 0.0) > last:
        account.profile["created_at"] = iso(last - DAY)
    for things in (tenant.sessions, tenant.refresh_tokens):
        for id_ in [id_ for id_, thing in things.items() if thing["user_id"] == account.user_id]:
            del things[id_]
    tenant.logs[:] = [one for one in tenant.logs if one.get("user_id") != account.user_id]
    tenant.changes.happened()
    return account


def go(tenant: Tenant, wanted: Person) -> Account:
    """Delete somebody, as an administrator does in the dashboard."""
    account = _of(tenant, wanted)
    visit = Visitor().visit()
    del tenant.accounts[account.user_id]
    tenant.forget(account.user_id)
    records.write(tenant, "sdu", "User deleted", visit=visit, account=account, details={"body": {}})
    user_events.deleted(tenant, account)
    tenant.changes.happened()
    return account


def _of(tenant: Tenant, wanted: Person) -> Account:
    account = tenant.accounts.get(wanted.user_id)
    if account is None:
        raise WrongPersonError(f"there is no user {wanted.user_id}", 404)
    return account


Wish = TypeVar("Wish", bound=BaseModel)


def people_routes(tenant: Tenant) -> list[Route]:
    """Make the control addresses of all this; each answers with the person's profile."""

    def deed(path: str, model: type[Wish], do: Callable[[Tenant, Wish], Account]) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            try:
                account = do(tenant, model.model_validate_json(await request.body()))
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            except WrongPersonError as error:
                return JSONResponse({"error": str(error)}, status_code=error.status)
            return JSONResponse({"user_id": account.user_id, "profile": user_events.shown_user(account.profile)})

        return Route(path, endpoint, methods=["POST"])

    return [
        deed("/sandbox/people/arrivals", Arrival, arrive),
        deed("/sandbox/people/alterations", Alteration, alter),
        deed("/sandbox/people/absences", Absence, be_away),
        deed("/sandbox/people/deletions", Person, go),
    ]
