"""Fields: the typed blanks of a flow, filled in by people, for its settings and for the forms that start it by hand."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, assert_never

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, StringConstraints, Tag, create_model

from flows import durations
from flows.days import Day, TimeOfDay, TimeZone
from flows.durations import Duration
from flows.words import FullName, Identifier, Text, Title, Words

MOST_PICKED: Final = 50
_Picked = Annotated[str, StringConstraints(min_length=1, max_length=150)]


class Titled(Words):
    """What every field has: its title, and the hint under it."""

    title: Title
    hint: Annotated[str, Field(max_length=150)] | None = None


class ConnectionField(Titled):
    """One of the connected accounts of a connector. An optional one may be left empty."""

    connection: Identifier
    optional: bool = False


class ChannelField(Titled):
    """A Slack channel, by its id. Without a default, a form offers the channel it was opened in, unless it may be left empty."""

    type: Literal["channel"]
    default: str | None = None
    optional: bool = False


class TextField(Titled):
    """A line of text."""

    type: Literal["text"]
    default: str | None = None
    optional: bool = False


class NumberField(Titled):
    """A whole number within bounds."""

    type: Literal["number"]
    min: int
    max: int
    default: int | None = None


class YesNoField(Titled):
    """A yes or a no."""

    type: Literal["yes or no"]
    default: bool = False


class ChoicesField(Titled):
    """One or more out of a few."""

    type: Literal["choices"]
    of: Annotated[list[str], Field(min_length=1, max_length=10)]
    default: list[str] = []


class ChoiceField(Titled):
    """Exactly one out of a few."""

    type: Literal["choice"]
    of: Annotated[list[str], Field(min_length=1, max_length=10)]
    default: str | None = None


class DurationField(Titled):
    """A length of time within bounds."""

    type: Literal["duration"]
    min: Duration
    max: Duration
    default: Duration | None = None


class PickField(Titled):
    """Something of a connected account, picked from what there is: a list, a group, a role. It is given as its id."""

    type: Literal["pick"]
    from_: FullName = Field(alias="from")
    using: Text
    of: Annotated[str, Field(max_length=150)] | None = None
    many: bool = False
    optional: bool = False


class TimeOfDayField(Titled):
    """A time of day, such as 09:00."""

    type: Literal["time of day"]
    default: TimeOfDay | None = None


class DaysField(Titled):
    """One or more kinds of days: every day, weekdays, single days of the week, the first or last of the month."""

    type: Literal["days"]
    default: list[Day] = []


class TimeZoneField(Titled):
    """A time zone. Without a default, a form offers that of the person who fills it in."""

    type: Literal["time zone"]
    default: TimeZone | None = None


def _kind_of_field(value: object) -> str | None:
    match value:
        case {"connection": _} | ConnectionField():
            return "connection"
        case {"type": str(kind)}:
            return kind
        case Titled():
            return str(getattr(value, "type", None))
        case _:
            return None


AnyField = Annotated[
    Annotated[ConnectionField, Tag("connection")]
    | Annotated[ChannelField, Tag("channel")]
    | Annotated[TextField, Tag("text")]
    | Annotated[NumberField, Tag("number")]
    | Annotated[YesNoField, Tag("yes or no")]
    | Annotated[ChoiceField, Tag("choice")]
    | Annotated[ChoicesField, Tag("choices")]
    | Annotated[DurationField, Tag("duration")]
    | Annotated[PickField, Tag("pick")]
    | Annotated[TimeOfDayField, Tag("time of day")]
    | Annotated[DaysField, Tag("days")]
    | Annotated[TimeZoneField, Tag("time zone")],
    Discriminator(
        _kind_of_field,
        custom_error_type="kind_of_field",
        custom_error_message="a field needs `connection:`, or a `type:` of channel, text, number, yes or no, choice, choices, duration, "
        "pick, time of day, days or time zone",
    ),
]

Fields = Annotated[dict[Identifier, AnyField], Field(max_length=40)]


def model_of(fields: Mapping[str, AnyField]) -> type[BaseModel]:
    """Return the model that what people fill in must satisfy: one attribute for each field."""
    attributes: dict[str, Any] = {name: _attribute(field) for name, field in fields.items()}
    model: type[BaseModel] = create_model(
        "FilledIn", __config__=ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True), **attributes
    )
    return model


def type_of(field: AnyField) -> Any:
    """Return the type of the values of a field, as references to it see it."""
    match field:
        case ConnectionField() | ChannelField() | DurationField() | TimeOfDayField() | TimeZoneField():
            return str
        case TextField():
            return str | None if field.optional else str
        case NumberField():
            return int
        case YesNoField():
            return bool
        case ChoiceField():
            return Literal[tuple(field.of)]
        case ChoicesField():
            return list[Literal[tuple(field.of)]]  # type: ignore[misc]  # made at run time
        case PickField(many=True):
            return list[str]
        case PickField():
            return str | None if field.optional else str
        case DaysField():
            return list[Day]
        case _:
            assert_never(field)


def _attribute(field: AnyField) -> tuple[Any, Any]:
    match field:
        case ConnectionField():
            named = Annotated[str, Field(min_length=1)]
            return (named | None, None) if field.optional else (named, ...)
        case ChannelField():
            channel = Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]{2,30}$")]
            return (channel | None, field.default) if field.optional else (channel, ...)
        case TextField(optional=True):
            return Annotated[str | None, Field(max_length=2000)], field.default
        case TextField():
            return Annotated[str, Field(min_length=1, max_length=2000)], ...
        case NumberField():
            return Annotated[int, Field(ge=field.min, le=field.max)], ...
        case YesNoField():
            return bool, field.default
        case ChoiceField():
            return Literal[tuple(field.of)], ...
        case ChoicesField():
            return Annotated[list[Literal[tuple(field.of)]], Field(min_length=1)], ...  # type: ignore[misc]  # made at run time
        case DurationField():
            return Annotated[durations.Duration, AfterValidator(_within(field))], ...
        case PickField(many=True):
            some = Annotated[list[_Picked], Field(min_length=0 if field.optional else 1, max_length=MOST_PICKED)]
            return some, [] if field.optional else ...
        case PickField(optional=True):
            return _Picked | None, None
        case PickField():
            return _Picked, ...
        case TimeOfDayField():
            return TimeOfDay, ...
        case DaysField():
            return Annotated[list[Day], Field(min_length=1)], ...
        case TimeZoneField():
            return TimeZone, ...
        case _:
            assert_never(field)


def may_be_empty(field: AnyField) -> bool:
    """Return whether people may leave a field empty."""
    return isinstance(field, ConnectionField | ChannelField | TextField | PickField) and field.optional


def _within(field: DurationField) -> Any:
    def between(value: str) -> str:
        if not durations.seconds(field.min) <= durations.seconds(value) <= durations.seconds(field.max):
            least, most = (durations.spoken(durations.seconds(bound)) for bound in (field.min, field.max))
            raise ValueError(f"between {least} and {most}, please")
        return value

    return between
