"""The schema of the database, and how an older one becomes today's."""

from pathlib import Path
from typing import Final

import sqlalchemy as sa

from flows.writer import StorageError

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"
NEWEST: Final = "0011"
"""The last revision in `migrations/versions`; a test holds them together."""


class NewerDatabaseError(StorageError):
    """The database was written by a newer cicflow than this one."""

    def __init__(self, found: str) -> None:
        super().__init__()
        said = f"The database was written by a newer cicflow than this one: its form is {found}, and this one knows {NEWEST}."
        self.args = (f"{said} Nothing was changed in it. Start that version, or restore a backup from before it.",)


def upgrade(engine: sa.Engine) -> bool:
    """Bring the database to the newest schema. Returns whether there was anything to do.

    Raises NewerDatabaseError if it is newer than that.

    Alembic is loaded only when there is: it costs a noticeable part of the start.
    """
    # Looking is not writing: whoever writes just now need not be waited for.
    with engine.connect().execution_options(only_reads=True) as connection:
        if sa.inspect(connection).has_table("alembic_version"):
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
            if found == NEWEST:
                return False
            if found is not None and not any((MIGRATIONS / "versions").glob(f"{found}_*.py")):
                raise NewerDatabaseError(found)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    command.upgrade(config, "head")
    return True
