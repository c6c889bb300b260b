"""Linking: one person, several ways to sign in."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import iso
from sandbox.auth0.profiles import IDP_SECRETS, new_account
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.tenant import CONNECTIONS, Account, Tenant
from sandbox.auth0.users import account_of

routes = Routes()

PROFILE_DATA = (
    "email",
    "email_verified",
    "name",
    "username",
    "given_name",
    "family_name",
    "phone_number",
    "phone_verified",
    "nickname",
    "picture",
)
LINK: Rules = {
    "closed": True,
    "at_least": 1,
    "properties": {
        "provider": {"type": "string", "about": "Identity provider of the secondary user account being linked."},
        "connection_id": {
            "type": "string",
            "pattern": r"^con_[A-Za-z0-9]{16}$",
            "about": "connection_id of the secondary user account being linked.",
        },
        "user_id": {"type": ["string", "integer"], "about": "user_id of the secondary user account being linked."},
        "link_with": {"type": "string", "about": "JWT for the secondary account being linked."},
    },
}


def shown(account: Account, scopes: frozenset[str]) -> list[dict[str, Any]]:
    """Show a person's identities, the main one first."""
    hidden = () if "read:user_idp_tokens" in scopes else IDP_SECRETS
    return [
        {name: value for name, value in identity.items() if name not in hidden}
        for identity in account.profile["identities"]
    ]


@routes.on("POST", "/users/{id}/identities", any_of=("update:users", "update:current_user_identities"))
def link(tenant: Tenant, call: Call) -> Response:
    """Link a second account to this one. The second one vanishes, and its metadata with it."""
    given = call.body(LINK)
    if "link_with" in given:
        raise ApiError(400, "Invalid token (link_with)", "invalid_body")
    for name in ("provider", "user_id"):
        if name not in given:
            raise ApiError(400, f"Payload validation error: 'Missing required property: {name}'.", "invalid_body")
    primary = account_of(tenant, call.ids["id"])
    provider = given["provider"]
    bare = str(given["user_id"]).removeprefix(f"{provider}|")
    main, *others = primary.profile["identities"]
    if (main["provider"], main["user_id"]) == (provider, bare):
        raise ApiError(400, "Main identity and the new one are the same.", "invalid_body")
    if any((other["provider"], other["user_id"]) == (provider, bare) for other in others):
        raise ApiError(409, "Specified identity already exists.", "identity_conflict")
    secondary = tenant.accounts.get(f"{provider}|{bare}")
    wanted = given.get("connection_id")
    if secondary is None or (wanted and secondary.connection.id != wanted):
        raise ApiError(400, "Provided secondary account not found.", "inexistent_user")
    data = {name: secondary.profile[name] for name in PROFILE_DATA if name in secondary.profile}
    first, *rest = secondary.profile["identities"]
    primary.profile["identities"] = [main, *others, {**first, "profileData": data}, *rest]
    primary.profile["updated_at"] = iso(tenant.now())
    del tenant.accounts[secondary.user_id]
    tenant.forget(secondary.user_id)
    tenant.changes.happened()
    return answer(shown(primary, call.scopes), 201)


@routes.on(
    "DELETE",
    "/users/{id}/identities/{provider}/{user_id}",
    any_of=("update:users", "update:current_user_identities"),
)
def unlink(tenant: Tenant, call: Call) -> Response:
    """Take an identity off again; it becomes an account of its own, with nothing but its profile."""
    account = account_of(tenant, call.ids["id"])
    provider, bare = call.ids["provider"], call.ids["user_id"].removeprefix(f"{call.ids['provider']}|")
    main, *others = account.profile["identities"]
    if (main["provider"], main["user_id"]) == (provider, bare):
        raise ApiError(400, "Main identity cannot be removed.", "operation_not_supported")
    found = [other for other in others if (other["provider"], other["user_id"]) == (provider, bare)]
    if not found:
        raise ApiError(400, "The identity does not exist.", "inexistent_identity")
    single = new_account(tenant, found[0].get("profileData", {}), CONNECTIONS[found[0]["connection"]], bare)
    tenant.accounts[single.user_id] = single
    account.profile["identities"] = [main, *(other for other in others if other is not found[0])]
    account.profile["updated_at"] = iso(tenant.now())
    tenant.changes.happened()
    return answer(shown(account, call.scopes))
