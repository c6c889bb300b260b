"""Attack protection: addresses that are blocked after too many attempts, and how attempts are counted and judged."""

import ipaddress
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import Plan, Tenant

routes = Routes()

RISK: tuple[Plan, str] = ("enterprise", "risk assessments")
THROTTLING = "suspicious-ip-throttling"
AT_FIRST: dict[str, dict[str, Any]] = {
    THROTTLING: {
        "enabled": True,
        "shields": ["admin_notification", "block"],
        "allowlist": [],
        "stage": {
            "pre-login": {"max_attempts": 100, "rate": 864_000},
            "pre-user-registration": {"max_attempts": 50, "rate": 1_200},
        },
    },
    "risk": {"enabled": True},
    "new-device": {"remember_for": 30},
}


def kept(tenant: Tenant, name: str) -> dict[str, Any]:
    """Give the settings of a name, as they are now."""
    return tenant.protection.setdefault(name, json.loads(json.dumps(AT_FIRST[name])))


def address_of(call: Call) -> str:
    """Read the address, in its usual spelling.

    Raises ApiError 400 when it is none.
    """
    try:
        return str(ipaddress.ip_address(call.ids["id"]))
    except ValueError:
        text = "Path validation error: 'Invalid value' on property id (IP address to check.)."
        raise ApiError(400, text, "invalid_uri") from None


@routes.on("GET", "/anomaly/blocks/ips/{id}", any_of=("read:anomaly_blocks",))
def check_ip(tenant: Tenant, call: Call) -> Response:
    """Tell whether an address is blocked: 200 says yes, 404 no."""
    if address_of(call) not in tenant.blocked_ips:
        raise ApiError(404, "IP address specified is not currently blocked.")
    return empty(200)


@routes.on("DELETE", "/anomaly/blocks/ips/{id}", any_of=("delete:anomaly_blocks",))
def unblock_ip(tenant: Tenant, call: Call) -> Response:
    """Unblock an address, whether it was blocked or not."""
    tenant.blocked_ips.discard(address_of(call))
    tenant.changes.happened()
    return empty()


STAGE: Rules = {
    "type": "object",
    "closed": True,
    "properties": {
        "max_attempts": {"type": "integer", "minimum": 1, "maximum": 72_000},
        "rate": {"type": "integer", "minimum": 1_200, "maximum": 86_400_000},
    },
}
THROTTLE: Rules = {
    "closed": True,
    "at_least": 1,
    "properties": {
        "enabled": {"type": "boolean"},
        "shields": {"type": "array", "items": {"enum": ("block", "admin_notification")}},
        "allowlist": {"type": "array", "items": {"type": "string", "pattern": r"^[0-9a-fA-F.:/]+$"}},
        "stage": {
            "type": "object",
            "closed": True,
            "properties": {"pre-login": STAGE, "pre-user-registration": STAGE},
        },
    },
}


@routes.on("GET", f"/attack-protection/{THROTTLING}", any_of=("read:attack_protection",))
def get_throttling(tenant: Tenant, call: Call) -> Response:
    """Show how attempts from one address are counted, and which addresses are not."""
    return answer(kept(tenant, THROTTLING))


@routes.on("PATCH", f"/attack-protection/{THROTTLING}", any_of=("update:attack_protection",))
def change_throttling(tenant: Tenant, call: Call) -> Response:
    """Change how attempts are counted."""
    given = call.body(THROTTLE)
    settings = kept(tenant, THROTTLING)
    for stage, wanted in given.pop("stage", {}).items():
        settings["stage"][stage].update(wanted)
    settings.update(given)
    tenant.changes.happened()
    return answer(settings)


@routes.on("GET", "/risk-assessments/settings", any_of=("read:attack_protection",), plan=RISK)
def get_risk(tenant: Tenant, call: Call) -> Response:
    """Show whether logins are judged."""
    return answer(kept(tenant, "risk"))


@routes.on("PATCH", "/risk-assessments/settings", any_of=("update:attack_protection",), plan=RISK)
def change_risk(tenant: Tenant, call: Call) -> Response:
    """Let logins be judged, or not."""
    given = call.body({"closed": True, "required": ("enabled",), "properties": {"enabled": {"type": "boolean"}}})
    kept(tenant, "risk").update(given)
    tenant.changes.happened()
    return answer(kept(tenant, "risk"))


@routes.on("GET", "/risk-assessments/settings/new-device", any_of=("read:attack_protection",), plan=RISK)
def get_new_device(tenant: Tenant, call: Call) -> Response:
    """Show for how many days a device is remembered."""
    return answer(kept(tenant, "new-device"))


@routes.on("PATCH", "/risk-assessments/settings/new-device", any_of=("update:attack_protection",), plan=RISK)
def change_new_device(tenant: Tenant, call: Call) -> Response:
    """Change for how many days a device is remembered."""
    days: Rules = {"type": "integer", "minimum": 1, "maximum": 365}
    given = call.body({"closed": True, "required": ("remember_for",), "properties": {"remember_for": days}})
    kept(tenant, "new-device").update(given)
    tenant.changes.happened()
    return answer(kept(tenant, "new-device"))


def block_routes(tenant: Tenant) -> list[Route]:
    """Make the address `PUT /sandbox/blocked-addresses`, whose body is the list of addresses that are blocked from now on."""

    async def put(request: Request) -> JSONResponse:
        try:
            tenant.blocked_ips = {str(ipaddress.ip_address(str(one))) for one in json.loads(await request.body())}
        except (ValueError, TypeError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        tenant.changes.happened()
        return JSONResponse(sorted(tenant.blocked_ips))

    return [Route("/sandbox/blocked-addresses", put, methods=["PUT"])]
