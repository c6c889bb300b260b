"""JSON: data as text."""

import json
from typing import Any, Final, NoReturn

from pydantic import Field

from connectors.base import Declaring, Value
from connectors.errors import Refused
from flows.builtins.shapes import DEEPEST, AnyText, AnyValue, OneText, data, one_text

json_text: Final = Declaring("json", title="JSON")


class Parsed(Value):
    """JSON to read."""

    text: AnyText = Field(title="Text", description="The JSON.")


class Data(Value):
    """What a text says."""

    value: Any = Field(title="Value", description="A text, number, yes or no, list, object, or nothing.")


@json_text.action("Read JSON", effect="reads")
def parse(given: Parsed) -> Data:
    """Turn JSON into the value that it describes."""
    try:
        return Data(value=data(json.loads(given.text, parse_constant=_no_number)))
    except json.JSONDecodeError as error:
        raise Refused(f"This is no JSON: line {error.lineno}, character {error.colno}: {error.msg}.") from error
    except ValueError as error:
        raise Refused(f"This JSON is not taken: {error}.") from error
    except RecursionError as error:
        raise Refused(f"This JSON is more than {DEEPEST} lists and objects within each other.") from error


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


class Composed(Value):
    """What to write as JSON."""

    value: AnyValue = Field(title="Value", description="Anything: a text, number, list, object.")
    indented: bool = Field(default=False, title="Indented", description="Whether to write it over several lines.")


@json_text.action("Write JSON", effect="reads")
def compose(given: Composed) -> OneText:
    """Turn a value into JSON."""
    return one_text(
        json.dumps(
            given.value,
            ensure_ascii=False,
            indent=2 if given.indented else None,
            separators=(",", ": ") if given.indented else (",", ":"),
        )
    )
