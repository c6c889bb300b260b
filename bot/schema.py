"""The schema of the database, and how an older one becomes today's."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"
NEWEST: Final = "0002"
"""The last revision in `migrations/versions`; a test holds them together."""


def upgrade(engine: sa.Engine) -> bool:
    """Bring the database to the newest schema. Returns whether there was anything to do.

    Alembic is loaded only when there is: it costs a noticeable part of the start.
    """
    # Looking is not writing: whoever writes just now need not be waited for.
    with engine.connect().execution_options(only_reads=True) as connection:
        if sa.inspect(connection).has_table("alembic_version"):
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            if found == NEWEST:
                return False
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
    return True
