"""What everybody who declares an action or a source owes to forms, documents and checks."""

from typing import get_args

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter
from pydantic.fields import FieldInfo

from bot.connection_forms import connection_form
from connectors.base import Action, Catalog, Connector, Effect, Source, Value
from connectors.catalog import catalog
from sandbox.slack.blocks import check_modal

CATALOG = catalog()
ACTIONS = list(CATALOG.actions.values())
CONNECTORS = list(CATALOG.connectors.values())
TITLE, HINT = 75, 150
"""Characters above and below a field of a form."""
SOURCES = list(CATALOG.sources.values())


def name_of(thing: Action | Source | Connector[BaseModel, object]) -> str:
    return thing.name


def untitled(model: type[BaseModel]) -> list[str]:
    def lacking(field: FieldInfo) -> bool:
        return not field.title or not field.description

    return [name for name, field in model.model_fields.items() if lacking(field)]


def _longer_than_slack_shows(model: type[BaseModel]) -> list[str]:
    return [
        name
        for name, field in model.model_fields.items()
        if len(str(field.title)) > TITLE or len(str(field.description)) > HINT
    ]


def strict(model: type[BaseModel]) -> bool:
    return bool(model.model_config.get("frozen")) and model.model_config.get("extra") == "forbid"


@pytest.mark.parametrize("action", ACTIONS, ids=name_of)
def test_an_action_says_what_it_is_and_does(action: Action) -> None:
    assert action.title
    assert action.about
    assert action.about.splitlines()[0].endswith(".")
    assert action.effect in get_args(Effect)


@pytest.mark.parametrize("action", ACTIONS, ids=name_of)
def test_every_field_of_an_action_has_a_title_and_a_description(action: Action) -> None:
    assert untitled(action.given) == []
    assert untitled(action.gives) == []


@pytest.mark.parametrize("action", ACTIONS, ids=name_of)
def test_what_an_action_takes_and_gives_is_frozen_and_closed(action: Action) -> None:
    assert strict(action.given)
    assert strict(action.gives)


@pytest.mark.parametrize("action", ACTIONS, ids=name_of)
def test_what_an_action_takes_and_gives_has_a_schema(action: Action) -> None:
    assert action.given.model_json_schema(mode="validation")["type"] == "object"
    assert action.gives.model_json_schema(mode="serialization")["type"] == "object"


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.undo], ids=name_of)
def test_an_undo_exists_and_takes_what_its_action_took(action: Action) -> None:
    undo = CATALOG.action(str(action.undo))
    assert undo is not None
    assert undo.given is action.given
    assert undo.effect != "reads"


@pytest.mark.parametrize("action", [action for action in ACTIONS if action.effect == "reads"], ids=name_of)
def test_what_only_reads_may_be_repeated_and_has_nothing_to_undo(action: Action) -> None:
    assert action.repeatable
    assert action.undo is None


@pytest.mark.parametrize("connector", CONNECTORS, ids=name_of)
def test_the_settings_of_a_connector_make_a_form(connector: Connector[BaseModel, object]) -> None:
    assert connector.title
    assert strict(connector.settings)
    assert untitled(connector.settings) == []


@pytest.mark.parametrize("connector", CONNECTORS, ids=name_of)
def test_slack_takes_the_form_of_a_connector_and_cuts_nothing_of_it(connector: Connector[BaseModel, object]) -> None:
    assert check_modal(connection_form(connector, None, {})) == []
    assert check_modal(connection_form(connector, "known", {})) == []
    assert _longer_than_slack_shows(connector.settings) == []


@pytest.mark.parametrize("action", ACTIONS, ids=name_of)
def test_titles_of_an_action_and_its_fields_fit_above_the_fields_of_a_form(action: Action) -> None:
    titles = [action.title, *(str(field.title) for field in action.given.model_fields.values())]
    assert [title for title in titles if len(title) > TITLE] == []


@pytest.mark.parametrize("source", SOURCES, ids=name_of)
def test_a_source_takes_more_than_it_knows(source: Source) -> None:
    assert source.title
    assert source.about
    assert source.event.model_config.get("extra") == "allow"


def test_full_names_begin_with_the_connector() -> None:
    for connector in CONNECTORS:
        names = [*connector.actions, *connector.sources]
        assert names == [name for name in names if name.startswith(f"{connector.name}.")]


def test_things_are_found_by_their_full_name() -> None:
    assert CATALOG.action("auth0.block_user") is CATALOG.actions["auth0.block_user"]
    assert CATALOG.source("auth0.post_login") is CATALOG.sources["auth0.post_login"]
    assert CATALOG.action("auth0.no_such") is None
    assert CATALOG.source("no.such") is None


async def test_an_action_is_declared_by_its_types_and_its_docstring() -> None:
    class Number(Value):
        number: int

    async def check(_client: int) -> str:
        return "Fine."

    adder = Connector(
        "adder", title="Adder", settings=Number, connect=lambda settings, _wire: settings.number, check=check
    )

    @adder.action("Add", effect="changes", undo="subtract")
    async def add(client: int, given: Number) -> Number:
        """Add a number to the client's."""
        return Number(number=client + given.number)

    action = Catalog([adder]).actions["adder.add"]
    assert (action.title, action.about, action.undo) == ("Add", "Add a number to the client's.", "adder.subtract")
    assert (action.given, action.gives, action.repeatable) == (Number, Number, False)
    assert await action.carry_out(3, Number(number=4)) == Number(number=7)
    assert await add(1, Number(number=1)) == Number(number=2)


def test_values_are_frozen_and_closed_and_hide_what_they_refuse() -> None:
    config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    assert config.items() <= Value.model_config.items()
    assert TypeAdapter(Value).validate_python({}) == Value()
