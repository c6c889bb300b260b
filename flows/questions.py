"""Questions: what a flow asks people."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

ESCALATE: Final = "escalate"
"""What the message is called in which a question is asked in the second place."""
NO_LINK: Final = "(the link “{}”, which only the person gets)"
"""What stands for a link where nobody is to follow it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked: plain texts, from a flow whose references are filled in."""

    id: str
    run_id: str
    path: str
    flow: str
    flow_title: str
    text: str
    title: str
    channel: str
    details: Mapping[str, str | Sequence[str]]
    choices: Mapping[str, Mapping[str, str | None]]
    """Each choice's title, style and confirmation, by name."""
    otherwise: str
    within: int
    """Seconds."""
    votes: int = 1
    """How many people have to choose the same."""
    for_owners: bool = False
    """It is about the flow itself: its owners decide."""
    page: Mapping[str, Any] | None = None
    """It is put to a person outside of Slack, on a page of ours, which shows these `links`, by their titles. `held`:
    within their login. Otherwise by links; the choices in `after login` count only after a login as `person`, at the
    tenant of `connection`."""
    remind: int = 0
    """Seconds between two reminders. 0: there are none."""
    reminders: int = 0
    mention: Sequence[str] = ()
    """Slack users and user groups who are reminded. Nobody: those who may decide."""
    escalate_to: str = ""
    """A channel, a person or a user group that is asked, too."""
    escalate_after: int = 0
    """Seconds."""
    together: str = ""
    """Questions of which this is the same stand in one message. Empty: this one stands alone."""
    together_within: int = 0
    """Seconds."""
    together_from: int = 1
    """Those before this one stand alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Insistence:
    """Something that is said about a question which nobody has answered for a while."""

    name: str
    at: float


def together(flow: str, step: str, channel: str, choices: Sequence[str], key: str) -> str:
    """Return what questions have in common that can stand in one message: they are answered in the same way."""
    return sha256(json.dumps([flow, step, channel, list(choices), key]).encode()).hexdigest()


def insistences(question: Question, since: float) -> Sequence[Insistence]:
    """Return what is to be said about a question that stays open, and when, in that order."""
    found = [
        Insistence(name=f"remind/{number}", at=since + number * question.remind)
        for number in range(1, question.reminders + 1)
        if number * question.remind < question.within
    ]
    if question.escalate_to and question.escalate_after < question.within:
        found.append(Insistence(name=ESCALATE, at=since + question.escalate_after))
    return sorted(found, key=lambda one: one.at)
