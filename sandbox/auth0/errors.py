"""Refusals, in the two shapes that the service answers with.

ServiceError
├── ApiError      the Management API: {statusCode, error, message, errorCode?}
└── TokenError    the token endpoint: {error, error_description}
"""

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Any

PHRASES = {
    HTTPStatus.REQUEST_URI_TOO_LONG: "Request-URI Too Large",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Payload Too Large",
}


class ServiceError(Exception, ABC):
    """An answer that says no."""

    status: int

    @abstractmethod
    def body(self) -> dict[str, Any]:
        """Say no in the words of the part of the service that was asked."""


class ApiError(ServiceError):
    """The Management API says no."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    def body(self) -> dict[str, Any]:
        """Give the four fields of the Management API; errorCode is left out where the real one leaves it out."""
        phrase = PHRASES.get(HTTPStatus(self.status), HTTPStatus(self.status).phrase)
        body: dict[str, Any] = {"statusCode": self.status, "error": phrase, "message": self.message}
        if self.code:
            body["errorCode"] = self.code
        if self.status == HTTPStatus.UNAUTHORIZED:
            body["attributes"] = {"error": self.message}
        return body


class TokenError(ServiceError):
    """The token endpoint says no."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, Any]:
        """Give the two fields of OAuth."""
        return {"error": self.error, "error_description": self.description}


def no_such_user() -> ApiError:
    """Say that the account is not there."""
    return ApiError(404, "The user does not exist.", "inexistent_user")


def bad_body(why: str) -> ApiError:
    """Say what is wrong with a body, in the form of the Management API."""
    return ApiError(400, f"Payload validation error: '{why}'.", "invalid_body")
