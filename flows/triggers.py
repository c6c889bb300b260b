"""Triggers: what wakes a flow. An event, a time, a person, or another flow."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from flows import cron, durations, references
from flows.conditions import Tests
from flows.days import Day, TimeZone, time_of_day, time_zone
from flows.durations import Duration
from flows.fields import Fields
from flows.words import FullName, Text, Words

SHORTEST: Final = 60
"""Seconds that lie at least between two ticks of a schedule."""
PATIENT: Final = 9
"""Seconds that the sender of an event waits at most: somebody is logging in there."""


def _soon(value: str) -> str:
    if not 0 < durations.seconds(value) <= PATIENT:
        raise ValueError(f"at most {durations.spoken(PATIENT)}, please")
    return value


def _not_too_often(value: str) -> str:
    if durations.seconds(value) < SHORTEST:
        raise ValueError(f"at least {durations.spoken(SHORTEST)}, please")
    return value


def _cron(value: str) -> str:
    cron.read(value)
    return value


class OncePer(Words):
    """At most one run for each value of a key within a time."""

    key: Text
    within: Duration


class Answers(Words):
    """The sender of the event waits for an `answer` step, this long; without one, it does this."""

    within: Annotated[Duration, AfterValidator(_soon)] = "2s"
    otherwise: Literal["allow", "deny"] = "allow"


class EventTrigger(Words):
    """Wakes the flow when an event of a source arrives and every guard holds."""

    event: FullName
    from_: Text = Field(alias="from")
    only_if: Tests | None = Field(default=None, alias="only if")
    once_per: OncePer | None = Field(default=None, alias="once per")
    answers: Answers | None = None


Missed = Literal["once", "all", "skip"]
"""What to do about times that passed while nobody was there: make up for the last, for every one, or for none."""


class CronTrigger(Words):
    """Wakes the flow at the times that a cron expression names: minute, hour, day of month, month, day of week."""

    cron: Annotated[str, AfterValidator(_cron)]
    zone: TimeZone = Field(default="UTC", alias="time zone")
    missed: Missed = "once"


def _unless_referred(check: Callable[[str], str]) -> AfterValidator:
    return AfterValidator(lambda value: value if any(references.paths(value)) else check(value))


def _one_day(value: object) -> object:
    """Return one day as a list of it, unless it refers to a setting."""
    return [value] if isinstance(value, str) and not any(references.paths(value)) else value


class AtTrigger(Words):
    """Wakes the flow at a time of day, on some days. Each of the three may refer to a setting of its kind."""

    at: Annotated[str, _unless_referred(time_of_day)]
    days: Annotated[list[Day] | Text, BeforeValidator(_one_day)] = Field(default=("every day",), validate_default=True)
    zone: Annotated[str, _unless_referred(time_zone)] = Field(default="UTC", alias="time zone")
    missed: Missed = "once"


class EveryTrigger(Words):
    """Wakes the flow again and again, at whole multiples of a duration since midnight UTC of 1 January 1970."""

    every: Annotated[Duration, AfterValidator(_not_too_often)]
    missed: Missed = "once"


class ByHandTrigger(Words):
    """A person starts the flow, and fills in this form. The run knows it as its event, with `by`: the person."""

    by_hand: Fields = Field(alias="by hand")


class CalledTrigger(Words):
    """Another flow starts this one, and gives these."""

    called: Fields


Schedule = CronTrigger | EveryTrigger
"""What times can be counted from."""

_KINDS: Final = {
    "event": EventTrigger,
    "cron": CronTrigger,
    "at": AtTrigger,
    "every": EveryTrigger,
    "by hand": ByHandTrigger,
    "called": CalledTrigger,
}


def _kind_of_trigger(value: object) -> str | None:
    if isinstance(value, Mapping):
        kinds = [kind for kind in _KINDS if kind in value]
        return kinds[0] if len(kinds) == 1 else None
    return next((kind for kind, model in _KINDS.items() if isinstance(value, model)), None)


Trigger = Annotated[
    Annotated[EventTrigger, Tag("event")]
    | Annotated[CronTrigger, Tag("cron")]
    | Annotated[AtTrigger, Tag("at")]
    | Annotated[EveryTrigger, Tag("every")]
    | Annotated[ByHandTrigger, Tag("by hand")]
    | Annotated[CalledTrigger, Tag("called")],
    Discriminator(
        _kind_of_trigger,
        custom_error_type="kind_of_trigger",
        custom_error_message=f"a trigger has exactly one of {', '.join(f'`{kind}:`' for kind in _KINDS)}",
    ),
]


def _one_or_several(value: object) -> object:
    return value if isinstance(value, list) else [value]


Triggers = Annotated[list[Trigger], BeforeValidator(_one_or_several), Field(min_length=1, max_length=10)]
"""One trigger, or a list of them."""
