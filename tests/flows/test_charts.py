"""Charts: real pictures, drawn outside of the process, with what they show in words."""

import asyncio
import base64
import io
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from connectors.errors import Refused, TryLater
from flows.builtins.charts import Chart, draw
from flows.easel import Easel

ROWS = [{"age": "30 to 59 days", "now": 1234, "then": 1190}, {"age": "a year and more", "now": 77, "then": None}]
BEFORE: dict[str, Any] = {"values": {"today": "now"}, "before": {"a week before": "then"}}


async def drawn(**given: Any) -> tuple[Image.Image, str]:
    picture = await draw(Easel(), Chart.model_validate({"title": "People", "label": "age", "rows": ROWS, **given}))
    return Image.open(io.BytesIO(base64.b64decode(picture.base64))), picture.image_text


async def test_rows_become_a_picture_whose_corners_let_the_ground_through() -> None:
    picture, words = await drawn(**BEFORE)
    assert (picture.format, picture.width) == ("PNG", 1196)
    colours = picture.convert("RGBA")
    assert colours.getpixel((0, 0))[3] == 0  # type: ignore[index]  # of four bands
    assert min(colours.getpixel((600, 12))) >= 250  # type: ignore[arg-type]  # of four bands
    assert words == (
        "People: 30 to 59 days 1,234 (today), 1,190 (a week before); a year and more 77 (today), – (a week before)."
    )


@pytest.mark.slow
async def test_every_kind_is_drawn_with_names_that_mean_something_elsewhere_and_with_hardly_anything() -> None:
    odd = [{"age": "$x_{1$ \\frac <b>", "now": 0}, {"age": "", "now": "no number"}, {"age": None, "now": True}]
    kinds: list[dict[str, Any]] = [
        {"kind": "columns"},
        {"kind": "lines"},
        {"kind": "columns", "stacked": True},
        {"kind": "bars", "rows": odd},
    ]
    pictures = await asyncio.gather(*(drawn(values={"now": "now"}, **kind) for kind in kinds))
    assert [picture.format for picture, _ in pictures] == ["PNG"] * 4


async def test_what_does_not_fit_is_summed_up() -> None:
    many = [{"age": f"connection number {number}", "now": 10} for number in range(100)]
    picture, words = await drawn(rows=many, values={"now": "now"})
    assert picture.height < 2400
    assert "connection number 22 10; 77 others 770." in words


async def test_nobody_waits_forever_and_there_has_to_be_something_to_draw() -> None:
    with pytest.raises(TryLater):
        await draw(Easel(patience=0.01), Chart(title="x", label="age", rows=ROWS, values={"now": "now"}))
    with pytest.raises(Refused):
        await draw(Easel(), Chart(title="x", label="age", rows=[], values={"now": "now"}))
    with pytest.raises(Refused):
        await draw(Easel(), Chart(title="x", label="age", rows=[1], values={"now": "now"}))
    with pytest.raises(ValidationError):
        Chart.model_validate({"title": "x", "label": "age", "rows": ROWS, "values": {}})
