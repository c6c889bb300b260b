"""The search language of the simulated tenant."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.auth0.errors import ApiError
from sandbox.auth0.query import matcher

PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {
        "user_id": "auth0|1",
        "email": "ada@example.com",
        "name": "Ada One",
        "nickname": "ada",
        "given_name": "Ada",
        "email_verified": True,
        "logins_count": 10,
        "last_login": "2026-03-01T10:00:00.000Z",
        "created_at": "2024-01-01T00:00:00.000Z",
        "identities": [{"connection": "db", "provider": "auth0"}, {"connection": "google-oauth2", "provider": "g"}],
        "app_metadata": {"plan": "Gold", "tags": ["vip", "beta"], "deep": {"er": 3}, "ref": "a:b"},
        "user_metadata": {"colour": "red"},
    },
    "bob": {
        "user_id": "google-oauth2|2",
        "email": "bob@other.example",
        "name": "Bob (Two)",
        "given_name": "Bob",
        "email_verified": False,
        "blocked": True,
        "logins_count": 100,
        "last_login": "2026-06-01T10:00:00.000Z",
        "created_at": "2025-01-01T00:00:00.000Z",
        "identities": [{"connection": "google-oauth2", "provider": "g"}],
        "app_metadata": {"plan": "silver", "tags": []},
    },
    "new": {
        "user_id": "auth0|3",
        "email": "new.person@example.com",
        "name": "New Person",
        "created_at": "2026-01-01T00:00:00.000Z",
        "identities": [{"connection": "db", "provider": "auth0"}],
    },
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "ada bob new"),
        ("*", "ada bob new"),
        ("email:ada@example.com", "ada"),
        ('email:"ADA@EXAMPLE.COM"', "ada"),
        ('name:"ada one"', "ada"),
        ("name:Ada", ""),
        ("name:ada*", "ada"),
        ("name:*person", "new"),
        ("email:*@example.com", "ada new"),
        ('email.domain:"example.com"', "ada new"),
        ("given_name:ada", ""),
        ("given_name:Ada", "ada"),
        ('user_id:"auth0|1"', "ada"),
        ("user_id:auth0|1", "ada"),
        (r"user_id:auth0\|1", "ada"),
        ("blocked:true", "bob"),
        ("NOT blocked:true", "ada new"),
        ("-blocked:true", "ada new"),
        ("!blocked:true", "ada new"),
        ("email_verified:false", "bob"),
        ("_exists_:logins_count", "ada bob"),
        ("NOT _exists_:logins_count", "new"),
        ("NOT _exists_:logins_count OR logins_count:0", "new"),
        ("_exists_:app_metadata.tags", "ada"),
        ("logins_count:10", "ada"),
        ("logins_count:[10 TO 99]", "ada"),
        ("logins_count:{10 TO *]", "bob"),
        ("logins_count:[* TO *]", "ada bob"),
        ("logins_count:>=100", "bob"),
        ("logins_count:<11", "ada"),
        ("last_login:[* TO 2026-05-01]", "ada"),
        ("last_login:[2026-05-01 TO *]", "bob"),
        ("last_login:[2026-03-01T10:00:00.000Z TO 2026-03-01T10:00:00Z]", "ada"),
        ("last_login:{2026-03-01T10:00:00.000Z TO *}", "bob"),
        ("last_login:<2026-05-01", "ada"),
        ("created_at:[2025-01-01 TO 2026-12-31]", "bob new"),
        ("email:[a TO c]", "ada bob"),
        ("app_metadata.plan:Gold", "ada"),
        ("app_metadata.plan:gold", ""),
        ("app_metadata.tags:vip", "ada"),
        ("app_metadata.deep.er:3", "ada"),
        ("app_metadata.plan:sil*", "bob"),
        (r"app_metadata.ref:a\:b", "ada"),
        ("user_metadata.colour:red", "ada"),
        ("identities.connection:google-oauth2", "ada bob"),
        ('identities.provider:"auth0" AND logins_count:10', "ada"),
        ("email:ada@example.com OR email:bob@other.example", "ada bob"),
        ("email:ada@example.com email:bob@other.example", "ada bob"),
        ("email:ada@example.com || blocked:true", "ada bob"),
        ("blocked:true OR logins_count:10 AND email_verified:false", "bob"),
        ("(blocked:true OR logins_count:10) AND NOT (email_verified:false)", "ada"),
        ("(blocked:true || logins_count:10) && email_verified:true", "ada"),
        ("email:(ada@example.com OR bob@other.example)", "ada bob"),
        ('identities.connection:google-oauth2 -user_id:"auth0|1"', "bob"),
        ('+identities.connection:google-oauth2 -user_id:"auth0|1"', "bob"),
        ("ada@example.com", "ada"),
        ("Bob", "bob"),
        ("red", ""),
        (r'name:"Bob (Two)"', "bob"),
        (r"name:bob\ \(two\)", "bob"),
        ("name:bob*wo?", "bob"),
    ],
)
def test_a_query_finds_whom_it_means(query: str, expected: str) -> None:
    fits = matcher(query)
    assert [name for name, profile in PEOPLE.items() if fits(profile)] == expected.split()


@pytest.mark.parametrize(
    "query",
    [
        "(a",
        "a)",
        "()",
        "name:",
        "name:)",
        '"open',
        'name:"open',
        "AND",
        "a AND",
        "OR a",
        "a OR",
        "NOT",
        "name:[1 TO]",
        "name:[1 2]",
        "name:[1 TO 2",
        "[1 TO 2]",
        "name:jo*",
        "name:?a",
        "user_metadata.colour:red*",
        "user_metadata.colour:[a TO b]",
        "a:b:c",
        "last_login:2026-01-01T10:00:00Z",
        "a \\",
        "-",
        "a && && b",
        "(" * 2000,
        f"{'(' * 60}a{')' * 60}",
        "NOT " * 1000 + "a",
    ],
)
def test_a_query_that_cannot_be_read_is_refused(query: str) -> None:
    with pytest.raises(ApiError) as refused:
        matcher(query)
    assert (refused.value.status, refused.value.code) == (400, "invalid_query_string")


PIECES = [
    "(",
    ")",
    "AND",
    "OR",
    "NOT",
    "-",
    "+",
    "!",
    '"',
    "*",
    "?",
    "\\",
    ":",
    "[",
    "]",
    " TO ",
    " ",
    "name:",
    "x",
    "&&",
]


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_any_text_is_a_query_or_is_refused(query: str) -> None:
    with contextlib.suppress(ApiError):
        fits = matcher(query)
        assert all(fits(profile) in {True, False} for profile in PEOPLE.values())


@given(st.text(min_size=1, max_size=20))
def test_a_quoted_text_with_its_quotes_escaped_means_itself(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    assert matcher(f'username:"{escaped}"')({"username": text})
    assert not matcher(f'username:"{escaped}"')({"username": f"{text}x"})
