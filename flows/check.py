"""Checking a flow before it is kept: every Problem, with its place and what to do about it."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Union, assert_never, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from connectors.base import Catalog
from flows import durations, references
from flows.language import Ask, ConnectionField, Do, If, Set, Step, Stop, Template

ANSWER_FIELDS: Final = ("choice", "by", "at", "how")
"""What a question hands to later steps: the choice, who made it, when (Unix seconds), and how (person or deadline)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong with a flow, where, and what to do about it."""

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" + (f" ({self.hint})" if self.hint else "")


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean …?`` for the known word closest to a mistyped one, or nothing."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {found[0]}?" if found else ""


def read(data: Mapping[str, Any]) -> Template | list[Problem]:
    """Return a template read from plain data, or every Problem with its form."""
    try:
        return Template.model_validate(data)
    except ValidationError as error:
        return [
            Problem(path="/".join(_place(found["loc"])), message=found["msg"].removeprefix("Value error, "))
            for found in error.errors(include_url=False, include_context=False, include_input=False)
        ]


def _place(location: tuple[int | str, ...]) -> Iterator[str]:
    """Yield a location without the tags that pydantic adds for the kinds of step and setting."""
    for index, part in enumerate(location):
        before = location[max(0, index - 2) : index]
        in_step = len(before) == 2 and before[0] in {"steps", "then", "else"} and isinstance(before[1], int)
        in_setting = index == 2 and location[0] == "settings"
        if not (in_step or in_setting):
            yield str(part)


def check(template: Template, catalog: Catalog) -> list[Problem]:
    """Return every Problem of a well-formed template: actions, references, types and settings that do not fit."""
    return list(_Check(template, catalog).problems())


@dataclass(frozen=True, slots=True)
class _Known:
    """What a reference at some place may name, for one first word: a model, a set of names, or anything."""

    shape: Any


class _Check:
    def __init__(self, template: Template, catalog: Catalog) -> None:
        self.template = template
        self.catalog = catalog
        self.ids: set[str] = set()

    def problems(self) -> Iterator[Problem]:
        template = self.template
        for name, setting in template.settings.items():
            if isinstance(setting, ConnectionField) and setting.connection not in self.catalog.connectors:
                yield Problem(
                    path=f"settings/{name}/connection",
                    message=f"there is no connector {setting.connection}",
                    hint=nearest(setting.connection, self.catalog.connectors),
                )
        scope: dict[str, Any] = {
            "settings": dict.fromkeys(template.settings, Any),
            "run": {"id": str, "flow": str},
            "steps": {},
        }
        source = self.catalog.source(template.when.event)
        if source is None:
            yield Problem(
                path="when/event",
                message=f"there is no event {template.when.event}",
                hint=nearest(template.when.event, self.catalog.sources),
            )
        scope["event"] = source.event if source else Any
        yield from self.connection(template.when.from_, "when/from", template.when.event.partition(".")[0])
        for index, condition in enumerate(template.when.only_if or []):
            yield from self.referred([condition.left, condition.right], f"when/only if/{index}", scope)
        if template.when.once_per:
            yield from self.referred(template.when.once_per.key, "when/once per/key", scope)
        yield from self.steps(template.steps, "steps", scope)

    def steps(self, steps: Sequence[Step], path: str, scope: dict[str, Any]) -> Iterator[Problem]:
        """Check a sequence. What its steps give is known to the steps after them, and to nobody outside it."""
        scope = {**scope, "steps": dict(scope["steps"])}
        for index, step in enumerate(steps):
            here = f"{path}/{index}"
            if step.id is not None:
                if step.id in self.ids:
                    yield Problem(
                        path=f"{here}/id", message=f"two steps are called {step.id}", hint="give each its own id"
                    )
                self.ids.add(step.id)
            yield from self.step(step, here, scope)
            if step.id is not None:
                scope["steps"][step.id] = self.gives(step)

    def gives(self, step: Step) -> Any:
        """Return the shape of what a step hands to later ones."""
        match step:
            case Do():
                action = self.catalog.action(step.do)
                return action.gives if action else Any
            case Ask():
                return dict.fromkeys(ANSWER_FIELDS, Any)
            case Set():
                return dict.fromkeys(step.set, Any)
            case _:
                return {}

    def step(self, step: Step, path: str, scope: dict[str, Any]) -> Iterator[Problem]:
        match step:
            case Do():
                yield from self.do(step, path, scope)
            case Ask():
                yield from self.ask(step, path, scope)
            case If():
                for index, condition in enumerate(step.if_):
                    yield from self.referred([condition.left, condition.right], f"{path}/if/{index}", scope)
                yield from self.steps(step.then, f"{path}/then", scope)
                yield from self.steps(step.else_, f"{path}/else", scope)
            case Set():
                yield from self.referred(step.set, f"{path}/set", scope)
            case Stop():
                yield from self.referred(step.say, f"{path}/say", scope)
            case _:
                assert_never(step)

    def do(self, step: Do, path: str, scope: dict[str, Any]) -> Iterator[Problem]:
        action = self.catalog.action(step.do)
        if action is None:
            yield Problem(
                path=f"{path}/do", message=f"there is no action {step.do}", hint=nearest(step.do, self.catalog.actions)
            )
            return
        if step.using is None:
            yield Problem(
                path=f"{path}/using",
                message=f"{step.do} needs to know which connection to use",
                hint="using: a reference to a connection setting",
            )
        else:
            yield from self.connection(step.using, f"{path}/using", step.do.partition(".")[0])
        fields = action.given.model_fields
        for name, field in fields.items():
            if field.is_required() and name not in step.with_:
                yield Problem(
                    path=f"{path}/with/{name}", message=f"{step.do} needs {name}", hint=field.description or ""
                )
        for name, value in step.with_.items():
            here = f"{path}/with/{name}"
            if name not in fields:
                yield Problem(path=here, message=f"{step.do} knows no {name}", hint=nearest(name, fields))
            elif any(references.paths(value)) or _has_braces(value):
                yield from self.referred(value, here, scope)
            else:
                field = fields[name]
                kind = Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
                yield from _wrong_constant(kind, value, here)

    def ask(self, step: Ask, path: str, scope: dict[str, Any]) -> Iterator[Problem]:
        if step.otherwise not in step.choices:
            yield Problem(
                path=f"{path}/otherwise",
                message=f"{step.otherwise} is none of the choices",
                hint=f"one of {', '.join(step.choices)}",
            )
        if references.only_path(step.within) is None:
            try:
                durations.seconds(step.within)
            except ValueError as error:
                yield Problem(path=f"{path}/within", message=str(error))
        confirms = [choice.confirm for choice in step.choices.values() if choice.confirm]
        for name, value in {
            "ask": step.ask,
            "title": step.title,
            "in": step.in_,
            "within": step.within,
            "details": step.details,
            "choices": confirms,
        }.items():
            yield from self.referred(value, f"{path}/{name}", scope)

    def connection(self, written: str, path: str, connector: str) -> Iterator[Problem]:
        """Check that a text refers to a setting which is a connection of the right connector."""
        name = (references.only_path(written) or "").removeprefix("settings.")
        setting = self.template.settings.get(name)
        if not isinstance(setting, ConnectionField):
            yield Problem(
                path=path,
                message="this must refer to a connection setting",
                hint=f"for instance {{{{ settings.{connector} }}}}, with a setting {connector}: {{connection: {connector}}}",
            )
        elif setting.connection != connector:
            yield Problem(
                path=path, message=f"{name} is a connection to {setting.connection}, and {connector} is needed"
            )

    def referred(self, value: Any, path: str, scope: Mapping[str, Any]) -> Iterator[Problem]:
        for text in _texts(value):
            wrong = references.malformed(text)
            if wrong is not None:
                yield Problem(path=path, message=f"{wrong} is no reference", hint="write {{ event.user.email }}")
        for reference in references.paths(value):
            yield from _unknown(reference, path, scope)


def _texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def _has_braces(value: Any) -> bool:
    return any("{{" in text or "}}" in text for text in _texts(value))


def _unknown(reference: str, path: str, scope: Mapping[str, Any]) -> Iterator[Problem]:
    """Follow a reference through what is known there, and say where it leaves it."""
    shapes: list[Any] = [scope]
    walked: list[str] = []
    for part in reference.split("."):
        found = [inner for shape in shapes for inner in _inside(shape, part)]
        if not found:
            names = {name for shape in shapes for name in _names(shape)}
            yield Problem(
                path=path,
                message=f"{{{{ {reference} }}}} points nowhere: there is no {part}"
                + (f" in {'.'.join(walked)}" if walked else ""),
                hint=nearest(part, names),
            )
            return
        shapes = found
        walked.append(part)


def _inside(shape: Any, name: str) -> list[Any]:
    """Return the shapes that may stand under a name of a shape, none if there is no such name."""
    shape = _bare(shape)
    if shape is Any:
        return [Any]
    if isinstance(shape, Mapping):
        return [shape[name]] if name in shape else []
    origin, inner = get_origin(shape), get_args(shape)
    if origin in {Union, types.UnionType}:
        return [found for option in inner for found in _inside(option, name)]
    if origin in {list, tuple}:
        return [inner[0] if inner else Any] if name.isdecimal() else []
    if shape is dict or origin in {dict, Mapping}:
        return [inner[1] if inner else Any]
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        field = next((field for key, field in shape.model_fields.items() if name in {key, field.alias}), None)
        return [field.annotation] if field else []
    return []


def _names(shape: Any) -> list[str]:
    shape = _bare(shape)
    if isinstance(shape, Mapping):
        return list(shape)
    if get_origin(shape) in {Union, types.UnionType}:
        return [name for option in get_args(shape) for name in _names(option)]
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return [field.alias or key for key, field in shape.model_fields.items()]
    return []


def _bare(shape: Any) -> Any:
    while get_origin(shape) is Annotated:
        shape = get_args(shape)[0]
    return shape


def _wrong_constant(kind: Any, value: Any, path: str) -> Iterator[Problem]:
    try:
        TypeAdapter[Any](kind).validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        yield Problem(path=path, message=first["msg"])
