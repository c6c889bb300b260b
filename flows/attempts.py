"""Attempts: something outside is tried, what came of it is noted, and it is tried again where that may help."""

from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, TryLater
from flows import durations
from flows.journal import Act, Journal, begun
from flows.language import Retry
from flows.surroundings import Patience, Surroundings

Outcome = Mapping[str, Any]
"""What came of an attempt, as JSON: ``{"gave": …}``, or ``{"error": a sentence, "kind": its kind, "after": seconds}``."""


async def attempt(
    journal: Journal,
    around: Surroundings,
    path: str,
    act: Act,
    *,
    retry: Retry | None = None,
    repeatable: bool = False,
    once: bool = False,
    begin: Callable[[str], Awaitable[None]] | None = None,
) -> Outcome:
    """Act until it works or there is no point in trying again. Returns what came of the last attempt.

    `begin` prepares another attempt, and notes under the name that it is given that it is about to begin.

    What may have happened is tried again only if it is repeatable, or the flow says so.
    """
    patience = around.patience if retry is None else _patience(retry)
    for number in count(1):
        name = path if number == 1 else f"{path}#{number}"
        if begin is not None and number > 1 and journal.noted(name) is None:
            await begin(begun(name))
        outcome: Outcome = await journal.step(name, lambda: _acted(act))
        if "gave" in outcome or once or number >= patience.attempts:
            return outcome
        again = outcome["kind"] in patience.errors or (
            outcome["kind"] == "ambiguous" and repeatable and "later" in patience.errors
        )
        if not again:
            return outcome
        note = journal.noted(name)
        failed_at = note.at + note.took if note else around.now()
        await around.pause(failed_at + patience.before(number + 1, outcome["after"]))
    raise AssertionError("attempts are counted without end")


def noting(work: Callable[[], Any]) -> Outcome:
    """Do something at once, and return what came of it."""
    try:
        return {"gave": work()}
    except ConnectorError as error:
        return _failure(error)


def is_failure(noted: Any) -> bool:
    """Return whether a journal's entry is the failure of an attempt."""
    return isinstance(noted, Mapping) and "error" in noted and "kind" in noted


async def _acted(act: Act) -> Outcome:
    try:
        return {"gave": await act()}
    except ConnectorError as error:
        return _failure(error)


def _failure(error: ConnectorError) -> Outcome:
    match error:
        case TryLater():
            return {"error": error.message, "kind": "later", "after": error.after}
        case Reconnect():
            missing = f" Missing permission: {error.missing_scope}." if error.missing_scope else ""
            return {"error": error.message + missing, "kind": "reconnect", "after": None}
        case Ambiguous():
            return {"error": error.message, "kind": "ambiguous", "after": None}
        case Missing():
            return {"error": error.message, "kind": "missing", "after": None}
        case _:
            return {"error": error.message, "kind": "refused", "after": None}


def _patience(retry: Retry) -> Patience:
    return Patience(
        attempts=retry.attempts,
        first=durations.seconds(retry.pause),
        factor=retry.factor,
        longest=durations.seconds(retry.longest),
        errors=frozenset(retry.errors),
    )
