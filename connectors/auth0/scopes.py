"""The permissions of the Management API that each action needs, and what to say where one is missing.

The names and alternatives are those of Auth0's specification of each endpoint.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from connectors.errors import Reconnect

Needs = tuple[str | tuple[str, ...], ...]
"""All of these; of several in a tuple, any one."""

ROLES_OF_USER: Final[Needs] = ("read:users", ("read:roles", "read:role_members"))
LOGS: Final[Needs] = (("read:logs", "read:logs_users"),)
ORGANIZATIONS: Final[Needs] = (("read:organizations", "read:organizations_summary"),)
JOBS: Final[Needs] = (("read:users", "create:users"),)

SCOPES: Final[Mapping[str, Needs]] = {
    # people
    "get_user": ("read:users",),
    "find_users_by_email": ("read:users",),
    "search_users": ("read:users",),
    "export_users": ("read:users",),
    "find_inactive_users": ("read:users",),
    "count_inactive_users": ("read:users",),
    "count_sign_ups": ("read:users",),
    "count_log": LOGS,
    "check_inactive": ("read:users",),
    "delete_inactive_user": ("read:users", "delete:users"),
    "create_user": ("create:users",),
    "update_user": ("update:users",),
    "set_app_metadata": (("update:users", "update:users_app_metadata"),),
    "set_user_metadata": ("update:users",),
    "delete_user": ("read:users", "delete:users"),
    # getting in, and staying in
    "block_user": ("update:users",),
    "unblock_user": ("update:users",),
    "lock_out_user": ("update:users", "delete:sessions", "delete:refresh_tokens"),
    "revoke_access": ("read:users", "delete:sessions", "delete:refresh_tokens"),
    "list_brute_force_blocks": ("read:users",),
    "list_brute_force_blocks_of": ("read:users",),
    "remove_brute_force_blocks": ("update:users",),
    "remove_brute_force_blocks_of": ("update:users",),
    "list_sessions": ("read:sessions",),
    "end_session": ("delete:sessions", "delete:refresh_tokens"),
    "end_sessions": ("delete:sessions",),
    "list_refresh_tokens": ("read:refresh_tokens",),
    "revoke_refresh_token": ("delete:refresh_tokens",),
    "revoke_refresh_tokens": ("delete:refresh_tokens",),
    # accounts of one person
    "find_link_candidates": ("read:users",),
    "link_users": ("read:users", "update:users"),
    "unlink_users": ("read:users", "update:users"),
    # what people may do
    "list_roles": ("read:roles",),
    "list_user_roles": ROLES_OF_USER,
    "assign_roles": (("update:users", "create:role_members"),),
    "remove_roles": (("update:users", "delete:role_members"),),
    "list_user_permissions": ("read:users",),
    "add_permissions": ("update:users",),
    "remove_permissions": ("update:users",),
    "list_organizations": ORGANIZATIONS,
    "get_organization": ORGANIZATIONS,
    "list_user_organizations": ("read:organizations",),
    "list_organization_members": ("read:organization_members", "read:organization_member_roles"),
    "add_organization_members": ("create:organization_members",),
    "remove_organization_members": ("delete:organization_members",),
    "list_member_roles": ("read:organization_member_roles",),
    "assign_member_roles": ("create:organization_member_roles",),
    "remove_member_roles": ("delete:organization_member_roles",),
    # how people show who they are
    "list_authentication_methods": ("read:authentication_methods",),
    "delete_authentication_method": ("delete:authentication_methods",),
    "delete_authentication_methods": ("delete:authentication_methods",),
    "create_enrolment_ticket": ("create:guardian_enrollment_tickets",),
    "forget_browsers": ("update:users",),
    "delete_multifactor_provider": ("update:users",),
    "create_password_ticket": ("create:user_tickets",),
    "create_email_verification_ticket": ("create:user_tickets",),
    "send_verification_email": ("update:users",),
    "require_stricter_login": (("update:users", "update:users_app_metadata"),),
    "lift_stricter_login": ("read:users", ("update:users", "update:users_app_metadata")),
    # attacks
    "check_address": ("read:anomaly_blocks",),
    "unblock_address": ("delete:anomaly_blocks",),
    "clear_risk_assessment": ("update:users",),
    "describe_login": (),
    # what has happened
    "get_job": JOBS,
    "list_job_errors": JOBS,
    "search_logs": LOGS,
    "read_logs": LOGS,
    "get_log": LOGS,
    # whatever it is, only Auth0 knows what it needs
    "call_read": (),
    "call_change": (),
}
"""The permissions by the name of the action."""

WHERE: Final = (
    "Grant it in the Auth0 Dashboard: Applications → Applications → the application of this connection → APIs → "
    "Auth0 Management API."
)


def lacking(action: str, granted: Iterable[str] | None) -> list[str]:
    """List what an action needs and a token lacks; of alternatives the first. Empty where the token says nothing."""
    if granted is None:
        return []
    have = set(granted)
    missing = [(need,) if isinstance(need, str) else need for need in SCOPES.get(action, ())]
    return [need[0] for need in missing if have.isdisjoint(need)]


def refusal(action: str, missing: Iterable[str], *, said: Reconnect | None = None) -> Reconnect:
    """Make the error that names the permission, the action and where to grant it; Auth0's own answer goes before."""
    scopes = list(missing)
    permission = "permission" if len(scopes) == 1 else "permissions"
    needs = f"auth0.{action} needs the {permission} {' and '.join(scopes)}, which this connection lacks. {WHERE}"
    return Reconnect(
        f"{said.message} {needs}" if said else needs,
        missing_scope=" ".join(scopes),
        status=said.status if said else None,
        code=said.code if said else None,
    )


def refused(action: str, said: Reconnect) -> Reconnect:
    """Say the same where it was Auth0 that found a permission missing."""
    named = (said.missing_scope or "").split()
    flat = [scope for need in SCOPES.get(action, ()) for scope in ([need] if isinstance(need, str) else need)]
    return refusal(action, [scope for scope in flat if scope in named] or named, said=said)
