"""Failed logins: wrong passwords, people nobody knows, leaked passwords, wrong codes; and whom they lock out."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from sandbox.auth0 import records
from sandbox.auth0.challenges import wrong_code
from sandbox.auth0.events import Visit
from sandbox.auth0.protection import THROTTLING, kept
from sandbox.auth0.tenant import CONNECTIONS, Account, Tenant
from sandbox.auth0.visitors import Visitor

DATABASE = "Username-Password-Authentication"
Kind = Literal[
    "wrong_password", "unknown_user", "blocked_user", "leaked_password", "wrong_code", "rejected_code", "many_codes"
]


class FailedLogin(Visitor):
    """Logins that fail, as somebody asks for at `POST /sandbox/failed-logins`."""

    user: str
    """The id, e-mail or phone number that was typed."""

    kind: Kind = "wrong_password"
    times: Annotated[int, Field(ge=1, le=1000)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a login is refused before any Action runs, and the type of the record that says so."""

    reason: str
    kind: str


def refusal(tenant: Tenant, account: Account, visit: Visit, *, exchange: bool) -> Refusal | None:
    """Say why a person cannot log in from there at all, if so."""
    if account.profile.get("blocked"):
        return Refusal(reason="user is blocked", kind="fertft" if exchange else "f")
    if exchange:
        return None
    if any(block.get("ip") == visit.ip for block in account.brute_force):
        return Refusal(
            reason=f"{records.name_of(account)} is blocked for this address after wrong passwords", kind="limit_wc"
        )
    if visit.ip in tenant.blocked_ips:
        return Refusal(reason="this address is blocked after too many failed logins", kind="limit_mu")
    return None


def found(tenant: Tenant, typed: str) -> Account | None:
    """Find the account that was meant by what somebody typed."""
    if typed in tenant.accounts:
        return tenant.accounts[typed]
    names = ("email", "username", "phone_number")
    matching = (one for one in tenant.accounts.values() if typed in [one.profile.get(name) for name in names])
    return next(matching, None)


def fail(tenant: Tenant, wanted: FailedLogin) -> list[dict[str, Any]]:
    """Let logins fail; gives the records that they leave."""
    visit = wanted.visit()
    account = None if wanted.kind == "unknown_user" else found(tenant, wanted.user)
    written: list[dict[str, Any]] = []
    for _ in range(wanted.times):
        written += fail_once(tenant, wanted, account, visit)
    return written


def fail_once(tenant: Tenant, wanted: FailedLogin, account: Account | None, visit: Visit) -> list[dict[str, Any]]:
    """Let one login fail."""

    def write(kind: str, description: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
        known = account.connection if account else CONNECTIONS[DATABASE]
        name = records.name_of(account) if account else wanted.user
        return records.write(
            tenant, kind, description, visit=visit, account=account, connection=known, user_name=name, details=details
        )

    match wanted.kind:
        case "leaked_password":
            return [write("pwd_leak", "Someone tried to log in with a password that has leaked")]
        case "blocked_user":
            error = {"message": "user is blocked", "oauthError": "unauthorized"}
            return [write("f", "user is blocked", {"error": error})]
        case "wrong_code":
            return [write("gd_auth_failed", "Second factor authentication failed", wrong_code(visit))]
        case "rejected_code":
            return [write("gd_auth_rejected", "The user rejected the second factor")]
        case "many_codes":
            return [write("gd_otp_rate_limit_exceed", "Too many wrong codes for the second factor")]
    standing = refusal(tenant, account, visit, exchange=False) if account else None
    if standing is not None:
        error = {"message": standing.reason, "oauthError": "unauthorized"}
        return [write(standing.kind, standing.reason, {"error": error})]
    error = {"message": "Wrong email or password."}
    written = [write("fp" if account else "fu", "Wrong email or password.", {"error": error})]
    tenant.wrong_passwords[visit.ip] = tenant.wrong_passwords.get(visit.ip, 0) + 1
    if account is not None:
        account.wrong_passwords[visit.ip] = account.wrong_passwords.get(visit.ip, 0) + 1
        if account.wrong_passwords[visit.ip] >= tenant.settings.wrong_passwords:
            del account.wrong_passwords[visit.ip]
            block = {"identifier": records.name_of(account), "ip": visit.ip, "connection": account.connection.name}
            account.brute_force.append(block)
            written.append(
                write("limit_wc", f"{block['identifier']} is blocked for this address after wrong passwords")
            )
    throttling = kept(tenant, THROTTLING)
    throttled = throttling["enabled"] and visit.ip not in throttling["allowlist"]
    if throttled and tenant.wrong_passwords[visit.ip] >= throttling["stage"]["pre-login"]["max_attempts"]:
        del tenant.wrong_passwords[visit.ip]
        tenant.blocked_ips.add(visit.ip)
        written.append(write("limit_mu", "This address is blocked after too many failed logins"))
    return written
