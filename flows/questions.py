"""Questions: what a flow asks people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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
    for_owners: bool = False
    """It is about the flow itself: its owners decide."""
