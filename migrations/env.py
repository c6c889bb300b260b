"""How migrations reach the database: through the engine that the bot hands in."""

from alembic import context
from sqlmodel import SQLModel

import flows.tables  # noqa: F401  # fills the metadata

with context.config.attributes["engine"].begin() as connection:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_as_batch=True)
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # Two processes may start at once: the second waits here, and then finds nothing to do.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7208245)")
        context.run_migrations()
