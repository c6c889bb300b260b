"""The ways in which Slack says no."""

from typing import Any


class Refusal(Exception):
    """A call that is answered with `ok: false` and one of Slack's error codes."""

    def __init__(self, error: str, *, status: int = 200, headers: dict[str, str] | None = None, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.headers = headers or {}
        self.details = details

    def body(self) -> dict[str, Any]:
        """Show the refusal the way Slack answers it."""
        return {"ok": False, "error": self.error, **self.details}


class Impossible(Exception):
    """Something that a person could not do in Slack's client: there is no such button, no such view."""

    def __init__(self, error: str, about: str, *, status: int = 404) -> None:
        super().__init__(about)
        self.error = error
        self.status = status
