"""The blocks that show data: tables and charts."""

from collections.abc import Iterator
from typing import Any

from sandbox.slack.blocks.pieces import NAME, same_type
from sandbox.slack.blocks.rich_text import RICH_ELEMENTS
from sandbox.slack.blocks.shapes import (
    Choice,
    Flag,
    Items,
    Number,
    Problem,
    Record,
    Shape,
    String,
    Variants,
    problem,
)

TABLE_CHARACTERS = 20_000

_RICH_CELL: Shape = Record({**same_type("rich_text"), "elements": Items(RICH_ELEMENTS)}, {"block_id": NAME})
_NUMBER_CELL: Shape = Record({**same_type("raw_number"), "value": Number(whole=False)}, {"text": String(least=1)})


def _raw(least: int) -> Shape:
    return Record({**same_type("raw_text"), "text": String(least=least)})


class _Setting:
    """A column's setting; null means the usual."""

    _shape = Record({}, {"align": Choice("left", "center", "right"), "is_wrapped": Flag()})

    def check(self, value: Any, at: str) -> Iterator[Problem]:
        """List what is wrong with the setting."""
        if value is not None:
            yield from self._shape.check(value, at)


def _characters(value: Any) -> int:
    """Count the characters of every text in a piece of JSON."""
    if isinstance(value, dict):
        own = len(value["text"]) if isinstance(value.get("text"), str) else 0
        return own + sum(_characters(each) for each in value.values())
    return sum(_characters(each) for each in value) if isinstance(value, list) else 0


def _not_too_long(value: dict[str, Any], at: str) -> Iterator[Problem]:
    if _characters(value.get("rows")) > TABLE_CHARACTERS:
        message = f"must be less than {TABLE_CHARACTERS + 1} characters in all cells"
        yield problem(message, f"{at}/rows", type="max_length", expected=TABLE_CHARACTERS)


def _same_width(value: dict[str, Any], at: str) -> Iterator[Problem]:
    rows = value.get("rows")
    if isinstance(rows, list) and len({len(row) for row in rows if isinstance(row, list)}) > 1:
        yield problem("all rows must have the same number of cells", f"{at}/rows", type="width")


def _every_category(value: dict[str, Any], at: str) -> Iterator[Problem]:
    """Require a point of every series for every category."""
    config, series = value.get("axis_config"), value.get("series")
    categories = config.get("categories") if isinstance(config, dict) else None
    if not isinstance(categories, list) or not isinstance(series, list):
        return
    for place, each in enumerate(series):
        data = each.get("data") if isinstance(each, dict) else None
        if not isinstance(data, list):
            continue
        labels = [point.get("label") for point in data if isinstance(point, dict)]
        if sorted(map(str, labels)) != sorted(map(str, categories)):
            yield problem("must have one point for every category", f"{at}/series/{place}/data", type="categories")


_LABEL = String(least=1, most=20)
_POINT = Record({"label": _LABEL, "value": Number(whole=False)})
_SERIES = Record({"name": _LABEL, "data": Items(_POINT, 1, 20)})
_AXES = Record({"categories": Items(_LABEL, 1, 20)}, {"x_label": String(most=50), "y_label": String(most=50)})
_SEGMENT = Record({"label": _LABEL, "value": Number(above=0, whole=False)})


def _drawn(name: str) -> Shape:
    return Record({**same_type(name), "series": Items(_SERIES, 1, 12), "axis_config": _AXES}, {}, _every_category)


_CHART = Variants(
    {
        **{name: _drawn(name) for name in ("line", "bar", "area")},
        "pie": Record({**same_type("pie"), "segments": Items(_SEGMENT, 1, 12)}),
    }
)

DATA_BLOCKS: dict[str, Shape] = {
    "table": Record(
        {
            **same_type("table"),
            "rows": Items(
                Items(Variants({"raw_text": _raw(0), "raw_number": _NUMBER_CELL, "rich_text": _RICH_CELL}), 1, 20),
                1,
                100,
            ),
        },
        {"block_id": NAME, "column_settings": Items(_Setting(), 0, 20)},
    ),
    "data_table": Record(
        {
            **same_type("data_table"),
            "caption": String(least=1),
            "rows": Items(
                Items(Variants({"raw_text": _raw(1), "raw_number": _NUMBER_CELL, "rich_text": _RICH_CELL}), 1, 20),
                2,
                201,
            ),
        },
        {
            "block_id": NAME,
            "page_size": Number(least=1, most=100),
            "row_header_column_index": Number(least=0, most=19),
        },
        _not_too_long,
        _same_width,
    ),
    "data_visualization": Record(
        {**same_type("data_visualization"), "title": String(least=1, most=50), "chart": _CHART}, {"block_id": NAME}
    ),
}
