"""Log records: what the tenant writes down of everything that happens, as its log shows it and its log streams send it."""

from typing import Any

from sandbox.auth0.events import Visit
from sandbox.auth0.moments import hexadecimal, iso
from sandbox.auth0.tenant import APPLICATION_ID, APPLICATION_NAME, Account, Connection, Tenant

MOST_LOGS = 5000
STRATEGY_TYPES = {"auth0": "database", "google-oauth2": "social"}
CATEGORIES = {
    "auth.login.success": ("s",),
    "auth.login.fail": ("f", "fp", "fu"),
    "auth.login.notification": (
        "limit_wc",
        "limit_mu",
        "limit_sul",
        "pwd_leak",
        "signup_pwd_leak",
        "reset_pwd_leak",
        "w",
        "mfar",
    ),
    "auth.signup.success": ("ss",),
    "auth.signup.fail": ("fs",),
    "auth.logout.success": ("slo",),
    "auth.token_exchange.success": ("seccft", "secte", "sertft"),
    "auth.token_exchange.fail": ("feccft", "fecte", "fertft", "ferrt"),
    "management.success": ("sapi", "mgmt_api_read"),
    "management.fail": ("fapi",),
    "user.success": ("scp", "sdu"),
    "user.fail": ("fcp", "fdu"),
    "user.notification": ("scpr", "fcpr"),
    "system.notification": ("api_limit", "api_limit_warning"),
    "actions": ("actions_execution_failed",),
}
"""Which records the filters of a log stream let pass; records that are not named here are "other"."""

CATEGORY_OF = {kind: name for name, kinds in CATEGORIES.items() for kind in kinds}
PLACE_NAMES = {
    "country_code": "countryCode",
    "country_code3": "countryCode3",
    "country_name": "countryName",
    "city_name": "cityName",
    "latitude": "latitude",
    "longitude": "longitude",
    "time_zone": "timeZone",
    "continent_code": "continentCode",
}


def category_of(kind: str) -> str:
    """Name the category of a type of record."""
    return CATEGORY_OF.get(kind, "other")


def location(visit: Visit) -> dict[str, Any]:
    """Write where a visit comes from as records do."""
    return {name: visit.geoip[other] for name, other in PLACE_NAMES.items() if other in visit.geoip}


def write(
    tenant: Tenant,
    kind: str,
    description: str,
    *,
    visit: Visit,
    account: Account | None = None,
    connection: Connection | None = None,
    user_name: str | None = None,
    details: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Write a record of something that has just happened; gives it."""
    connection = connection or (account.connection if account else None)
    log_id = next_id(tenant)
    record: dict[str, Any] = {
        "_id": log_id,
        "log_id": log_id,
        "date": iso(tenant.now()),
        "type": kind,
        "description": description,
        "client_id": APPLICATION_ID,
        "client_name": APPLICATION_NAME,
        "hostname": f"{tenant.name}.example.com",
        "ip": visit.ip,
        "isMobile": False,
        "user_agent": visit.user_agent,
        "user_id": account.user_id if account else "",
        "user_name": user_name or (name_of(account) if account else ""),
        "details": details or {},
        "location_info": location(visit),
        "references": {"correlation_id": hexadecimal(32)},
        "$event_schema": {"version": "1.0.0"},
    }
    if connection is not None:
        record |= {
            "connection": connection.name,
            "connection_id": connection.id,
            "strategy": connection.strategy,
            "strategy_type": STRATEGY_TYPES.get(connection.strategy, "passwordless"),
        }
    record |= more
    tenant.logs.append(record)
    del tenant.logs[:-MOST_LOGS]
    tenant.changes.happened()
    return record


def next_id(tenant: Tenant) -> str:
    """Make the id of the next record: later ones are greater, as texts too."""
    number = int(tenant.logs[-1]["log_id"][-11:]) + 1 if tenant.logs else 1
    return f"900{int(tenant.now() * 1000):016d}{number:011d}"


def name_of(account: Account) -> str:
    """Say how a person logs in."""
    return str(account.profile.get("email") or account.profile.get("phone_number") or account.user_id)


def sent(record: dict[str, Any]) -> dict[str, Any]:
    """Write a record as log streams send it."""
    data = {name: value for name, value in record.items() if name not in {"_id", "isMobile"}}
    return {"log_id": record["log_id"], "data": data}
