"""What the twin finds on a person and does whatever cicflow answers: a second factor, a new password."""

from datetime import UTC, datetime
from typing import Any

STRICTER = "cicflow_require_mfa"
NEW_PASSWORD = "cicflow_new_password"
CHOOSE_PASSWORD = "Please choose a new password first: use the link for a forgotten password."


def standing(event: dict[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Give what stands in the app metadata of a person, as replies. What has run out, or is done, is removed."""
    notes = event.get("user", {}).get("app_metadata") or {}
    given: list[dict[str, Any]] = []
    match notes.get(STRICTER):
        case dict() as stricter if is_over(stricter, now):
            given.append({"app metadata": {STRICTER: None}})
        case dict() as stricter:
            given.append({"require mfa": stricter.get("factors") or True})
    match notes.get(NEW_PASSWORD):
        case dict() as wanted if is_over(wanted, now):
            given.append({"app metadata": {NEW_PASSWORD: None}})
        case dict() as wanted if event.get("connection", {}).get("strategy") == "auth0":
            since, reset = moment(wanted.get("since")), moment(event["user"].get("last_password_reset"))
            done = since is not None and reset is not None and reset >= since
            given.append({"app metadata": {NEW_PASSWORD: None}} if done else {"deny": CHOOSE_PASSWORD})
    return given


def is_over(order: dict[str, Any], now: datetime) -> bool:
    """Tell whether it has run out."""
    until = moment(order.get("until"))
    return until is not None and until <= now


def moment(value: Any) -> datetime | None:
    """Read a time."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
