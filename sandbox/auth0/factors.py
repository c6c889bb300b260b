"""Second factors: what a person has enrolled, and how it is taken away or enrolled anew."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules, check
from sandbox.auth0.errors import ApiError, bad_body
from sandbox.auth0.mails import send
from sandbox.auth0.moments import iso, letters
from sandbox.auth0.paging import numbered
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import Account, Tenant, Ticket
from sandbox.auth0.users import PAGES, account_of

routes = Routes()

DAY = 86400.0
TICKET_LIFE = 5 * DAY
MOST_OF_A_KIND = 20
NEEDED = {
    "phone": ("phone_number",),
    "email": ("email",),
    "totp": ("totp_secret",),
    "webauthn-roaming": ("key_id", "public_key", "relying_party_identifier"),
    "passkey": ("key_id", "public_key", "relying_party_identifier", "credential_device_type", "credential_backed_up"),
}
"""What has to be said of each kind that can be created."""
TELLING = {
    "phone": "phone_number",
    "email": "email",
    "totp": "totp_secret",
    "webauthn-roaming": "key_id",
    "passkey": "key_id",
}
"""What no two methods of a kind have in common."""
HIDDEN = ("totp_secret",)
ENROLMENTS = {
    "phone": "sms",
    "totp": "authenticator",
    "push": "guardian",
    "guardian": "guardian",
    "webauthn-roaming": "webauthn-roaming",
    "webauthn-platform": "webauthn-platform",
}
"""The kinds that Guardian knows as enrolments, and by which name."""

PREFERRED: Rules = {"type": "string", "enum": ("voice", "sms")}
COMMON: Rules = {
    "name": {"type": "string", "shortest": 1, "longest": 20, "about": "A human-readable label."},
    "phone_number": {"type": "string", "shortest": 2, "longest": 30, "pattern": r"^\+[0-9]{1,15}$"},
    "email": {"type": "string", "format": "email"},
    "totp_secret": {
        "type": "string",
        "pattern": r"^[A-Z2-7]+=*$",
        "about": "Base32 encoded secret for TOTP generation.",
    },
    "preferred_authentication_method": PREFERRED,
}
CREATION: Rules = {
    "closed": True,
    "required": ("type",),
    "properties": {
        "type": {"type": "string", "enum": tuple(NEEDED)},
        **COMMON,
        **{
            name: {"type": "string"}
            for name in ("key_id", "public_key", "identity_user_id", "user_agent", "user_handle")
        },
        "aaguid": {"type": "string", "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "relying_party_identifier": {"type": "string", "pattern": r"^[A-Za-z0-9.-]+$"},
        "credential_device_type": {"type": "string", "enum": ("single_device", "multi_device")},
        "credential_backed_up": {"type": "boolean"},
        "transports": {"type": "array", "items": {"type": "string"}},
    },
}
REPLACEMENT: Rules = {
    "type": "array",
    "items": {
        "type": "object",
        "closed": True,
        "required": ("type",),
        "properties": {"type": {"type": "string", "enum": ("phone", "email", "totp")}, **COMMON},
    },
}
CHANGE: Rules = {
    "closed": True,
    "at_least": 1,
    "properties": {"name": COMMON["name"], "preferred_authentication_method": PREFERRED},
}


def new_method(tenant: Tenant, given: dict[str, Any]) -> dict[str, Any]:
    """Make a method of what was given for it; one that an administrator makes counts as confirmed."""
    for name in NEEDED[given["type"]]:
        if name not in given:
            raise bad_body(f"Missing required property: {name}")
    now = iso(tenant.now())
    device = f"dev_{letters(16)}"
    method = {"id": f"{given['type']}|{device}", **given, "confirmed": True, "created_at": now, "enrolled_at": now}
    if given["type"] == "phone":
        ways = (given.get("preferred_authentication_method", "sms"),)
        method["preferred_authentication_method"] = ways[0]
        method["authentication_methods"] = [{"type": way, "id": f"{way}|{device}"} for way in ways]
    return method


def refuse_twin(held: list[dict[str, Any]], given: dict[str, Any]) -> None:
    """Refuse a method that the person has already, or one too many of its kind."""
    same = [one for one in held if one["type"] == given["type"]]
    telling = TELLING[given["type"]]
    if any(one.get(telling) == given.get(telling) for one in same):
        raise ApiError(409, "Authentication method already exists.", "authentication_method_conflict")
    if len(same) >= MOST_OF_A_KIND:
        raise ApiError(403, "You reached the limit of entities of this type for this user.", "operation_not_supported")


def shown(method: dict[str, Any], *but: str) -> dict[str, Any]:
    """Show a method without its secret."""
    return {name: value for name, value in method.items() if name not in {*HIDDEN, *but}}


def method_of(account: Account, method_id: str) -> dict[str, Any]:
    """Find a method of a person.

    Raises ApiError 404 when it is not there.
    """
    for method in account.methods:
        if method["id"] == method_id:
            return method
    raise ApiError(404, "The authentication method does not exist.", "inexistent_authentication_method")


METHODS = "/users/{id}/authentication-methods"
METHOD = f"{METHODS}/{{method}}"


@routes.on("GET", METHODS, any_of=("read:authentication_methods",), query=PAGES)
def list_methods(tenant: Tenant, call: Call) -> Response:
    """List what a person has enrolled."""
    found = [shown(one) for one in account_of(tenant, call.ids["id"]).methods]
    return numbered(found, "authenticators", call.query)


@routes.on("POST", METHODS, any_of=("create:authentication_methods",))
def create_method(tenant: Tenant, call: Call) -> Response:
    """Enrol a factor for a person."""
    given = call.body(CREATION)
    account = account_of(tenant, call.ids["id"])
    method = new_method(tenant, given)
    refuse_twin(account.methods, given)
    account.methods.append(method)
    tenant.changes.happened()
    return answer(shown(method, "confirmed", "enrolled_at"), 201)


@routes.on("PUT", METHODS, any_of=("update:authentication_methods",))
def replace_methods(tenant: Tenant, call: Call) -> Response:
    """Replace all that a person has enrolled."""
    given = call.json()
    check(given, REPLACEMENT)
    account = account_of(tenant, call.ids["id"])
    methods: list[dict[str, Any]] = []
    for one in given:
        refuse_twin(methods, one)
        methods.append(new_method(tenant, one))
    account.methods = methods
    tenant.changes.happened()
    return answer([shown(method, "confirmed", "enrolled_at") for method in methods])


@routes.on("DELETE", METHODS, any_of=("delete:authentication_methods",))
def delete_methods(tenant: Tenant, call: Call) -> Response:
    """Take everything away that a person has enrolled."""
    account = account_of(tenant, call.ids["id"])
    account.methods.clear()
    tenant.changes.happened()
    return empty()


@routes.on("GET", METHOD, any_of=("read:authentication_methods",))
def get_method(tenant: Tenant, call: Call) -> Response:
    """Get one method."""
    return answer(shown(method_of(account_of(tenant, call.ids["id"]), call.ids["method"])))


@routes.on("PATCH", METHOD, any_of=("update:authentication_methods",))
def change_method(tenant: Tenant, call: Call) -> Response:
    """Change the name of a method, or how a phone is reached."""
    given = call.body(CHANGE)
    method = method_of(account_of(tenant, call.ids["id"]), call.ids["method"])
    way = given.get("preferred_authentication_method")
    if way and method["type"] != "phone":
        raise bad_body("preferred_authentication_method is for phones only")
    method.update(given)
    if way:
        device = method["id"].partition("|")[2]
        method["authentication_methods"] = [{"type": way, "id": f"{way}|{device}"}]
    tenant.changes.happened()
    return answer(shown(method, "enrolled_at", "last_auth_at"))


@routes.on("DELETE", METHOD, any_of=("delete:authentication_methods",))
def delete_method(tenant: Tenant, call: Call) -> Response:
    """Take one method away."""
    account = account_of(tenant, call.ids["id"])
    account.methods.remove(method_of(account, call.ids["method"]))
    tenant.changes.happened()
    return empty()


@routes.on("GET", "/users/{id}/enrollments", any_of=("read:users", "read:current_user"))
def list_enrollments(tenant: Tenant, call: Call) -> Response:
    """List a person's factors as Guardian knows them."""
    methods = account_of(tenant, call.ids["id"]).methods
    return answer([shown_enrollment(one) for one in methods if one["type"] in ENROLMENTS])


def shown_enrollment(method: dict[str, Any]) -> dict[str, Any]:
    """Show a method as an enrolment."""
    body = {
        "id": method["id"].partition("|")[2],
        "status": "confirmed" if method.get("confirmed") else "pending",
        "type": method["type"],
        "name": method.get("name"),
        "phone_number": method.get("phone_number"),
        "auth_method": ENROLMENTS[method["type"]],
        "enrolled_at": method.get("enrolled_at"),
        "last_auth": method.get("last_auth_at"),
    }
    return {name: value for name, value in body.items() if value is not None}


def enrollment_of(tenant: Tenant, call: Call) -> tuple[Account, dict[str, Any]]:
    """Find an enrolment, and whose it is.

    Raises ApiError 404 when it is not there.
    """
    for account in tenant.accounts.values():
        for method in account.methods:
            if method["type"] in ENROLMENTS and method["id"].partition("|")[2] == call.ids["id"]:
                return account, method
    raise ApiError(404, "The enrollment does not exist.", "enrollment_not_found")


@routes.on("GET", "/guardian/enrollments/{id}", any_of=("read:guardian_enrollments",))
def get_enrollment(tenant: Tenant, call: Call) -> Response:
    """Get one enrolment."""
    _, method = enrollment_of(tenant, call)
    kept = ("id", "status", "phone_number", "enrolled_at", "last_auth")
    return answer({name: value for name, value in shown_enrollment(method).items() if name in kept})


@routes.on("DELETE", "/guardian/enrollments/{id}", any_of=("delete:guardian_enrollments",))
def delete_enrollment(tenant: Tenant, call: Call) -> Response:
    """Take one enrolment away."""
    account, method = enrollment_of(tenant, call)
    account.methods.remove(method)
    tenant.changes.happened()
    return empty()


TICKET: Rules = {
    "closed": True,
    "required": ("user_id",),
    "properties": {
        "user_id": {"type": "string", "shortest": 1, "about": "user_id for the enrollment ticket"},
        "email": {
            "type": "string",
            "format": "email",
            "about": "alternate email to which the enrollment email will be sent",
        },
        "send_mail": {"type": "boolean", "about": "Send an email to the user to start the enrollment"},
        "email_locale": {"type": "string"},
        "factor": {
            "type": "string",
            "enum": ("push-notification", "phone", "email", "otp", "webauthn-roaming", "webauthn-platform"),
        },
        "allow_multiple_enrollments": {"type": "boolean"},
    },
}


@routes.on("POST", "/guardian/enrollments/ticket", any_of=("create:guardian_enrollment_tickets",))
def create_ticket(tenant: Tenant, call: Call) -> Response:
    """Make a link under which a person can enrol a factor, and send it where that is asked for."""
    given = call.body(TICKET)
    account = account_of(tenant, given["user_id"])
    if "factor" in given and account.methods and not given.get("allow_multiple_enrollments"):
        raise ApiError(400, "The user already has an enrolled factor.", "invalid_body")
    to = given.get("email") or account.profile.get("email")
    if given.get("send_mail") and not to:
        raise ApiError(400, "The user does not have an email address.", "invalid_body")
    ticket_id = letters(32)
    tenant.tickets[ticket_id] = Ticket(
        id=ticket_id, kind="enrollment", user_id=account.user_id, expires=tenant.now() + TICKET_LIFE, asked=given
    )
    url = f"{call.address}/guardian/enroll?ticket={ticket_id}"
    if given.get("send_mail"):
        send(tenant, kind="enrollment", to=str(to), user_id=account.user_id, url=url)
    tenant.changes.happened()
    return answer({"ticket_id": ticket_id, "ticket_url": url})


@routes.on("POST", "/users/{id}/multifactor/actions/invalidate-remember-browser", any_of=("update:users",))
def forget_browsers(tenant: Tenant, call: Call) -> Response:
    """Ask for the second factor again in every browser; none is remembered here, so nothing else is to be done."""
    account_of(tenant, call.ids["id"])
    tenant.changes.happened()
    return empty()


@routes.on("DELETE", "/users/{id}/multifactor/{provider}", any_of=("update:users",))
def delete_provider(tenant: Tenant, call: Call) -> Response:
    """Take the factors of a provider away."""
    provider = call.ids["provider"]
    check(provider, {"enum": ("duo", "google-authenticator")}, what="Path")
    account = account_of(tenant, call.ids["id"])
    if provider == "google-authenticator":
        account.methods = [one for one in account.methods if one["type"] != "totp"]
    if provider in account.profile.get("multifactor", []):
        account.profile["multifactor"] = [one for one in account.profile["multifactor"] if one != provider]
    tenant.changes.happened()
    return empty()
