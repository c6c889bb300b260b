"""The live surroundings of a run: its actions are carried out, its calls begin other flows."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol

import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import col

from connectors.base import Action, Dataset
from connectors.limits import bulk
from flows import run_states
from flows.datasets import Datasets
from flows.fields import model_of
from flows.language import Call, Template
from flows.store import Store
from flows.surroundings import Errand
from flows.tables import Flow, FlowVersion, Run
from flows.triggers import CalledTrigger

DEEPEST: Final = 10
"""Flows that call one another."""


class Accounts(Protocol):
    """Gives the client of a connection."""

    async def client(self, name: str) -> Any:
        """Return a connection's client. Raises Reconnect if there is no such connection."""
        ...


class LiveHands:
    """Carries out actions: those of services on their connections, those of our own on what was handed in."""

    def __init__(
        self, accounts: Accounts, own: Mapping[str, Any], datasets: Datasets, now: Callable[[], float]
    ) -> None:
        self._accounts = accounts
        self._own = own
        self._datasets = datasets
        self._now = now

    async def reach(self, action: Action, connection: str) -> Any:
        """Return the client of a connection, or our own that an action needs. Raises ConnectorError."""
        if action.connected:
            return await self._accounts.client(connection)
        return self._own.get(action.name.partition(".")[0])

    async def carry_out(self, action: Action, client: Any, given: Any, *, path: str, errand: Errand) -> Any:
        """Return what the action gives, as JSON. Raises ConnectorError."""
        if action.way == "streams":
            fields = list(action.item.model_fields) if action.item is not None else []
            with bulk():  # very many calls, and nobody waits for one of them
                dataset = await self._datasets.store(
                    f"{errand.run_id}/{path}", errand.run_id, action.carry_out(client, given), fields, self._now()
                )
            return dataset.model_dump(mode="json")
        result = await action.carry_out(client, given)
        return result.model_dump(mode="json", by_alias=True)

    def store(self, action: Action, connection: Any, given: Any, *, path: str) -> Any:  # noqa: ARG002  # a dry run's needs it
        """Carry out an action on our own database, or one that only computes. Raises ConnectorError."""
        if connection is None:
            return action.carry_out(None, given).model_dump(mode="json", by_alias=True)
        with connection.begin_nested():  # what an action has written before it fails is not kept
            return action.carry_out(connection, given).model_dump(mode="json", by_alias=True)


class LiveDatasets:
    """The datasets of runs, in the database."""

    def __init__(self, datasets: Datasets, now: Callable[[], float]) -> None:
        self._datasets = datasets
        self._now = now

    async def read(self, dataset: str, start: int, count: int) -> Sequence[Any]:
        """Return some items."""
        return await self._datasets.read(dataset, start, count)

    async def about(self, dataset: str) -> Dataset | None:
        """Return how many items there are, and what is known of each."""
        return await self._datasets.about(dataset)

    def append(self, connection: Any, dataset: str, run_id: str, start: int, items: Sequence[Any]) -> None:
        """Add items at a position. Doing it again changes nothing."""
        self._datasets.append(connection, dataset, run_id, start, items, now=self._now())


class LiveCalls:
    """Flows that are called: each as a run of its own."""

    def __init__(self, store: Store, begin: Callable[[str], Awaitable[None]], now: Callable[[], float]) -> None:
        self._store = store
        self._begin = begin
        self._now = now

    def start(self, connection: sa.Connection, errand: Errand, step: Call, path: str, given: Mapping[str, Any]) -> Any:
        """Return the new run, or why there is none."""
        run = planned(connection, errand, step, path, given, now=self._now())
        if isinstance(run, str):
            return {"error": run, "kind": "refused", "after": None}
        turns = run_states.turns_of(connection, run.flow, run.version)
        state, _ = run_states.turn(connection, run.flow, run.lane, turns, run.began_at)
        if state is None:
            busy = f"the flow {run.flow} is busy with earlier runs, and takes no more"
            return {"error": busy, "kind": "later", "after": None}
        run.state = state
        connection.execute(sa.insert(Run).values(**run.model_dump()))
        return {"gave": {"run": run.id}}

    async def begin(self, run_id: str) -> None:
        """Let a run that was started begin, unless it has."""
        await self._begin(run_id)

    async def result(self, run_id: str) -> Mapping[str, Any] | None:
        """Return how a run ended, or None while it has not."""
        query = sa.select(col(Run.state), col(Run.message), col(Run.result)).where(col(Run.id) == run_id)
        found = await self._store.read(lambda session: session.execute(query).first())
        if found is None:
            return {"outcome": "failed", "message": "the run is not remembered any more", "gave": {}}
        if found.state not in {"done", "failed", "cancelled", "discarded"}:
            return None
        outcome = "done" if found.state == "done" else "failed"
        return {"outcome": outcome, "message": found.message, "gave": found.result}


def planned(
    connection: sa.Connection, errand: Errand, step: Call, path: str, given: Mapping[str, Any], *, now: float
) -> Run | str:
    """Return the run that a step would start, or why it cannot."""
    query = (
        sa.select(col(FlowVersion.version), col(FlowVersion.document), col(FlowVersion.settings), col(Flow.enabled))
        .join(Flow, sa.and_(col(Flow.name) == col(FlowVersion.flow), col(Flow.version) == col(FlowVersion.version)))
        .where(col(Flow.name) == step.call)
    )
    found = connection.execute(query).first()
    if found is None or not found.enabled:
        return f"the flow {step.call} is not on"
    if errand.depth >= DEEPEST:
        return f"more than {DEEPEST} flows have called one another"
    template = Template.model_validate(found.document)
    trigger, form = called_form(template)
    if form is None:
        return f"the flow {step.call} is not to be called"
    try:
        event = model_of(form.called).model_validate(given).model_dump(mode="json")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"{step.call}: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    run = {
        "id": f"{errand.run_id}/{path}/{step.call}",
        "flow": step.call,
        "version": found.version,
        "trigger": trigger,
        "event_id": f"{errand.run_id}/{path}",
        "event": event,
        "lane": run_states.lane(template.runs, found.settings, event),
        "state": "ready",
        "parent": None if step.background else errand.run_id,
        "depth": errand.depth + 1,
        "began_at": now,
    }
    same = (
        sa.select(sa.func.count())
        .select_from(Run)
        .where(col(Run.event_id).startswith(run["event_id"], autoescape=True))
    )
    again = connection.execute(same.where(col(Run.flow) == step.call)).scalar_one()
    if again:  # this step was tried before, and is tried again by a person
        run |= {"id": f"{run['id']}~{again + 1}", "event_id": f"{run['event_id']}~{again + 1}"}
    return Run(**run)


def called_form(template: Template) -> tuple[int, CalledTrigger | None]:
    """Return the form that other flows fill in to call a flow, with the number of its trigger."""
    for index, trigger in enumerate(template.when):
        if isinstance(trigger, CalledTrigger):
            return index, trigger
    return 0, None
