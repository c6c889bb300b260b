"""Trouble on demand: the ways in which each service can be made to misbehave on the page, and how it is all right again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sandbox.page.controls import Side

MANY: Final = 1000
"""Calls: as good as for ever, till everything is put right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is sent to a control address of the service."""

    path: str = "/sandbox/faults"
    body: Mapping[str, Any] | None = None
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One way to misbehave."""

    words: str
    wish: Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What can go wrong at one service."""

    title: str
    troubles: Mapping[str, Trouble]
    right: tuple[Wish, ...] = (Wish(method="DELETE"),)
    """What puts it right."""


def _fault(words: str, match: str, *, times: int = 1, **fault: Any) -> Trouble:
    return Trouble(words=words, wish=Wish(body={"match": match, "times": times, "fault": fault}))


def _set(words: str, **settings: Any) -> Trouble:
    return Trouble(words=words, wish=Wish(path="/sandbox/settings", body=settings, method="PUT"))


EXPIRED: Final = Trouble(words="All access tokens end now", wish=Wish(path="/sandbox/tokens/expire", body={}))


def _usual(match: str) -> dict[str, Trouble]:
    """Give what can go wrong at every service that is spoken to over HTTP."""
    return {
        "once": _fault("The next call fails (500)", match, status=500),
        "busy": _fault(
            "The next call comes too fast (429, 5 seconds)", match, status=429, headers={"Retry-After": "5"}
        ),
        "lost": _fault("The next call is carried out, and its answer is lost", match, drop="after"),
        "slow": _fault("The next call takes 8 seconds", match, delay=8),
        "down": _fault("Everything fails (503) until you put it right", match, times=MANY, status=503),
    }


def _marketo(code: str, message: str) -> dict[str, Any]:
    return {"requestId": "e42b#14272d07d78", "success": False, "errors": [{"code": code, "message": message}]}


_NO_TIME: Final = {"error": "ratelimited", "ok": False}
_LIMIT: Final = [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]
_LOCKED: Final = [{"message": "unable to obtain exclusive access to this record", "errorCode": "UNABLE_TO_LOCK_ROW"}]
_SLEEPS: Final = "<html><body>Your instance is hibernating. Sign in to wake it up.</body></html>"
_DENIED: Final = {
    "error": {"message": "User Not Authorized", "detail": "ACL restricts the access"},
    "status": "failure",
}

SERVICES: Final[Mapping[Side, Service]] = {
    "slack": Service(
        title="Slack",
        troubles={
            "once": _fault("The next message cannot be posted (500)", "chat.postMessage", status=500),
            "lost": _fault("The next message is posted, and the answer is lost", "chat.postMessage", drop="after"),
            "busy": _fault(
                "The next message comes too fast (5 seconds)",
                "chat.postMessage",
                status=429,
                headers={"Retry-After": "5"},
                body=_NO_TIME,
            ),
            "down": _fault("Nothing can be posted until you put it right", "chat.*", times=MANY, status=503),
            "files": _fault("The next file cannot be uploaded", "files.getUploadURLExternal", status=500),
        },
    ),
    "auth0": Service(
        title="Auth0",
        troubles={
            **_usual("* /api/v2/*"),
            "token": EXPIRED,
            "plan": Trouble(
                words="The slow pace of the free plan",
                wish=Wish(path="/sandbox/pace", body={"by_plan": True}, method="PUT"),
            ),
            "twice": _set("Every event is delivered twice", duplicates=True),
            "mixed": _set("Events arrive late and out of order", disorder=True),
        },
        right=(
            Wish(method="DELETE"),
            Wish(path="/sandbox/settings", body={"duplicates": False, "disorder": False}, method="PUT"),
            Wish(path="/sandbox/pace", body={"by_plan": False}, method="PUT"),
        ),
    ),
    "servicenow": Service(
        title="ServiceNow",
        troubles={
            **_usual("P* /api/now/*"),
            "token": EXPIRED,
            "denied": _fault("The next change is not allowed (403)", "P* /api/now/*", status=403, body=_DENIED),
            "asleep": _fault("The instance hibernates: a page instead of an answer", "* /api/now/*", html=_SLEEPS),
            "rule": _set("A business rule aborts every change of an incident", aborted_by="Freeze incidents"),
        },
        right=(Wish(method="DELETE"), Wish(path="/sandbox/settings", body={"aborted_by": None}, method="PUT")),
    ),
    "salesforce": Service(
        title="Salesforce",
        troubles={
            **_usual("P* /services/data/*"),
            "token": EXPIRED,
            "quota": _fault(
                "The day's quota is used up (403)", "* /services/data/*", times=MANY, status=403, body=_LIMIT
            ),
            "locked": _fault(
                "The next record is locked by somebody else", "P* /services/data/*", status=400, body=_LOCKED
            ),
            "rule": _set("A duplicate rule blocks records that are there already", duplicate_rules="block"),
        },
        right=(Wish(method="DELETE"), Wish(path="/sandbox/settings", body={}, method="PUT")),
    ),
    "marketo": Service(
        title="Marketo",
        troubles={
            **_usual("* /rest/*"),
            "token": EXPIRED,
            "rate": _fault(
                "Too many calls in 20 seconds (606)",
                "* /rest/*",
                status=200,
                body=_marketo("606", "Max rate limit exceeded"),
            ),
            "quota": _fault(
                "The day's quota is used up (607)",
                "* /rest/*",
                times=MANY,
                status=200,
                body=_marketo("607", "Daily quota reached"),
            ),
            "system": _fault(
                "A system error in an answer of 200 (611)",
                "* /rest/*",
                status=200,
                body=_marketo("611", "System error"),
            ),
        },
    ),
    "mail": Service(
        title="Mail",
        troubles={
            "later": _fault("The next mail is put off (451)", "END", code=451, text="4.3.0 Try again later"),
            "refused": _fault("The next recipient is refused (550)", "RCPT *", code=550, text="5.1.1 No such mailbox"),
            "lost": _fault("The next mail is taken, and the answer is lost", "END", drop="after"),
            "slow": _fault("The next mail takes 8 seconds", "END", delay=8),
            "down": _fault(
                "No mail is taken until you put it right", "MAIL *", times=MANY, code=421, text="4.3.2 Closed"
            ),
        },
    ),
    "downstream": Service(title="Your app", troubles=_usual("P* /*")),
}


@dataclass(slots=True)
class Troubles:
    """What was made to go wrong since it was put right last."""

    made: dict[Side, list[str]] = field(default_factory=dict)

    def note(self, side: Side, kind: str) -> None:
        """Remember it, for the page to show."""
        words = SERVICES[side].troubles[kind].words
        kept = self.made.setdefault(side, [])
        if words not in kept:
            kept.append(words)

    def forget(self, side: Side) -> None:
        """It is all right again."""
        self.made.pop(side, None)
