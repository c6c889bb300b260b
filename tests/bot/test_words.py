"""Texts for Slack, as far as what comes from outside could break them."""

import pytest

from bot import words


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-01-02T03:04:05.6Z", "<!date^1767323045^{date_short_pretty}, {time}|2026-01-02 03:04 UTC>"),
        ("2026-99-02T03:04:05Z", "2026-99-02T03:04:05Z"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("2026-01-02T03:04:05Z <!channel>", "2026-01-02T03:04:05Z &lt;!channel&gt;"),
        ("", "–"),
        ([], "–"),
    ],
)
def test_a_moment_is_shown_as_a_time_and_what_only_looks_like_one_as_it_is(value, shown) -> None:
    assert words.shown(value) == shown
