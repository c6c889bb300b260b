"""What a person does on the page, as the page's script sends it, and where it goes."""

import secrets
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from sandbox.page.controls import Side

ANOTHER_DEVICE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
ABROAD = "Lagos"
Id = Annotated[str, Field(min_length=1, max_length=300)]
Picked = str | int | list[str] | None
"""What a field holds: a text or a chosen value, several of them, or nothing."""


class Deed(BaseModel):
    """One thing that a person does."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Wording(Deed):
    """Something typed into the input line."""

    user: Id
    channel: Id
    text: Annotated[str, Field(min_length=1, max_length=40_000)]

    def order(self) -> tuple[Side, str, dict[str, Any]]:
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

    def order(self) -> tuple[Side, str, dict[str, Any]]:
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

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Ask for what fits."""
        return "slack", "/sandbox/suggestions", self.model_dump()


class Submission(Deed):
    """A view that is submitted."""

    user: Id
    view_id: Id
    values: dict[str, dict[str, Picked]]

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Submit it."""
        return "slack", "/sandbox/submissions", self.model_dump()


class Close(Deed):
    """A view that is closed."""

    user: Id
    view_id: Id

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Close it."""
        return "slack", "/sandbox/closes", self.model_dump()


class Home(Deed):
    """The app's Home tab, opened."""

    user: Id

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Open it."""
        return "slack", "/sandbox/home", self.model_dump()


class Login(Deed):
    """Somebody logs in at the tenant; with another device or from abroad if asked, without anybody judging the risk."""

    user_id: Id
    risk: Literal["low", "medium", "high"] | None
    why: list[Literal["impossible_travel", "new_device", "untrusted_ip"]] | None = None
    strange: Literal["device", "country"] | None = None

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Log in."""
        body = self.model_dump(exclude={"strange"})
        match self.strange:
            case "device":
                body["user_agent"] = ANOTHER_DEVICE
            case "country":
                body["city"] = ABROAD
        return "auth0", "/sandbox/logins", body


class WrongPasswords(Deed):
    """Somebody types a person's password wrong, ten times."""

    user_id: Id

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Type it."""
        return "auth0", "/sandbox/failed-logins", {"user": self.user_id, "times": 10}


class PasswordChange(Deed):
    """Somebody chooses a new password."""

    user_id: Id

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Choose it."""
        return "auth0", "/sandbox/password-changes", self.model_dump()


class SignUp(Deed):
    """Somebody new makes an account."""

    def order(self) -> tuple[Side, str, dict[str, Any]]:
        """Make it, with an address that nobody has yet."""
        name = secrets.token_hex(3)
        person = {"email": f"customer.{name}@example.com", "name": f"Customer {name}"}
        return "auth0", "/sandbox/signups", person


DEEDS: dict[
    str,
    type[Wording | Click | Suggestion | Submission | Close | Home | Login | WrongPasswords | PasswordChange | SignUp],
] = {
    "/wordings": Wording,
    "/clicks": Click,
    "/suggestions": Suggestion,
    "/submissions": Submission,
    "/closes": Close,
    "/home": Home,
    "/logins": Login,
    "/wrong-passwords": WrongPasswords,
    "/password-changes": PasswordChange,
    "/signups": SignUp,
}
