"""The health of connections and of their streams, as it was last seen: by one process, for all of them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlmodel import Session, col, select

from flows.store import Store, changed, dialect_of
from flows.tables import ConnectionHealth, StreamHealth

DAY: Final = 86400.0


class HealthRecords:
    """What is remembered of the health of connections, and of the streams that their services send."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- connections ------------------------------------------------------------------------------------------------

    async def claim(self, name: str, *, now: float, every: float) -> bool:
        """Undertake to try a connection. Returns False if it was tried a short while ago, or somebody is about to."""
        return await self._claim(ConnectionHealth, {"name": name}, now, every)

    async def note(self, name: str, *, ok: bool, said: str, now: float) -> bool:
        """Keep how a connection is. Returns whether people were last told otherwise."""
        values = {"checked_at": now, "ok": ok, "said": said}

        def work(connection: sa.Connection) -> bool:
            insert = dialect_of(connection).insert(ConnectionHealth).values(name=name, claimed_at=now, **values)
            connection.execute(
                insert.on_conflict_do_update(index_elements=["name"], set_={**values, "claimed_at": now})
            )
            told = sa.select(col(ConnectionHealth.told)).where(col(ConnectionHealth.name) == name)
            return bool(connection.execute(told).scalar_one()) != ok

        return await self._store.order(work)

    async def told(self, name: str, *, ok: bool) -> None:
        """Note that people know how a connection is."""
        statement = sa.update(ConnectionHealth).where(col(ConnectionHealth.name) == name).values(told=ok)
        await self._store.order(lambda connection: connection.execute(statement))

    async def connections(self) -> Mapping[str, ConnectionHealth]:
        """Return how the connections are, by name. One that was never tried is not there."""
        query = select(ConnectionHealth).where(col(ConnectionHealth.checked_at).is_not(None))
        return {row.name: row for row in await self._store.read(lambda session: session.exec(query).all())}

    async def forget(self, name: str) -> None:
        """Forget a connection that is not there any more."""

        def work(connection: sa.Connection) -> None:
            connection.execute(sa.delete(ConnectionHealth).where(col(ConnectionHealth.name) == name))
            connection.execute(sa.delete(StreamHealth).where(col(StreamHealth.connection) == name))

        await self._store.order(work)

    # --- streams ----------------------------------------------------------------------------------------------------

    async def claim_stream(self, connection: str, kind: str, *, now: float, every: float) -> bool:
        """Undertake to look at a stream. Returns False if that was done a short while ago, or somebody is about to."""
        return await self._claim(StreamHealth, {"connection": connection, "kind": kind}, now, every)

    async def stopped(self, connection: str, kind: str, *, now: float) -> tuple[int, str]:
        """Note that a stream is switched off.

        Returns how often it was found so within a day, and what people were told of it since it is.
        """

        def work(session: Session) -> tuple[int, str]:
            row = session.get(StreamHealth, (connection, kind)) or StreamHealth(
                connection=connection, kind=kind, claimed_at=now
            )
            recent: Sequence[float] = [at for at in row.stops if now - DAY < at <= now]
            row.stops = [*recent] if row.stopped else [*recent, now]
            row.stopped = True
            session.add(row)
            return len(row.stops), row.told

        return await self._store.transact(work)

    async def told_of_stream(self, connection: str, kind: str, told: str) -> None:
        """Note what people were told of a stream that is switched off."""
        await self._change(connection, kind, {"told": told})

    async def goes(self, connection: str, kind: str) -> None:
        """Note that a stream is switched on, or not there."""
        await self._change(connection, kind, {"stopped": False, "told": ""})

    async def _change(self, connection: str, kind: str, values: Mapping[str, Any]) -> None:
        this = (col(StreamHealth.connection) == connection, col(StreamHealth.kind) == kind)
        statement = sa.update(StreamHealth).where(*this).values(**values)
        await self._store.order(lambda database: database.execute(statement))

    async def _claim(
        self, table: type[ConnectionHealth | StreamHealth], key: Mapping[str, str], now: float, every: float
    ) -> bool:
        """Claim a row: whoever changes it has it. A claim of the future is none: somebody has set the clock."""
        defaults = {"ok": True, "said": "", "told": True} if table is ConnectionHealth else _UNSEEN
        claimed = col(table.claimed_at)

        def work(connection: sa.Connection) -> bool:
            insert = dialect_of(connection).insert(table).values(**key, claimed_at=now, **defaults)
            return changed(
                connection,
                insert.on_conflict_do_update(
                    index_elements=list(key),
                    set_={"claimed_at": now},
                    where=sa.or_(claimed <= now - every, claimed > now),
                ),
            )

        return await self._store.order(work)


_UNSEEN: Final[Mapping[str, Any]] = {"stopped": False, "stops": [], "told": ""}
