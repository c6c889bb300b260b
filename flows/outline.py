"""The outline of a flow: its steps as sentences, and what differs between two versions of it, for people to read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final

from connectors.base import Catalog
from flows.language import Template, written
from flows.references import REFERENCE, spoken

_WITHIN: Final = ("then", "else", "else if", "steps")
_LONGEST: Final = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What differs between two versions of a flow, in words. What flows say is in it: escape it where it is shown."""

    new_settings: Mapping[str, str]
    """The titles of the settings that come, by their names."""
    gone_settings: Mapping[str, str]
    other_settings: Mapping[str, str]
    """Those that ask for something else."""
    steps: Sequence[str]
    """With + for those that come, - for those that go, ~ for those that do something else."""
    others: Sequence[str]
    """Whatever else differs."""


def differences(old: Template, new: Template, catalog: Catalog) -> Differences:
    """Return what differs."""
    before, after = old.settings, new.settings
    first, second = written(old), written(new)
    names = {"when": "what wakes it", "limits": "its caps", "runs": "its run mode", "tables": "its tables"}
    return Differences(
        new_settings={name: field.title for name, field in after.items() if name not in before},
        gone_settings={name: field.title for name, field in before.items() if name not in after},
        other_settings={name: field.title for name, field in after.items() if name in before and before[name] != field},
        steps=list(_steps(list(outline(first["steps"], catalog)), list(outline(second["steps"], catalog)))),
        others=[said for name, said in names.items() if first.get(name) != second.get(name)],
    )


def outline(steps: Sequence[Mapping[str, Any]], catalog: Catalog, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield each step as a sentence, as deep as it stands, with all that it says itself."""
    for step in steps:
        own = {name: value for name, value in step.items() if name not in _WITHIN}
        yield f"{'   ' * depth}{_sentence(step, catalog)}"[:_LONGEST], json.dumps(own, sort_keys=True)
        for name in _WITHIN:
            inner = step.get(name) or []
            if name == "else if":
                for other in inner:
                    yield (
                        f"{'   ' * depth}or if {_conditions(other['if'])}"[:_LONGEST],
                        json.dumps(other["if"], sort_keys=True),
                    )
                    yield from outline(other["then"], catalog, depth + 1)
                continue
            if name == "else" and inner:
                yield f"{'   ' * depth}otherwise", ""
            yield from outline(inner, catalog, depth + 1)


def _steps(old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> Iterator[str]:
    matcher = SequenceMatcher(None, [said for said, _ in old], [said for said, _ in new], autojunk=False)
    for kind, i, j, k, m in matcher.get_opcodes():
        if kind == "equal":
            yield from (
                f"~ {after[0]}" for before, after in zip(old[i:j], new[k:m], strict=True) if before[1] != after[1]
            )
            continue
        yield from (f"- {said}" for said, _ in old[i:j])
        yield from (f"+ {said}" for said, _ in new[k:m])


def _sentence(step: Mapping[str, Any], catalog: Catalog) -> str:
    match step:
        case {"do": str(name)}:
            action = catalog.action(name)
            return f"{action.title if action else name} ({name})"
        case {"ask": text}:
            return f"Ask: {_bare(text)}"
        case {"if": tests}:
            return f"If {_conditions(tests)}"
        case {"each": what}:
            return f"For each of {_bare(what)}"
        case {"wait": {"until": until}}:
            return f"Wait until {_bare(until)}"
        case {"wait": long}:
            return f"Wait {_bare(long)}"
        case {"call": name}:
            return f"Carry out {name}"
        case {"stop": how, "say": say}:
            return f"Stop ({how}): {_bare(say)}"
        case {"set": values}:
            return f"Set {', '.join(values)}"
        case _:
            return "Answer the login"


def _conditions(tests: Sequence[Mapping[str, Any]]) -> str:
    return " and ".join(map(_condition, tests))


def _condition(test: Mapping[str, Any]) -> str:
    match test:
        case {"any": inner}:
            return f"({' or '.join(map(_condition, inner))})"
        case {"all": inner}:
            return f"({_conditions(inner)})"
        case {"not": inner}:
            return f"not {_condition(inner)}"
        case {"left": left, **rest}:
            operator, right = next(iter(rest.items()))
            return f"{_bare(left)} {operator} {_bare(right)}"
        case _:
            return "…"


def _bare(value: Any) -> str:
    return REFERENCE.sub(r"\1", value) if isinstance(value, str) else spoken(value)
