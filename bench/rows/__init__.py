"""The rows of the table, by name."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from bench.figures import Figure
from bench.rows import acknowledgements, alerts, answers, exports, misses, runs, start, waiting
from bench.scene import Scene

ROWS: Final[Mapping[str, Callable[[Scene], Awaitable[Sequence[Figure]]]]] = {
    "misses": misses.measure,
    "answers": answers.measure,
    "runs": runs.measure,
    "alerts": alerts.measure,
    "acknowledgements": acknowledgements.measure,
    "waiting": waiting.measure,
    "exports": exports.measure,
    "start": start.measure,
}
