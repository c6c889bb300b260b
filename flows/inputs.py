"""Inputs: what actions, called flows and fields are given, against what they need."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from flows import durations, references
from flows.conditions import Test, Tests
from flows.fields import AnyField, ConnectionField, DurationField, NumberField, PickField, model_of
from flows.problems import Problem, either, listed, nearest, shown
from flows.reading import malformed
from flows.shapes import Known, Shape, fits, item, said, words

_TESTS: TypeAdapter[list[Test]] = TypeAdapter(Tests)


def inputs(
    model: type[BaseModel], written: Mapping[str, Any], path: str, known: Known, who: str, apart: Collection[str] = ()
) -> Iterator[Problem]:
    """Yield the Problems with what is given to somebody who needs a model, besides the fields that stand apart."""
    fields = fields_of(model)
    for name, field in fields.items():
        if field.is_required() and name not in written:
            yield Problem(path=f"{path}/{name}", message=f"{who} needs {name}", hint=_sentence(field))
    for name, value in written.items():
        if name not in fields:
            hint = nearest(name, fields) or (f"it knows {listed(fields)}" if fields else "")
            yield Problem(path=f"{path}/{name}", message=f"{who} knows no {shown(name)}", hint=hint)
        elif name not in apart and any(references.paths(value)):
            given, wanted = known.shape(value), _wanted(model, name, fields[name])
            if not fits(given, wanted):
                what = value.strip() if references.only_path(value) else "this"
                yield Problem(
                    path=f"{path}/{name}",
                    message=f"{shown(what)} is {_exactly(given, wanted)}, and {who} needs {_exactly(wanted, given)}",
                    hint=_sentence(fields[name]),
                )
    try:
        model.model_validate(dict(written))
    except ValidationError as error:
        details = [each for each in error.errors(include_url=False) if each["loc"] and each["loc"][0] not in apart]
        # Names are known already, and nobody knows yet what references will stand for.
        nested = [
            each for each in details if len(each["loc"]) > 1 or each["type"] not in {"missing", "extra_forbidden"}
        ]
        named = {"missing", "extra_forbidden"}
        certain = [each for each in nested if each["type"] in named or not any(references.paths(each["input"]))]
        yield from malformed(certain, model, path)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a model by the names that flows give them."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def conditions(model: type[BaseModel]) -> set[str]:
    """Return the names of the fields that hold conditions, to be asked of each item or row."""
    marked = ((name, field.json_schema_extra) for name, field in fields_of(model).items())
    return {name for name, extra in marked if isinstance(extra, dict) and extra.get("conditions")}


def tests(value: Any, path: str) -> tuple[list[Test], list[Problem]]:
    """Return the conditions that a value says, or the Problems with their form."""
    if value is None or value == []:
        return [], []
    try:
        return _TESTS.validate_python(value), []
    except ValidationError as error:
        return [], list(malformed(error.errors(include_url=False), Tests, path))


def bounds(name: str, field: AnyField, path: str) -> Iterator[Problem]:
    """Yield the Problems of a field with itself: bounds the wrong way round, a default that it would refuse."""
    model = model_of({name: field})
    default = None if isinstance(field, ConnectionField | PickField) else field.default
    try:
        if default not in (None, []):
            model.model_validate({name: default})
    except ValidationError as error:
        for found in malformed(error.errors(include_url=False)[:1], model):
            yield Problem(path=f"{path}/default", message=found.message, hint=found.hint)
    if isinstance(field, NumberField) and field.min > field.max:
        yield Problem(path=f"{path}/min", message=f"{shown(field.min)} is more than the most, {shown(field.max)}")
    if isinstance(field, DurationField):
        least, most = durations.seconds(field.min), durations.seconds(field.max)
        if least > most:
            yield Problem(path=f"{path}/min", message=f"{field.min} is more than the most, {field.max}")


def _wanted(model: type[BaseModel], name: str, field: FieldInfo) -> Shape:
    for validator in model.__pydantic_decorators__.field_validators.values():
        if validator.info.mode != "after" and not {name, "*"}.isdisjoint(validator.info.fields):
            return Any  # it takes more than its type says
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation


def _exactly(shape: Shape, other: Shape) -> str:
    """Return what a shape is in words that tell it from another."""
    if said(shape) != said(other):
        return said(shape)
    texts = words(shape)
    return either(texts) if texts else f"{said(shape)} (each {_exactly(item(shape), item(other))})"


def _sentence(field: FieldInfo) -> str:
    return field.description or ""
