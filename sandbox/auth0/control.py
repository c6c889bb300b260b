"""The control addresses: what a test or the page may see and do besides the service's own API."""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.auth0 import crowd
from sandbox.auth0.bindings import shown_binding
from sandbox.auth0.drafts import shown as shown_action
from sandbox.auth0.exchanges import Exchange, TokenExchange, exchange_credentials, exchange_token
from sandbox.auth0.failures import FailedLogin, fail
from sandbox.auth0.logins import Login, log_in
from sandbox.auth0.outcomes import Outcome
from sandbox.auth0.passwords import PasswordChange, PasswordReset, change_password, reset_password
from sandbox.auth0.past import past_route
from sandbox.auth0.people import people_routes
from sandbox.auth0.phone_messages import PhoneMessage, send_phone_message
from sandbox.auth0.places import HOME, USUAL_DEVICE
from sandbox.auth0.profiles import IDP_SECRETS, new_account
from sandbox.auth0.sessions import give_refresh_token, open_session
from sandbox.auth0.signups import SignUp, sign_up
from sandbox.auth0.tenant import CONNECTIONS, Account, Plan, Tenant
from sandbox.auth0.yesterdays import Passing, pass_by

LAST_RECORDS = 20
MOST_SHOWN = 2000
"""People in the whole state of the tenant. They are counted however many they are."""


class RateLimit(BaseModel):
    """How many requests at once, and how many more each second."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    burst: Annotated[int, Field(ge=1)]
    per_second: Annotated[float, Field(gt=0)]


class Wanted(BaseModel):
    """What `PUT /sandbox/settings` may change; what is left out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    token_lifetime: Annotated[int, Field(ge=0)] = 86400
    rate_limit: RateLimit | None = None
    runner: Literal["node", "twin", "auto"] = "auto"
    action_seconds: Annotated[float, Field(gt=0)] = 20.0
    build_seconds: Annotated[float, Field(ge=0)] = 0.4
    job_seconds: Annotated[float, Field(ge=0)] = 0.4
    download_seconds: Annotated[float, Field(ge=0)] = 60.0
    scopes: str = ""
    continue_seconds: Annotated[float, Field(ge=0)] = 3600.0
    wrong_passwords: Annotated[int, Field(ge=1)] = 10
    delivery_scale: Annotated[float, Field(ge=0)] = 1.0
    log_patience: Annotated[float, Field(ge=0)] = 7 * 86400.0
    failures_in_row: Annotated[int, Field(ge=1)] = 500
    failures_in_total: Annotated[int, Field(ge=1)] = 5000
    duplicates: bool = False
    disorder: bool = False
    plan: Plan = "enterprise"
    callbacks: list[str] = []
    id_token: dict[str, Any] = {}


class NewUser(BaseModel):
    """A person who comes into being at `POST /sandbox/users`; profile fields are taken as they are."""

    model_config = ConfigDict(frozen=True, extra="allow")

    connection: str = "Username-Password-Authentication"
    user_id: str | None = None
    password: str | None = None
    sessions: Annotated[int, Field(ge=0, le=100)] = 1
    refresh_tokens: Annotated[int, Field(ge=0, le=100)] = 1


def add_user(tenant: Tenant, wanted: NewUser) -> Account:
    """Put a person into the tenant, with open sessions and refresh tokens."""
    connection = CONNECTIONS[wanted.connection]
    extra = wanted.model_extra or {}
    local_id = wanted.user_id.removeprefix(f"{connection.strategy}|") if wanted.user_id else None
    account = new_account(tenant, {**extra, "password": wanted.password}, connection, local_id)
    if wanted.user_id and "|" in wanted.user_id:
        account.profile["user_id"] = wanted.user_id
    account.profile.update({name: value for name, value in extra.items() if name not in account.profile})
    account.profile.update({name: extra[name] for name in ("created_at", "updated_at") if name in extra})
    tenant.accounts[account.user_id] = account
    if "last_login" in extra or wanted.sessions:
        account.user_agents.add(USUAL_DEVICE)
        account.cities.add(HOME.city)
    opened = [
        open_session(tenant, account.user_id, ip=HOME.ip, user_agent=USUAL_DEVICE, asn=HOME.asn)
        for _ in range(wanted.sessions)
    ]
    for index in range(wanted.refresh_tokens):
        give_refresh_token(tenant, account.user_id, opened[index] if index < len(opened) else None)
    tenant.changes.happened()
    return account


def shown_user(tenant: Tenant, account: Account) -> dict[str, Any]:
    """Show a person with everything that hangs on the account."""
    identities = [
        {name: value for name, value in identity.items() if name not in IDP_SECRETS}
        for identity in account.profile["identities"]
    ]
    return {
        **account.profile,
        "identities": identities,
        "blocked": bool(account.profile.get("blocked")),
        "password": account.password,
        "sessions": tenant.sessions_of(account.user_id),
        "refresh_tokens": tenant.refresh_tokens_of(account.user_id),
    }


def state(tenant: Tenant) -> dict[str, Any]:
    """Show the whole tenant."""
    return {
        "sequence": tenant.changes.sequence,
        "users": [shown_user(tenant, account) for account in islice(tenant.accounts.kept.values(), MOST_SHOWN)],
        "users_total": len(tenant.accounts),
        "actions": [shown_action(tenant, action) for action in tenant.actions.values()],
        "bindings": {
            "post-login": [],
            **{trigger: [shown_binding(tenant, one) for one in some] for trigger, some in tenant.bindings.items()},
        },
        "logins": [shown_login(tenant, line) for line in tenant.logins],
        "logs": [dict(record) for record in reversed(tenant.logs[-LAST_RECORDS:])],
    }


def shown_login(tenant: Tenant, line: dict[str, Any]) -> dict[str, Any]:
    """Show a line of the list of logins, with what ran in it so far."""
    outcome = tenant.outcomes.get(line["id"])
    if outcome is None:
        return line
    return {**line, "executions": outcome.executions, "second_factor": (outcome.mfa or {}).get("result")}


def settings(tenant: Tenant) -> dict[str, Any]:
    """Show the settings."""
    now = tenant.settings
    limit = {"burst": now.burst, "per_second": now.per_second} if now.limited else None
    names = [name for name in Wanted.model_fields if name != "rate_limit"]
    return {**{name: getattr(now, name) for name in names}, "rate_limit": limit}


def change_settings(tenant: Tenant, wanted: Wanted) -> None:
    """Change what was named, and begin with a full bucket where the limit was."""
    for name in wanted.model_fields_set - {"rate_limit"}:
        setattr(tenant.settings, name, getattr(wanted, name))
    if "rate_limit" in wanted.model_fields_set:
        tenant.settings.limited = wanted.rate_limit is not None
        if wanted.rate_limit:
            tenant.settings.burst = wanted.rate_limit.burst
            tenant.settings.per_second = wanted.rate_limit.per_second
        tenant.refill()


def refused(error: ValidationError | str, status: int = 400) -> JSONResponse:
    """Say what is wrong with a control request."""
    text = error if isinstance(error, str) else str(error)
    return JSONResponse({"error": text}, status_code=status)


Wish = TypeVar("Wish", bound=BaseModel)
Own = TypeVar("Own", Login, PasswordChange, PasswordReset, PhoneMessage)
Do = Callable[[Tenant, Wish, str], Awaitable[Outcome]]
DoOf = Callable[[Tenant, Account, Own, str], Awaitable[Outcome]]


def address_of(request: Request) -> str:
    """Give the address of the tenant, as it was asked."""
    return str(request.base_url).rstrip("/")


def control_routes(tenant: Tenant) -> list[Route]:
    """Make the control addresses of a tenant."""

    async def create_user(request: Request) -> JSONResponse:
        try:
            wanted = NewUser.model_validate_json(await request.body())
        except ValidationError as error:
            return refused(error)
        if wanted.connection not in CONNECTIONS:
            return refused(f"there is no connection {wanted.connection}")
        return JSONResponse(shown_user(tenant, add_user(tenant, wanted)), status_code=201)

    async def show_outcome(request: Request) -> JSONResponse:
        outcome = tenant.outcomes.get(request.path_params["id"])
        return JSONResponse(outcome.model_dump()) if outcome else refused("there is no such login", 404)

    async def create_failures(request: Request) -> JSONResponse:
        try:
            wanted = FailedLogin.model_validate_json(await request.body())
        except ValidationError as error:
            return refused(error)
        return JSONResponse({"logs": fail(tenant, wanted)})

    def deed(path: str, model: type[Wish], do: Do[Wish]) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            try:
                wanted = model.model_validate_json(await request.body())
            except ValidationError as error:
                return refused(error)
            return JSONResponse((await do(tenant, wanted, address_of(request))).model_dump())

        return Route(path, endpoint, methods=["POST"])

    def deed_of(path: str, model: type[Own], do: DoOf[Own]) -> Route:
        async def endpoint(request: Request) -> JSONResponse:
            try:
                wanted = model.model_validate_json(await request.body())
            except ValidationError as error:
                return refused(error)
            account = tenant.accounts.get(wanted.user_id)
            if account is None:
                return refused(f"there is no user {wanted.user_id}", 404)
            return JSONResponse((await do(tenant, account, wanted, address_of(request))).model_dump())

        return Route(path, endpoint, methods=["POST"])

    async def put_settings(request: Request) -> JSONResponse:
        try:
            change_settings(tenant, Wanted.model_validate_json(await request.body()))
        except ValidationError as error:
            return refused(error)
        return JSONResponse(settings(tenant))

    async def show_settings(request: Request) -> JSONResponse:
        return JSONResponse(settings(tenant))

    async def expire(request: Request) -> JSONResponse:
        number = len(tenant.issued)
        for token in tenant.issued.values():
            token.expires = 0.0
        return JSONResponse({"expired": number})

    async def show_state(request: Request) -> JSONResponse:
        return JSONResponse(state(tenant))

    async def show_calls(request: Request) -> JSONResponse:
        return JSONResponse(list(tenant.calls))

    async def days(request: Request) -> JSONResponse:
        try:
            passing = Passing.model_validate_json(await request.body())
        except ValidationError as error:
            return refused(error)
        return JSONResponse({"records": pass_by(tenant, passing)})

    async def add_block(request: Request) -> JSONResponse:
        account = tenant.accounts.get(request.query_params.get("user_id", ""))
        if account is None:
            return refused("there is no such user", 404)
        identifier = account.profile.get("email") or account.profile.get("phone_number") or ""
        account.brute_force.append({"identifier": identifier, "ip": HOME.ip, "connection": account.connection.name})
        return JSONResponse({"blocked_for": account.brute_force}, status_code=201)

    return [
        Route("/sandbox/users", create_user, methods=["POST"]),
        *crowd.routes(tenant.accounts, tenant.now, tenant.changes.happened),
        *people_routes(tenant),
        past_route(tenant),
        deed_of("/sandbox/logins", Login, log_in),
        Route("/sandbox/logins/{id}", show_outcome, methods=["GET"]),
        Route("/sandbox/failed-logins", create_failures, methods=["POST"]),
        deed("/sandbox/signups", SignUp, sign_up),
        deed("/sandbox/exchanges", Exchange, exchange_credentials),
        deed("/sandbox/token-exchanges", TokenExchange, exchange_token),
        deed_of("/sandbox/password-changes", PasswordChange, change_password),
        deed_of("/sandbox/password-resets", PasswordReset, reset_password),
        deed_of("/sandbox/phone-messages", PhoneMessage, send_phone_message),
        Route("/sandbox/blocks", add_block, methods=["POST"]),
        Route("/sandbox/days", days, methods=["POST"]),
        Route("/sandbox/settings", put_settings, methods=["PUT"]),
        Route("/sandbox/settings", show_settings, methods=["GET"]),
        Route("/sandbox/tokens/expire", expire, methods=["POST"]),
        Route("/sandbox/state", show_state, methods=["GET"]),
        Route("/sandbox/calls", show_calls, methods=["GET"]),
        tenant.changes.route(),
        *tenant.faults.routes(),
        *tenant.read_only.routes(),
    ]
