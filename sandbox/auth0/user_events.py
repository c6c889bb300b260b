"""Events about people, for the event streams: somebody came into being, changed, or is gone."""

import copy
from typing import Any

from sandbox.auth0.events import Visit
from sandbox.auth0.moments import iso
from sandbox.auth0.streams import emit
from sandbox.auth0.tenant import APPLICATION_ID, APPLICATION_NAME, Account, Tenant

SHOWN = (
    "user_id",
    "email",
    "email_verified",
    "username",
    "phone_number",
    "phone_verified",
    "created_at",
    "updated_at",
    "app_metadata",
    "user_metadata",
    "picture",
    "name",
    "nickname",
    "multifactor",
    "last_ip",
    "last_login",
    "logins_count",
    "blocked",
    "given_name",
    "family_name",
)
PROFILE_DATA = (
    "email",
    "email_verified",
    "name",
    "username",
    "given_name",
    "family_name",
    "phone_number",
    "phone_verified",
)
GEO_NAMES = {
    "continent_code": "continentCode",
    "country_code": "countryCode",
    "country_name": "countryName",
    "latitude": "latitude",
    "longitude": "longitude",
    "subdivision_code": "subdivisionCode",
    "subdivision_name": "subdivisionName",
    "city_name": "cityName",
    "time_zone": "timeZone",
}


def shown_user(profile: dict[str, Any]) -> dict[str, Any]:
    """Write a person as events do: without the tokens of identity providers."""
    shown = {name: copy.deepcopy(profile[name]) for name in SHOWN if name in profile}
    identities = []
    for identity in profile["identities"]:
        one = {name: identity[name] for name in ("connection", "user_id", "provider", "isSocial")}
        data = {name: identity["profileData"][name] for name in PROFILE_DATA if name in identity.get("profileData", {})}
        identities.append({**one, "profileData": data} if data else one)
    return {**shown, "identities": identities}


def context(tenant: Tenant, account: Account | None, visit: Visit | None) -> dict[str, Any]:
    """Write the circumstances, as far as there are any."""
    circumstances: dict[str, Any] = {"tenant": {"id": tenant.name}}
    if account is not None:
        connection = account.connection
        circumstances["connection"] = {
            "id": connection.id,
            "name": connection.name,
            "strategy": connection.strategy,
        }
    if visit is not None:
        circumstances["client"] = {"id": APPLICATION_ID, "name": APPLICATION_NAME, "metadata": {}}
        circumstances["request"] = {
            "geo": {name: visit.geoip[other] for name, other in GEO_NAMES.items() if other in visit.geoip},
            "hostname": f"{tenant.name}.example.com",
            "ip": visit.ip,
            "method": "POST",
            "user_agent": visit.user_agent,
        }
    return circumstances


def created(tenant: Tenant, account: Account, visit: Visit | None = None) -> None:
    """Tell of a person who came into being."""
    emit(tenant, "user.created", {"object": shown_user(account.profile), "context": context(tenant, account, visit)})


def updated(tenant: Tenant, account: Account, before: dict[str, Any], visit: Visit | None = None) -> None:
    """Tell of a person who has changed; `before` is the person as `shown_user` wrote them then. No change tells nothing."""
    now = shown_user(account.profile)
    if now != before:
        emit(
            tenant,
            "user.updated",
            {"object": now, "previous_object": before, "context": context(tenant, account, visit)},
        )


def deleted(tenant: Tenant, account: Account) -> None:
    """Tell of a person who is gone."""
    gone = {**shown_user(account.profile), "deleted_at": iso(tenant.now())}
    emit(tenant, "user.deleted", {"object": gone, "context": context(tenant, account, None)})
