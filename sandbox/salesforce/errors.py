"""How the org says no: lists of errors from its API, one object from its token endpoint."""

from typing import Any


class Refusal(Exception):
    """An error of the API."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.more: dict[str, Any] = {}

    def body(self) -> Any:
        """Say it the way most addresses do."""
        error: dict[str, Any] = {"message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error | self.more]

    def in_collection(self) -> dict[str, Any]:
        """Say it the way one record of a collection fails."""
        return {"statusCode": self.code, "message": self.message, "fields": list(self.fields or ())}


class Several(Refusal):
    """An external id that more than one record has: the answer lists their addresses."""

    def __init__(self, addresses: list[str]) -> None:
        super().__init__(300, "DUPLICATE_EXTERNAL_ID", "The external ID provided matches more than one record")
        self.addresses = addresses

    def body(self) -> Any:
        """List the records."""
        return self.addresses


class TokenRefusal(Exception):
    """An error of the token endpoint."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description)
        self.status = status
        self.error = error
        self.description = description

    def body(self) -> dict[str, str]:
        """Say it."""
        return {"error": self.error, "error_description": self.description}
