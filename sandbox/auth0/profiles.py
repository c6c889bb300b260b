"""Profiles: how they begin, what may be changed, and what a caller gets to see."""

from typing import Any

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError, bad_body
from sandbox.auth0.moments import hexadecimal, iso, letters
from sandbox.auth0.tenant import CONNECTIONS, Account, Connection, Tenant

ADVICE = (
    ' (consider storing them in app_metadata or user_metadata. See "Users Metadata" in '
    "https://auth0.com/docs/api/v2/changes for more details)"
)
PERSONAL = ("family_name", "given_name", "name", "nickname", "picture")
METADATA = ("user_metadata", "app_metadata")
IDP_SECRETS = ("access_token", "access_token_secret", "refresh_token", "expires_in")
WEAK_PASSWORD = 8


def properties(*, removable: bool) -> dict[str, Any]:
    """Give the rules of a profile's properties, for creation or for a change that may remove them with null."""
    text: Any = ["string", "null"] if removable else "string"
    return {
        "blocked": {
            "type": "boolean",
            "about": "Whether this user was blocked by an administrator (true) or not (false).",
        },
        "email_verified": {
            "type": "boolean",
            "about": "Whether this email address is verified (true) or unverified (false). If set to false the user will "
            "not receive a verification email unless `verify_email` is set to true.",
        },
        "email": {"type": text, "format": "email", "about": "Email address of this user."},
        "phone_number": {
            "type": text,
            "pattern": r"^\+[0-9]{1,15}$",
            "about": "The user's phone number (following the E.164 recommendation).",
        },
        "phone_verified": {
            "type": "boolean",
            "about": "Whether this phone number has been verified (true) or not (false).",
        },
        "user_metadata": {"type": "object", "about": "User metadata to which this user has read/write access."},
        "app_metadata": {"type": "object", "about": "User metadata to which this user has read-only access."},
        "given_name": {
            "type": text,
            "shortest": 1,
            "longest": 150,
            "about": "Given name/first name/forename of this user.",
        },
        "family_name": {
            "type": text,
            "shortest": 1,
            "longest": 150,
            "about": "Family name/last name/surname of this user.",
        },
        "name": {"type": text, "shortest": 1, "longest": 300, "about": "Name of this user."},
        "nickname": {"type": text, "shortest": 1, "longest": 300, "about": "Preferred nickname or alias of this user."},
        "picture": {"type": text, "format": "uri", "about": "URL to picture, photo, or avatar of this user."},
        "verify_email": {"type": "boolean", "about": "Whether this user will receive a verification email."},
        "password": {
            "type": text,
            "shortest": 1,
            "about": "Password for this user. Only valid for database connections.",
        },
        "connection": {"type": "string", "shortest": 1, "about": "Name of the connection of this user."},
        "username": {
            "type": text,
            "shortest": 1,
            "longest": 128,
            "about": "The user's username. Only valid if the connection requires a username.",
        },
    }


CREATION: Rules = {
    "closed": True,
    "advice": ADVICE,
    "required": ("connection",),
    "properties": {
        **properties(removable=False),
        "user_id": {
            "type": "string",
            "longest": 255,
            "pattern": r"^\S*$",
            "about": "The external user's id provided by the identity provider.",
        },
    },
}
CHANGE: Rules = {
    "closed": True,
    "advice": ADVICE,
    "at_least": 1,
    "properties": {
        **properties(removable=True),
        "verify_phone_number": {"type": "boolean", "about": "Whether this user will receive a text."},
        "client_id": {
            "type": "string",
            "shortest": 1,
            "about": "Auth0 client ID. Only valid when updating email address.",
        },
    },
}


def new_account(tenant: Tenant, given: dict[str, Any], connection: Connection, local_id: str | None = None) -> Account:
    """Make an account from what was given for it. Nothing is checked here."""
    now = iso(tenant.now())
    email = given.get("email")
    if isinstance(email, str) and connection.strategy == "auth0":
        email = email.lower()
    first = email or given.get("phone_number") or given.get("username") or "user"
    local_id = local_id or hexadecimal(24)
    identity: dict[str, Any] = {
        "connection": connection.name,
        "user_id": local_id,
        "provider": connection.strategy,
        "isSocial": connection.social,
    }
    if connection.social:
        identity["access_token"] = f"idp-{letters(40)}"
    profile: dict[str, Any] = {
        "created_at": now,
        "email": email,
        "email_verified": bool(given.get("email_verified", False)) if email else None,
        "family_name": given.get("family_name"),
        "given_name": given.get("given_name"),
        "identities": [identity],
        "name": given.get("name") or first,
        "nickname": given.get("nickname") or str(first).partition("@")[0],
        "picture": given.get("picture") or "https://example.com/picture.png",
        "phone_number": given.get("phone_number"),
        "phone_verified": given.get("phone_verified"),
        "updated_at": now,
        "user_id": f"{connection.strategy}|{local_id}",
        "username": given.get("username"),
        "blocked": given.get("blocked"),
        "user_metadata": given.get("user_metadata"),
        "app_metadata": given.get("app_metadata"),
    }
    shown = {name: value for name, value in profile.items() if value is not None}
    return Account(profile=shown, password=given.get("password"))


def refuse_change(account: Account, change: dict[str, Any]) -> None:
    """Refuse a change that the account's connection does not allow."""
    connection = account.connection
    if "connection" in change:
        if change["connection"] not in CONNECTIONS:
            raise ApiError(400, "The connection does not exist.", "inexistent_connection")
        if all(identity["connection"] != change["connection"] for identity in account.profile["identities"]):
            raise ApiError(400, "The user does not belong to the specified connection.", "operation_not_supported")
    for one, other in (
        ("password", "email"),
        ("password", "email_verified"),
        ("username", "email"),
        ("username", "email_verified"),
        ("username", "password"),
    ):
        if one in change and other in change:
            raise ApiError(400, f"Cannot update {one} and {other} simultaneously", "invalid_body")
    if connection.strategy != "auth0" and ("password" in change or "username" in change):
        raise ApiError(400, "Connection is not supported for this operation.", "operation_not_supported")
    if connection.strategy == "auth0" and "username" in change:
        raise ApiError(400, "Cannot set username for connection without requires_username", "operation_not_supported")
    if connection.strategy not in {"auth0", "email"} and "email" in change:
        raise ApiError(400, "Cannot update email for non-database user", "operation_not_supported")
    personal = [name for name in PERSONAL if name in change]
    if connection.social and personal:
        text = (
            f"The following user attributes cannot be updated: {', '.join(personal)}. The connection "
            f"({connection.name}) must either be a database connection (using the Auth0 store), a passwordless connection "
            "(email or sms) or has disabled 'Sync user profile attributes at each login'. For more information, see "
            "https://auth0.com/docs/dashboard/guides/connections/configure-connection-sync"
        )
        raise ApiError(400, text, "operation_not_supported")


def apply_change(tenant: Tenant, account: Account, change: dict[str, Any]) -> None:
    """Carry a change out: root replaced, metadata merged at the first level, null removes."""
    profile = account.profile
    password = change.get("password")
    if password is not None:
        if len(password) < WEAK_PASSWORD:
            raise ApiError(400, "PasswordStrengthError: Password is too weak", "invalid_password")
        account.password = password
        profile["last_password_reset"] = iso(tenant.now())
        # A new password through the API takes the administrator's block away, in the real service too.
        profile.pop("blocked", None)
    for name, value in change.items():
        if name in METADATA:
            merge(profile, name, value)
        elif name not in {"password", "connection", "client_id", "verify_email", "verify_phone_number"}:
            replace(profile, name, value)
    if isinstance(change.get("email"), str):
        if account.connection.strategy == "auth0":
            profile["email"] = change["email"].lower()
        profile["email_verified"] = bool(change.get("email_verified", False))
    profile["updated_at"] = iso(tenant.now())


def merge(profile: dict[str, Any], name: str, change: dict[str, Any]) -> None:
    """Merge metadata at the first level."""
    merged = {**profile.get(name, {}), **change}
    profile[name] = {key: value for key, value in merged.items() if value is not None}


def replace(profile: dict[str, Any], name: str, value: Any) -> None:
    """Set a property of the root, or remove it."""
    if value is None:
        profile.pop(name, None)
    else:
        profile[name] = value


def shown(profile: dict[str, Any], scopes: frozenset[str]) -> dict[str, Any]:
    """Give a profile as its reader may see it: tokens of identity providers take a scope of their own."""
    if "read:user_idp_tokens" in scopes:
        return profile
    identities = [
        {name: value for name, value in identity.items() if name not in IDP_SECRETS}
        for identity in profile["identities"]
    ]
    return {**profile, "identities": identities}


def selected(profile: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
    """Keep (or leave out) the fields that were named, with dots for what is inside."""
    if not query.get("fields"):
        return profile
    names = [name.strip() for name in query["fields"].split(",")]
    if query.get("include_fields", True):
        kept: dict[str, Any] = {}
        for name in names:
            root, _, rest = name.partition(".")
            value = profile.get(root)
            if rest and isinstance(value, dict):
                kept[root] = {**kept.get(root, {}), **({rest: value[rest]} if rest in value else {})}
            elif value is not None:
                kept[root] = value
        return kept
    return {name: value for name, value in profile.items() if name not in names}


def refuse_creation(tenant: Tenant, given: dict[str, Any]) -> Connection:
    """Refuse an account that cannot be; gives the connection that it belongs to."""
    connection = CONNECTIONS.get(given["connection"])
    if connection is None:
        raise ApiError(400, "The connection does not exist.", "inexistent_connection")
    if connection.social:
        text = (
            "Connection does not support user creation through the API. It must either be a database or passwordless "
            "connection."
        )
        raise ApiError(400, text, "operation_not_supported")
    needed = {"auth0": ("email", "password"), "sms": ("phone_number",), "email": ("email",)}[connection.strategy]
    for name in needed:
        if not given.get(name):
            raise bad_body(f"Missing required property: {name}")
    if connection.strategy == "auth0":
        if "username" in given:
            text = "Cannot set username for connection without requires_username"
            raise ApiError(400, text, "operation_not_supported")
        if len(given["password"]) < WEAK_PASSWORD:
            raise ApiError(400, "PasswordStrengthError: Password is too weak", "invalid_password")
    if taken(tenant, connection, given):
        raise ApiError(409, "The user already exists.", "auth0_idp_error")
    return connection


def taken(tenant: Tenant, connection: Connection, given: dict[str, Any], except_for: str = "") -> bool:
    """Tell whether the connection already has this e-mail, phone number or id."""
    email = str(given.get("email", "")).lower()
    wanted_id = f"{connection.strategy}|{given.get('user_id') or ''}"
    for account in tenant.accounts.values():
        if account.connection is not connection or account.user_id == except_for:
            continue
        if connection.strategy == "sms":
            same = account.profile.get("phone_number") == given.get("phone_number")
        else:
            same = bool(email) and str(account.profile.get("email", "")).lower() == email
        if same or account.user_id == wanted_id:
            return True
    return False
