"""Figures: what was measured, beside its floor, and the table of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import ceil
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measure of the bot, with every run of it and of its floor."""

    measure: str
    unit: str
    runs: Sequence[float]
    floor: str
    """What the floor is, in words."""
    floor_runs: Sequence[float]
    aim: str = ""

    @property
    def value(self) -> float:
        """The median of the runs."""
        return median(self.runs)

    @property
    def floor_value(self) -> float | None:
        """The median of the floor's runs."""
        return median(self.floor_runs) if self.floor_runs else None

    def as_json(self) -> dict[str, Any]:
        """Return the figure as it stands in the output of --json."""
        return {**asdict(self), "value": self.value, "floor_value": self.floor_value}


def quantile(values: Sequence[float], part: float) -> float:
    """Return the smallest value that at least this part of all values do not pass."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * part) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table of plain text. What each floor is stands below it."""
    head = ("measure", "median", "floor", "unit", "runs", "aim")
    floors = list(dict.fromkeys(figure.floor for figure in figures))
    lines = [
        (
            figure.measure,
            _number(figure.value),
            f"{_number(figure.floor_value)} [{floors.index(figure.floor) + 1}]",
            figure.unit,
            " ".join(_number(run) for run in figure.runs),
            figure.aim,
        )
        for figure in figures
    ]
    widths = [max(len(line[place]) for line in (head, *lines)) for place in range(len(head))]

    def written(line: Sequence[str]) -> str:
        numbers = {1, 2}
        return "  ".join(
            text.rjust(width) if place in numbers else text.ljust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()

    rule = "  ".join("-" * width for width in widths)
    legend = (f"[{number}] {floor}" for number, floor in enumerate(floors, 1))
    return "\n".join([written(head), rule, *map(written, lines), "", *legend])


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
