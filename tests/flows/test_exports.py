"""Flows as text: what is exported is read back as it was, without secrets, and what would change is said first."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Catalog
from connectors.catalog import catalog
from flows import document, templates
from flows.builtins import BUILTINS
from flows.exports import compare, export, read, text_of
from flows.language import Template, written
from flows.short_ids import LENGTH, short_id
from flows.store import SetUp
from flows.tables import FlowVersion, Run
from tests.flows import shop

CATALOG = Catalog(shop.catalog().connectors.values(), builtins=BUILTINS)
CONNECTIONS = {"shop": ["main", "second"]}
TEXT = """
template: refunds
version: 1
title: "Refunds: on time, 12:30"
about: |
  Pays money back.
  On two lines.
settings:
  shop: {connection: shop, title: Shop}
  most: {type: number, min: 1, max: 9, default: 5, title: Most}
  token: {type: text, optional: true, title: Token}
when:
  event: shop.returned
  from: "{{ settings.shop }}"
steps:
  - {id: said, set: {a: "yes", b: "12", c: ~, d: [1, 1.5, -2, true], e: "# no comment", f: " edge "}}
  - {id: key, do: hashes.hmac, with: {text: "{{ event.id }}", secret: open-sesame, secret_is: text}}
  - {stop: done, say: "{{ event.id }}"}
"""
CALLER = """
template: caller
version: 1
title: Caller
about: Calls another.
when: {by hand: {}}
steps:
  - {call: called}
"""
CALLED = """
template: called
version: 1
title: Called
about: Is called.
when: {called: {}}
steps:
  - {stop: done, say: Well}
"""


def flow(text: str = TEXT, name: str = "refunds", settings: Mapping[str, Any] | None = None) -> SetUp:
    template = Template.model_validate(document.read(text))
    given = {"shop": "main", "most": 5, "token": "s3cret-token"} if settings is None else settings
    return SetUp(
        name=name,
        template=template.template,
        version=3,
        enabled=True,
        document=written(template),
        settings=dict(given),
        changed_by="U1",
        changed_at=1.0,
    )


def said(text: str, *flows: SetUp) -> list[str]:
    return [str(problem) for problem in read(text, catalog=CATALOG, flows=flows, connections=CONNECTIONS).problems]


def test_what_is_exported_is_read_back_as_it_was() -> None:
    one = flow()
    file = read(export([one]), catalog=CATALOG, flows=[one], connections=CONNECTIONS)
    assert file.problems == []
    assert [(back.name, back.on, back.owner, back.changed, back.diff) for back in file.flows] == [
        ("refunds", True, "U1", False, "")
    ]
    assert written(file.flows[0].template) == one.document
    assert file.flows[0].settings == one.settings


def test_names_stand_in_the_order_in_which_they_were_written_and_on_is_a_word() -> None:
    names = [line.strip() for line in export([flow()]).splitlines()]
    order = [names.index(name) for name in ("on: true", "settings:", "flow:", "template: refunds", "when:", "steps:")]
    assert order == sorted(order)
    assert not [name for name in names if "&id" in name or name.startswith("*")]


def test_secrets_are_not_exported_and_come_back_where_they_are_known() -> None:
    one = flow()
    text = export([one])
    assert "s3cret" not in text
    assert "open-sesame" not in text
    back = read(text, catalog=CATALOG, flows=[one], connections=CONNECTIONS).flows[0]
    assert back.settings["token"] == "s3cret-token"
    assert "open-sesame" in str(written(back.template))


def test_a_secret_that_is_not_known_here_is_asked_for_at_its_place() -> None:
    found = said(export([flow()]))
    assert [one.partition(":")[0] for one in found[:2]] == [
        "flows/refunds/settings/token",
        "flows/refunds/flow/steps/1/with/secret",
    ]


def test_a_secret_that_changed_is_noticed_and_not_shown() -> None:
    one = flow()
    text = export([one]).replace("token: •••", "token: other-token")
    back = read(text, catalog=CATALOG, flows=[one], connections=CONNECTIONS).flows[0]
    assert back.changed
    assert "other-token" not in back.diff
    assert "only secrets" in back.diff


def test_what_would_change_is_shown_line_by_line() -> None:
    one = flow()
    text = export([one]).replace("most: 5", "most: 6").replace("on: true", "on: false")
    back = read(text, catalog=CATALOG, flows=[one], connections=CONNECTIONS).flows[0]
    lines = [line for line in back.diff.splitlines() if line[:1] in {"+", "-"}]
    assert lines == [
        "--- refunds version 3",
        "+++ refunds from the file",
        "-on: true",
        "+on: false",
        "-  most: 5",
        "+  most: 6",
    ]


def test_a_flow_that_is_new_is_shown_whole() -> None:
    file = read(export([flow(CALLED, "called", {})]), catalog=CATALOG, flows=[], connections=CONNECTIONS)
    assert (file.problems, file.flows[0].new, file.flows[0].owner) == ([], True, "U1")
    assert file.flows[0].diff.startswith("--- nothing\n+++ called from the file\n")


def test_flows_of_one_file_may_call_one_another_and_those_that_are_set_up() -> None:
    caller, called = flow(CALLER, "caller", {}), flow(CALLED, "called", {})
    assert said(export([caller, called])) == []
    assert said(export([caller]), called) == []
    assert "there is no flow called" in said(export([caller]))[0]


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ("most: 5", "most: 50", "flows/refunds/settings/most", "too large"),
        ("most: 5", "mist: 5", "flows/refunds/settings/mist", "not known here"),
        ("shop: main", "shop: mian", "flows/refunds/settings/shop", "did you mean main?"),
        ("do: hashes.hmac", "do: hashes.hmca", "flows/refunds/flow/steps/1/do", "did you mean hashes.hmac?"),
        ("stop: done", "stop: don", "flows/refunds/flow/steps/2/stop", "none of"),
        ("on: true", "on: perhaps", "flows/refunds/on", "true or false"),
        ("cicflow: 1", "cicflow: 9", "cicflow", "none of 1"),
        ("  refunds:\n", "  Re funds:\n", "flows/Re funds", "no name of the right form"),
        ("on: true", "on: &x true", "document", "anchors"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(old: str, new: str, path: str, words: str) -> None:
    found = said(export([flow()]).replace(old, new, 1), flow())
    assert [one for one in found if one.startswith(f"{path}:") and words in one], found


@pytest.mark.parametrize("text", ["", "[]", "cicflow: 1", "cicflow: 1\nflows: {}", "a: {", "\x00", "flows: 1" * 9])
def test_what_is_no_file_of_flows_is_refused(text: str) -> None:
    assert said(text)


def test_a_file_may_be_longer_than_one_flow_and_hold_flows_of_the_deepest_nesting() -> None:
    many = [flow(CALLED, f"called-{number}", {}) for number in range(2000)]
    text = export(many)
    assert len(text) > document.LARGEST
    assert said(text) == []


def version(number: int, text: str = TEXT, **settings: Any) -> FlowVersion:
    one = flow(text)
    return FlowVersion(
        flow="refunds", version=number, document=dict(one.document), settings={**one.settings, **settings}
    )


def test_two_versions_are_compared_by_what_they_say() -> None:
    old, new = version(1), version(2, TEXT.replace("Pays", "Gives"), most=7)
    lines = [line for line in compare(old, new).splitlines() if line[:1] in {"+", "-"}]
    assert lines[:4] == ["--- refunds version 1", "+++ refunds version 2", "-  most: 5", "+  most: 7"]
    assert [line.split()[1] for line in lines[4:]] == ["Pays", "Gives"]
    assert compare(old, version(2)) == ""


def test_a_version_of_another_language_is_still_compared() -> None:
    odd = FlowVersion(flow="refunds", version=1, document={"steps": [{"fly": True}]}, settings={})
    assert "-      - fly: true" in compare(odd, version(2)) or "-    - fly: true" in compare(odd, version(2))


@pytest.mark.parametrize("template", templates.library(catalog(BUILTINS)).values(), ids=lambda one: one.template)
def test_what_we_ship_survives_export_and_import(template: Template) -> None:
    assert Template.model_validate(document.load(text_of(written(template)))) == template


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(-1e9, 1e9, allow_nan=False).map(lambda number: round(number, 9))
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
    | st.sampled_from(
        ["on", "yes", "~", "null", "12:30", "1e3", "0x1", "- a", "a: b", "#", "|", "{{ a.b }}", "a\n\n b \n"]
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["a", "on", "only if", "12"]), plain, min_size=1))
def test_whatever_is_written_is_read_as_the_same(data: dict[str, Any]) -> None:
    assert document.load(text_of(data)) == data


def run(began_at: float, name: str = "refunds/1/x") -> Run:
    return Run(id=name, flow="refunds", version=1, event_id="x", event={}, state="done", began_at=began_at)


def test_short_ids_have_one_length_and_tell_runs_of_one_moment_apart() -> None:
    ids = {short_id(run(1_700_000_000.0, f"refunds/1/{number}")) for number in range(100)}
    assert {len(one) for one in ids} == {LENGTH}
    assert len(ids) > 95
