"""Refusals, in the shapes that the service answers with.

ServiceError
├── ApiError      the REST API: {error: {message, detail}, status: "failure"}
└── TokenError    the token endpoint: {error, error_description}
"""

from abc import ABC, abstractmethod
from typing import Any


class ServiceError(Exception, ABC):
    """An answer that says no."""

    status: int

    @abstractmethod
    def body(self) -> dict[str, Any]:
        """Say no in the words of the part of the service that was asked."""


class ApiError(ServiceError):
    """The REST API says no."""

    def __init__(self, status: int, message: str, detail: str | None = None, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.detail = detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self) -> dict[str, Any]:
        """Give the message and its detail, which may be null."""
        return {"error": {"message": self.message, "detail": self.detail}, "status": "failure"}


class TokenError(ServiceError):
    """The token endpoint says no; it never says why."""

    status = 401

    def body(self) -> dict[str, Any]:
        """Give the one answer for a wrong secret, a locked user and a refresh token that has ended."""
        return {"error_description": "access_denied", "error": "server_error"}


def not_authenticated() -> ApiError:
    """Say that nobody knows who asks."""
    return ApiError(401, "User Not Authenticated", "Required to provide Auth information")


def no_record() -> ApiError:
    """Say that there is no such record, or that it may not be seen."""
    return ApiError(404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


def invalid_table(name: str) -> ApiError:
    """Say that there is no such table."""
    return ApiError(400, f"Invalid table {name}")


def no_such_address() -> ApiError:
    """Say that nothing is served there."""
    return ApiError(400, "Requested URI does not represent any resource")


def acl_refuses(operation: str) -> ApiError:
    """Say that an access control list forbids to change a record."""
    what = {"create": "Insert", "write": "Update", "delete": "Delete"}[operation]
    return ApiError(403, "Operation Failed", f"ACL Exception {what} Failed due to security constraints")
