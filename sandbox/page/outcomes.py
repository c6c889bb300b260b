"""What came of the logins that were made on this page, beyond what the tenant keeps: risk, runner, errors."""

from collections.abc import Mapping
from typing import Any

KEPT = 50


class Outcomes:
    """The outcomes by user and time of the login, the newest few of them."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, Any]] = {}

    def note(self, logins: list[Any], order: Mapping[str, Any], told: Mapping[str, Any]) -> None:
        """Find the login that was just made among the tenant's, the newest of that user not noted yet."""
        for login in reversed(logins):
            key = _key(login)
            if key[0] == order["user_id"] and key not in self._known:
                self._known[key] = {"risk": order["risk"], "executions": told.get("executions") or []}
                break
        for key in list(self._known)[:-KEPT]:
            del self._known[key]

    def of(self, login: Mapping[str, Any]) -> dict[str, Any]:
        """Give what is known of a login; what the tenant itself says of it comes first."""
        return {**self._known.get(_key(login), {}), **login}


def _key(login: Mapping[str, Any]) -> tuple[str, str]:
    return str(login.get("user_id")), str(login.get("at"))
