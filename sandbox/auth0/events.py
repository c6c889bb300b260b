"""What the service hands to an Action: the post-login event of one login, and the parts that other events share.

It also holds what must never be forwarded, as real ones do: the form with the password, the query, tokens of identity providers.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.auth0.moments import hexadecimal, iso, letters
from sandbox.auth0.places import Place
from sandbox.auth0.tenant import APPLICATION_ID, APPLICATION_NAME, Account, Connection, Tenant

PERSON = (
    "user_id",
    "email",
    "name",
    "nickname",
    "given_name",
    "family_name",
    "username",
    "phone_number",
    "phone_verified",
    "picture",
    "created_at",
    "updated_at",
    "last_password_reset",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Where a login comes from, and how."""

    ip: str
    asn: str
    user_agent: str
    geoip: dict[str, Any]
    protocol: str

    @classmethod
    def of(
        cls, place: Place, *, ip: str | None, user_agent: str, geoip: dict[str, Any] | None, protocol: str
    ) -> "Visit":
        """Make a visit from a place, where nothing else is said."""
        return cls(
            ip=ip or place.ip, asn=place.asn, user_agent=user_agent, geoip=geoip or place.geoip(), protocol=protocol
        )


def post_login_event(
    tenant: Tenant,
    account: Account,
    visit: Visit,
    *,
    address: str,
    session: dict[str, Any] | None,
    risk: dict[str, Any] | None,
) -> dict[str, Any]:
    """Write the event of a login that has just happened."""
    host = host_of(address)
    identity = account.profile["identities"][0]
    authentication: dict[str, Any] = {"methods": methods(tenant, account, session)}
    if risk is not None:
        authentication["riskAssessment"] = risk
    event: dict[str, Any] = {
        "tenant": {"id": tenant.name},
        "stats": {"logins_count": account.profile.get("logins_count", 0)},
        "client": client(),
        "connection": shown_connection(account.connection),
        "authentication": authentication,
        "authorization": {
            "roles": [tenant.roles[role_id]["name"] for role_id in account.roles if role_id in tenant.roles]
        },
        "prompt": {"id": "login"},
        "request": request(account, visit, host),
        "resource_server": {"identifier": "https://api.example.com/"},
        "security_context": security_context(),
        "transaction": transaction(visit, account),
        "user": user(account, identity),
    }
    if session:
        event["session"] = {
            "id": session["id"],
            "user_id": session["user_id"],
            "created_at": session["created_at"],
            "authenticated_at": session["authenticated_at"],
            "updated_at": session["updated_at"],
            "last_interacted_at": session["last_interacted_at"],
            "idle_expires_at": session["idle_expires_at"],
            "expires_at": session["expires_at"],
            "clients": session["clients"],
            "cookie": session["cookie"],
            "device": session["device"],
            "metadata": {},
        }
    if visit.protocol == "oauth2-refresh-token":
        event["refresh_token"] = refresh_token(tenant, account)
    return event


def client() -> dict[str, Any]:
    """Write the application that people log in to."""
    return {"client_id": APPLICATION_ID, "name": APPLICATION_NAME, "metadata": {"team": "customers"}}


def shown_connection(connection: Connection) -> dict[str, Any]:
    """Write the connection that an account belongs to."""
    return {"id": connection.id, "name": connection.name, "strategy": connection.strategy, "metadata": {}}


def security_context() -> dict[str, Any]:
    """Write the fingerprints of the browser's TLS."""
    return {"ja3": hexadecimal(32), "ja4": f"t13d1516h2_{hexadecimal(12)}_{hexadecimal(12)}"}


def plain_request(visit: Visit, host: str, **more: Any) -> dict[str, Any]:
    """Write a request as events other than that of a login have it: without the network's number."""
    return {
        "geoip": visit.geoip,
        "hostname": host,
        "ip": visit.ip,
        "language": "en",
        "method": "POST",
        "user_agent": visit.user_agent,
        **more,
    }


def host_of(address: str) -> str:
    """Give the host of an address such as "http://127.0.0.1:8702"."""
    return address.partition("://")[2]


def methods(tenant: Tenant, account: Account, session: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Say how the person proved who they are."""
    name = {"auth0": "pwd", "sms": "sms", "email": "email"}.get(account.connection.strategy, "federated")
    return [{"name": name, "timestamp": session["authenticated_at"] if session else iso(tenant.now())}]


def request(account: Account, visit: Visit, host: str) -> dict[str, Any]:
    """Write the request, with the form and the query that the browser sent."""
    login = account.profile.get("email") or account.profile.get("phone_number") or account.user_id
    form = {"state": letters(32), "username": login, "password": account.password or letters(12), "action": "default"}
    return {
        "asn": visit.asn,
        "body": form if account.connection.strategy == "auth0" else {},
        "geoip": visit.geoip,
        "hostname": host,
        "ip": visit.ip,
        "language": "en",
        "method": "POST",
        "query": {
            "client_id": APPLICATION_ID,
            "redirect_uri": "https://app.example.com/callback",
            "response_type": "code",
            "scope": "openid profile email offline_access",
            "state": letters(32),
            "code_challenge": letters(43),
            "login_hint": login,
        },
        "user_agent": visit.user_agent,
    }


def transaction(visit: Visit, account: Account) -> dict[str, Any]:
    """Write the transaction of a login."""
    return {
        "id": letters(32),
        **transaction_of(visit),
        "login_hint": account.profile.get("email", ""),
        "metadata": {"entry": "web"},
    }


def transaction_of(visit: Visit) -> dict[str, Any]:
    """Write what the application asked for."""
    return {
        "acr_values": [],
        "correlation_id": hexadecimal(32),
        "locale": "en",
        "prompt": ["login"],
        "protocol": visit.protocol,
        "redirect_uri": "https://app.example.com/callback",
        "requested_scopes": ["openid", "profile", "email", "offline_access"],
        "response_mode": "query",
        "response_type": ["code"],
        "state": letters(32),
        "ui_locales": [],
    }


def user(account: Account, identity: dict[str, Any]) -> dict[str, Any]:
    """Write the user, with the identity provider's token that must not go further."""
    profile = account.profile
    written: dict[str, Any] = {name: profile[name] for name in (*PERSON, "multifactor") if name in profile}
    factors = profile.get("multifactor", [])
    identities = []
    for one in profile["identities"]:
        shown = {
            "connection": one["connection"],
            "isSocial": one["isSocial"],
            "provider": one["provider"],
            "userId": one["user_id"],
            "user_id": one["user_id"],
        }
        if "access_token" in one:
            shown["accessToken"] = one["access_token"]
        if one is not identity and "profileData" in one:
            texts = {name: value for name, value in one["profileData"].items() if isinstance(value, str)}
            shown["profileData"] = texts
        identities.append(shown)
    return {
        **written,
        "email_verified": profile.get("email_verified", False),
        "app_metadata": profile.get("app_metadata", {}),
        "user_metadata": profile.get("user_metadata", {}),
        "identities": identities,
        "enrolledFactors": [{"type": "email"}] if not factors else [{"type": factor} for factor in factors],
    }


def person(account: Account) -> dict[str, Any]:
    """Write a person as the events after a sign-up and before a message have it."""
    profile = account.profile
    return {
        **{name: profile[name] for name in PERSON if name in profile},
        "email_verified": bool(profile.get("email_verified", False)),
        "app_metadata": dict(profile.get("app_metadata", {})),
        "user_metadata": dict(profile.get("user_metadata", {})),
    }


def refresh_token(tenant: Tenant, account: Account) -> dict[str, Any]:
    """Write the refresh token that is being exchanged."""
    tokens = tenant.refresh_tokens_of(account.user_id)
    if not tokens:
        return {"id": f"rt_{letters(18)}", "created_at": iso(tenant.now())}
    return {name: value for name, value in tokens[0].items() if value is not None}
