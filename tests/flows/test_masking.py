"""What may be shown and kept of values from outside."""

import json
import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.masking import DEEPEST, LARGEST, LONGEST, MASK, MOST, is_secret, masked

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=30,
)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "newPassword",
        "client_secret",
        "Client-Secret",
        "clientSecret",
        "access_token",
        "refreshToken",
        "Authorization",
        "Set-Cookie",
        "x-api-key",
        "api key",
        "APIKEY",
        "private_key",
        "privateKey",
        "signature",
        "webhook-signature",
        "client_assertion",
        "otp",
    ],
)
def test_what_stands_under_the_name_of_a_secret_is_masked(name: str) -> None:
    assert is_secret(name)
    assert masked({name: "hush"}) == {name: MASK}
    assert masked({"deep": [{name: {"old": "hush", "new": ["hush"]}}]}) == {"deep": [{name: MASK}]}
    assert masked({name: 123456}) == {name: MASK}


@pytest.mark.parametrize(
    "name", ["user_id", "email", "confidence", "keyboard", "hashtags", "option", "passenger", "riskAssessment"]
)
def test_other_names_are_not_those_of_secrets(name: str) -> None:
    assert masked({name: "seen"}) == {name: "seen"}


def test_a_persons_roles_are_seen_and_the_header_of_that_name_is_not() -> None:
    assert masked({"authorization": {"roles": ["admin"]}}) == {"authorization": {"roles": ["admin"]}}
    assert masked({"authorization": ["Bearer abc"]}) == {"authorization": MASK}


def test_whether_a_secret_is_there_is_no_secret() -> None:
    assert masked({"password": None, "has_password": True}) == {"password": None, "has_password": True}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ann@example.com", "a•••@example.com"),
        ("Ask Ann.Lee+x@mail.example.co.uk, please", "Ask A•••@mail.example.co.uk, please"),
        ("mailto:bob@example.com?subject=x", "mailto:b•••@example.com?subject=x"),
        ("q=email:bob%40example.com&page=1", "q=email:b•••@example.com&page=1"),
        ("<ann@example.com>;<bob@example.com>", "<a•••@example.com>;<b•••@example.com>"),
        ("jürgen@exämple.de", "j•••@exämple.de"),
        (f"it is {JWT}.", f"it is {MASK}"),
        ("Bearer abcdef123456", f"Bearer {MASK}"),
        ("https://x.example/reset?ticket=abc123&lang=de", f"https://x.example/reset?ticket={MASK}&lang=de"),
        ("xoxb-1234567890-abcdefghij", MASK),
        ("Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MFpZWFdWVVRTUg", MASK),
        ("0123456789abcdef0123456789abcdef01234567", MASK),
        ("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----", MASK),
        ("call +49 170 1234567 now", "call +49•••67 now"),
    ],
)
def test_secrets_and_addresses_within_texts_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "auth0|5f7c8ec7c33c6c004bbafe82",
        "9f1c5f1e-8d1c-4c59-9d0c-0f3b1d3f6a55",
        "90020240101120000123456789000000000000001223372012345678901234567",
        "high-risk-login/3/auth0:01HX3Z8S9P",
        "2024-03-31T02:30:00.000Z",
        "a-very-long-name-made-of-words-that-is-no-secret-at-all",
        "Please sign in @ noon",
    ],
)
def test_ids_and_sentences_stay_as_they_are(text: str) -> None:
    assert masked(text) == text


def test_a_phone_number_is_kept_short_where_its_name_says_so() -> None:
    assert masked({"phone_number": "0170 1234567"}) == {"phone_number": "01•••67"}


def test_names_of_a_mapping_are_masked_like_other_texts() -> None:
    assert masked({"ann@example.com": 1}) == {"a•••@example.com": 1}


def test_an_address_that_the_cut_goes_through_does_not_remain() -> None:
    cut = masked("x " * (LONGEST // 2 - 4) + "someone.known@example.com " + "y" * 99)
    assert "someone" not in cut
    assert cut.endswith("…")


def test_what_is_long_or_deep_is_cut() -> None:
    deep: Any = "bottom"
    for _ in range(DEEPEST + 5):
        deep = [deep]
    assert len(masked("word " * 1000)) <= LONGEST + 1
    assert masked(list(range(MOST + 5))) == [*range(MOST), "…"]
    assert masked({str(n): n for n in range(MOST + 5)})["…"] == "and 5 more"
    assert "bottom" not in json.dumps(masked(deep))
    assert json.dumps(masked([[[0] * 100] * 100] * 100)).count("0") <= LARGEST


def test_what_is_not_json_becomes_it() -> None:
    strange = [
        float("nan"),
        b"bytes",
        date(2024, 1, 2),
        datetime(2024, 1, 2, tzinfo=UTC),
        object(),
        (1,),
        10**5000,
        "\ud800\0",
    ]
    assert masked(strange) == [
        None, MASK, "2024-01-02", "2024-01-02T00:00:00+00:00", "(object)", [1], "…", "?�"
    ]  # fmt: skip
    assert masked({1: 2}) == {"(int)": 2}


def test_texts_made_to_be_slow_are_not() -> None:
    nasty = ["a" * 2000, "a@" * 1000, "+1 " * 700, "eyJ" * 700, "bearer " * 300, "-----BEGIN " * 200, "=" * 2000]
    began = time.perf_counter()
    masked(nasty)
    assert time.perf_counter() - began < 1


@given(json_values)
def test_any_value_can_be_masked(value: Any) -> None:
    copy = masked(value)
    json.dumps(copy, allow_nan=False).encode()
    assert masked(copy) == copy or "@" in json.dumps(copy) or MASK in json.dumps(copy, ensure_ascii=False)


def test_a_picture_in_letters_is_only_said_to_be_there() -> None:
    picture = "iVBORw0KGgo" * 1_000
    assert masked({"base64": picture, "gave": {"picture": picture}, "picture": "none"}) == {
        "base64": "(8,250 bytes)",
        "gave": {"picture": "(8,250 bytes)"},
        "picture": "none",
    }
