"""Events of a log stream: everything that Auth0 writes into its log, a little later than it happens."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from connectors.auth0 import signals
from connectors.auth0.sources.parts import RiskAssessment
from connectors.base import Lenient, Source

MEANINGS = {
    "s": "signed in",
    "f": "could not sign in",
    "fp": "wrong password",
    "fu": "unknown user name or e-mail",
    "fcoa": "could not sign in from this origin",
    "w": "warning at a login",
    "ss": "signed up",
    "fs": "could not sign up",
    "ssa": "signed in silently",
    "fsa": "could not sign in silently",
    "slo": "signed out",
    "flo": "could not sign out",
    "scp": "changed the password",
    "fcp": "could not change the password",
    "scpr": "asked to change the password",
    "fcpr": "could not ask to change the password",
    "sce": "changed the e-mail address",
    "sv": "verified the e-mail address",
    "svr": "asked to verify the e-mail address",
    "sdu": "was deleted",
    "fdu": "could not be deleted",
    "du": "was deleted",
    "limit_wc": "address blocked for one account after too many wrong passwords",
    "limit_mu": "address blocked after too many failures",
    "limit_sul": "account blocked after too many logins a minute",
    "ublkdu": "block of an account was lifted",
    "pwd_leak": "signed in with a password that leaked elsewhere",
    "signup_pwd_leak": "signed up with a password that leaked elsewhere",
    "reset_pwd_leak": "set a password that leaked elsewhere",
    "gd_auth_succeed": "passed multi-factor authentication",
    "gd_auth_failed": "failed multi-factor authentication",
    "gd_auth_rejected": "rejected a multi-factor request",
    "gd_enrollment_complete": "set up multi-factor authentication",
    "gd_unenroll": "removed a factor",
    "gd_recovery_succeed": "used a recovery code",
    "seacft": "got a token for a code",
    "sertft": "got a token for a refresh token",
    "ferrt": "used a refresh token twice",
    "seccft": "a program got a token",
    "feccft": "a program could not get a token",
    "api_limit": "a limit of the API was reached",
    "api_limit_warning": "a limit of the API is near",
    "sapi": "the Management API changed something",
    "fapi": "the Management API refused something",
    "mgmt_api_read": "the Management API read something",
    "actions_execution_failed": "an Auth0 Action failed",
}
"""What Auth0's codes mean, in words. Others are passed on as they are."""


class LogPlace(Lenient):
    """Where the address seems to be."""

    country_code: str | None = None
    country_name: str | None = None
    city_name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    time_zone: str | None = None


class LogRecord(Lenient):
    """One line of the tenant's log."""

    log_id: str = Field(min_length=1)
    type: str
    meaning: str | None = None
    date: str | None = None
    description: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    is_mobile: bool | None = None
    user_id: str | None = None
    user_name: str | None = None
    client_id: str | None = None
    client_name: str | None = None
    connection: str | None = None
    connection_id: str | None = None
    strategy: str | None = None
    strategy_type: str | None = None
    hostname: str | None = None
    organization_id: str | None = None
    organization_name: str | None = None
    audience: str | None = None
    scope: Any = None
    tenant_name: str | None = None
    location_info: LogPlace | None = None
    details: dict[str, Any] | None = None
    riskAssessment: RiskAssessment | None = None  # noqa: N815  # as in a login, so that a flow need not care


_WITHOUT: Final = frozenset({"$event_schema", "environment_name", "auth0_client"})
"""Parts of a record that say nothing about what happened."""


def event_of(item: Any) -> dict[str, Any] | None:
    """Return a record as flows see it, or None if it is none. Streams wrap it as ``{"log_id": …, "data": {…}}``."""
    if not isinstance(item, Mapping):
        return None
    inner = item.get("data")
    data: Mapping[str, Any] = inner if isinstance(inner, Mapping) else item
    log_id = item.get("log_id") or data.get("log_id") or data.get("_id")
    kind = data.get("type")
    if not isinstance(log_id, str) or not log_id or not isinstance(kind, str):
        return None
    event = {name: value for name, value in data.items() if name not in _WITHOUT}
    event["log_id"] = log_id
    if kind in MEANINGS:
        event["meaning"] = MEANINGS[kind]
    details = data.get("details")
    assessed = details.get("riskAssessment") if isinstance(details, Mapping) else None
    if isinstance(assessed, Mapping):
        event["riskAssessment"] = assessed
    return event


LOG = Source(
    name="auth0.log",
    title="A line of the tenant's log",
    about="Sent by Auth0's log stream, some seconds after it happened. Good for bursts and reports, not for decisions "
    "within a login.",
    event=LogRecord,
    person="user_id",
    logged=event_of,
    enrich=signals.in_log,
)
