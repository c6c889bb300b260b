"""The interpreter: carries out the steps of a flow, one `match` over their kinds."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, assert_never

from pydantic import ValidationError

from connectors.base import Catalog
from connectors.errors import Ambiguous, ConnectorError, Reconnect, TryLater
from flows import durations
from flows.decisions import Question
from flows.journal import Act, Journal
from flows.language import Ask, Condition, Conditions, Do, If, Set, Step, Stop, Template
from flows.references import fill, spoken


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a run is to carry out: one version of a flow, for one event."""

    run_id: str
    flow: str
    template: Template
    settings: Mapping[str, Any]
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended, in words."""

    outcome: Literal["done", "failed"]
    message: str
    path: str = ""
    """The step that failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often something that failed in passing is tried, and how long to wait in between (seconds)."""

    attempts: int = 8
    first: float = 1.0
    factor: float = 2.0
    longest: float = 900.0

    def before(self, attempt: int, asked: float | None) -> float:
        """Return the wait before an attempt; what the service asked for goes before our own idea."""
        return min(self.longest, asked if asked is not None else self.first * self.factor ** (attempt - 2))


class Accounts(Protocol):
    """Gives the client of a connection."""

    async def client(self, name: str) -> Any:
        """Return a connection's client. Raises Reconnect if there is no such connection."""
        ...


class People(Protocol):
    """Reaches people. Each call may be repeated: it has its effect once."""

    async def ask(self, question: Question) -> None:
        """Put a question where people see it. Raises ConnectorError."""
        ...

    async def answer(self, question: Question) -> Mapping[str, Any] | None:
        """Return the answer (choice, by, at, how), or None while there is none."""
        ...

    async def settle(self, question: Question) -> None:
        """Show that a question is answered, and by whom. Raises ConnectorError."""
        ...

    async def tell(self, errand: Errand, ended: Ended) -> None:
        """Say how a run ended, where its questions stand. Raises ConnectorError."""
        ...


class StepFailedError(Exception):
    """A step could not be carried out."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class _StoppedError(Exception):
    """A `stop` step was reached. Carries how."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended.message)
        self.ended = ended


async def carry_out(
    errand: Errand, *, journal: Journal, catalog: Catalog, accounts: Accounts, people: People, patience: Patience
) -> Ended:
    """Carry out a run to its end and tell people how it ended.

    Raises SuspendedError when the run has to wait for an answer; called again over the same journal, it goes on there.
    """
    run = _Run(errand, journal, catalog, accounts, people, patience)
    try:
        await run.sequence(errand.template.steps, "steps")
        ended = Ended(outcome="done", message="")
    except _StoppedError as stopped:
        ended = stopped.ended
    except StepFailedError as failed:
        ended = Ended(outcome="failed", message=failed.message, path=failed.path)
    await run.tell(ended)
    return ended


def holds(condition: Condition, scope: Mapping[str, Any]) -> bool:
    """Return whether a condition is true of what a run knows."""
    left, right = fill(condition.left, scope), fill(condition.right, scope)
    match condition.operator:
        case "is":
            return bool(left == right)
        case "is not":
            return bool(left != right)
        case "is one of":
            return isinstance(right, list) and left in right
        case "contains":
            if isinstance(left, str) and isinstance(right, str):
                return right.casefold() in left.casefold()
            return isinstance(left, list) and right in left
        case "exists":
            return (left is not None) == (right is not False)
        case _:
            assert_never(condition.operator)


def all_hold(conditions: Conditions | None, scope: Mapping[str, Any]) -> bool:
    """Return whether every condition is true."""
    return all(holds(condition, scope) for condition in conditions or ())


class _Run:
    def __init__(
        self, errand: Errand, journal: Journal, catalog: Catalog, accounts: Accounts, people: People, patience: Patience
    ) -> None:
        self.errand = errand
        self.journal = journal
        self.catalog = catalog
        self.accounts = accounts
        self.people = people
        self.patience = patience
        self.scope: dict[str, Any] = {
            "settings": errand.settings,
            "event": errand.event,
            "run": {"id": errand.run_id, "flow": errand.flow},
            "steps": {},
        }

    async def sequence(self, steps: Sequence[Step], path: str) -> None:
        for index, step in enumerate(steps):
            gave = await self.step(step, f"{path}/{index}")
            if step.id is not None:
                self.scope["steps"][step.id] = gave

    async def step(self, step: Step, path: str) -> Any:
        match step:
            case Do():
                return await self.do(step, path)
            case Ask():
                return await self.ask(step, path)
            case If():
                held = all_hold(step.if_, self.scope)
                await self.sequence(step.then if held else step.else_, f"{path}/{'then' if held else 'else'}")
                return {}
            case Set():
                return fill(step.set, self.scope)
            case Stop():
                raise _StoppedError(Ended(outcome=step.stop, message=spoken(fill(step.say, self.scope))))
            case _:
                assert_never(step)

    async def do(self, step: Do, path: str) -> Any:
        action = self.catalog.action(step.do)
        if action is None:
            raise StepFailedError(path, f"there is no action {step.do}")
        try:
            given = action.given.model_validate(fill(step.with_, self.scope))
        except ValidationError as error:
            raise StepFailedError(path, _first_words(error)) from error
        connection = spoken(fill(step.using, self.scope))
        begun_before = not action.repeatable and await self.begun_before(path)

        async def act() -> Any:
            if begun_before:
                raise Ambiguous("The program ended while this was being done.")
            result = await action.carry_out(await self.accounts.client(connection), given)
            return result.model_dump(mode="json", by_alias=True)

        return await self.attempt(path, act, repeatable=action.repeatable or action.effect == "reads")

    async def begun_before(self, path: str) -> bool:
        """Return whether an earlier process began this step.

        The mark in the journal is the earlier process's own. If the step's result is there too, nobody minds; if it
        is not, nobody knows whether it happened.
        """
        mine = uuid.uuid4().hex

        async def mark() -> str:
            return mine

        return bool(await self.journal.step(f"{path}/begun", mark) != mine)

    async def ask(self, step: Ask, path: str) -> Any:
        filled = {name: fill(value, self.scope) for name, value in step.model_dump(by_alias=True).items()}
        try:
            within = durations.seconds(filled["within"])
        except ValueError as error:
            raise StepFailedError(path, f"within: {error}") from error
        question = Question(
            id=f"{self.errand.run_id}/{path}",
            run_id=self.errand.run_id,
            path=path,
            flow=self.errand.flow,
            flow_title=self.errand.template.title,
            text=spoken(filled["ask"]),
            title=spoken(filled["title"] or filled["ask"]),
            channel=spoken(filled["in"]),
            details={label: _detail(value) for label, value in filled["details"].items()},
            choices=filled["choices"],
            otherwise=step.otherwise,
            within=within,
        )

        async def put() -> None:
            await self.people.ask(question)

        async def settle() -> None:
            await self.people.settle(question)

        async def look() -> Any:
            return await self.people.answer(question)

        await self.attempt(path, put, repeatable=True)
        answer = await self.journal.receive(f"{path}/answer", look)
        # Once only, and whatever comes of it: what was decided must not wait for a message. `tell` shows it again.
        await self.journal.step(f"{path}/settled", lambda: _outcome(settle))
        return answer

    async def tell(self, ended: Ended) -> None:
        async def act() -> None:
            await self.people.tell(self.errand, ended)

        try:
            await self.attempt(f"told/{ended.outcome}", act, repeatable=True)
        except StepFailedError:
            return  # the run has ended all the same; the bot has logged why nobody could be told

    async def attempt(self, path: str, act: Act, *, repeatable: bool) -> Any:
        """Act until it works or there is no point in trying again."""
        for attempt in range(1, self.patience.attempts + 1):
            name = path if attempt == 1 else f"{path}#{attempt}"
            outcome = await self.journal.step(name, lambda: _outcome(act))
            if "gave" in outcome:
                return outcome["gave"]
            again = outcome["kind"] == "TryLater" or (outcome["kind"] == "Ambiguous" and repeatable)
            if not again or attempt == self.patience.attempts:
                raise StepFailedError(path, outcome["error"])
            await self.journal.sleep(f"{name}/pause", self.patience.before(attempt + 1, outcome["after"]))
        raise StepFailedError(path, "no attempt was allowed")


async def _outcome(act: Act) -> dict[str, Any]:
    """Act, and return what came of it as JSON: an error is an outcome, to be noted like any other."""
    try:
        return {"gave": await act()}
    except TryLater as error:
        return {"error": error.message, "kind": "TryLater", "after": error.after}
    except Reconnect as error:
        missing = f" Missing permission: {error.missing_scope}." if error.missing_scope else ""
        return {"error": error.message + missing, "kind": "Reconnect", "after": None}
    except ConnectorError as error:
        return {"error": error.message, "kind": type(error).__name__, "after": None}


def is_failure(noted: Any) -> bool:
    """Return whether a journal's entry is the failure of an attempt."""
    return isinstance(noted, Mapping) and "error" in noted and "kind" in noted


def _detail(value: Any) -> str | list[str]:
    return [spoken(inner) for inner in value] if isinstance(value, list) else spoken(value)


def _first_words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'input'}: {first['msg']}"
