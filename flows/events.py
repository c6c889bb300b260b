"""Events: what a run is given, as the trigger that it is for asks for it."""

from collections.abc import Mapping
from typing import Any, assert_never

from pydantic import BaseModel, ValidationError

from connectors.base import Catalog, Value
from flows.conditions import moment
from flows.fields import model_of
from flows.problems import Problem, shown
from flows.reading import malformed
from flows.triggers import AtTrigger, ByHandTrigger, CalledTrigger, CronTrigger, EventTrigger, EveryTrigger, Trigger


class _By(Value):
    """Who started a flow by hand."""

    by: str


class _Scheduled(Value):
    """The time that a run is for."""

    scheduled_for: str


def fitting(event: Mapping[str, Any], trigger: Trigger, catalog: Catalog) -> dict[str, Any] | list[Problem]:
    """Return an event as a run that this trigger woke is given it, or why it does not fit."""
    match trigger:
        case EventTrigger():
            source = catalog.source(trigger.event)
            if source is None:
                return [Problem(path="event", message=f"there is no event {trigger.event} any more")]
            found = _filled(source.event, event)
            return dict(event) if isinstance(found, dict) else found  # as it came: more than we know of it is kept
        case ByHandTrigger():
            form = {name: value for name, value in event.items() if name != "by"}
            filled = _filled(model_of(trigger.by_hand), form)
            by = _filled(_By, {name: value for name, value in event.items() if name == "by"})
            if isinstance(filled, dict) and isinstance(by, dict):
                return filled | by
            return [problem for found in (filled, by) if isinstance(found, list) for problem in found]
        case CalledTrigger():
            return _filled(model_of(trigger.called), event)
        case CronTrigger() | AtTrigger() | EveryTrigger():
            found = _filled(_Scheduled, event)
            if isinstance(found, dict) and moment(found["scheduled_for"]) is None:
                return [Problem(path="event/scheduled_for", message=f"{shown(found['scheduled_for'])} is no time")]
            return found
        case _:
            assert_never(trigger)


def _filled(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any] | list[Problem]:
    try:
        return model.model_validate(values).model_dump(mode="json")
    except ValidationError as error:
        return list(malformed(error.errors(include_url=False), model, "event"))
