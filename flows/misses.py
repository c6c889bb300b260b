"""Misses: events that did not wake a flow, counted by what stood against it, with a few samples that say why."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from flows.masking import masked
from flows.references import spoken
from flows.store import Store
from flows.tables import Miss, MissSample

SLOTS: Final = 50
"""Samples that are kept of each flow: the latest."""

PAUSE: Final = 1.0
"""Seconds between two samples of the same guard."""

ONCE_PER: Final = "once per"
"""In place of a guard: the key of the event had its run."""

TURN: Final = "turn"
"""In place of a guard: an earlier run was under way, and the flow takes one at a time."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One event that did not wake a flow, and why."""

    flow: str
    guard: str
    """The guard's path in the flow, such as ``when/0/only if/0``; or ``once per``, or ``turn``."""
    event_id: str
    at: float
    value: Any
    """What the guard saw, masked."""
    wanted: Any
    """What it asked for: a condition as it is written, with its right side filled in, masked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Misses that have gathered and are not kept yet."""

    counts: Mapping[tuple[str, str, str], int]
    """By flow, day (UTC) and guard."""
    samples: Mapping[str, Sequence[Sample]]
    """By flow, oldest first."""

    def __bool__(self) -> bool:
        return bool(self.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a flow was not woken."""

    counts: Mapping[str, int]
    """Misses by guard, most frequent first. Whole days (UTC) are counted, from that of the time asked about."""
    samples: Sequence[Sample]
    """The latest misses, newest first."""


class Misses:
    """Counts misses in memory until they are taken and kept."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, int], int] = {}
        self._samples: dict[str, deque[Sample]] = {}
        self._sampled: dict[tuple[str, str], float] = {}

    def note(self, flow: str, guard: str, event_id: str, value: Any, wanted: Any, now: float) -> None:
        """Count a miss, and keep a sample of it if one is due."""
        if self.count(flow, guard, now):
            self.sample(flow, guard, event_id, value, wanted, now)

    def count(self, flow: str, guard: str, now: float) -> bool:
        """Count a miss. Returns whether a sample of it is due: whoever asked takes one, or there is none."""
        counted = (flow, guard, int(now // _DAY))
        self._counts[counted] = self._counts.get(counted, 0) + 1
        since = now - self._sampled.get((flow, guard), -PAUSE)
        return since >= PAUSE or since < 0  # the clock may have been set back

    def sample(self, flow: str, guard: str, event_id: str, value: Any, wanted: Any, now: float) -> None:
        """Keep a sample of a miss that was counted."""
        self._sampled[flow, guard] = now
        sample = Sample(
            flow=flow,
            guard=guard,
            event_id=str(masked(event_id))[:200],
            at=now,
            value=masked(value),
            wanted=masked(wanted),
        )
        self._samples.setdefault(flow, deque(maxlen=SLOTS)).append(sample)

    def take(self) -> Batch:
        """Return what has gathered since this was called last."""
        counts, self._counts = self._counts, {}
        samples, self._samples = self._samples, {}
        return Batch(
            counts={(flow, _day(number * _DAY), guard): count for (flow, guard, number), count in counts.items()},
            samples={flow: list(those) for flow, those in samples.items()},
        )


def keep(connection: sa.Connection | Session, batch: Batch) -> None:
    """Add a batch to what is kept, within the caller's transaction. Several processes may do so at the same time."""
    if isinstance(connection, Session):
        connection = connection.connection()
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    if batch.counts:
        adding = insert(Miss)
        adding = adding.on_conflict_do_update(
            index_elements=["flow", "day", "guard"],
            set_={"count": Miss.__table__.c.count + adding.excluded.count},  # type: ignore[attr-defined]  # SQLModel adds it
        )
        # In the same order everywhere, so that two processes never wait for each other.
        rows = sorted(batch.counts.items())
        connection.execute(
            adding, [{"flow": flow, "day": day, "guard": guard, "count": n} for (flow, day, guard), n in rows]
        )
    replacing = insert(MissSample)
    replacing = replacing.on_conflict_do_update(
        index_elements=["flow", "slot"],
        set_={name: replacing.excluded[name] for name in ("at", "event_id", "guard", "value", "wanted")},
        where=MissSample.__table__.c.at <= replacing.excluded.at,  # type: ignore[attr-defined]  # SQLModel adds it
    )
    for flow, samples in sorted(batch.samples.items()):
        # The newest takes the place of the oldest, and so on: then the latest of all remain, whoever took them.
        newest = sorted(samples, key=lambda sample: sample.at, reverse=True)
        connection.execute(
            replacing,
            [
                {
                    "flow": flow,
                    "slot": slot,
                    "at": sample.at,
                    "event_id": sample.event_id,
                    "guard": sample.guard,
                    "value": sample.value,
                    "wanted": sample.wanted,
                }
                for slot, sample in zip(_oldest_slots(connection, flow), newest, strict=False)
            ],
        )


async def why(store: Store, flow: str, since: float) -> Why:
    """Return why a flow was not woken since a time."""
    total = sa.func.sum(col(Miss.count))
    counted = (
        select(Miss.guard, total)
        .where(Miss.flow == flow, Miss.day >= _day(since))
        .group_by(Miss.guard)
        .order_by(total.desc(), Miss.guard)
    )
    sampled = (
        select(MissSample)
        .where(MissSample.flow == flow, MissSample.at >= since)
        .order_by(col(MissSample.at).desc(), col(MissSample.slot))
    )

    def work(session: Session) -> Why:
        return Why(
            counts={guard: int(count) for guard, count in session.exec(counted)},
            samples=[
                Sample(
                    flow=row.flow, guard=row.guard, event_id=row.event_id, at=row.at, value=row.value, wanted=row.wanted
                )
                for row in session.exec(sampled)
            ],
        )

    return await store.transact(work)


def explain(sample: Sample) -> str:
    """Say in plain words why an event did not wake a flow. What came from outside is in it: escape it where it is shown."""
    event = f"event {sample.event_id}"
    match sample.guard:
        case "once per":
            return f"{event} did not wake it: there was a run for {_quoted(sample.value)} already"
        case "turn":
            return f"{event} did not wake it: an earlier run was still under way, and it takes one at a time"
        case _:
            return f"{event} did not wake it: {_reason(sample.value, sample.wanted)}"


_MUST: Final[Mapping[str, tuple[str, str]]] = {
    "is": ("must be", "must not be"),
    "is not": ("must not be", "must be"),
    "is one of": ("must be one of", "must be none of"),
    "contains": ("must contain", "must not contain"),
    "starts with": ("must start with", "must not start with"),
    "ends with": ("must end with", "must not end with"),
    "matches": ("must match", "must not match"),
    "less than": ("must be less than", "must not be less than"),
    "greater than": ("must be more than", "must not be more than"),
    "at least": ("must be at least", "must be less than"),
    "at most": ("must be at most", "must be more than"),
    "before": ("must be before", "must not be before"),
    "after": ("must be after", "must not be after"),
}


def _reason(value: Any, wanted: Any, *, negated: bool = False) -> str:
    match wanted:
        case {"not": inner}:
            return _reason(value, inner, negated=not negated)
        case {"any": list(tests)} | {"all": list(tests)} if isinstance(value, list):
            reasons = [_reason(one, test, negated=negated) for one, test in zip(value, tests, strict=False)]
            one_is_enough = ("any" in wanted) is not negated
            return "; ".join(reasons) + (
                " (one of these would be enough)" if one_is_enough and len(reasons) > 1 else ""
            )
        case {"left": left, **operators} if len(operators) == 1:
            operator, right = next(iter(operators.items()))
            return f"{spoken(left)} {_was(value)}, and {_must(str(operator), right, negated=negated)}"
        case _:
            return f"it was {_quoted(value)}"


def _must(operator: str, right: Any, *, negated: bool) -> str:
    if operator in {"exists", "is empty"}:
        positive = (right is not False) is not negated
        return f"must {'' if positive else 'not '}be {'there' if operator == 'exists' else 'empty'}"
    words = _MUST[operator][negated] if operator in _MUST else operator
    return f"{words} {_cut(spoken(right)) or 'nothing'}"


def _was(value: Any) -> str:
    return "was not there" if value is None else f"was {_quoted(value)}"


def _quoted(value: Any) -> str:
    match value:
        case str():
            return f"“{_cut(value)}”"
        case list() | dict() if not value:
            return "empty"
        case _:
            return _cut(spoken(value)) or "nothing"


def _cut(text: str) -> str:
    return text if len(text) <= 120 else text[:119] + "…"


def _day(moment: float) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)).date().isoformat()


def _oldest_slots(connection: sa.Connection, flow: str) -> list[int]:
    """Return the slots of a flow in the order in which they are to be used: free ones, then those with the oldest."""
    table = MissSample.__table__  # type: ignore[attr-defined]  # SQLModel adds it
    rows = connection.execute(sa.select(table.c.slot, table.c.at).where(table.c.flow == flow))
    taken: dict[int, float] = {row.slot: row.at for row in rows}
    return sorted(range(SLOTS), key=lambda slot: taken.get(slot, float("-inf")))
