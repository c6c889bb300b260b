"""What a person does on the page, as the page's script sends it, and where it goes."""

import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.page.controls import Side

Order = tuple[Side, str, dict[str, Any]]
"""To which service it goes, to which of its addresses, and what is sent."""

ANOTHER_DEVICE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
ABROAD = "Lagos"
ATTACKER = "198.51.100.66"
Id = Annotated[str, Field(min_length=1, max_length=300)]
Picked = str | int | list[str] | None
"""What a field holds: a text or a chosen value, several of them, or nothing."""


class Deed(BaseModel):
    """One thing that a person does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def afterwards(self, told: dict[str, Any]) -> Order | None:
        """Say what is done next, from what came of it; usually that was all."""
        return None


class Wording(Deed):
    """Something typed into the input line."""

    user: Id
    channel: Id
    text: Annotated[str, Field(min_length=1, max_length=40_000)]

    def order(self) -> Order:
        """Send a slash command to the app and everything else to the channel."""
        text = self.text.strip()
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            said = {"command": command, "text": rest.strip()}
            return "slack", "/sandbox/commands", {"user": self.user, "channel": self.channel, **said}
        return "slack", "/sandbox/messages", {"user": self.user, "channel": self.channel, "text": text}


class Click(Deed):
    """A press or a choice in a message or a view."""

    user: Id
    channel: Id | None = None
    ts: Id | None = None
    view_id: Id | None = None
    action_id: Id
    block_id: Id | None = None
    given: dict[str, Any] = {}
    values: dict[str, dict[str, Picked]] | None = None

    def order(self) -> Order:
        """Press it."""
        body = self.model_dump(exclude_none=True, exclude={"given"})
        return "slack", "/sandbox/clicks", {**body, **self.given}


class Suggestion(Deed):
    """Something typed into a menu that the app fills."""

    user: Id
    view_id: Id
    action_id: Id
    block_id: Id
    value: Annotated[str, Field(max_length=3000)]

    def order(self) -> Order:
        """Ask for what fits."""
        return "slack", "/sandbox/suggestions", self.model_dump()


class Submission(Deed):
    """A view that is submitted."""

    user: Id
    view_id: Id
    values: dict[str, dict[str, Picked]]

    def order(self) -> Order:
        """Submit it."""
        return "slack", "/sandbox/submissions", self.model_dump()


class Close(Deed):
    """A view that is closed."""

    user: Id
    view_id: Id

    def order(self) -> Order:
        """Close it."""
        return "slack", "/sandbox/closes", self.model_dump()


class Home(Deed):
    """The app's Home tab, opened."""

    user: Id

    def order(self) -> Order:
        """Open it."""
        return "slack", "/sandbox/home", self.model_dump()


class Login(Deed):
    """Somebody logs in at the tenant; with another device or from abroad if asked, without anybody judging the risk."""

    user_id: Id
    risk: Literal["low", "medium", "high"] | None
    why: list[Literal["impossible_travel", "new_device", "untrusted_ip"]] | None = None
    strange: Literal["device", "country", "refresh"] | None = None
    mfa: Literal["passed", "failed", "rejected"] = "passed"

    def order(self) -> Order:
        """Log in."""
        body = self.model_dump(exclude={"strange"}, exclude_defaults=True) | {"risk": self.risk, "why": self.why}
        match self.strange:
            case "device":
                body["user_agent"] = ANOTHER_DEVICE
            case "country":
                body["city"] = ABROAD
            case "refresh":
                body["protocol"] = "oauth2-refresh-token"
        return "auth0", "/sandbox/logins", body


class WrongPasswords(Deed):
    """Somebody types a person's password wrong, ten times unless it is said how often."""

    user_id: Id
    times: Annotated[int, Field(ge=1, le=100)] = 10

    def order(self) -> Order:
        """Type it."""
        return "auth0", "/sandbox/failed-logins", {"user": self.user_id, "times": self.times}


class Spray(Deed):
    """Somebody tries passwords of people that there may be, all from one address."""

    times: Annotated[int, Field(ge=1, le=1000)] = 40

    def order(self) -> Order:
        """Try them."""
        guess = {"user": f"guess.{secrets.token_hex(3)}@example.com", "kind": "unknown_user"}
        return "auth0", "/sandbox/failed-logins", {**guess, "times": self.times, "city": ABROAD, "ip": ATTACKER}


class WrongCodes(Deed):
    """Somebody fails at a person's second factor."""

    user_id: Id

    def order(self) -> Order:
        """Fail."""
        return "auth0", "/sandbox/failed-logins", {"user": self.user_id, "kind": "wrong_code", "times": 5}


class PasswordChange(Deed):
    """Somebody chooses a new password."""

    user_id: Id

    def order(self) -> Order:
        """Choose it."""
        return "auth0", "/sandbox/password-changes", self.model_dump()


class SignUp(Deed):
    """Somebody new makes an account, and logs in if asked."""

    kind: Literal["database", "social", "sms"] = "database"
    email: Annotated[str, Field(max_length=200, pattern=r"^([^@\s]+@[^@\s]+)?$")] = ""
    then: Literal["login", "nothing"] = "nothing"

    def order(self) -> Order:
        """Make it, with an address or a number that nobody has yet."""
        name = secrets.token_hex(3)
        email = self.email or f"customer.{name}@example.com"
        match self.kind:
            case "sms":
                phone = f"+4930{secrets.randbelow(10**7):07d}"
                return "auth0", "/sandbox/signups", {"connection": "sms", "phone_number": phone}
            case "social":
                # Without a family name, as many come.
                return (
                    "auth0",
                    "/sandbox/people/arrivals",
                    {"email": email, "name": f"Customer{name}", "nickname": name},
                )
            case "database":
                person = {"email": email, "name": f"Customer {name.title()}"}
                return "auth0", "/sandbox/signups", person

    def afterwards(self, told: dict[str, Any]) -> Order | None:
        """Log in. Through a social connection nobody signs up without logging in."""
        if self.then == "nothing" and self.kind != "social":
            return None
        user_id = told.get("user_id")
        return ("auth0", "/sandbox/logins", {"user_id": user_id, "risk": None, "why": None}) if user_id else None


class Deletion(Deed):
    """Somebody's account is deleted."""

    user_id: Id

    def order(self) -> Order:
        """Delete it."""
        return "auth0", "/sandbox/people/deletions", self.model_dump()


class Alteration(Deed):
    """Somebody's e-mail address is changed, or proved."""

    user_id: Id
    what: Literal["new e-mail", "verify e-mail"]

    def order(self) -> Order:
        """Change it."""
        profile: dict[str, Any] = {"email_verified": True}
        if self.what == "new e-mail":
            profile = {"email": f"renamed.{secrets.token_hex(3)}@example.com", "email_verified": False}
        return "auth0", "/sandbox/people/alterations", {"user_id": self.user_id, "profile": profile}


class Absence(Deed):
    """Somebody has not been here for so many days."""

    user_id: Id
    days: Annotated[int, Field(ge=0, le=3650)]

    def order(self) -> Order:
        """Set the last login back."""
        return "auth0", "/sandbox/people/absences", self.model_dump()


class Upset(Deed):
    """A service is made to misbehave in some way, or put right again."""

    service: Side
    kind: str | None = None


DEEDS: dict[
    str,
    type[
        Wording
        | Click
        | Suggestion
        | Submission
        | Close
        | Home
        | Login
        | WrongPasswords
        | WrongCodes
        | Spray
        | PasswordChange
        | SignUp
        | Deletion
        | Alteration
        | Absence
    ],
] = {
    "/wordings": Wording,
    "/clicks": Click,
    "/suggestions": Suggestion,
    "/submissions": Submission,
    "/closes": Close,
    "/home": Home,
    "/logins": Login,
    "/wrong-passwords": WrongPasswords,
    "/wrong-codes": WrongCodes,
    "/sprays": Spray,
    "/password-changes": PasswordChange,
    "/signups": SignUp,
    "/deletions": Deletion,
    "/alterations": Alteration,
    "/absences": Absence,
}
