"""Checks of what callers send, and the sentences that refuse it.

The rules are a small part of JSON Schema, written as plain dictionaries next to the endpoint that they guard.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from sandbox.auth0.errors import ApiError

Rules = Mapping[str, Any]

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
CODES = {"Payload": "invalid_body", "Query": "invalid_query_string", "Path": "invalid_uri"}


def check(value: Any, rules: Rules, *, what: str = "Payload") -> None:
    """Refuse a value that breaks the rules.

    Raises ApiError 400 with the first broken rule as its text.
    """
    broken = first_fault(value, rules, "")
    if broken is None:
        return
    why, path, about = broken
    where = f" on property {path}" if path else ""
    hint = f" ({about})" if path and about else ""
    raise ApiError(400, f"{what} validation error: '{why}'{where}{hint}.", CODES[what])


def first_fault(value: Any, rules: Rules, path: str) -> tuple[str, str, str] | None:
    """Find the first broken rule: what is wrong, at which property, and what that property is for."""
    about = str(rules.get("about", ""))
    why = fault_of_kind(value, rules) or fault_of_text(value, rules) or fault_of_size(value, rules)
    if why:
        return why, path, about
    match value:
        case dict():
            return fault_inside(value, rules, path)
        case list() if "items" in rules:
            for index, item in enumerate(value):
                broken = first_fault(item, rules["items"], f"{path}[{index}]")
                if broken:
                    return broken
    return None


def fault_inside(value: dict[str, Any], rules: Rules, path: str) -> tuple[str, str, str] | None:
    """Look for missing, unknown and broken properties of an object."""
    about = str(rules.get("about", ""))
    for name in rules.get("required", ()):
        if name not in value:
            return f"Missing required property: {name}", path, about
    known: Rules = rules.get("properties", {})
    for name, inner in value.items():
        if name in known:
            broken = first_fault(inner, known[name], f"{path}.{name}" if path else name)
            if broken:
                return broken
    unknown = [name for name in value if name not in known]
    if unknown and rules.get("closed"):
        return f"Additional properties not allowed: {','.join(unknown)}{rules.get('advice', '')}", path, about
    for name in unknown if "values" in rules else ():
        broken = first_fault(value[name], rules["values"], f"{path}.{name}" if path else name)
        if broken:
            return broken
    if len(value) < rules.get("at_least", 0):
        return f"Too few properties defined ({len(value)}), minimum {rules['at_least']}", path, about
    if len(value) > rules.get("at_most", len(value)):
        return f"Too many properties defined ({len(value)}), maximum {rules['at_most']}", path, about
    return None


def fault_of_kind(value: Any, rules: Rules) -> str | None:
    """Compare the type and the fixed choices."""
    expected = rules.get("type")
    kinds = [expected] if isinstance(expected, str) else list(expected or ())
    if kinds and not any(is_kind(value, kind) for kind in kinds):
        return f"Expected type {'/'.join(kinds)} but found type {kind_of(value)}"
    if "enum" in rules and value not in rules["enum"]:
        return f"No enum match for: {value if isinstance(value, str) else json.dumps(value)}"
    return None


def is_kind(value: Any, kind: str) -> bool:
    """Tell whether a value is of a JSON type; true and false are no numbers."""
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, KINDS[kind])


def kind_of(value: Any) -> str:
    """Name the JSON type of a value."""
    return next(
        kind for kind in ("boolean", "null", "string", "array", "object", "integer", "number") if is_kind(value, kind)
    )


def fault_of_text(value: Any, rules: Rules) -> str | None:
    """Compare length, pattern and format of a text."""
    if not isinstance(value, str):
        return None
    if len(value) > rules.get("longest", len(value)):
        return f"String is too long ({len(value)} chars), maximum {rules['longest']}"
    if len(value) < rules.get("shortest", 0):
        return f"String is too short ({len(value)} chars), minimum {rules['shortest']}"
    if "pattern" in rules and not re.search(rules["pattern"], value):
        return f"String does not match pattern {rules['pattern']}: {value}"
    if rules.get("format") == "email" and not re.fullmatch(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+", value):
        return f"Object didn't pass validation for format email: {value}"
    if rules.get("format") == "uri" and urlsplit(value).scheme not in {"http", "https"}:
        return f"Object didn't pass validation for format strict-uri: {value}"
    return None


def fault_of_size(value: Any, rules: Rules) -> str | None:
    """Compare numbers and lengths of lists with their limits."""
    if isinstance(value, list):
        if len(value) < rules.get("at_least", 0):
            return f"Array is too short ({len(value)}), minimum {rules['at_least']}"
        if len(value) > rules.get("at_most", len(value)):
            return f"Array is too long ({len(value)}), maximum {rules['at_most']}"
    if is_kind(value, "number"):
        if value < rules.get("minimum", value):
            return f"Value {value} is less than minimum {rules['minimum']}"
        if value > rules.get("maximum", value):
            return f"Value {value} is greater than maximum {rules['maximum']}"
    return None


def read_query(sent: Iterable[tuple[str, str]], rules: Rules) -> dict[str, Any]:
    """Turn the texts of a query string into the types that the rules name, and refuse what does not fit."""
    values: dict[str, Any] = {}
    for name, text in sent:
        if rules.get(name, {}).get("type") == "array":
            values.setdefault(name, []).append(text)
        else:
            values[name] = as_kind(text, rules.get(name, {}).get("type"))
    check(values, {"properties": rules, "closed": True}, what="Query")
    return values


def as_kind(text: str, kind: str | None) -> Any:
    """Read one text of a query string as a JSON type, or leave it as it is."""
    if kind == "integer" and re.fullmatch(r"-?[0-9]{1,18}", text):
        return int(text)
    if kind == "boolean" and text in {"true", "false"}:
        return text == "true"
    return text
