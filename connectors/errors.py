"""The errors of every connector, named by what their receiver should do.

    ConnectorError
    ├── TryLater    nothing happened: try again, after so many seconds if the service said so
    ├── Reconnect   the credentials or their scopes are no longer good: an admin must reconnect
    ├── Missing     the thing is not there
    ├── Refused     the service says no, and will say it again
    └── Ambiguous   it may or may not have happened: look before trying again

An error's message is in plain words and safe to show to people: never a secret, a token or a full address.
"""
# ruff: noqa: N818 - they are named by the reaction they ask for

from copy import copy
from typing import Self


class ConnectorError(Exception):
    """The other service did not do it."""

    def __init__(self, message: str = "", *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())
        self.status = status
        """The HTTP status that said so, if one did."""
        self.code = code
        """The service's own short name for what is wrong, if it has one."""

    @property
    def message(self) -> str:
        """What to tell people."""
        return str(self.args[0])

    def preceded_by(self, text: str) -> Self:
        """Give the same error with a sentence before its message."""
        other = copy(self)
        other.args = (f"{text} {self.message}",)
        return other


class TryLater(ConnectorError):
    """The service has no time now, and nothing was done."""

    def __init__(
        self, message: str = "", *, after: float | None = None, status: int | None = None, code: str | None = None
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.after = after
        """Seconds to wait, if the service said how many."""


class Reconnect(ConnectorError):
    """The service does not accept our credentials: an admin must reconnect it."""

    def __init__(
        self,
        message: str = "",
        *,
        missing_scope: str | None = None,
        status: int | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message, status=status, code=code)
        self.missing_scope = missing_scope
        """The permission that the service says we lack (several are separated by spaces)."""


class Missing(ConnectorError):
    """It is not there (any more)."""


class Refused(ConnectorError):
    """The service says no."""


class Ambiguous(ConnectorError):
    """The connection broke while it was being done: it may or may not have happened."""
