"""What happened between the workspace and the bot: calls received, requests sent."""

from typing import Any

from sandbox.slack.stamps import Clock

Json = dict[str, Any]


class Calls:
    """Every API call received, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.list: list[Json] = []

    def begin(self, method: str) -> Json:
        """Note that a call has come in; what became of it is filled in later."""
        record: Json = {
            "n": len(self.list) + 1,
            "at": self._clock(),
            "method": method,
            "arguments": None,
            "status": None,
            "ok": None,
            "error": None,
            "fault": None,
        }
        self.list.append(record)
        return record


class Deliveries:
    """Every request sent to the bot, in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.list: list[Json] = []

    def begin(self, kind: str, *, transport: str, url: str | None, headers: dict[str, str], body: str) -> Json:
        """Note that a request is about to be sent; the answer is filled in later."""
        record: Json = {
            "n": len(self.list) + 1,
            "at": self._clock(),
            "kind": kind,
            "url": url,
            "headers": headers,
            "body": body,
            "transport": transport,
            "status": None,
            "answer": None,
            "error": None,
            "seconds": None,
        }
        self.list.append(record)
        return record
