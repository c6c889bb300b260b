"""Loops: some steps for each item of a list or a dataset, in batches that are noted as a whole when they are done."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from connectors.base import Dataset
from connectors.limits import as_before, bulk
from flows.interruptions import StepFailedError, StoppedError, SuspendedError
from flows.journal import Journal
from flows.language import Each
from flows.references import fill, spoken

if TYPE_CHECKING:
    from flows.engine import Run, Scope

BATCH: Final = 100
"""Items whose notes a journal holds at a time. A crash costs no more than to look at those again."""
SHOWN: Final = 100
"""Failures that are kept in words; beyond, they are only counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Items:
    """What a loop walks through."""

    count: int
    dataset: str | None
    read: Callable[[int, int], Awaitable[Sequence[Any]]]

    def in_lists(self, size: int) -> "_Items":
        """Return the same as lists of so many. Only those that are being worked on are in memory."""

        async def lists(start: int, count: int) -> Sequence[Any]:
            return [await self.read(position * size, size) for position in range(start, start + count)]

        return _Items(count=-(-self.count // size), dataset=self.dataset, read=lists)


async def each(run: "Run", step: Each, path: str, scope: "Scope") -> dict[str, Any]:
    """Carry out a loop. Returns how many items there were, what was collected, and what failed."""
    items = await _items(run, step, path, scope)
    if step.batches is not None:
        items = items.in_lists(step.batches)
    run.around.recorder.given(path, {"count": items.count})
    done, failed, failures, results = 0, 0, list[Any](), list[Any]()
    sums: dict[str, float] = dict.fromkeys(step.add_up, 0)
    collected = f"{run.errand.run_id}/{path}/results"
    for start in range(0, items.count, BATCH):
        name = f"{path}/batch/{start}"
        noted = run.journal.noted(name)
        batch = noted.value if noted else await _batch(run, step, path, scope, items, start, collected)
        run.asked = run.asked or bool(batch.get("asked"))
        done, failed = done + batch["done"], failed + len(batch["failures"])
        failures += batch["failures"][: SHOWN - len(failures)]
        results += batch["results"]
        sums = {name: sum_ + batch["sums"][name] for name, sum_ in sums.items()}
    gave: Any = results
    if items.dataset is not None and step.collect is not None:
        gave = {"id": collected, "count": done, "fields": []}
    return {"count": items.count, "done": done, "failed": failed, "results": gave, "failures": failures, "sums": sums}


async def _items(run: "Run", step: Each, path: str, scope: "Scope") -> _Items:
    source = fill(step.each, scope)
    if isinstance(source, list):

        async def part(start: int, count: int) -> Sequence[Any]:
            return source[start : start + count]

        return _Items(count=len(source), dataset=None, read=part)
    try:
        dataset = Dataset.model_validate(source)
    except ValidationError as error:
        raise StepFailedError(path, "what `each:` refers to is neither a list nor a dataset") from error

    async def stored(start: int, count: int) -> Sequence[Any]:
        return await run.around.datasets.read(dataset.id, start, count)

    return _Items(count=dataset.count, dataset=dataset.id, read=stored)


async def _batch(
    run: "Run", step: Each, path: str, scope: "Scope", items: _Items, start: int, collected: str
) -> Mapping[str, Any]:
    """Carry out the steps for some items, several at once, and note what came of them."""
    end = min(start + BATCH, items.count)
    # Single items are read together, lists of them one by one, when their turn comes.
    together = await items.read(start, end - start) if step.batches is None else None
    end = end if together is None else start + len(together)
    gave: dict[int, Any] = {}
    sums: dict[str, float] = dict.fromkeys(step.add_up, 0)
    called: dict[int, Any] = {}
    failures: dict[int, StepFailedError] = {}
    ends: dict[int, StepFailedError | StoppedError] = {}
    waits: list[SuspendedError] = []
    left = iter(range(start, end))

    async def some() -> None:
        """Take items until there are none left. One that waits keeps its place: no other is begun instead of it."""
        for position in left:
            item = (await items.read(position, 1))[0] if together is None else together[position - start]
            inner = {**scope, step.as_: item}
            try:
                with as_before():  # what was decided about one item hurries no other
                    after = await run.sequence(step.steps, f"{path}/{position}", inner)
                gave[position] = fill(step.collect, after)
                for name, value in fill(step.add_up, after).items():
                    sums[name] += value if isinstance(value, int | float) else 0  # a yes is 1
            except SuspendedError as waiting:
                waits.append(waiting)
                return
            except StepFailedError as error:
                failures[position], called[position] = error, _short(item)
                if step.failing == "stop":
                    ends[position] = error
            except StoppedError as stopped:
                ends[position] = stopped
            if ends:
                return

    try:
        with bulk():  # others who want something of the same service go before
            async with asyncio.TaskGroup() as group:
                for _ in range(min(step.at_once, end - start)):
                    group.create_task(some())
    except BaseExceptionGroup as several:
        # What interrupts one item interrupts the run: it was cancelled, or the database keeps nothing just now.
        raise several.exceptions[0] from several
    if ends:
        raise ends[min(ends)]
    if waits:
        times = [waiting.until for waiting in waits if waiting.until is not None]
        raise SuspendedError(path, until=min(times, default=None))
    results = [gave[position] for position in sorted(gave)] if step.collect is not None else []
    summary = {
        "done": len(gave),
        "asked": run.asked,  # whoever was is told how the run ended, and a batch is not walked through again
        "failures": [
            {"position": position, "item": called[position], "message": error.message}
            for position, error in sorted(failures.items())
        ],
        "results": [] if items.dataset is not None else results,
        "sums": sums,
    }

    def work(connection: Any) -> Any:
        if items.dataset is not None and step.collect is not None:
            # Failed items leave no gaps: what is collected follows on what was collected before.
            before = _collected_before(run.journal, path, start)
            run.around.datasets.append(connection, collected, run.errand.run_id, before, results)
        return summary

    # The journal of the first batch stays, to be looked at. Those of the others would grow without end.
    within = [f"{path}/{position}/" for position in range(start, end)] if start else []
    noted: Mapping[str, Any] = await run.journal.fold(f"{path}/batch/{start}", work, within=within)
    return noted


def _collected_before(journal: Journal, path: str, start: int) -> int:
    notes = (journal.noted(f"{path}/batch/{earlier}") for earlier in range(0, start, BATCH))
    return sum(note.value["done"] for note in notes if note)


def _short(item: Any) -> Any:
    """Return what an item is called, short enough to keep."""
    if isinstance(item, Mapping):
        return {name: _short(value) for name, value in list(item.items())[:5] if not isinstance(value, list | dict)}
    return spoken(item)[:200] if isinstance(item, str | list) else item


async def received(journal: Journal, name: str, look: Callable[[], Awaitable[Mapping[str, Any] | None]]) -> Any:
    """Return what has come from elsewhere, noted once. Raises SuspendedError while there is nothing."""
    noted = journal.noted(name)
    if noted is not None:
        return noted.value
    found = await look()
    if found is None:
        raise SuspendedError(name)

    async def come() -> Any:
        return found

    return await journal.step(name, come)
