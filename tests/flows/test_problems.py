"""Wrong flows: every Problem with its place and what to do about it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.catalog import catalog
from flows import document, references
from flows.templates import library, parse

KNOWN = catalog()
RIGHT = (Path(__file__).parents[2] / "flows/library/high-risk-login.yaml").read_text()


def problems(text: str) -> list[str]:
    found = parse(text, KNOWN)
    assert isinstance(found, list), "no problem was found"
    return [str(problem) for problem in found]


def test_the_shipped_templates_are_fine() -> None:
    assert "high-risk-login" in library(KNOWN)


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "event.user.user_id",
            "event.usr.user_id",
            "when/once per/key: {{ event.usr.user_id }} points nowhere: there is no usr in event (did you mean user?)",
        ),
        (
            "auth0.lock_out_user",
            "auth0.lockout_user",
            "steps/2/then/0/do: there is no action auth0.lockout_user (did you mean auth0.lock_out_user?)",
        ),
        (
            "event: auth0.post_login",
            "event: auth0.post_logn",
            "when/event: there is no event auth0.post_logn (did you mean auth0.post_login?)",
        ),
        (
            "connection: auth0",
            "connection: auth",
            "settings/tenant/connection: there is no connector auth (did you mean auth0?)",
        ),
        (
            "otherwise: approve",
            "otherwise: aprove",
            "steps/1/otherwise: aprove is none of the choices (one of approve, block)",
        ),
        (
            'say: "{{ steps.login.who }}',
            'say: "{{ steps.lock_in.who }}',
            "steps/2/then/1/say: {{ steps.lock_in.who }} points nowhere: there is no lock_in in steps (did you mean login?)",
        ),
        (
            'say: "The account of {{ steps.login.who }}',
            'say: "The account of {{ steps.lock_out.who }}',
            "steps/2/else/0/say: {{ steps.lock_out.who }} points nowhere: there is no lock_out in steps",
        ),
        (
            'user_id: "{{ event.user.user_id }}"',
            "user: x",
            "steps/2/then/0/with/user: auth0.lock_out_user knows no user (did you mean user_id?)",
        ),
        (
            '    using: "{{ settings.tenant }}"\n    with:\n      login',
            "    with:\n      login",
            "steps/0/using: auth0.describe_login needs to know which connection to use (using: a reference to a connection setting)",
        ),
        (
            'from: "{{ settings.tenant }}"',
            'from: "{{ settings.channel }}"',
            "when/from: this must refer to a connection setting",
        ),
        (
            'within: "{{ settings.patience }}"',
            "within: soon",
            "steps/1/within: write a number and a unit: 90s, 30m, 1h or 7d",
        ),
        ("id: verdict", "id: login", "steps/1/id: two steps are called login (give each its own id)"),
        (
            "        is: block",
            "        is: block\n        is not: x",
            "steps/2/if/0: a condition is `left:` and exactly one of",
        ),
        ("about: Asks", "abuot: x\nabout: Asks", "abuot: Extra inputs are not permitted"),
        (
            "Block {{ steps.login.who }}?",
            "Block {{ steps.login.who | upper }}?",
            "steps/1/ask: {{ steps.login.who | upper }} is no reference (write {{ event.user.email }})",
        ),
        (
            "  - id: login\n    do:",
            "  - id: login\n    doo:",
            "steps/0: a step has exactly one of `do:`, `ask:`, `if:`, `set:`, `stop:`",
        ),
        ("type: channel", "type: chanel", "settings/channel: a setting needs `connection:`"),
        ("version: 1", "version: one", "version: Input should be a valid integer"),
        (
            "title: Alert",
            "title: &x Alert",
            "document: line 3: anchors (&name) and aliases (*name) are not part of the language",
        ),
        ("version: 1", "version: 1\nversion: 2", "document: line 3: 'version' stands here twice"),
        ("template: high-risk-login", "template: High Risk", "template: String should match pattern"),
        ("min: 5m", "min: 5", "settings/patience/min: write a number and a unit"),
        ("style: danger", "style: purple", "steps/1/choices/block/style: Input should be 'primary' or 'danger'"),
        ("stop: done", "stop: maybe", "steps/2/then/1/stop: Input should be 'done' or 'failed'"),
        ("version: 1", "version: [1", "document: line"),
    ],
)
def test_a_problem_says_where_and_what_to_do(right: str, wrong: str, expected: str) -> None:
    assert right in RIGHT
    found = problems(RIGHT.replace(right, wrong))
    assert any(problem.startswith(expected) for problem in found), found


def test_what_is_no_flow_at_all_is_said_too() -> None:
    assert "a flow is a mapping" in problems("- 1")[0]
    assert "longer than" in problems("x" * (document.LARGEST + 1))[0]
    assert "nested deeper" in problems("a: " + "[" * 60 + "]" * 60)[0]


def test_words_stay_words_and_times_stay_texts() -> None:
    read = document.read("on: yes\nat: 12:30\nnumber: 7\nright: true\nnothing:")
    assert read == {"on": "yes", "at": "12:30", "number": 7, "right": True, "nothing": None}


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    found = parse(text, KNOWN)
    assert isinstance(found, list)
    assert found


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(json_values, json_values)
def test_filling_never_fails_and_a_lone_reference_keeps_its_type(value: object, wanted: object) -> None:
    assert references.fill("{{ event.x }}", {"event": {"x": wanted}}) == wanted
    references.fill(value, {"event": {"x": wanted}})
    assert isinstance(references.fill("a {{ event.x }} b", {"event": {"x": wanted}}), str)
