"""The generated parts of the documentation: tables that are read from the language, the catalog and the commands.

A part stands in a page between ``<!-- generated: its name -->`` and ``<!-- end -->``. `scripts/docs` writes all of them
anew, and a test fails while one is not as the code is.
"""

import argparse
import importlib
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from inspect import isfunction, signature
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

import bot
from bot import __main__ as command_line
from bot.commands import COMMAND, Commands, Verb
from bot.settings import Settings
from connectors.base import Action, Dataset
from connectors.catalog import catalog
from docs import meanings, shipped
from flows import (
    check,
    columns,
    comparing,
    document,
    language,
    live,
    misses,
    retention,
    run_states,
    schedules,
    triggers,
)
from flows import conditions as asking
from flows import fields as blanks
from flows.builtins import BUILTINS
from flows.builtins import shapes as bounds
from flows.conditions import Operator
from flows.days import Day, TimeOfDay, TimeZone
from flows.durations import Duration
from flows.problems import either
from flows.words import FullName, Identifier, Name, Text, Title

FOLDER: Final = Path(__file__).parent
PAGES: Final = tuple(sorted(FOLDER.glob("*.md")))
PART: Final = re.compile(r"(<!-- generated: ([^>]+?) -->\n).*?(<!-- end -->)", re.DOTALL)

KNOWN: Final = catalog(BUILTINS)

_BAR: Final = re.compile(r"(?<!\\)\|")
_ESCAPED: Final = r"\\|"

_CALLED: Final[Sequence[tuple[Any, str]]] = (
    (Text, "text"),
    (Title, "short text"),
    (Name, "name"),
    (Identifier, "name"),
    (FullName, "`connector.name`"),
    (Duration, "duration"),
    (TimeOfDay, "time of day"),
    (TimeZone, "time zone"),
    (list[Day], "list of days"),
    (asking.Tests, "conditions"),
    (blanks.Fields, "fields"),
    (triggers.Triggers, "a trigger, or a list of them"),
    (language.Step, "step"),
    (AwareDatetime, "time"),
)
"""What the types of the language are called."""
_PLAIN: Final[Mapping[Any, str]] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "yes or no",
    NoneType: "nothing",
    Any: "any value",
    dict: "names with values",
    list: "list",
    Dataset: "dataset",
}


def main() -> int:
    """Write the generated parts of every page anew."""
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = fresh(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            sys.stdout.write(f"{page.name} is as the code is again.\n")
    return 0


def fresh(text: str) -> str:
    """Return a page with its generated parts as they should be. Raises KeyError for a part that nobody knows."""
    return PART.sub(lambda found: f"{found[1]}\n{part(found[2])}\n\n{found[3]}", text)


def part(name: str) -> str:
    """Return a generated part by its name."""
    kind, _, of = name.partition(" ")
    return _PARTS[kind](of)


# --- the language ---------------------------------------------------------------------------------------------------

_PIECES: Final[Mapping[str, type[BaseModel]]] = {
    "flow": language.Template,
    "step": language.Base,
    **language.KINDS,
    "else if": language.ElseIf,
    "until": language.Until,
    "choice": language.Choice,
    "remind": language.Remind,
    "escalate": language.Escalate,
    "together": language.Together,
    "reply": language.Reply,
    "claims": language.Claims,
    "hold": language.Hold,
    "show": language.Show,
    "page choice": language.PageChoice,
    "invite": language.Invite,
    "link choice": language.LinkChoice,
    "hear": language.Hear,
    "on error": language.OnError,
    "try again": language.Retry,
    "event": triggers.EventTrigger,
    "once per": triggers.OncePer,
    "answers": triggers.Answers,
    "cron": triggers.CronTrigger,
    "at": triggers.AtTrigger,
    "every": triggers.EveryTrigger,
    "by hand": triggers.ByHandTrigger,
    "called": triggers.CalledTrigger,
    "runs": language.Turns,
    "limits": language.Limits,
    "cap": language.Cap,
    "table": language.Table,
}


def _piece(name: str) -> str:
    """Return the table of what a piece of the language is made of."""
    model = _PIECES[name]
    common = set(language.Base.model_fields) if model in language.KINDS.values() else set()
    if model.model_fields.get("id") is not None and model.model_fields["id"].is_required():
        common.discard("id")
    hints = get_type_hints(model, include_extras=True)
    rows = []
    for key, field in model.model_fields.items():
        if key in common:
            continue
        word = field.alias or key
        meaning = meanings.PIECES[name][word]
        rows.append((f"`{word}:`", meanings.TYPES.get((name, word)) or _type(hints[key]), _left_out(field), meaning))
    strange = set(meanings.PIECES[name]) - {field.alias or key for key, field in model.model_fields.items()}
    if strange:
        raise KeyError(f"{name} has no {', '.join(strange)}")
    return _table(("Word", "What stands there", "If left out", "Meaning"), rows)


def _kinds_of_field(_of: str) -> str:
    """Return the table of the kinds of field."""
    rows = []
    for option in get_args(get_args(blanks.AnyField)[0]):
        model, tag = get_args(option)[0], get_args(option)[1].tag
        hints = get_type_hints(model, include_extras=True)
        own = [name for name in model.model_fields if name not in (*blanks.Titled.model_fields, "type", "connection")]
        words = [
            f"`{model.model_fields[name].alias or name}:` ({_type(hints[name])}{_needed(model.model_fields[name])})"
            for name in own
        ]
        kind = "`connection: auth0`" if tag == "connection" else f"`type: {tag}`"
        rows.append((kind, _sentences(model), ", ".join(words)))
    return _table(("Kind", "What people fill in", "Its own words"), rows)


def _menus(_of: str) -> str:
    """Return the table of what can be picked from connected accounts."""
    rows = [(f"`{name}`", menu.title, menu.of) for name, menu in KNOWN.menus.items()]
    return _table(("`from:`", "What is picked", "`of:`"), rows)


def _operators(_of: str) -> str:
    """Return the table of the operators of conditions. What a missing value comes to is tried out."""
    rows = []
    for operator in asking.OPERATORS:
        meaning, right = meanings.OPERATORS[operator]
        missing = "holds" if asking.compare(None, operator, right) else "does not hold"
        rows.append((f"`{operator}:`", _left(operator), _written(right), meaning, missing))
    return _table(("Operator", "On the left", "For instance", "Holds if the left side", "If that is missing"), rows)


def _left(operator: Operator) -> str:
    takes = comparing._LEFT.get(operator)  # noqa: SLF001  # the table is for people what it is for the checks
    return either(sorted(takes[0])) if takes else "anything"


def _sizes(_of: str) -> str:
    """Return the table of the limits of size."""
    template = language.Template.model_fields
    rows = [
        ("The text of a flow", f"{document.LARGEST:,} characters, {document.DEEPEST} levels deep"),
        ("Steps in a row", f"{language.MOST_STEPS:,}"),
        ("Steps of a flow in all", f"{check.MOST_IN_ALL:,}"),
        ("Triggers of a flow", _most(get_type_hints(language.Template, include_extras=True)["when"])),
        (
            "Settings of a flow, fields of a form",
            _most(get_type_hints(language.Template, include_extras=True)["settings"]),
        ),
        ("Conditions in one list", _most(asking.Tests)),
        ("A regular expression", "1,000 characters"),
        ("Choices of a question", _most(get_type_hints(language.Ask, include_extras=True)["choices"])),
        ("Tables of a flow", _bound(template["tables"].metadata, "max_length")),
        ("Columns of a table", _bound(language.Table.model_fields["columns"].metadata, "max_length")),
        (
            "A remembered row, its key",
            f"{columns.MOST_ROW:,} characters, {columns.MOST_KEY:,} bytes; as many rows as the disk holds",
        ),
        ("Items of `each` at once", _bound(language.Each.model_fields["at_once"].metadata, "le")),
        ("Runs in line (`queued`), unless the flow says otherwise", f"{run_states.IN_LINE:,}"),
        ("Flows that call one another", f"{live.DEEPEST} deep"),
        ("Missed times that `missed: all` makes up for", f"{schedules.MOST:,}"),
        ("A text, a list in a built-in action", f"{bounds.MOST_TEXT:,} characters, {bounds.MOST_ITEMS:,} items"),
        ("Events that `why` can show, of each flow", f"{misses.SLOTS:,}, the latest; all are counted"),
        ("Runs that are forgotten in one transaction", f"{retention.BATCH:,}"),
    ]
    return _table(("What", "At most"), rows)


# --- the catalog ----------------------------------------------------------------------------------------------------


def _actions(of: str) -> str:
    """Return what is known of the actions of a connector, or of a group of built-in ones."""
    group = KNOWN.builtins.get(of) or KNOWN.connectors[of]
    return "\n\n".join(_action(action) for action in group.actions.values())


def _action(action: Action) -> str:
    lines = [f"#### `{action.name}`", f"**{action.title}.** {_paragraphs(action.about)} {_effect(action)}"]
    given = [
        (f"`{word}`", _type_of(action.given, name), _left_out(field), _about(field))
        for name, word, field in _words(action.given)
    ]
    if given:
        lines.append(_table(("Given", "What stands there", "If left out", "Meaning"), given))
    gives = [(f"`{word}`", _type_of(action.gives, name), _about(field)) for name, word, field in _words(action.gives)]
    if action.item is not None:
        lines.append(f"It gives a dataset. {_items(action.item)}".strip())
    else:
        lines.append(_table(("Gives", "What it is", "Meaning"), gives))
    return "\n\n".join(lines)


def _items(item: type[BaseModel]) -> str:
    words = [f"`{word}`" for _, word, _ in _words(item)]
    return f"Each item has {', '.join(words)}." if words else ""


def _effect(action: Action) -> str:
    undo = f" `{action.undo}` takes it back." if action.undo else ""
    match action.way:
        case "computes":
            return ""
        case "stores" | "calls" | "streams":
            return f"*{action.effect.capitalize()}.*{undo}"


def _groups(_of: str) -> str:
    """Return the list of everything that has actions."""
    rows = [
        (
            f"[{group.title}](#{_anchor(group.title)})",
            f"`{name}`",
            ", ".join(f"[`{action.partition('.')[2]}`](#{action.replace('.', '')})" for action in group.actions),
        )
        for name, group in (*KNOWN.connectors.items(), *KNOWN.builtins.items())
    ]
    return _table(("Group", "Begins with", "Actions"), rows)


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")


def _events(_of: str) -> str:
    """Return every source with the fields of its events."""
    texts = []
    for source in KNOWN.sources.values():
        rows = [(f"`{path}`", said) for path, said in _paths(source.event, "event")]
        texts.append(
            f"#### `{source.name}`\n\n**{source.title}.** {source.about}\n\n{_table(('Reference', 'What it is'), rows)}"
        )
    return "\n\n".join(texts)


def _paths(model: type[BaseModel], before: str) -> Iterator[tuple[str, str]]:
    hints = get_type_hints(model, include_extras=True)
    for name, word, _field in _words(model):
        path = f"{before}.{word}"
        inner = _model_in(hints[name])
        if inner is None:
            yield path, _type(hints[name])
        elif _is_list(hints[name]):
            yield path, "list; the first item is `0`"
            yield from _paths(inner, f"{path}.0")
        else:
            yield from _paths(inner, path)


def _model_in(shape: Any) -> type[BaseModel] | None:
    """Return the model that a type is, or that the items of a list are."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return shape
    if get_origin(shape) in {Union, UnionType, list}:
        return next(filter(None, map(_model_in, get_args(shape))), None)
    return None


def _is_list(shape: Any) -> bool:
    return get_origin(shape) is list or any(get_origin(option) is list for option in get_args(shape))


# --- commands -------------------------------------------------------------------------------------------------------


def verbs() -> Mapping[str, Verb]:
    """Return what can be typed after /cicflow, in the order of the alphabet."""
    found: list[Verb] = []
    for module in pkgutil.iter_modules(bot.__path__, "bot."):
        if module.ispkg or module.name.endswith("__main__"):
            continue
        for kind in vars(importlib.import_module(module.name)).values():
            declares = getattr(kind, "verbs", None)
            if isfunction(declares) and kind.__module__ == module.name:
                # What the verbs work with is not needed to list them.
                without_anything = object.__new__(kind)
                found += declares(without_anything, *["high-risk-login"] * (len(signature(declares).parameters) - 1))
    return dict(sorted(Commands(found).verbs.items()))


def commands() -> Mapping[str, tuple[str, argparse.ArgumentParser]]:
    """Return the commands of the command line by their words, each with what it is about."""
    return dict(_commands(command_line._parser(), ""))  # noqa: SLF001  # it is made for this, and for main


def _commands(
    parser: argparse.ArgumentParser, before: str
) -> Iterator[tuple[str, tuple[str, argparse.ArgumentParser]]]:
    for group in parser._actions:  # noqa: SLF001  # argparse lists them nowhere else  # argparse has no other way to look
        if not isinstance(group, argparse._SubParsersAction):  # noqa: SLF001  # it has no public name
            continue
        about = {choice.dest: choice.help or "" for choice in group._choices_actions}  # noqa: SLF001  # as above
        for name, inner in group.choices.items():
            deeper = dict(_commands(inner, f"{before}{name} "))
            yield from deeper.items() if deeper else [(f"{before}{name}", (about.get(name, ""), inner))]


def _slack(_of: str) -> str:
    rows = [(f"`{COMMAND} {verb.usage}`", verb.about, f"`{COMMAND} {verb.example}`") for verb in verbs().values()]
    return _table(("Command", "What it does", "For instance"), rows)


def _terminal(_of: str) -> str:
    rows = [
        (f"`python -m bot {name}`", about, "<br>".join(_options(parser)))
        for name, (about, parser) in commands().items()
    ]
    return _table(("Command", "What it does", "With"), rows)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    for option in parser._actions:  # noqa: SLF001  # argparse lists them nowhere else
        if isinstance(option, argparse._HelpAction | argparse._SubParsersAction):  # noqa: SLF001  # as above
            continue
        word = option.option_strings[-1] if option.option_strings else f"<{option.metavar or option.dest}>"
        choices = f" {'|'.join(map(str, option.choices))}" if option.choices else ""
        needed = " (needed)" if option.required and option.option_strings else ""
        yield f"`{word}{choices}`{needed}{f': {option.help}' if option.help else ''}"


def environment() -> set[str]:
    """Return the names of all settings, as they are written in the environment."""
    settings: type[BaseSettings] = Settings
    return {name.upper() for name in settings.model_fields}


# --- words ----------------------------------------------------------------------------------------------------------


def _words(model: type[BaseModel]) -> Iterator[tuple[str, str, FieldInfo]]:
    for name, field in model.model_fields.items():
        yield name, field.serialization_alias or field.alias or name, field


def _type_of(model: type[BaseModel], name: str) -> str:
    return _type(get_type_hints(model, include_extras=True)[name])


def _type(shape: Any) -> str:
    """Return what stands in a place, in words."""
    for known, called in _CALLED:
        if shape is known or shape == known:
            return called
    origin, inner = get_origin(shape), get_args(shape)
    if origin is Annotated:
        return _bounded(_type(inner[0]), inner[1:])
    if origin is Literal:
        return either([_written(value) for value in inner]) if len(inner) > 1 else _written(inner[0])
    if origin in {Union, UnionType}:
        tagged = [option for option in inner if get_origin(option) is Annotated]
        said = (
            ["a condition"]
            if len(tagged) == 4
            else list(dict.fromkeys(_type(option) for option in inner if option is not NoneType))
        )
        return "number" if set(said) == {"whole number", "number"} else " or ".join(said)
    if origin is list:
        return f"list of {_several(_type(inner[0]))}"
    if origin is dict:
        return "names with values" if inner[1] is Any else f"names with {_several(_type(inner[1]))}"
    if isinstance(shape, type) and issubclass(shape, BaseModel) and shape is not Dataset:
        words = [f"`{word}`" for _, word, _ in _words(shape)]
        return f"names with values: {', '.join(words)}"
    return _PLAIN[shape]


def _several(said: str) -> str:
    match said:
        case "any value":
            return "any values"
        case "text" | "number" | "whole number" | "step" | "name" | "duration":
            return f"{said}s"
        case "a condition":
            return "conditions"
        case _:
            return said


def _bounded(said: str, about: Sequence[Any]) -> str:
    """Return what stands in a place, with its bounds."""
    most = {name: _bound(about, name) for name in ("ge", "le", "gt", "lt", "min_length", "max_length")}
    if most["ge"] and most["le"]:
        return f"{said}, {most['ge']} to {most['le']}"
    if most["ge"]:
        return f"{said}, at least {most['ge']}"
    if most["max_length"] and said.startswith(("list", "names")):
        return f"{said}, at most {most['max_length']}"
    return said


def _bound(about: Sequence[Any], name: str) -> str:
    """Return a bound that is said of a type, if it is."""
    for one in about:
        inner = one.metadata if isinstance(one, FieldInfo) else [one]
        for each in inner:
            value = getattr(each, name, None)
            if value is not None:
                return f"{value:,}" if isinstance(value, int) else str(value)
    return ""


def _most(shape: Any) -> str:
    return _bound(get_args(shape)[1:], "max_length")


def _left_out(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None or value in ("", [], {}) or isinstance(value, BaseModel):
        return "" if not isinstance(value, BaseModel) else meanings.AS_WRITTEN
    return _written(value)


def _needed(field: FieldInfo) -> str:
    return ", needed" if field.is_required() else ""


def _about(field: FieldInfo) -> str:
    return _cell(field.description or field.title or "")


def _written(value: Any) -> str:
    """Return a value as it is written in a flow."""
    match value:
        case bool():
            return f"`{str(value).lower()}`"
        case list():
            return f"`[{', '.join(str(inner) for inner in value)}]`"
        case "\t":
            return "a tab"
        case str() if value.strip() != value or not value or "|" in value or "`" in value:
            return f"`{value!r}`"
        case _:
            return f"`{value}`"


def _sentences(model: type[BaseModel]) -> str:
    return _paragraphs(model.__doc__ or "")


def _paragraphs(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _paragraphs(text).replace("<", "&lt;")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table. A column in which nothing stands is left out."""
    kept = [index for index in range(len(heads)) if any(row[index] for row in rows)]
    lines = [[heads[index] for index in kept], ["---"] * len(kept), *([row[index] for index in kept] for row in rows)]
    return "\n".join(f"| {' | '.join(_BAR.sub(_ESCAPED, cell) for cell in line)} |" for line in lines)


def _templates(_of: str) -> str:
    """Return a section for each template that we ship."""
    heads = ("Setting", "What it is", "If left out", "")
    return "\n\n".join(
        "\n\n".join(
            [
                f"### {template.title}",
                f"`{COMMAND} enable {template.template}`",
                _cell(template.about),
                woken,
                _table(heads, [tuple(map(_cell, row)) for row in rows]),
            ]
        )
        for template, woken, rows in shipped.sections(KNOWN)
    )


_PARTS: Final[Mapping[str, Callable[[str], str]]] = {
    "piece": _piece,
    "fields": _kinds_of_field,
    "menus": _menus,
    "operators": _operators,
    "sizes": _sizes,
    "groups": _groups,
    "actions": _actions,
    "events": _events,
    "slack": _slack,
    "terminal": _terminal,
    "templates": _templates,
}

if __name__ == "__main__":
    sys.exit(main())
