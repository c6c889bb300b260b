"""The Auth0 Actions that we ship: one for each trigger, each one text without local requires."""

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

Trigger = Literal[
    "post-login",
    "pre-user-registration",
    "post-user-registration",
    "post-change-password",
    "credentials-exchange",
    "password-reset-post-challenge",
    "send-phone-message",
    "custom-token-exchange",
]
TRIGGERS: Final[tuple[Trigger, ...]] = get_args(Trigger)
FOLDER: Final = Path(__file__).with_name("action")
SHARED: Final = FOLDER / "shared.js"
PARTS: Final = FOLDER / "triggers"

_EXPORTS: Final = re.compile(r"^module\.exports = \{.*?^\};\n", re.DOTALL | re.MULTILINE)
_REQUIRE: Final = re.compile(r"^const \{[^}]*\} = require\(\"\.\./shared\.js\"\);\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Shipped:
    """One Auth0 Action of ours, as the tenant must know it."""

    trigger: Trigger
    version: str
    """Of the trigger's interface."""
    when: str
    """When it runs, in words."""
    bound: bool = True
    """Whether it is run by being in the trigger's flow. The others are named by something else."""
    note: str = ""
    """What whoever installs it should know."""

    @property
    def name(self) -> str:
        """What it is called in the tenant."""
        return f"cicflow {self.trigger}"


SHIPPED: Final[dict[Trigger, Shipped]] = {
    each.trigger: each
    for each in (
        Shipped("post-login", "v3", "at logins"),
        Shipped("pre-user-registration", "v2", "at sign-ups"),
        Shipped("post-user-registration", "v2", "after sign-ups"),
        Shipped("post-change-password", "v2", "after changes of passwords"),
        Shipped("credentials-exchange", "v2", "when applications ask for tokens"),
        Shipped("password-reset-post-challenge", "v1", "at resets of passwords"),
        Shipped(
            "send-phone-message",
            "v2",
            "when codes are sent to phones",
            note="It reports messages and does not send them: another Auth0 Action there must do that.",
        ),
        Shipped(
            "custom-token-exchange",
            "v1",
            "when tokens are exchanged",
            bound=False,
            note="Auth0 runs it only where a Custom Token Exchange profile names it, and a profile names one Auth0 Action. "
            "It does not set the user of an exchange: by itself it can only report and refuse.",
        ),
    )
}


def chosen(names: Iterable[str]) -> tuple[Trigger, ...]:
    """Return triggers in the order in which we ship them; ``all`` names every one. Raises ValueError."""
    wanted = set(names)
    unknown = wanted - {*TRIGGERS, "all"}
    if unknown:
        raise ValueError(f"There is no trigger {min(unknown)}. Those we know: {', '.join(TRIGGERS)}.")
    if not wanted:
        raise ValueError("Name at least one trigger.")
    return tuple(each for each in TRIGGERS if each in wanted or "all" in wanted)


def code(trigger: Trigger = "post-login", *, seal: str = "") -> str:
    """Return an Auth0 Action's text. By its first line it is known again, by its second (the seal) its secrets are."""
    shared = SHARED.read_text(encoding="utf-8")
    part = (PARTS / f"{trigger}.js").read_text(encoding="utf-8")
    body = f"{_EXPORTS.sub('', shared)}{_REQUIRE.sub('', part)}"
    fingerprint = hashlib.sha256(body.encode()).hexdigest()[:16]
    return f"// {SHIPPED[trigger].name} {fingerprint}\n// secrets {seal or 'none'}\n\n{body}"


def seal_of(secrets: dict[str, str]) -> str:
    """Return what tells whether secrets are the same, and nothing else of them: Auth0 never gives them back."""
    written = "\n".join(f"{name}={value}" for name, value in sorted(secrets.items()))
    return hmac.new(secrets["CICFLOW_SECRET"].encode(), written.encode(), hashlib.sha256).hexdigest()[:32]


def sealed_with(text: str) -> str:
    """Return the seal of an Auth0 Action's text; empty where it has none."""
    second = text.partition("\n")[2].partition("\n")[0]
    return second.removeprefix("// secrets ") if second.startswith("// secrets ") else ""


def first_line(text: str) -> str:
    """Return the line by which an Auth0 Action is known again."""
    return text.partition("\n")[0]
