"""Encoded queries, as the service reads them: what it does not understand it drops, without a word."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sandbox.servicenow.dictionary import TABLES
from sandbox.servicenow.instance import Instance, Record

TERM = re.compile(
    r"(?P<field>[a-z0-9_.]+?)"
    r"(?P<operator>NOT LIKE|DOES NOT CONTAIN|LIKE|CONTAINS|STARTSWITH|ENDSWITH|ISNOTEMPTY|ISEMPTY|NOT IN|IN"
    r"|!=|>=|<=|=|>|<)"
    r"(?P<value>.*)",
    re.DOTALL,
)
OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "=": lambda held, asked: held == asked,
    "!=": lambda held, asked: held != asked,
    ">": lambda held, asked: held > asked,
    "<": lambda held, asked: held < asked,
    ">=": lambda held, asked: held >= asked,
    "<=": lambda held, asked: held <= asked,
    "LIKE": lambda held, asked: asked in held,
    "CONTAINS": lambda held, asked: asked in held,
    "NOT LIKE": lambda held, asked: asked not in held,
    "DOES NOT CONTAIN": lambda held, asked: asked not in held,
    "STARTSWITH": lambda held, asked: held.startswith(asked),
    "ENDSWITH": lambda held, asked: held.endswith(asked),
    "IN": lambda held, asked: held in asked.split(","),
    "NOT IN": lambda held, asked: held not in asked.split(","),
    "ISEMPTY": lambda held, _asked: not held,
    "ISNOTEMPTY": lambda held, _asked: bool(held),
}


@dataclass(frozen=True, slots=True)
class Order:
    """By what the records found are sorted."""

    field: str
    descending: bool


def value_of(instance: Instance, table: str, record: Record, path: str) -> str | None:
    """Return what a field holds, also one of the record that another field refers to; None where there is none."""
    name, _, rest = path.partition(".")
    field = TABLES[table].fields.get(name)
    if field is None:
        return None
    if not rest:
        return record[name]
    if field.kind != "reference":
        return None
    there = instance.tables[field.table].get(record[name])
    if there is None:
        known = TABLES[field.table].fields.get(rest.partition(".")[0])
        return None if known is None else ""
    return value_of(instance, field.table, there, rest)


def known_path(table: str, path: str) -> bool:
    """Tell whether there is a field of this name, or one that is reached through others."""
    name, _, rest = path.partition(".")
    field = TABLES[table].fields.get(name)
    return field is not None and (not rest or (field.kind == "reference" and known_path(field.table, rest)))


def found(instance: Instance, table: str, query: str) -> list[Record]:
    """Return the records that a query finds, in its order."""
    records = list(instance.records(table))
    orders: list[Order] = []
    kept: list[Record] | None = None
    for part in query.split("^NQ"):
        terms, more = _parts(part)
        orders += more
        matching = [record for record in records if _fits(instance, table, record, terms)]
        kept = matching if kept is None else [one for one in records if one in kept or one in matching]
    result = records if kept is None else kept
    for order in reversed(orders):
        if known_path(table, order.field):
            result.sort(
                key=lambda one, name=order.field: value_of(instance, table, one, name) or "",  # type: ignore[misc]  # mypy reads no default
                reverse=order.descending,
            )
    return result


def _parts(query: str) -> tuple[list[list[str]], list[Order]]:
    """Split a query into what must all be so (of each, any one), and the order."""
    terms: list[list[str]] = []
    orders: list[Order] = []
    for word in filter(None, query.split("^")):
        if word.startswith("ORDERBYDESC"):
            orders.append(Order(word.removeprefix("ORDERBYDESC"), descending=True))
        elif word.startswith("ORDERBY"):
            orders.append(Order(word.removeprefix("ORDERBY"), descending=False))
        elif word.startswith("OR") and terms:
            terms[-1].append(word.removeprefix("OR"))
        elif word != "EQ":
            terms.append([word])
    return terms, orders


def _fits(instance: Instance, table: str, record: Record, terms: Sequence[Sequence[str]]) -> bool:
    for alternatives in terms:
        answers = [_holds(instance, table, record, one) for one in alternatives]
        said = [one for one in answers if one is not None]
        if not said and instance.settings.unknown_terms_find_nothing:
            return False
        if said and not any(said):
            return False
    return True


def _holds(instance: Instance, table: str, record: Record, term: str) -> bool | None:
    """Tell whether a term holds for a record; None for one that is not understood."""
    read = TERM.fullmatch(term)
    held = value_of(instance, table, record, read["field"]) if read else None
    if read is None or held is None:
        return None
    asked = read["value"]
    if asked.startswith("javascript:"):
        instance.evaluated.append(asked)
        asked = instance.me if "getUserID" in asked else ""
    return OPERATORS[read["operator"]](held.lower(), asked.lower())
