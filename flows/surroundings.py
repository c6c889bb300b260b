"""The surroundings of a run: everything it reaches, handed in. The live ones act; those of a dry run only describe."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from connectors.base import Action, Catalog, Dataset
from flows.language import Call, Limits, Step, Template
from flows.questions import Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a run is to carry out: one version of a flow, for one event."""

    run_id: str
    flow: str
    template: Template
    settings: Mapping[str, Any]
    event: Mapping[str, Any]
    owner: str = ""
    """The Slack user who is asked when the flow reaches a cap."""
    depth: int = 0
    """How many runs called one another before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, in words."""

    outcome: Literal["done", "failed", "cancelled"]
    message: str
    path: str = ""
    """The step that failed."""
    gave: Mapping[str, Any] = field(default_factory=dict)
    """What it gives to the run that called it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """A cap that a step would pass."""

    effect: str
    period: Literal["run", "day"]
    cap: int
    count: int
    """What it would come to."""


class Hands(Protocol):
    """Carries out an action outside of the run."""

    async def reach(self, action: Action, connection: str) -> Any:
        """Return what an action is carried out on: the client of its connection. Raises ConnectorError.

        Nothing is sent yet.
        """
        ...

    async def carry_out(self, action: Action, client: Any, given: Any, *, path: str, errand: Errand) -> Any:
        """Return what the action gives, as JSON. Raises ConnectorError."""
        ...

    def store(self, action: Action, connection: Any, given: Any, *, path: str) -> Any:
        """Carry out an action on our own database. Returns what it gives, as JSON. Raises ConnectorError."""
        ...


class People(Protocol):
    """Reaches people. Each call may be repeated: it has its effect once."""

    async def ask(self, question: Question) -> None:
        """Put a question where people see it. Raises ConnectorError."""
        ...

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        """Return the answer (choice, by, at, how), or None while there is none."""
        ...

    async def speaks_since(self, question: Question) -> float | None:
        """Return since when an open question is asked; None if nothing more is to be said about it."""
        ...

    async def insist(self, question: Question, name: str) -> None:
        """Say once more that a question is open, in the thread or in another place. Raises ConnectorError."""
        ...

    async def settle(self, question: Question) -> None:
        """Show that a question is answered, and by whom. Raises ConnectorError."""
        ...

    async def tell(self, errand: Errand, ended: Ended) -> None:
        """Say how a run ended, where its questions stand. Raises ConnectorError."""
        ...


class Caps(Protocol):
    """Counts what a flow changes and destroys."""

    def spend(self, connection: Any, errand: Errand, *, effect: str, count: int, limits: Limits) -> Over | None:
        """Count, or return the cap that would be passed, in which case nothing is counted."""
        ...

    def allow(self, connection: Any, errand: Errand, over: Over, *, count: int) -> None:
        """Let a cap be passed once more by as much as it allows, and count."""
        ...


class Holds(Protocol):
    """Remembers who is kept waiting, and what for."""

    def hold(self, connection: Any, run_id: str, hold: Mapping[str, Any]) -> Any:
        """Keep somebody waiting."""
        ...

    def release(self, connection: Any, run_id: str, reply: Mapping[str, Any]) -> Any:
        """Tell them what to do. The first answer counts."""
        ...


class Pages(Protocol):
    """Puts questions to people outside of Slack."""

    def open(self, connection: Any, question: Question) -> Any:
        """Put a question where its page finds it. Its deadline is set once."""
        ...

    def close(self, connection: Any, run_id: str) -> Any:
        """Take back what is still put to somebody: nobody waits for the answer any more."""
        ...

    def link(self, question_id: str, choice: str) -> str:
        """Return the address at which a person makes a choice. It is the same each time."""
        ...


class Calls(Protocol):
    """Starts other flows, and hears how they ended."""

    def start(self, connection: Any, errand: Errand, step: Call, path: str, given: Mapping[str, Any]) -> Any:
        """Return the new run as ``{"run": its id}``, or ``{"error": why not, "kind": "refused"}``."""
        ...

    async def begin(self, run_id: str) -> None:
        """Let a run that was started begin, unless it has."""
        ...

    async def result(self, run_id: str) -> Mapping[str, Any] | None:
        """Return how a run ended (outcome, message, gave), or None while it has not."""
        ...


class Datasets(Protocol):
    """Keeps collections that are too large for a run."""

    async def read(self, dataset: str, start: int, count: int) -> Sequence[Any]:
        """Return some items."""
        ...

    async def about(self, dataset: str) -> Dataset | None:
        """Return how many items there are, and what is known of each."""
        ...

    def append(self, connection: Any, dataset: str, run_id: str, start: int, items: Sequence[Any]) -> None:
        """Add items at a position. Doing it again changes nothing."""
        ...


class Recorder(Protocol):
    """Sees every step that is carried out, also those that are only recomputed."""

    def began(self, path: str, step: Step) -> None:
        """See a step begin."""
        ...

    def given(self, path: str, given: Any) -> None:
        """See what a step works with, its references filled in."""
        ...

    def ended(self, path: str, *, gave: Any = None, error: str | None = None) -> None:
        """See how a step ended."""
        ...


class Nobody:
    """A recorder that records nothing."""

    def began(self, path: str, step: Step) -> None:
        """See a step begin."""

    def given(self, path: str, given: Any) -> None:
        """See what a step works with."""

    def ended(self, path: str, *, gave: Any = None, error: str | None = None) -> None:
        """See how a step ended."""


MOST_ASKED: Final = 3600.0
"""Seconds; no service is believed that asks for a longer wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often something that failed in passing is tried, and how long to wait in between (seconds)."""

    attempts: int = 8
    first: float = 1.0
    factor: float = 2.0
    longest: float = 900.0
    errors: frozenset[str] = frozenset({"later"})

    def before(self, attempt: int, asked: float | None) -> float:
        """Return the wait before an attempt. What the service asked for, up to an hour, goes before our own idea."""
        if asked is not None:
            return min(MOST_ASKED, asked)
        return min(self.longest, self.first * self.factor ** (attempt - 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Everything that a run reaches."""

    catalog: Catalog
    hands: Hands
    people: People
    caps: Caps
    calls: Calls
    datasets: Datasets
    holds: Holds
    pages: Pages
    answer: Callable[[str, Mapping[str, Any]], None]
    """Tells whoever waits for a run's answer."""
    pause: Callable[[float], Awaitable[None]]
    """Comes back at a time (Unix seconds), or raises SuspendedError if that is far away."""
    now: Callable[[], float]
    patience: Patience = Patience()
    recorder: Recorder = field(default_factory=Nobody)
