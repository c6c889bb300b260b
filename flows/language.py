"""The flow language: what a flow may say, as data."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from flows.durations import Duration

VERSION: Final = "1"
"""The version of the language. A run begun under one version is finished by programs that speak it."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Title = Annotated[str, Field(min_length=1, max_length=75)]


class Words(BaseModel):
    """A piece of the language: frozen, and nothing in it that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)


# --- settings -------------------------------------------------------------------------------------------------------


class Titled(Words):
    """What every setting has: the title and the hint of its form field."""

    title: Title
    hint: Annotated[str, Field(max_length=150)] | None = None


class ConnectionSetting(Titled):
    """One of the connected accounts of a connector."""

    connection: Identifier


class ChannelSetting(Titled):
    """A Slack channel, by its id. Without a default, a form offers the channel it was opened in."""

    type: Literal["channel"]
    default: str | None = None


class TextSetting(Titled):
    """A line of text."""

    type: Literal["text"]
    default: str | None = None
    optional: bool = False


class NumberSetting(Titled):
    """A whole number within bounds."""

    type: Literal["number"]
    min: int
    max: int
    default: int | None = None


class YesNoSetting(Titled):
    """A yes or a no."""

    type: Literal["yes or no"]
    default: bool = False


class ChoicesSetting(Titled):
    """One or more out of a few."""

    type: Literal["choices"]
    of: Annotated[list[str], Field(min_length=1, max_length=10)]
    default: list[str] = []


class DurationSetting(Titled):
    """A length of time within bounds."""

    type: Literal["duration"]
    min: Duration
    max: Duration
    default: Duration | None = None


def _kind_of_setting(value: object) -> str | None:
    match value:
        case {"connection": _} | ConnectionSetting():
            return "connection"
        case {"type": str(kind)}:
            return kind
        case Titled():
            return str(getattr(value, "type", None))
        case _:
            return None


Setting = Annotated[
    Annotated[ConnectionSetting, Tag("connection")]
    | Annotated[ChannelSetting, Tag("channel")]
    | Annotated[TextSetting, Tag("text")]
    | Annotated[NumberSetting, Tag("number")]
    | Annotated[YesNoSetting, Tag("yes or no")]
    | Annotated[ChoicesSetting, Tag("choices")]
    | Annotated[DurationSetting, Tag("duration")],
    Discriminator(
        _kind_of_setting,
        custom_error_type="kind_of_setting",
        custom_error_message="a setting needs `connection:`, or a `type:` of channel, text, number, yes or no, choices or duration",
    ),
]


# --- conditions -----------------------------------------------------------------------------------------------------

OPERATORS: Final = ("is", "is not", "is one of", "contains", "exists")


class Condition(Words):
    """A question about a value: ``{left: …, is one of: […]}``. Exactly one operator."""

    left: Any
    operator: Literal["is", "is not", "is one of", "contains", "exists"]
    right: Any


def _condition(value: object) -> object:
    if not isinstance(value, Mapping) or "operator" in value:
        return value
    named = [name for name in value if name in OPERATORS]
    if "left" not in value or len(named) != 1 or len(value) != 2:
        raise ValueError(f"a condition is `left:` and exactly one of {', '.join(f'`{name}:`' for name in OPERATORS)}")
    return {"left": value["left"], "operator": named[0], "right": value[named[0]]}


Conditions = Annotated[list[Annotated[Condition, BeforeValidator(_condition)]], Field(min_length=1, max_length=20)]
"""All of these must hold."""


# --- the trigger ----------------------------------------------------------------------------------------------------


class OncePer(Words):
    """At most one run for each value of a key within a time."""

    key: Text
    within: Duration


class EventTrigger(Words):
    """Wakes the flow when an event of a source arrives and every guard holds."""

    event: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
    from_: Text = Field(alias="from")
    only_if: Conditions | None = Field(default=None, alias="only if")
    once_per: OncePer | None = Field(default=None, alias="once per")


# --- steps ----------------------------------------------------------------------------------------------------------


class Do(Words):
    """Carry out an action."""

    id: Identifier | None = None
    do: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
    using: Text | None = None
    with_: dict[str, Any] = Field(default={}, alias="with")


class Choice(Words):
    """One answer that people may give to a question."""

    title: Annotated[str, Field(min_length=1, max_length=30)]
    style: Literal["primary", "danger"] | None = None
    confirm: Annotated[str, Field(max_length=300)] | None = None


def _choices(value: object) -> object:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {"title": name.replace("_", " ").capitalize()} for name in value}
    return value


class Ask(Words):
    """Put a question to people in Slack and wait for the answer."""

    id: Identifier
    ask: Text
    title: Annotated[str, Field(max_length=150)] | None = None
    in_: Text = Field(alias="in")
    details: dict[Title, Text] = {}
    choices: Annotated[dict[Identifier, Choice], BeforeValidator(_choices), Field(min_length=1, max_length=5)]
    within: str
    otherwise: Identifier


class If(Words):
    """Carry out some steps if every condition holds, otherwise others."""

    id: Identifier | None = None
    if_: Conditions = Field(alias="if")
    then: list["Step"]
    else_: list["Step"] = Field(default=[], alias="else")


class Set(Words):
    """Name values, for later steps to refer to as ``{{ steps.<id>.<name> }}``."""

    id: Identifier
    set: Annotated[dict[Identifier, Any], Field(min_length=1)]


class Stop(Words):
    """End the run, and say how it ended."""

    id: Identifier | None = None
    stop: Literal["done", "failed"]
    say: Text


_KINDS: Final = {"do": Do, "ask": Ask, "if": If, "set": Set, "stop": Stop}


def _kind_of_step(value: object) -> str | None:
    match value:
        case Mapping():
            kinds = [kind for kind in _KINDS if kind in value]
            return kinds[0] if len(kinds) == 1 else None
        case _:
            return next((kind for kind, model in _KINDS.items() if isinstance(value, model)), None)


Step = Annotated[
    Annotated[Do, Tag("do")]
    | Annotated[Ask, Tag("ask")]
    | Annotated[If, Tag("if")]
    | Annotated[Set, Tag("set")]
    | Annotated[Stop, Tag("stop")],
    Discriminator(
        _kind_of_step,
        custom_error_type="kind_of_step",
        custom_error_message=f"a step has exactly one of {', '.join(f'`{kind}:`' for kind in _KINDS)}",
    ),
]


class Template(Words):
    """A flow with settings to fill in."""

    template: Name
    version: Annotated[int, Field(ge=1)]
    title: Title
    about: Text
    settings: dict[Identifier, Setting] = {}
    when: EventTrigger
    steps: Annotated[list[Step], Field(min_length=1, max_length=200)]


for _model in (If, Template):
    _model.model_rebuild()
