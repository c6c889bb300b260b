"""The writer: one thread through which everything is written, so that many small changes share a commit."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, Final, TypeVar

import sqlalchemy as sa

T = TypeVar("T")
Work = Callable[[sa.Connection], Any]

MOST: Final = 200
"""Changes in one transaction. More would make the first of them wait."""


CONFLICTS: Final = 5
"""Times that something is tried which others, who write at the same time, keep from being written."""
_CONFLICTS: Final = frozenset({"40001", "40P01"})
"""What PostgreSQL calls it: of two that wait for one another, it undoes one, for whom it is then free."""


class StorageError(Exception):
    """The database cannot keep anything just now: its disk is full, it is locked, or it does not answer."""

    def __init__(self, said: str = "") -> None:
        super().__init__(f"{(type(self).__doc__ or '').strip()}{f' It says: {said}.' if said else ''}")


@dataclass(frozen=True, slots=True)
class _Order:
    """Some work, and whom to tell how it went."""

    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]

    def told(self, result: Any, error: BaseException | None) -> None:
        if self.future.cancelled():
            return
        if error is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(error)


class Writer:
    """Writes in the order it is asked to. Works that are waiting at the same time are committed together.

    When one of them fails, the transaction is undone and each is carried out once more, alone: so a work may be carried
    out twice, but is kept once, and fails by itself only.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._orders: SimpleQueue[_Order | None] = SimpleQueue()
        self._thread: Thread | None = None

    def order(self, work: Callable[[sa.Connection], T]) -> "asyncio.Future[T]":
        """Have something written. The future is done when it is committed. Raises StorageError through it."""
        if self._thread is None:
            self._thread = Thread(target=self._write, name="writer", daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._orders.put(_Order(work, loop, future))
        return future

    def close(self) -> None:
        """Write what was ordered, and stop."""
        if self._thread is not None:
            self._orders.put(None)
            self._thread.join()
            self._thread = None

    def _write(self) -> None:
        going = True
        while going:
            orders, going = self._waiting()
            if not orders:
                continue
            done = self._together(orders)
            if done is None or _is_conflict(done[0][1]):
                done = [self._alone(order) for order in orders]
            _tell(orders, done)

    def _waiting(self) -> tuple[list[_Order], bool]:
        """Return what is waiting to be written, and whether to go on after it."""
        found: list[_Order] = []
        order = self._orders.get()
        while order is not None:
            found.append(order)
            if len(found) == MOST:
                return found, True
            try:
                order = self._orders.get_nowait()
            except Empty:
                return found, True
        return found, False

    def _together(self, orders: Sequence[_Order]) -> list[tuple[Any, BaseException | None]] | None:
        """Carry out works in one transaction. Returns None if one of them failed, so that none is kept."""
        begun = False
        try:
            with self._engine.begin() as connection:
                begun = True
                return [(order.work(connection), None) for order in orders]
        except Exception as error:  # noqa: BLE001  # whatever a work raises is its asker's, who gets it below
            if begun and len(orders) > 1:
                return None
            # Where not even a transaction can begin, each of many would only wait as long once more.
            return [(None, storage_error(error)) for _ in orders]

    def _alone(self, order: _Order) -> tuple[Any, BaseException | None]:
        for _ in range(CONFLICTS):
            done = self._together([order])
            if done is not None and not _is_conflict(done[0][1]):
                break
        return done[0] if done else (None, None)


def _tell(orders: Sequence[_Order], done: Sequence[tuple[Any, BaseException | None]]) -> None:
    """Tell every asker. Those of one loop are told together: waking it up costs more than telling it."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Order, Any, BaseException | None]]] = {}
    for order, (result, error) in zip(orders, done, strict=True):
        by_loop.setdefault(order.loop, []).append((order, result, error))

    def tell(told: Sequence[tuple[_Order, Any, BaseException | None]]) -> None:
        for order, result, error in told:
            order.told(result, error)

    for loop, told in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, told)


def _is_conflict(error: BaseException | None) -> bool:
    said = error.__cause__ if isinstance(error, StorageError) else None
    return isinstance(said, sa.exc.DBAPIError) and getattr(said.orig, "sqlstate", None) in _CONFLICTS


def storage_error(error: Exception) -> Exception:
    """Return an error of the database as what it means; every other one as it is."""
    faults = sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError | sa.exc.TimeoutError
    # SQLite says so of a damaged file; the others that say no more than this are faults of what was asked.
    if isinstance(error, faults) or type(error) is sa.exc.DatabaseError:
        said = str(getattr(error, "orig", None) or error).splitlines()[0][:200].rstrip(".")
        found = StorageError(said)
        found.__cause__ = error
        return found
    return error
