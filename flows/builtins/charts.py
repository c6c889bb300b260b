"""Charts: rows of a table as a picture, legible on a phone, in light and in dark."""

import base64
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import AnyList, Path, ShortText, reach
from flows.easel import Easel
from flows.references import spoken

charts: Final = Declaring("charts", title="Charts")

MOST_SERIES: Final = 4
MOST_BARS: Final = 24
MOST_COLUMNS: Final = 62
MOST_WORDS: Final = 1_000
LARGEST: Final = 1e15

Series = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class Chart(Value):
    """What to draw."""

    kind: Literal["bars", "columns", "lines"] = Field(
        default="bars",
        title="Kind",
        description="Bars from the left, for names; columns or lines from left to right, for days.",
    )
    title: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        title="Title", description="What is to be seen."
    )
    rows: AnyList = Field(title="Rows", description="Objects, one for each bar, column or point, in this order.")
    label: Path = Field(title="Label", description="Which value of a row is written at it, such as name.")
    values: Annotated[dict[Series, Path], Field(min_length=1, max_length=MOST_SERIES)] = Field(
        title="Values", description="What is drawn: what it is called, and which value of a row it is."
    )
    before: Annotated[dict[Series, Path], Field(max_length=1)] = Field(
        default_factory=dict, title="Before", description="The same for a time before: it is drawn beside, in grey."
    )
    stacked: bool = Field(default=False, title="Stacked", description="Whether values stand upon one another.")


class Picture(Value):
    """A picture."""

    base64: str = Field(title="Base64", description="The picture as a PNG, in base64: slack.post_report takes it.")
    image_text: str = Field(
        title="Picture in words", description="What is to be seen in it, for those who do not see it."
    )


@charts.action("Draw a chart", effect="reads", repeatable=True)
async def draw(easel: Easel, given: Chart) -> Picture:
    """Draw rows as a chart. What is no number is left out, and rows beyond what fits are summed up in the last."""
    series = {**given.values, **given.before}
    if not given.rows:
        raise Refused("There is nothing to draw: the list of rows is empty.")
    labels = [spoken(_value(row, given.label)) for row in given.rows]
    columns = {name: [_number(_value(row, path)) for row in given.rows] for name, path in series.items()}
    for name in given.before:
        if len(columns) > 1 and not any(one is not None for one in columns[name]):
            del columns[name]  # nothing is known of the time before: there is nothing to show beside
    most = MOST_BARS if given.kind == "bars" else MOST_COLUMNS
    if len(labels) > most:
        labels = [*labels[: most - 1], f"{len(labels) - most + 1:,} others"]
        columns = {
            name: [*column[: most - 1], sum(one or 0 for one in column[most - 1 :])] for name, column in columns.items()
        }
    picture = await easel.draw(
        {
            "kind": given.kind,
            "title": given.title,
            "stacked": given.stacked,
            "labels": labels,
            "series": [
                {"title": name, "before": name in given.before, "values": column} for name, column in columns.items()
            ],
        }
    )
    return Picture(base64=base64.b64encode(picture).decode(), image_text=_in_words(given.title, labels, columns))


def _in_words(title: str, labels: list[str], columns: Mapping[str, list[float | None]]) -> str:
    said = []
    for place, label in enumerate(labels):
        numbers = [
            f"{_said(column[place])} ({name})" if len(columns) > 1 else _said(column[place])
            for name, column in columns.items()
        ]
        said.append(f"{label} {', '.join(numbers)}")
    whole = f"{title}: {'; '.join(said)}."
    return whole if len(whole) <= MOST_WORDS else f"{whole[: MOST_WORDS - 2]} …"


def _said(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


def _value(row: Any, path: str) -> Any:
    if not isinstance(row, dict):
        raise Refused("Each row of a chart is an object.")
    return row[path] if path in row else reach(row, path)[0]


def _number(value: Any) -> float | None:
    match value:
        case bool():
            return None
        case int() | float() if abs(value) <= LARGEST:
            return value
        case _:
            return None


class Rows(Value):
    """Rows to write."""

    rows: AnyList = Field(title="Rows", description="Objects, one for each line, in this order.")
    label: Path = Field(default="name", title="Label", description="Which value of a row the line begins with.")
    value: Path = Field(default="count", title="Value", description="Which value of a row is its number.")
    before: Path | None = Field(
        default=None, title="Before", description="Which value of a row is the number of a time before. Left out: none."
    )
    empty: ShortText = Field(default="• none", title="Empty", description="What is said where there are no rows.")
    most: int = Field(
        default=10, ge=1, le=100, title="At most", description="Lines; the others are counted in the last."
    )


class Lines(Value):
    """Lines of text."""

    text: str = Field(title="Text", description="One line for each row; one that says so where there are none.")


@charts.action("Write numbers in lines", effect="reads")
def in_lines(given: Rows) -> Lines:
    """Write rows as lines of text, each with its number and that of a time before: a chart in words, for messages."""
    lines = []
    for row in given.rows[: given.most]:
        now = _number(_value(row, given.value))
        then = _number(_value(row, given.before)) if given.before is not None else None
        said = f"• {spoken(_value(row, given.label)).removesuffix('.')}: *{_said(now)}*"
        lines.append(said if given.before is None else f"{said} ({_said(then)})")
    left = len(given.rows) - given.most
    return Lines(text="\n".join([*lines, *([f"• and {left:,} others"] if left > 0 else [])]) or given.empty)
