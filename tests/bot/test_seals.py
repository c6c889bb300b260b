"""Seals: what we hand out to browsers, and know again."""

from hypothesis import given
from hypothesis import strategies as st

from bot.seals import Seals
from flows.vault import new_key

OLD, NEW = new_key(), new_key()


@given(st.lists(st.text(max_size=20), max_size=4))
def test_what_was_named_is_read_again_also_after_a_change_of_the_key(parts: list[str]) -> None:
    token = Seals([OLD]).named(*parts)
    assert Seals([NEW, OLD]).read(token) == parts
    assert Seals([NEW]).read(token) is None


@given(st.lists(st.text(max_size=9), min_size=1, max_size=3), st.text(alphabet="abcXYZ019._-=é", max_size=60))
def test_nothing_else_is_read(parts: list[str], odd: str) -> None:
    seals = Seals([OLD])
    token = seals.named(*parts)
    said, _, seal = token.partition(".")
    assert seals.read(odd) is None
    assert seals.read(f"{said}.{odd}") is None
    assert seals.read(f"{odd}.{seal}") is None
    assert seals.read(token[:-1]) is None


def test_a_seal_is_good_for_its_purpose_and_the_order_of_its_parts_only() -> None:
    seals = Seals([OLD])
    seal = seals.sealed("form", "a", "bc")
    assert seals.fits(seal, "form", "a", "bc")
    assert not seals.fits(seal, "form", "ab", "c")
    assert not seals.fits(seal, "named", "a", "bc")
    assert not seals.fits(seal, "form", "a", "bc", "")


def test_what_is_locked_is_opened_by_us_and_in_time() -> None:
    locked = Seals([OLD]).locked({"state": "s"})
    assert "state" not in locked
    assert Seals([NEW, OLD]).opened(locked, within=60) == {"state": "s"}
    assert Seals([NEW, OLD]).opened(locked, within=-60) is None
    assert Seals([NEW]).opened(locked, within=60) is None
    assert Seals([OLD]).opened("é", within=60) is None
