"""The door: which flows an event wakes. An event that wakes nothing starts no run and costs next to nothing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

from pydantic import ValidationError

from connectors.base import Catalog
from flows import durations
from flows.conditions import AllOf, AnyOf, Comparison, Not, Test, compare, holds
from flows.language import Template
from flows.masking import MASK, ROLES, is_secret
from flows.misses import Misses
from flows.references import REFERENCE, fill, look_up, only_path, paths, spoken
from flows.store import SetUp
from flows.triggers import Answers, EventTrigger

_Look = Callable[[Any], Any]
"""From an event to a value."""

_UNCOMPARABLE: Final = (ValueError, OverflowError, RecursionError)
"""Of values that cannot be compared, such as half a character with a pattern: then a guard does not hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Woken:
    """A flow that an event wakes."""

    flow: SetUp
    template: Template
    trigger: int
    """Which of the flow's triggers fits."""
    lane: str
    """Whose turn it takes: the flow's `per`, filled in."""
    once: tuple[str, int] | None
    """The key of `once per`, and its seconds: no run if there was one for it."""
    answers: Answers | None
    person: str = ""
    """Whom the event is about, where its source says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Guard:
    """A condition of `only if`, as far as it can be worked out before an event comes."""

    path: str
    holds: Callable[[Any], bool]
    test: Test


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fit:
    """A trigger of a flow that listens to events of one source and connection."""

    trigger: int
    source: str
    connection: str
    guards: Sequence[_Guard]
    once: tuple[_Look, int] | None
    answers: Answers | None
    person: _Look


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    """One version of a flow, prepared for events."""

    document: Mapping[str, Any]
    settings: Mapping[str, Any]
    template: Template | None
    lane: _Look
    fits: Sequence[_Fit]
    reason: str = ""


class Door:
    """Looks at the guards of every flow that is on. It knows the flows it was last opened for, and no database."""

    def __init__(self, misses: Misses, persons: Mapping[str, str] | None = None) -> None:
        """`persons` says of sources where in their events the id of the person stands."""
        self._misses = misses
        self._persons = persons or {}
        self._compiled: dict[tuple[str, int], _Compiled] = {}
        self._listening: dict[tuple[str, str], list[tuple[SetUp, _Compiled, list[_Fit]]]] = {}
        self._skipped: dict[str, str] = {}

    @property
    def skipped(self) -> Mapping[str, str]:
        """The flows that no event can wake because what was saved is no longer a flow, with the reason."""
        return self._skipped

    def open_for(self, flows: Sequence[SetUp]) -> None:
        """Listen for these flows from now on, as far as they are on, and for no others."""
        compiled: dict[tuple[str, int], _Compiled] = {}
        listening: dict[tuple[str, str], list[tuple[SetUp, _Compiled, list[_Fit]]]] = {}
        skipped: dict[str, str] = {}
        for flow in flows:
            if not flow.enabled:
                continue
            one = self._compiled.get((flow.name, flow.version))
            if one is None or one.document != flow.document or one.settings != flow.settings:
                one = _compile(flow, self._persons)
            compiled[flow.name, flow.version] = one
            if one.reason:
                skipped[flow.name] = one.reason
            by_place: dict[tuple[str, str], list[_Fit]] = {}
            for fit in one.fits:
                by_place.setdefault((fit.source, fit.connection), []).append(fit)
            for place, fits in by_place.items():
                listening.setdefault(place, []).append((flow, one, fits))
        self._compiled, self._listening, self._skipped = compiled, listening, skipped

    def knock(
        self, *, source: str, connection: str, event_id: str, event: Mapping[str, Any], now: float
    ) -> list[Woken]:
        """Return the flows that an event wakes, each once: by the first of its triggers that fits."""
        woken: list[Woken] = []
        for flow, compiled, fits in self._listening.get((source, connection), ()):
            missed: list[_Guard] = []
            for fit in fits:
                guard = _standing_against(fit.guards, event)
                if guard is None:
                    woken.append(_woken(flow, compiled, fit, event))
                    break
                missed.append(guard)
            else:
                for guard in missed:
                    if self._misses.count(flow.name, guard.path, now):
                        value, wanted = _seen(guard.test, {"settings": flow.settings, "event": event})
                        self._misses.sample(flow.name, guard.path, event_id, value, wanted, now)
        return woken


def persons_of(catalog: Catalog) -> Mapping[str, str]:
    """Return where the id of the person stands in the events of each source that says so."""
    return {name: source.person for name, source in catalog.sources.items() if source.person}


class Threshold:
    """The guards of one flow, on or off, to be looked at without anything being woken or counted."""

    def __init__(self, flow: SetUp, persons: Mapping[str, str]) -> None:
        self._flow = flow
        self._compiled = _compile(flow, persons)

    @property
    def reason(self) -> str:
        """Why no event can wake it, if that is so."""
        return self._compiled.reason

    @property
    def places(self) -> Sequence[tuple[str, str]]:
        """What it listens to: sources and connections, in the order of its triggers."""
        return list(dict.fromkeys((fit.source, fit.connection) for fit in self._compiled.fits))

    def look(self, source: str, connection: str, event: Mapping[str, Any]) -> Woken | Sequence[str]:
        """Return how an event would wake the flow, or the paths of the guards that stand against it."""
        missed: list[str] = []
        for fit in self._compiled.fits:
            if (fit.source, fit.connection) == (source, connection):
                guard = _standing_against(fit.guards, event)
                if guard is None:
                    return _woken(self._flow, self._compiled, fit, event)
                missed.append(guard.path)
        return missed


def new_run(woken: Woken, event_id: str, event: Mapping[str, Any], now: float) -> dict[str, Any]:
    """Return the row of the run that a flow begins for an event."""
    flow = woken.flow
    return {
        "id": f"{flow.name}/{flow.version}/{event_id}",
        "flow": flow.name,
        "version": flow.version,
        "trigger": woken.trigger,
        "event_id": event_id,
        "event": dict(event),
        "person": woken.person or None,
        "lane": woken.lane,
        "state": "ready",
        "owner": None,
        "nudged": False,
        "recoveries": 0,
        "depth": 0,
        "message": "",
        "path": "",
        "result": {},
        "began_at": now,
    }


def _standing_against(guards: Sequence[_Guard], event: Any) -> _Guard | None:
    for guard in guards:
        try:
            if not guard.holds(event):
                return guard
        except _UNCOMPARABLE:
            return guard
    return None


def _woken(flow: SetUp, compiled: _Compiled, fit: _Fit, event: Any) -> Woken:
    assert compiled.template is not None  # noqa: S101  # what could not be read listens to nothing
    return Woken(
        flow=flow,
        template=compiled.template,
        trigger=fit.trigger,
        lane=_text(compiled.lane, event),
        once=None if fit.once is None else (_text(fit.once[0], event), fit.once[1]),
        answers=fit.answers,
        person=_text(fit.person, event),
    )


def _text(look: _Look, event: Any) -> str:
    try:
        return spoken(look(event))
    except _UNCOMPARABLE:
        return ""


# --- before events come -----------------------------------------------------------------------------------------------


def _compile(flow: SetUp, persons: Mapping[str, str]) -> _Compiled:
    scope = {"settings": flow.settings}
    try:
        template = Template.model_validate(flow.document)
    except (ValidationError, RecursionError) as error:
        return _Compiled(
            document=flow.document,
            settings=flow.settings,
            template=None,
            lane=_constant(""),
            fits=(),
            reason=f"version {flow.version} of it is not a flow that can be carried out: {_first_problem(error)}",
        )
    fits: list[_Fit] = []
    reason = ""
    for index, trigger in enumerate(template.when):
        if not isinstance(trigger, EventTrigger):
            continue
        connection = fill(trigger.from_, scope)
        if not isinstance(connection, str) or not connection:
            reason = f"when/{index}/from: {trigger.from_} names no connection; set the flow up again"
            continue
        once = trigger.once_per
        fits.append(
            _Fit(
                trigger=index,
                source=trigger.event,
                connection=connection,
                guards=[
                    _Guard(path=f"when/{index}/only if/{number}", holds=_bound(test, scope), test=test)
                    for number, test in enumerate(trigger.only_if or ())
                ],
                once=None if once is None else (_looked_up(once.key, scope), durations.seconds(once.within)),
                answers=trigger.answers,
                person=_person(persons.get(trigger.event)),
            )
        )
    return _Compiled(
        document=flow.document,
        settings=flow.settings,
        template=template,
        lane=_looked_up(template.runs.per or "", scope),
        fits=fits,
        reason=reason,
    )


def _person(path: str | None) -> _Look:
    return _walk(path.split(".")) if path else _constant("")


def _first_problem(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'/'.join(map(str, first['loc']))}: {first['msg']}"[:500]


def _bound(test: Test, scope: Mapping[str, Any]) -> Callable[[Any], bool]:
    """Return a condition as a question to an event. It says what `conditions.holds` says of the same."""
    match test:
        case Comparison():
            return _comparison(test, scope)
        case AllOf():
            every = [_bound(inner, scope) for inner in test.all]
            return lambda event: all(one(event) for one in every)
        case AnyOf():
            some = [_bound(inner, scope) for inner in test.any]
            return lambda event: any(one(event) for one in some)
        case Not():
            other = _bound(test.not_, scope)
            return lambda event: not other(event)
        case _:
            assert_never(test)


def _comparison(test: Comparison, scope: Mapping[str, Any]) -> Callable[[Any], bool]:
    left, operator = _looked_up(test.left, scope), test.operator
    if _of_event(test.right):
        looked_up = _looked_up(test.right, scope)
        return lambda event: compare(left(event), operator, looked_up(event))
    right = fill(test.right, scope)
    return lambda event: compare(left(event), operator, right)


def _looked_up(value: Any, scope: Mapping[str, Any]) -> _Look:
    """Return how to fill in a value when an event comes. Everything else of it is filled in now."""
    if not _of_event(value):
        return _constant(fill(value, scope))
    match value:
        case str():
            path = only_path(value)
            if path is not None:
                return _walk(path.split(".")[1:])
            pieces = [_looked_up(piece, scope) for piece in _split(value)]
            return lambda event: "".join(spoken(piece(event)) for piece in pieces)
        case Mapping():
            inner = {name: _looked_up(one, scope) for name, one in value.items()}
            return lambda event: {name: look(event) for name, look in inner.items()}
        case _:
            items = [_looked_up(one, scope) for one in value]
            return lambda event: [look(event) for look in items]


def _of_event(value: Any) -> bool:
    return any(path == "event" or path.startswith("event.") for path in paths(value))


def _split(text: str) -> list[str]:
    """Return a text in pieces, of which each is one reference or has none."""
    pieces: list[str] = []
    end = 0
    for found in REFERENCE.finditer(text):
        pieces += [text[end : found.start()], found[0]]
        end = found.end()
    return [piece for piece in (*pieces, text[end:]) if piece]


def _constant(value: Any) -> _Look:
    return lambda _event: value


def _walk(names: Sequence[str]) -> _Look:
    rest = ".".join(names)

    def walk(event: Any) -> Any:
        value = event
        for name in names:
            if type(value) is not dict:
                return look_up(f"event.{rest}", {"event": event})  # the long way, through lists
            value = value.get(name)
        return value

    return walk


# --- why not ------------------------------------------------------------------------------------------------------------


def _seen(test: Test, scope: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what a condition that did not hold saw, and what it asked for."""
    match test:
        case Comparison():
            left = only_path(test.left) or test.left
            if any(_leads_to_secret(path) for path in (*paths(test.left), *paths(test.right))):
                return MASK, {"left": left, test.operator: MASK}
            return _filled(test.left, scope), {"left": left, test.operator: _filled(test.right, scope)}
        case AllOf():
            failing = [inner for inner in test.all if not _holds(inner, scope)]
            return _seen(failing[0], scope) if failing else _seen_of("all", test.all, scope)
        case AnyOf():
            return _seen_of("any", test.any, scope)
        case Not():
            value, wanted = _seen(test.not_, scope)
            return value, {"not": wanted}
        case _:
            assert_never(test)


def _seen_of(name: str, tests: Sequence[Test], scope: Mapping[str, Any]) -> tuple[Any, Any]:
    seen = [_seen(test, scope) for test in tests]
    return [value for value, _ in seen], {name: [wanted for _, wanted in seen]}


def _holds(test: Test, scope: Mapping[str, Any]) -> bool:
    try:
        return holds(test, scope)
    except _UNCOMPARABLE:
        return False


def _leads_to_secret(path: str) -> bool:
    return any(is_secret(name) for name in path.replace(f".{ROLES}.", ".").split("."))


def _filled(value: Any, scope: Mapping[str, Any]) -> Any:
    try:
        return fill(value, scope)
    except _UNCOMPARABLE:
        return None
