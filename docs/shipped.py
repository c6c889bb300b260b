"""The page of the templates: what each does, what it needs, what wakes it, and what an admin fills in."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from connectors.base import Catalog
from flows.fields import ConnectionField, Fields, Titled
from flows.language import Template
from flows.templates import library
from flows.triggers import ByHandTrigger, CalledTrigger, EventTrigger, Trigger

_BOUNDS: Final = (("min", "at least {}"), ("max", "at most {}"), ("of", "{}"))
"""What else is said of a field, by the word of the language that says it."""


def sections(known: Catalog) -> Sequence[tuple[Template, str, Sequence[tuple[str, ...]]]]:
    """Return each template with a sentence on what wakes it, and the rows of the table of its settings."""
    return [
        (template, _woken(template, known), list(_rows(template.settings, known)))
        for template in library(known).values()
    ]


def _woken(template: Template, known: Catalog) -> str:
    events = [_event(trigger.event, known) for trigger in template.when if isinstance(trigger, EventTrigger)]
    others = [_way(trigger) for trigger in template.when if not isinstance(trigger, EventTrigger)]
    ways = [*([f"by events ({'; '.join(dict.fromkeys(events))})"] if events else []), *dict.fromkeys(others)]
    return f"Woken {', '.join(ways)}."


def _event(name: str, known: Catalog) -> str:
    source = known.source(name)
    return source.title[:1].lower() + source.title[1:] if source is not None else name


def _way(trigger: Trigger) -> str:
    match trigger:
        case ByHandTrigger():
            return "by hand, with `/cicflow start`"
        case CalledTrigger():
            return "by other flows"
        case _:
            return "at times"


def _rows(fields: Fields, known: Catalog) -> Iterator[tuple[str, ...]]:
    for field in fields.values():
        yield field.title, _kind(field, known), _left_out(field), field.hint or ""


def _kind(field: Titled, known: Catalog) -> str:
    if isinstance(field, ConnectionField):
        return f"a connection to {known.connectors[field.connection].title}"
    said = str(getattr(field, "type", ""))
    bounds = [
        text.format(_spoken(value)) for word, text in _BOUNDS if (value := getattr(field, word, None)) is not None
    ]
    return f"{said}: {', '.join(bounds)}" if bounds else said


def _left_out(field: Titled) -> str:
    default: Any = getattr(field, "default", None)
    if default not in (None, []):
        return f"`{_spoken(default)}`"
    return "nothing" if getattr(field, "optional", False) else ""


def _spoken(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value))
        case _:
            return str(value)
