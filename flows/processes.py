"""Processes: each says that it lives, and takes over what those that no longer say so have left."""

import os
import secrets
import socket
import time
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from sqlmodel import col

from flows.run_states import free
from flows.store import Store, dialect_of
from flows.tables import Process, Run

BEAT: Final = 5.0
"""Seconds between two signs of life."""
DEAD: Final = 15.0
"""Seconds without one after which a process is taken for dead."""
UNSURE: Final = 12.0
"""Seconds without one after which a process itself begins nothing more: others may be taking over."""


class ThisProcess:
    """This process among all that share the database."""

    def __init__(self, store: Store) -> None:
        self.id = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._store = store
        self._beaten = time.monotonic()
        _LIVING.add(self.id)

    def lives(self) -> bool:
        """Return whether the others can still know that this process lives."""
        return time.monotonic() - self._beaten < UNSURE

    async def beat(self, now: float, working: Sequence[str]) -> int:
        """Give a sign of life, and make free what dead processes carried out. Returns how many runs that were.

        `working` are the runs that this process carries out: it frees those that are its own but got lost.
        """
        before = time.monotonic()

        def work(connection: sa.Connection) -> int:
            insert = dialect_of(connection).insert(Process).values(id=self.id, beat_at=now)
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"beat_at": now}))
            known = connection.execute(sa.select(col(Process.id), col(Process.beat_at))).all()
            dead = [name for name, at in known if name != self.id and (at < now - DEAD or _died_here(name, self.id))]
            if dead:
                connection.execute(sa.delete(Process).where(col(Process.id).in_(dead)))
            living = sa.select(col(Process.id))
            freed = free(connection, col(Run.owner).not_in(living))
            mine = connection.execute(sa.select(col(Run.id)).where(col(Run.owner) == self.id)).scalars()
            lost = set(mine) - set(working)
            if lost:
                freed += free(connection, col(Run.id).in_(lost))
            return freed

        freed = await self._store.order(work)
        self._beaten = before
        return freed

    async def leave(self) -> None:
        """Say that this process ends, and make free what it carried out."""

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(Process).where(col(Process.id) == self.id))
            free(connection, col(Run.owner) == self.id)

        await self._store.order(work)
        _LIVING.discard(self.id)


def _died_here(name: str, mine: str) -> bool:
    """Return whether a process of this machine is certainly gone, without waiting until it has been silent for long."""
    host, number, _ = name.rsplit(":", 2)
    my_host, my_number, _ = mine.rsplit(":", 2)
    if host != my_host:
        return False
    if number == my_number:
        # The number was given to us after it was theirs; but one process may also hold several bots, as in tests.
        return name not in _LIVING
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError):
        return False
    return False


_LIVING: Final[set[str]] = set()
"""The names of all bots in this very process."""
