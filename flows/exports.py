"""Exports: flows as text that people read, keep and carry elsewhere, without secrets; and how they come back."""

import difflib
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final, Literal

from pydantic import Field, ValidationError
from yaml.emitter import Emitter
from yaml.nodes import ScalarNode
from yaml.representer import SafeRepresenter
from yaml.serializer import Serializer

from connectors.base import Catalog
from flows import check, document
from flows.fields import ConnectionField, model_of
from flows.language import Template, written
from flows.masking import MASK, is_secret
from flows.problems import MOST, Problem, listed, nearest
from flows.reading import malformed
from flows.references import paths
from flows.store import SetUp, Store
from flows.tables import FlowVersion
from flows.words import Name, Words

LARGEST: Final = 64 * document.LARGEST
"""Characters that a file of flows may have."""
_AROUND: Final = 3
"""Levels that a file of flows is nested deeper than a flow."""
_WIDTH: Final = 110


class _Kept(Words):
    """One flow in a file."""

    on: bool = True
    owner: Annotated[str, Field(max_length=50)] | None = None
    settings: dict[str, Any] = {}  # noqa: RUF012  # pydantic copies the defaults of a model
    flow: dict[str, Any]


class _File(Words):
    """A file of flows."""

    cicflow: Literal[1]
    flows: Annotated[dict[Name, _Kept], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A flow from a file, as it would be kept."""

    name: str
    on: bool
    owner: str
    settings: Mapping[str, Any]
    template: Template
    diff: str
    """What would change, without secrets; nothing if it is as it was."""
    changed: bool
    new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file of flows that was read, and compared with what is set up. Nothing of it is kept yet."""

    flows: Sequence[Incoming]
    problems: Sequence[Problem]
    """With one of these, nothing should be kept."""


def export(flows: Sequence[SetUp]) -> str:
    """Return flows as YAML. Connections are named; values under names of secrets are left out."""
    return text_of(
        {
            "cicflow": 1,
            "flows": {
                flow.name: _exported(flow.settings, flow.document, on=flow.enabled, owner=flow.changed_by)
                for flow in flows
            },
        }
    )


def compare(old: FlowVersion, new: FlowVersion) -> str:
    """Return what differs between two versions of a flow: settings and steps as YAML, with + and - before the lines.

    Nothing if they say the same.
    """
    texts = [text_of(_exported(version.settings, version.document)) for version in (old, new)]
    return _diff(*texts, names=tuple(f"{version.flow} version {version.version}" for version in (old, new)))


def read(text: str, *, catalog: Catalog, flows: Sequence[SetUp], connections: Mapping[str, Sequence[str]]) -> File:
    """Read a file of flows, check it, and compare it with the flows that are set up.

    `connections` are the names of the connections, by connector. What was left out of the file because it is a secret
    is taken from the flow of the same name, where that has it.
    """
    try:
        data = document.load(text, largest=LARGEST, deepest=document.DEEPEST + _AROUND)
        file = _File.model_validate(data)
    except document.UnreadableError as error:
        return File(flows=(), problems=[Problem(path="document", message=str(error))])
    except ValidationError as error:
        if not isinstance(data, dict):
            message = "a file of flows is a mapping that begins with `cicflow: 1`"
            return File(flows=(), problems=[Problem(path="document", message=message)])
        return File(flows=(), problems=list(malformed(error.errors(include_url=False), _File)))
    there = {flow.name: flow for flow in flows}
    incoming: dict[str, Incoming] = {}
    problems: list[Problem] = []
    for name, kept in file.flows.items():
        whole, missing = _with_secrets({"settings": kept.settings, "flow": kept.flow}, there.get(name))
        problems += [
            Problem(
                path=f"flows/{name}/{place}",
                message="this is a secret, which was left out of the file",
                hint="write it in its place",
            )
            for place in missing
        ]
        found = check.read(whole["flow"])
        if isinstance(found, Template):
            incoming[name] = _incoming(name, kept, found, whole["settings"], there.get(name))
        else:
            problems += [_within(problem, f"flows/{name}/flow") for problem in found]
    known = {**templates_of(flows), **{name: one.template for name, one in incoming.items()}}
    for name, one in incoming.items():
        problems += [
            _within(problem, f"flows/{name}/flow")
            for problem in check.check(one.template, catalog, flows=known, name=name)
        ]
        problems += wrong_settings(one.template, one.settings, connections, f"flows/{name}/settings")
    return File(flows=list(incoming.values()), problems=problems[:MOST])


async def keep(store: Store, file: File, *, now: float) -> list[SetUp]:
    """Keep the flows of a file that differ from what is set up, each as its next version. Returns these.

    Raises WrongTableError if a table that a flow declares does not fit one that is there.
    """
    return [
        await store.set_up(
            one.name,
            template=one.template.template,
            document=written(one.template),
            settings=one.settings,
            by=one.owner,
            now=now,
            enabled=one.on,
            tables=one.template.tables,
        )
        for one in file.flows
        if one.changed
    ]


def wrong_settings(
    template: Template, settings: Mapping[str, Any], connections: Mapping[str, Sequence[str]], path: str
) -> Iterator[Problem]:
    """Yield the Problems with the settings of a flow."""
    model = model_of(template.settings)
    try:
        model.model_validate(settings)
    except ValidationError as error:
        yield from malformed(error.errors(include_url=False), model, path)
    for name, field in template.settings.items():
        value = settings.get(name)
        if isinstance(field, ConnectionField) and isinstance(value, str):
            there = connections.get(field.connection, ())
            if value not in there:
                yield Problem(
                    path=f"{path}/{name}",
                    message=f"there is no connection {value} to {field.connection}",
                    hint=nearest(value, there) or (f"there is {listed(there)}" if there else "connect it first"),
                )


def templates_of(flows: Sequence[SetUp]) -> dict[str, Template]:
    """Return the templates of flows by the flows' names, those that can be read."""
    found = {flow.name: check.read(flow.document) for flow in flows}
    return {name: template for name, template in found.items() if isinstance(template, Template)}


def _incoming(name: str, kept: _Kept, template: Template, settings: Mapping[str, Any], old: SetUp | None) -> Incoming:
    owner = kept.owner if kept.owner is not None else (old.changed_by if old else "")
    with suppress(ValidationError):  # they are compared as they are, and the Problems are said
        settings = model_of(template.settings).model_validate(settings).model_dump(mode="json")
    document_ = written(template)
    if old is None:
        before, changed = "", True
    else:
        before = text_of(_exported(old.settings, old.document, on=old.enabled, owner=old.changed_by))
        same = (kept.on, owner, dict(settings), document_) == (
            old.enabled,
            old.changed_by,
            dict(old.settings),
            _as_written(old.document),
        )
        changed = not same
    after = text_of(_exported(settings, document_, on=kept.on, owner=owner))
    names = (f"{name} version {old.version}" if old else "nothing", f"{name} from the file")
    diff = _diff(before, after, names=names)
    return Incoming(
        name=name,
        on=kept.on,
        owner=owner,
        settings=settings,
        template=template,
        diff=diff or ("only secrets, which are not shown, differ\n" if changed else ""),
        changed=changed,
        new=old is None,
    )


def _exported(
    settings: Mapping[str, Any], flow: Mapping[str, Any], *, on: bool | None = None, owner: str = ""
) -> dict[str, Any]:
    return {
        **({} if on is None else {"on": on}),
        **({"owner": owner} if owner else {}),
        "settings": _without_secrets(settings, inputs=True),
        "flow": _without_secrets(_as_written(flow), inputs=False),
    }


def _as_written(flow: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return written(Template.model_validate(flow))
    except ValidationError:  # of an earlier language; what was kept is shown as it is
        return dict(flow)


# --- secrets --------------------------------------------------------------------------------------------------------


def _without_secrets(value: Any, *, inputs: bool) -> Any:
    """Return a copy in which texts under names of secrets are left out: in settings, and in what steps are given."""
    match value:
        case Mapping():
            return {
                name: MASK
                if inputs and _holds_secret(name, inner)
                else _without_secrets(inner, inputs=inputs or name == "with")
                for name, inner in value.items()
            }
        case list() | tuple():
            return [_without_secrets(inner, inputs=inputs) for inner in value]
        case _:
            return value


def _holds_secret(name: str, value: Any) -> bool:
    # `secret_is: text` says what kind of secret it is. A reference is no secret, only where one comes from.
    return isinstance(value, str) and is_secret(name) and not name.endswith("_is") and not any(paths(value))


def _with_secrets(value: dict[str, Any], old: SetUp | None) -> tuple[dict[str, Any], list[str]]:
    """Return what was exported with its secrets, and the places of those that are not known here."""
    missing: list[str] = []
    known = {"settings": old.settings, "flow": _as_written(old.document)} if old else {}

    def fill(new: Any, there: Any, path: str) -> Any:
        match new:
            case str() if new == MASK:
                if isinstance(there, str) and there != MASK:
                    return there
                missing.append(path)
                return new
            case dict():
                within = there if isinstance(there, Mapping) else {}
                return {name: fill(inner, within.get(name), f"{path}/{name}") for name, inner in new.items()}
            case list():
                items = there if isinstance(there, list) else []
                return [
                    fill(inner, items[index] if index < len(items) else None, f"{path}/{index}")
                    for index, inner in enumerate(new)
                ]
            case _:
                return new

    return {name: fill(inner, known.get(name), name) for name, inner in value.items()}, missing


# --- text -----------------------------------------------------------------------------------------------------------


class _Dumper(Emitter, Serializer, SafeRepresenter, document.Resolver):
    """Writes what the loader of flows reads: the same few types, so that the same few texts need quotes."""

    def __init__(self, stream: io.StringIO) -> None:
        Emitter.__init__(self, stream, width=_WIDTH, allow_unicode=True)
        Serializer.__init__(self)
        SafeRepresenter.__init__(self, default_flow_style=False, sort_keys=False)
        document.Resolver.__init__(self)

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # PyYAML's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002  # PyYAML's
        super().increase_indent(flow, indentless=False)  # a list stands deeper than the name it belongs to


def _text(dumper: SafeRepresenter, value: str) -> ScalarNode:
    # Other ends of lines than \n would be read as spaces, or as \n: they are written as escapes.
    style = '"' if any(end in value for end in "\x85\u2028\u2029") else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _number(dumper: SafeRepresenter, value: float) -> ScalarNode:
    plain = repr(value)
    if "e" in plain:  # the language knows no exponents
        plain = f"{value:.17f}".rstrip("0")
        plain += "0" if plain.endswith(".") else ""
    return dumper.represent_scalar("tag:yaml.org,2002:float", plain)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(float, _number)


def text_of(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML in the order in which it was written."""
    written_to = io.StringIO()
    dumper = _Dumper(written_to)
    dumper.open()
    dumper.represent(dict(data))
    dumper.close()
    return written_to.getvalue()


def _diff(before: str, after: str, *, names: tuple[str, ...]) -> str:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), names[0], names[1], n=3
    )
    return "".join(lines)


def _within(problem: Problem, path: str) -> Problem:
    return replace(problem, path=path if problem.path == "document" else f"{path}/{problem.path}")
