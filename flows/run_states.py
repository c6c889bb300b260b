"""The states of runs: whose turn it is, what wakes one that waits, what ends one. Each is a write within a transaction."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from flows.attempts import is_failure
from flows.caps import give_back
from flows.language import Turns
from flows.references import fill, spoken
from flows.store import SetUp, changed, dialect_of
from flows.surroundings import Ended
from flows.tables import Decision, Flow, FlowVersion, Gathering, Journal, Once, Run

UNDER_WAY: Final = ("ready", "running", "waiting")
IN_LINE: Final = 1000
"""Runs that wait in line at most, where the flow does not say."""
RECOVERIES: Final = 5
"""Times that a run is taken up again after its process died, without coming any further."""


def hold(connection: sa.Connection, flow: str, turns: Turns) -> None:
    """Where the runs of a flow take turns, let whoever accepts or ends one at the same time wait for this transaction.

    Otherwise both would find the same place free.
    """
    if not _freely(turns):
        connection.execute(sa.select(col(Flow.name)).where(col(Flow.name) == flow).with_for_update())


def _freely(turns: Turns) -> bool:
    return turns.mode == "parallel" and turns.limit is None


def lane(turns: Turns, settings: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """Return whose turn a run takes: the flow's `per`, filled in."""
    return spoken(fill(turns.per or "", {"settings": settings, "event": event}))


def turn(connection: sa.Connection, flow: str, lane: str, turns: Turns, now: float) -> tuple[str | None, Sequence[str]]:
    """Return the state that a new run begins in (ready or queued; None: it is let go), and the runs it cancels."""
    if _freely(turns):
        return "ready", ()
    hold(connection, flow, turns)
    same = (col(Run.flow) == flow, col(Run.lane) == lane)
    under_way = connection.execute(sa.select(col(Run.id)).where(*same, col(Run.state).in_(UNDER_WAY))).scalars().all()
    match turns.mode:
        case "single":
            return (None if under_way else "ready"), ()
        case "restart":
            for run_id in under_way:
                cancel(connection, run_id, message="A newer event took its place.", now=now)
            return "ready", under_way
        case "parallel":
            return ("ready" if len(under_way) < (turns.limit or 1) else "queued"), ()
        case "queued":
            line = sa.select(sa.func.count()).select_from(Run).where(*same, col(Run.state) == "queued")
            queued = connection.execute(line).scalar_one()
            if not under_way and not queued:
                return "ready", ()
            return ("queued" if queued < (turns.limit or IN_LINE) else None), ()


def next_in_line(connection: sa.Connection, flow: str, lane: str, turns: Turns) -> bool:
    """Let the next run in line begin, if there is room. Returns whether one does.

    There may be a line whatever the mode: what people start is not let go, and a flow may have had another mode before.
    """
    if _freely(turns):
        return False
    hold(connection, flow, turns)
    same = (col(Run.flow) == flow, col(Run.lane) == lane)
    under_way = sa.select(sa.func.count()).select_from(Run).where(*same, col(Run.state).in_(UNDER_WAY))
    room = (turns.limit or 1) if turns.mode == "parallel" else 1
    if connection.execute(under_way).scalar_one() >= room:
        return False
    first = (
        sa.select(col(Run.id))
        .where(*same, col(Run.state) == "queued")
        .order_by(col(Run.began_at), col(Run.id))
        .limit(1)
    )
    begins = sa.update(Run).where(col(Run.id) == first.scalar_subquery()).values(state="ready")
    return connection.execute(begins).rowcount > 0


def begin_waiting(connection: sa.Connection) -> bool:
    """Let runs begin that are in line although there is room for them, as after a flow was edited. Returns whether any does.

    What counts is how the flow is now: those that ended under an earlier version knew of no other line than theirs.
    """
    lines = sa.select(col(Run.flow), col(Run.lane), col(Flow.version)).join(Flow, col(Flow.name) == col(Run.flow))
    any_begins = False
    for line in connection.execute(lines.where(col(Run.state) == "queued").distinct()).all():
        turns = turns_of(connection, line.flow, line.version)
        if _freely(turns):
            this = (col(Run.flow) == line.flow, col(Run.lane) == line.lane, col(Run.state) == "queued")
            any_begins = (
                connection.execute(sa.update(Run).where(*this).values(state="ready")).rowcount > 0 or any_begins
            )
        while next_in_line(connection, line.flow, line.lane, turns):
            any_begins = True
    return any_begins


def turns_of(connection: sa.Connection, flow: str, version: int) -> Turns:
    """Return how the runs of a version of a flow take turns."""
    this = (col(FlowVersion.flow) == flow, col(FlowVersion.version) == version)
    document = connection.execute(sa.select(col(FlowVersion.document)).where(*this)).scalar_one()
    return Turns.model_validate(document.get("runs", {}))


def cancel(connection: sa.Connection, run_id: str, *, message: str, now: float) -> Sequence[str]:
    """Cancel a run that has not ended, with its open questions and the runs that it called and waits for.

    Returns the runs that are cancelled, this one first; none if it has ended.
    """
    ends = sa.update(Run).where(col(Run.id) == run_id, col(Run.ended_at).is_(None))
    done = connection.execute(ends.values(state="cancelled", message=message, ended_at=now, owner=None)).rowcount > 0
    if not done:
        return ()
    open_questions = sa.update(Decision).where(col(Decision.run_id) == run_id, col(Decision.state) == "pending")
    if connection.execute(open_questions.values(state="cancelled", decided_at=now)).rowcount:
        with_others = sa.select(col(Decision.gathering)).where(
            col(Decision.run_id) == run_id, col(Decision.gathering).is_not(None)
        )
        for gathering in connection.execute(with_others).scalars().all():
            gathering_changed(connection, gathering)
    parent = connection.execute(sa.select(col(Run.parent)).where(col(Run.id) == run_id)).scalar()
    if parent is not None:
        wake(connection, parent)
    cancelled = [run_id]
    called = sa.select(col(Run.id), col(Run.flow), col(Run.lane), col(Run.version)).where(
        col(Run.parent) == run_id, col(Run.ended_at).is_(None)
    )
    for run in connection.execute(called).all():
        cancelled += cancel(connection, run.id, message="The run that called it was cancelled.", now=now)
        next_in_line(connection, run.flow, run.lane, turns_of(connection, run.flow, run.version))
    return cancelled


def wake(connection: sa.Connection, run_id: str) -> None:
    """Let a run that waits go on. One that is being carried out looks again before it waits."""
    this = sa.update(Run).where(col(Run.id) == run_id)
    if not connection.execute(this.where(col(Run.state) == "waiting").values(state="ready", wake_at=None)).rowcount:
        connection.execute(this.where(col(Run.state) == "running").values(nudged=True))


def gathering_changed(connection: sa.Connection, gathering: str | None) -> None:
    """Note that the message of some questions does not show any more how things are.

    The first question of those that are open speaks for the others when people are reminded: it may be another one now.
    """
    if gathering is None:
        return
    connection.execute(sa.update(Gathering).where(col(Gathering.id) == gathering).values(stale=True))
    first = sa.select(col(Decision.run_id)).where(
        col(Decision.gathering) == gathering, col(Decision.state) == "pending"
    )
    run_id = connection.execute(first.order_by(col(Decision.place)).limit(1)).scalar()
    if run_id is not None:
        wake(connection, run_id)


def free(connection: sa.Connection, which: sa.ColumnElement[bool], *, died: bool = False) -> int:
    """Let runs be carried out by whoever comes first. Returns how many these were.

    Where their process died, it is counted: it may have died of one of them.
    """
    freed = sa.update(Run).where(which, col(Run.state) == "running").values(state="ready", owner=None)
    if died:
        freed = freed.values(recoveries=col(Run.recoveries) + 1)
    return connection.execute(freed).rowcount


def given_up(run: Run) -> Ended | None:
    """Return how a run ends that was taken up again too often, or None if it is to be carried out."""
    if run.recoveries <= RECOVERIES:
        return None
    message = (
        f"The program ended {run.recoveries} times while it carried this run out, and the run came no further. "
        "It may be what ends the program: look in the program's log for why, mend that, then retry the run."
    )
    return Ended(outcome="failed", message=message)


# Made once: every event that wakes a flow is kept with it.
_ADD: Final = {
    "sqlite": sqlite.insert(Run).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(Run).on_conflict_do_nothing(),
}


def claim_once(connection: sa.Connection, *, flow: str, key: str, event_id: str, now: float, until: float) -> bool:
    """Claim a key of a flow until a time. Returns False if an earlier claim still holds."""
    statement = dialect_of(connection).insert(Once).values(flow=flow, key=key, event_id=event_id, until=until)
    statement = statement.on_conflict_do_update(
        index_elements=["flow", "key"],
        set_={"event_id": event_id, "until": until},
        where=col(Once.until) <= now,
    )
    return changed(connection, statement)


def release_once(connection: sa.Connection, *, flow: str, key: str, event_id: str) -> None:
    """Give back a key of a flow that was claimed in this transaction for an event that becomes no run after all."""
    this = (col(Once.flow) == flow, col(Once.key) == key, col(Once.event_id) == event_id)
    connection.execute(sa.delete(Once).where(*this))


def add(connection: sa.Connection, run: Run) -> bool:
    """Accept a run. Returns False if this flow has had one for the same event."""
    done = connection.execute(
        _ADD[connection.dialect.name], run.model_dump(), execution_options={"preserve_rowcount": True}
    )
    return done.rowcount > 0


def add_many(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep runs that have ended already. One whose flow has had a run for the same event is left out."""
    connection.execute(_ADD[connection.dialect.name], list(rows))


def still_so(connection: sa.Connection, flows: Sequence[SetUp]) -> bool:
    """Return whether these flows are on, and in the version that somebody saw."""
    query = sa.select(col(Flow.name), col(Flow.version), col(Flow.paused)).where(
        col(Flow.name).in_([flow.name for flow in flows]), col(Flow.enabled)
    )
    known = {row.name: (row.version, row.paused) for row in connection.execute(query)}
    return all(known.get(flow.name) == (flow.version, flow.paused) for flow in flows)


def suspend(connection: sa.Connection, run_id: str, owner: str, until: float | None) -> bool:
    """Let a run wait, for a time at most. Returns True if what it waits for has come already."""
    mine = sa.update(Run).where(col(Run.id) == run_id, col(Run.owner) == owner, col(Run.state) == "running")
    freed = {"owner": None, "nudged": False, "recoveries": 0}
    if connection.execute(mine.where(col(Run.nudged)).values(state="ready", **freed)).rowcount:
        return True
    connection.execute(mine.values(state="waiting", wake_at=until, **freed))
    return False


def settle(connection: sa.Connection, run: Run, *, owner: str, ended: Ended, turns: Turns, now: float) -> bool:
    """Note how a run ended. Returns whether another one can go on because of it."""
    mine = sa.update(Run).where(col(Run.id) == run.id, col(Run.owner) == owner, col(Run.state) == "running")
    values = {
        "state": ended.outcome,
        "message": ended.message[:1000],
        "path": ended.path if ended.outcome == "failed" else "",
        "result": dict(ended.gave),
        "ended_at": now,
        "owner": None,
    }
    if not connection.execute(mine.values(**values)).rowcount:
        return False
    if run.parent is not None:
        wake(connection, run.parent)
    return next_in_line(connection, run.flow, run.lane, turns) or run.parent is not None


def reopen(connection: sa.Connection, run_id: str, *, now: float) -> bool:
    """Let a failed run go on from the step that failed, when its turn comes: what was noted of that is forgotten."""
    found = connection.execute(
        sa.select(col(Run.path), col(Run.flow), col(Run.lane), col(Run.version), col(FlowVersion.document))
        .join(FlowVersion, _of_its_version())
        .where(col(Run.id) == run_id, col(Run.state) == "failed")
        .with_for_update(of=Run)
    ).first()
    if found is None:
        return False
    lines = sa.select(col(Journal.name), col(Journal.value), col(Journal.at)).where(col(Journal.run_id) == run_id)
    notes = {line.name: line for line in connection.execute(lines)}
    failed = [path for path in {found.path, *_failed(notes, found.document)} if path]
    gone = [
        name
        for name in notes
        if any(name == path or name.startswith((f"{path}#", f"{path}/")) for path in failed) or name.startswith("told/")
    ]
    for name in gone:
        spent = notes[name].value.get("spent") if name.endswith(("/begun", "/allowed")) else None
        if spent is not None:
            give_back(connection, run_id=run_id, flow=found.flow, spent=spent, at=notes[name].at)
    for start in range(0, len(gone), 500):
        some = col(Journal.name).in_(gone[start : start + 500])
        connection.execute(sa.delete(Journal).where(col(Journal.run_id) == run_id, some))
    for path in failed:
        connection.execute(sa.delete(Decision).where(col(Decision.id) == f"{run_id}/{path}/cap"))
        _ask_anew(connection, f"{run_id}/{path}", now)
    state, _ = turn(connection, found.flow, found.lane, turns_of(connection, found.flow, found.version), now)
    anew = {"state": state or "queued", "message": "", "path": "", "ended_at": None, "nudged": False, "wake_at": None}
    connection.execute(sa.update(Run).where(col(Run.id) == run_id).values(**anew, recoveries=0))
    return True


def _of_its_version() -> sa.ColumnElement[bool]:
    return sa.and_(col(FlowVersion.flow) == col(Run.flow), col(FlowVersion.version) == col(Run.version))


def _failed(notes: Mapping[str, Any], document: Mapping[str, Any]) -> set[str]:
    """Return the steps whose failure ended the run: of a loop that does several items at once, these may be several.

    A step that failed in passing and then worked is none of them, nor is one whose failure the flow has dealt with.
    """
    last: dict[str, tuple[int, Any]] = {}
    for name, line in notes.items():
        path, _, number = name.partition("#")
        if path.rpartition("/")[2].isdecimal():
            last[path] = max(last.get(path, (0, None)), (int(number or 1), line.value), key=lambda one: one[0])
    return {
        path
        for path, (_, value) in last.items()
        if is_failure(value) and not _dealt_with(path, document, value["kind"])
    }


def _dealt_with(path: str, document: Mapping[str, Any], kind: str) -> bool:
    """Return whether a flow says what comes instead of a step that fails, there or around it."""
    found: Any = document
    for part, after in pairwise([*path.split("/"), ""]):
        if isinstance(found, list):
            found = found[int(part)]
            ways = found.get("on error", {})
            if after != "on error" and ("give" in ways or "steps" in ways) and kind in ways.get("only for", [kind]):
                return True
        elif part.isdecimal():  # which item of a loop
            if found.get("failing") == "set aside":
                return True
            found = found["steps"]
        else:
            found = found[part]
    return False


def _ask_anew(connection: sa.Connection, question_id: str, now: float) -> None:
    """Give a question that could not be put all its time again, and nobody's answer."""
    this = col(Decision.id) == question_id
    question = connection.execute(sa.select(col(Decision.question)).where(this)).scalar()
    if question is not None:
        anew = {"state": "pending", "choice": None, "decided_by": None, "decided_at": None}
        connection.execute(sa.update(Decision).where(this).values(**anew, deadline=now + question["within"]))


def break_off(connection: sa.Connection, run_id: str, *, message: str, now: float) -> None:
    """Note that a run failed in a way that nobody foresaw, and let those go on that wait for it."""
    run = connection.execute(
        sa.select(col(Run.flow), col(Run.version), col(Run.lane), col(Run.parent)).where(col(Run.id) == run_id)
    ).first()
    ends = sa.update(Run).where(col(Run.id) == run_id, col(Run.ended_at).is_(None))
    ends = ends.values(state="failed", message=message, ended_at=now, owner=None)
    if run is None or not connection.execute(ends).rowcount:
        return
    if run.parent is not None:
        wake(connection, run.parent)
    next_in_line(connection, run.flow, run.lane, turns_of(connection, run.flow, run.version))
