"""Shipped: what our templates said in every version that ever ran here, so that it can be told what people changed."""

import json
from collections.abc import Mapping
from hashlib import sha256

import sqlalchemy as sa
from pydantic import ValidationError
from sqlmodel import Session, col

from flows.language import Template, written
from flows.store import SetUp, Store, dialect_of
from flows.tables import ShippedTemplate


class Shipped:
    """Remembers versions of templates by their fingerprints."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, library: Mapping[str, Template]) -> None:
        """Note what is shipped now."""
        rows = [
            {"template": name, "version": one.version, "fingerprint": fingerprint(one)} for name, one in library.items()
        ]

        def work(session: Session) -> None:
            insert = dialect_of(session.connection()).insert(ShippedTemplate)
            session.execute(insert.on_conflict_do_nothing(), rows)

        if rows:
            await self._store.transact(work)

    async def changed(self, flow: SetUp) -> bool | None:
        """Return whether somebody changed a flow since it was made of its template. None if that is not known."""
        try:
            template = Template.model_validate(flow.document)
        except ValidationError:
            return None
        query = sa.select(col(ShippedTemplate.fingerprint)).where(
            col(ShippedTemplate.template) == flow.template, col(ShippedTemplate.version) == template.version
        )
        known = await self._store.read(lambda session: session.execute(query).scalars().all())
        return fingerprint(template) not in known if known else None


def fingerprint(template: Template) -> str:
    """Return what differs if a template says anything else."""
    return sha256(json.dumps(written(template), sort_keys=True).encode()).hexdigest()
