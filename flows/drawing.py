"""A drawing: one chart as a PNG. It is made in a process of its own, so that nobody waits and nothing stays in memory.

Run as a script it reads what to draw as JSON and writes the picture. `flows.builtins.charts` has checked what it is given.
The picture brings its own ground: what is legible on it is so in light and in dark surroundings, and on a phone.
"""

import io
import json
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Final

WIDTH: Final = 5.2
"""Inches. A phone shows them as 310 to 370 of its points: a letter of 13 is then 11 to 13 of them high."""
DPI: Final = 230
INK: Final = "#1d1c1d"
SOFT: Final = "#5b5a5c"
FAINT: Final = "#e3e3e6"
EDGE: Final = "#d0d0d5"
GROUND: Final = "#ffffff"
COLOURS: Final = ("#1264a3", "#e8912d", "#c0392b", "#2f855a", "#7b4bb3")
"""Told apart by people who see few colours, too: they differ in lightness."""
BEFORE: Final = "#aebac6"
"""What was before stands back."""
TITLE: Final = 40
"""Letters of the name of a series."""
ROOM: Final = 52
"""Letters of such names in a line, and of what stands between them."""
LABEL: Final = 20
"""Letters of a label in a line."""
FONT: Final = {"title": 17, "legend": 13, "value": 12.5, "label": 13}


def draw(chart: Mapping[str, Any]) -> bytes:
    """Return a chart as a PNG."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import FancyBboxPatch

    mpl.rcParams.update({"text.parse_math": False, "font.family": "DejaVu Sans", "axes.unicode_minus": False})
    labels, series = chart["labels"], chart["series"]
    across = chart["kind"] == "bars"
    title = textwrap.wrap(chart["title"], 33, max_lines=2, placeholder=" …") or [""]
    beside = _beside([one["title"] for one in series])
    inches = 0.5 + 0.27 * len(title) + (0.05 + 0.25 * -(-len(series) // beside) if len(series) > 1 else 0.0)
    body = max(1.0, len(labels) * (0.36 if len(series) == 1 or chart["stacked"] else 0.2 + 0.25 * len(series)))
    height = inches + (body if across else 2.6)
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    FigureCanvasAgg(figure)
    figure.patch.set_alpha(0.0)
    figure.add_artist(
        FancyBboxPatch(
            (0.02, 0.02),
            WIDTH - 0.04,
            height - 0.04,
            boxstyle="round,pad=0,rounding_size=0.12",
            transform=figure.dpi_scale_trans,
            facecolor=GROUND,
            edgecolor=EDGE,
            linewidth=1.0,
            zorder=-1,
        )
    )
    for number, line in enumerate(title):
        top = height - 0.31 - 0.27 * number
        figure.text(
            0.22 / WIDTH, top / height, line, fontsize=FONT["title"], weight="bold", color=INK, va="center", ha="left"
        )
    wrapped = [_label(label, LABEL if across else max(4, 34 // max(len(labels), 1))) for label in labels]
    left = 0.28 + min(2.1, 0.108 * max((len(line) for one in wrapped for line in one.split("\n")), default=0))
    axes = figure.add_axes(
        (
            (left if across else 0.78) / WIDTH,
            (0.14 if across else 0.66) / height,
            (WIDTH - left - 0.75 if across else WIDTH - 1.0) / WIDTH,
            (height - inches if across else height - inches - 0.56) / height,
        )
    )
    axes.patch.set_alpha(0.0)
    for side in axes.spines.values():
        side.set_visible(False)
    colours = _colours(series)
    if across:
        _bars(axes, wrapped, series, colours, stacked=chart["stacked"])
    elif chart["kind"] == "lines":
        _lines(axes, series, colours)
    else:
        _columns(axes, series, colours, stacked=chart["stacked"])
    if not across:
        _calendar(axes, wrapped, series)
    if len(series) > 1:
        _legend(figure, series, colours, beside=beside, at=(height - 0.28 - 0.27 * len(title)) / height)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, transparent=False, facecolor="none")
    return _smaller(out)


def _colours(series: Sequence[Mapping[str, Any]]) -> list[str]:
    rest = iter(COLOURS)
    return [BEFORE if one["before"] else next(rest) for one in series]


def _bars(
    axes: Any, labels: Sequence[str], series: Sequence[Mapping[str, Any]], colours: Sequence[str], *, stacked: bool
) -> None:
    """Draw a bar for each label, from the left, the first on top."""
    thick = 0.62 if stacked or len(series) == 1 else 0.8 / len(series)
    most = _most(series, stacked=stacked) or 1
    begins = [0.0] * len(labels)
    for number, (one, colour) in enumerate(zip(series, colours, strict=True)):
        shift = 0.0 if stacked else (number - (len(series) - 1) / 2) * thick
        at = [place + shift for place in range(len(labels))]
        values = [value or 0 for value in one["values"]]
        axes.barh(at, values, height=thick * 0.92, left=begins if stacked else 0, color=colour)
        if stacked:
            begins = [begin + value for begin, value in zip(begins, values, strict=True)]
            continue
        for place, value in zip(at, one["values"], strict=True):
            weight, shade = ("normal", SOFT) if one["before"] else ("bold", INK)
            axes.text(
                (value or 0) + most * 0.015,
                place,
                _number(value),
                va="center",
                ha="left",
                fontsize=FONT["value"],
                color=shade,
                weight=weight,
            )
    if stacked:
        for place, total in enumerate(begins):
            axes.text(
                total + most * 0.015,
                place,
                _number(total),
                va="center",
                ha="left",
                fontsize=FONT["value"],
                color=INK,
                weight="bold",
            )
    axes.set_yticks(range(len(labels)), labels, fontsize=FONT["label"], color=INK)
    axes.tick_params(axis="both", length=0)
    axes.set_xticks([])
    axes.set_xlim(0, most * 1.04)
    axes.set_ylim(len(labels) - 0.5, -0.5)


def _columns(axes: Any, series: Sequence[Mapping[str, Any]], colours: Sequence[str], *, stacked: bool) -> None:
    """Draw a column for each label, from left to right."""
    count = len(series[0]["values"])
    thick = 0.72 if stacked or len(series) == 1 else 0.84 / len(series)
    begins = [0.0] * count
    for number, (one, colour) in enumerate(zip(series, colours, strict=True)):
        shift = 0.0 if stacked else (number - (len(series) - 1) / 2) * thick
        at = [place + shift for place in range(count)]
        values = [value or 0 for value in one["values"]]
        axes.bar(at, values, width=thick * 0.94, bottom=begins if stacked else 0, color=colour)
        if stacked:
            begins = [begin + value for begin, value in zip(begins, values, strict=True)]
    tops = begins if stacked else [value or 0 for value in series[0]["values"]]
    if count <= 8:  # more of them would run into one another
        shift = 0.0 if stacked or len(series) == 1 else -(len(series) - 1) / 2 * thick
        for place, value in enumerate(tops):
            if not value:
                continue  # where there is no column, there is nothing to write on it
            axes.text(
                place + shift,
                value,
                _number(value),
                ha="center",
                va="bottom",
                fontsize=FONT["value"],
                color=INK,
                weight="bold",
            )
    axes.set_ylim(0, (_most(series, stacked=stacked) or 1) * 1.14)


def _lines(axes: Any, series: Sequence[Mapping[str, Any]], colours: Sequence[str]) -> None:
    """Draw a line for each series, what was before behind the others."""
    for one, colour in zip(series, colours, strict=True):
        at = [place for place, value in enumerate(one["values"]) if value is not None]
        values = [value for value in one["values"] if value is not None]
        axes.plot(
            at,
            values,
            color=colour,
            linewidth=2.2 if one["before"] else 3,
            marker="o",
            markersize=4 if one["before"] else 6,
            zorder=2 if one["before"] else 3,
            solid_capstyle="round",
        )
    axes.set_ylim(0, (_most(series, stacked=False) or 1) * 1.12)


def _calendar(axes: Any, labels: Sequence[str], series: Sequence[Mapping[str, Any]]) -> None:
    """Label the columns, as many as there is room for, and the height."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    longest = max((len(line) for one in labels for line in one.split("\n")), default=1)
    room = max(1, int((WIDTH - 1.0) / (0.125 * max(longest, 2) + 0.08)))
    step = -(-len(labels) // room)
    shown = range(0, len(labels), step)
    axes.set_xticks(shown, [labels[place] for place in shown], fontsize=FONT["label"], color=INK)
    axes.set_xlim(-0.6, len(labels) - 0.4)
    whole = all(value is None or value == int(value) for one in series for value in one["values"])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=whole))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: _number(value)))
    axes.tick_params(axis="y", labelsize=FONT["label"], labelcolor=SOFT, length=0)
    axes.tick_params(axis="x", length=0, pad=6)
    axes.grid(axis="y", color=FAINT, linewidth=1.2)
    axes.set_axisbelow(True)
    axes.spines["bottom"].set_visible(True)
    axes.spines["bottom"].set_color(EDGE)


def _legend(
    figure: Any, series: Sequence[Mapping[str, Any]], colours: Sequence[str], *, beside: int, at: float
) -> None:
    from matplotlib.patches import Patch

    figure.legend(
        handles=[
            Patch(facecolor=colour, label=one["title"][:TITLE]) for one, colour in zip(series, colours, strict=True)
        ],
        loc="upper left",
        bbox_to_anchor=(0.13 / WIDTH, at),
        ncols=beside,
        frameon=False,
        fontsize=FONT["legend"],
        labelcolor=SOFT,
        handlelength=0.9,
        handleheight=0.9,
        handletextpad=0.4,
        columnspacing=1.2,
        borderaxespad=0.1,
    )


def _beside(titles: Sequence[str]) -> int:
    """Return how many names of series there is room for side by side."""
    lengths = sorted((len(title[:TITLE]) + 4 for title in titles), reverse=True)
    return next((count for count in range(len(lengths), 1, -1) if sum(lengths[:count]) <= ROOM), 1)


def _label(text: str, longest: int) -> str:
    return "\n".join(textwrap.wrap(text, longest, max_lines=2, placeholder=" …")) or "–"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    for size, unit in ((1_000_000_000, "bn"), (1_000_000, "m"), (10_000, "k")):
        if abs(value) >= size:
            short = value / (1_000 if unit == "k" else size)
            return f"{short:.0f}{unit}" if short >= 100 or short == int(short) else f"{short:.1f}{unit}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def _most(series: Sequence[Mapping[str, Any]], *, stacked: bool) -> float:
    rows = [[value or 0 for value in one["values"]] for one in series]
    if stacked:
        return max((sum(column) for column in zip(*rows, strict=True)), default=0)
    return max((value for row in rows for value in row), default=0)


def _smaller(picture: io.BytesIO) -> bytes:
    """Return a picture with few colours: it has few anyway, and is kept in the journal of its run."""
    from PIL import Image

    out = io.BytesIO()
    with Image.open(picture) as whole:
        whole.quantize(colors=64, method=Image.Quantize.FASTOCTREE).save(out, format="png", optimize=True)
    return out.getvalue()


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(json.load(sys.stdin)))
