"""Which accounts may become one, and what becomes of their metadata."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.auth0.linking import Conflict, hindrances, in_order, merged, risks, same_email
from connectors.auth0.profiles import User

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from("abc"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
METADATA = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def user(provider: str, *, social: bool = False, connection: str | None = None, **profile: Any) -> User:
    """Make a person who signs in somewhere."""
    account = {"provider": provider, "user_id": "1", "connection": connection or provider, "social": social}
    known = {"email": "one@example.com", "email_verified": True, "created_at": "2026-01-01T00:00:00.000Z"}
    return User.model_validate({"user_id": f"{provider}|1", "identities": [account], **known, **profile})


DATABASE = user("auth0")
GOOGLE = user("google-oauth2", social=True)
APPLE = user("apple", social=True)
CODE = user("email")


@pytest.mark.parametrize(
    ("one", "other"),
    [(DATABASE, GOOGLE), (DATABASE, APPLE), (DATABASE, CODE), (CODE, GOOGLE), (GOOGLE, APPLE)],
)
def test_kinds_that_both_check_the_address_are_safe(one: User, other: User) -> None:
    assert risks(one, other) == risks(other, one) == []


def test_two_databases_are_safe_and_one_database_twice_is_not() -> None:
    assert risks(DATABASE, user("auth0", connection="another")) == []
    assert risks(DATABASE, user("auth0")) == ["both are of the same connection"]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (user("sms"), "text message"),
        (user("facebook", social=True), "not known that this social login"),
        (user("windowslive", social=True), "not known that this social login"),
        (user("samlp"), "company's own sign-in"),
        (user("waad"), "company's own sign-in"),
        (user("okta"), "company's own sign-in"),
        (user("google-apps"), "company's own sign-in"),
        (user("something-new"), "not known"),
    ],
)
@pytest.mark.parametrize("one", [DATABASE, GOOGLE, CODE])
def test_other_kinds_are_risky_with_whatever_they_are_linked(one: User, other: User, why: str) -> None:
    for found in (risks(one, other), risks(other, one)):
        assert len(found) == 1
        assert why in found[0]


def test_two_risky_kinds_are_both_named() -> None:
    assert len(risks(user("samlp"), user("sms"))) == 2


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"email_verified": False}, "is not verified"),
        ({"email": None}, "has no e-mail address"),
        ({"email": "two@example.com"}, "different e-mail addresses"),
        ({"blocked": True}, "is blocked"),
        ({"identities": []}, "does not say how"),
    ],
)
def test_what_is_missing_on_either_side_forbids_linking(changes: dict[str, Any], why: str) -> None:
    bad = GOOGLE.model_copy(update=changes)
    assert any(why in each for each in hindrances(DATABASE, bad))
    assert any(why in each for each in hindrances(bad, DATABASE))
    assert hindrances(DATABASE, GOOGLE) == []


def test_nobody_is_linked_to_themselves() -> None:
    assert hindrances(DATABASE, DATABASE) == ["it is the same account"]


def test_an_account_that_has_others_does_not_become_part_of_another() -> None:
    several = GOOGLE.model_copy(update={"identities": [*GOOGLE.identities, *APPLE.identities]})
    assert any("linked accounts of its own" in each for each in hindrances(DATABASE, several))
    assert hindrances(several, DATABASE) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("one@example.com", "ONE@Example.com", True),
        ("one+a@example.com", "one@example.com", False),
        ("mi\u212ae@example.com", "mike@example.com", False),  # the sign of Kelvin is a small k when made small
        ("\u0130@example.com", "i@example.com", False),
        ("zoë@example.com", "zoë@EXAMPLE.com", True),
        ("ZOË@example.com", "zoë@example.com", False),
    ],
)
def test_addresses_are_the_same_if_only_plain_letters_differ_in_size(one: str, other: str, same: bool) -> None:
    assert same_email(one, other) is same


def test_the_older_account_stays_unless_the_younger_has_others() -> None:
    younger = GOOGLE.model_copy(update={"created_at": "2026-02-01T00:00:00.000Z"})
    assert in_order(younger, DATABASE) == in_order(DATABASE, younger) == (DATABASE, younger)
    several = younger.model_copy(update={"identities": [*GOOGLE.identities, *APPLE.identities]})
    assert in_order(DATABASE, several) == (several, DATABASE)


def test_metadata_is_merged_and_what_stays_wins() -> None:
    change, new, conflicts = merged(
        {"plan": "gold", "shown": {"a": 1}, "same": [1]},
        {"plan": "free", "shown": {"a": 2, "b": 3}, "same": [1], "more": {"x": 1}},
    )
    assert change == {"shown": {"a": 1, "b": 3}, "more": {"x": 1}}
    assert new == ["shown.b", "more"]
    assert conflicts == [
        Conflict(name="plan", kept="gold", dropped="free"),
        Conflict(name="shown.a", kept=1, dropped=2),
    ]


@given(kept=METADATA, other=METADATA)
def test_merging_loses_nothing_that_stays_and_is_over_after_once(kept: dict[str, Any], other: dict[str, Any]) -> None:
    change, new, conflicts = merged(kept, other)
    whole = {**kept, **change}
    assert merged(whole, kept)[0] == {}
    assert {each.name for each in merged(whole, kept)[2]} == set()
    again, nothing, still = merged(whole, other)
    assert (again, nothing) == ({}, [])
    assert {each.name for each in still} == {each.name for each in conflicts}
    assert len(new) == len(set(new))
