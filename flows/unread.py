"""What streams sent that could not be read: kept, so that it can be taken in once it can be."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Final

import sqlalchemy as sa
from sqlmodel import col, select

from flows.store import Store, dialect_of
from flows.tables import UnreadBody

MOST: Final = 200
"""Bodies that are kept of one connection. Beyond that the oldest go."""
LARGEST: Final = 500_000
"""Bytes of one. A larger one is not kept."""


class UnreadBodies:
    """Keeps bodies that could not be read. The same one is kept once, however often it is sent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(self, connection: str, inlet: str, body: bytes, *, why: str, now: float) -> bool:
        """Keep a body. Returns False if it is too large for that."""
        if len(body) > LARGEST:
            return False
        name = sha256(b"\0".join((connection.encode(), inlet.encode(), body))).hexdigest()[:10]
        values = {"connection": connection, "inlet": inlet, "body": body, "why": why[:500], "at": now}

        def work(database: sa.Connection) -> None:
            new = dialect_of(database).insert(UnreadBody).values(id=name, **values)
            database.execute(new.on_conflict_do_update(index_elements=["id"], set_={"why": why[:500], "at": now}))
            theirs = sa.select(col(UnreadBody.id)).where(col(UnreadBody.connection) == connection)
            newest = theirs.order_by(col(UnreadBody.at).desc(), col(UnreadBody.id)).offset(MOST)
            old = list(database.execute(newest).scalars())
            database.execute(sa.delete(UnreadBody).where(col(UnreadBody.id).in_(old)))

        await self._store.order(work)
        return True

    async def all(self) -> Sequence[UnreadBody]:
        """Return every body that is kept, the newest first."""
        query = select(UnreadBody).order_by(col(UnreadBody.at).desc())
        return await self._store.read(lambda session: session.exec(query).all())

    async def named(self, name: str) -> UnreadBody | None:
        """Return a body by its name."""
        query = select(UnreadBody).where(col(UnreadBody.id) == name)
        return await self._store.read(lambda session: session.exec(query).first())

    async def drop(self, name: str) -> None:
        """Forget a body."""
        statement = sa.delete(UnreadBody).where(col(UnreadBody.id) == name)
        await self._store.order(lambda database: database.execute(statement))
