"""Processes: each says that it lives, and takes over what those that no longer say so have left."""

import os
import secrets
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlmodel import col

from flows.run_states import free
from flows.store import Store, dialect_of
from flows.tables import Process, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """How often a process says that it lives, and what its silence means. All in seconds."""

    beat: float = 5.0
    """Between two signs of life."""
    unsure: float = 12.0
    """Without a sign of life for so long, a process itself begins nothing more: others may be taking over."""
    dead: float = 15.0
    """Without one for so long, it is taken for dead."""


class ThisProcess:
    """This process among all that share the database."""

    def __init__(self, store: Store, pulse: Pulse) -> None:
        self.id = f"{_machine()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._store = store
        self._pulse = pulse
        self._beaten = time.monotonic()
        self._last = 0.0
        self._heard: Mapping[str, tuple[float, float]] = {}
        """Of every process its latest sign of life, and when this one first saw it, by this one's own clock."""
        _LIVING.add(self.id)

    def lives(self) -> bool:
        """Return whether the others can still know that this process lives."""
        return time.monotonic() - self._beaten < self._pulse.unsure

    async def beat(self, now: float, working: Sequence[str]) -> int:
        """Give a sign of life, and make free what dead processes carried out. Returns how many runs that were.

        `working` are the runs that this process carries out: it frees those that are its own but got lost.
        """
        before, away = time.monotonic(), not self.lives()
        self._last = max(now, self._last + 0.001)  # it has to be another one each time, also when the clock is set back
        sign = self._last

        def work(connection: sa.Connection) -> int:
            insert = dialect_of(connection).insert(Process).values(id=self.id, beat_at=sign)
            connection.execute(insert.on_conflict_do_update(index_elements=["id"], set_={"beat_at": sign}))
            known = connection.execute(sa.select(col(Process.id), col(Process.beat_at))).all()
            self._listen({name: at for name, at in known if name != self.id}, before, away=away)
            dead = [name for name, (_, since) in self._heard.items() if self._is_dead(name, before - since)]
            if dead:
                connection.execute(sa.delete(Process).where(col(Process.id).in_(dead)))
            living = sa.select(col(Process.id))
            freed = free(connection, col(Run.owner).not_in(living), died=True)
            mine = connection.execute(sa.select(col(Run.id)).where(col(Run.owner) == self.id)).scalars()
            lost = set(mine) - set(working)
            if lost:
                freed += free(connection, col(Run.id).in_(lost))
            return freed

        freed = await self._store.order(work)
        self._beaten = before
        return freed

    def _listen(self, signs: Mapping[str, float], now: float, *, away: bool) -> None:
        """Note which processes have given another sign of life.

        Only this process's own clock counts: those of other machines may be wrong. Whoever was away himself, or could
        not reach the database, has not heard anybody: the others, who may have been kept from it too, begin anew.
        """
        before = {} if away else self._heard
        self._heard = {
            name: before[name] if name in before and before[name][0] == at else (at, now) for name, at in signs.items()
        }

    def _is_dead(self, name: str, silent: float) -> bool:
        return silent > self._pulse.dead or _died_here(name, self.id)

    async def leave(self) -> None:
        """Say that this process ends, and make free what it carried out."""

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(Process).where(col(Process.id) == self.id))
            free(connection, col(Run.owner) == self.id)

        await self._store.order(work)
        _LIVING.discard(self.id)


def _machine() -> str:
    """Return what tells this machine from others, and containers on it: numbers of processes mean nothing beyond."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink().name}"
    except OSError:  # not on Linux
        return socket.gethostname()


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
