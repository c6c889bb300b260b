"""Lines of the tenant's log as the events that flows listen to, as far as the log tells: what previews look at.

The log tells less than an event: no profile, no metadata, no roles.
"""

from collections.abc import Mapping
from typing import Any, Final

_PLACE: Final = {
    "cityName": "city_name",
    "countryCode": "country_code",
    "countryCode3": "country_code3",
    "countryName": "country_name",
    "continentCode": "continent_code",
    "latitude": "latitude",
    "longitude": "longitude",
    "timeZone": "time_zone",
}


def login(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Show a successful login as the Auth0 Action tells of it."""
    if record.get("type") != "s" or not record.get("user_id"):
        return None
    details = _map(record.get("details"))
    count = _map(details.get("stats")).get("loginsCount")
    risk = details.get("riskAssessment")
    session = details.get("session_id")
    return _trigger(
        record,
        stats={"logins_count": count} if isinstance(count, int) else None,
        authentication={"riskAssessment": risk} if isinstance(risk, Mapping) else None,
        session={"id": session} if isinstance(session, str) else None,
    )


def sign_up(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Show a sign-up as the Auth0 Action tells of it."""
    return _trigger(record) if record.get("type") == "ss" and record.get("user_id") else None


def password_change(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Show a new password as the Auth0 Action tells of it."""
    return _trigger(record) if record.get("type") == "scp" and record.get("user_id") else None


def creation(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Show a sign-up as an event stream tells of the new user."""
    return _change(record, "user.created") if record.get("type") == "ss" else None


def deletion(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Show that a user is gone as an event stream tells of it."""
    return _change(record, "user.deleted") if record.get("type") in {"sdu", "du"} else None


def _trigger(record: Mapping[str, Any], **more: Mapping[str, Any] | None) -> Mapping[str, Any]:
    place = _map(record.get("location_info"))
    geoip = {name: place[of] for name, of in _PLACE.items() if place.get(of) is not None}
    return {
        "tenant": {"id": _tenant(record)},
        "user": _user(record),
        "client": _present(client_id=record.get("client_id"), name=record.get("client_name")),
        "connection": _connection(record),
        "request": _present(
            ip=record.get("ip"),
            user_agent=record.get("user_agent"),
            hostname=record.get("hostname"),
            geoip=geoip or None,
        ),
        **{name: value for name, value in more.items() if value is not None},
    }


def _change(record: Mapping[str, Any], kind: str) -> Mapping[str, Any] | None:
    if not record.get("user_id"):
        return None
    return {
        "id": str(record.get("log_id") or record.get("_id") or "log"),
        "type": kind,
        "time": record.get("date"),
        "object": {**_user(record), "created_at": record.get("date") if kind == "user.created" else None},
        "context": {
            "tenant": {"id": _tenant(record)},
            "connection": _connection(record),
            "request": _present(ip=record.get("ip"), user_agent=record.get("user_agent")),
        },
    }


def _user(record: Mapping[str, Any]) -> Mapping[str, Any]:
    name = record.get("user_name")
    email = name if isinstance(name, str) and "@" in name else None
    return _present(user_id=record["user_id"], email=email)


def _connection(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return _present(id=record.get("connection_id"), name=record.get("connection"), strategy=record.get("strategy"))


def _tenant(record: Mapping[str, Any]) -> str:
    return str(record.get("tenant_name") or str(record.get("hostname") or "").partition(".")[0])


def _present(**values: Any) -> Mapping[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
