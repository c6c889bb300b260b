"""Templates: the flows we ship, and what an admin fills in."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from connectors.base import Catalog
from flows import check, document
from flows.language import Template
from flows.problems import Problem

LIBRARY: Final = Path(__file__).parent / "library"


class WrongTemplateError(Exception):
    """A template has Problems."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        super().__init__(f"{name}: " + "; ".join(map(str, problems)))
        self.problems = problems


def parse(
    text: str, catalog: Catalog, *, flows: Mapping[str, Template] | None = None, name: str | None = None
) -> Template | list[Problem]:
    """Return the template that a text says, or every Problem with it. `flows` and `name` are as for `check.check`."""
    template = _read(text)
    if isinstance(template, Template):
        return check.check(template, catalog, flows=flows, name=name) or template
    return list(template)


@lru_cache(maxsize=64)
def _read(text: str) -> Template | tuple[Problem, ...]:
    """Return what a text says; those that we ship are read by many in one process."""
    try:
        data = document.read(text)
    except document.UnreadableError as error:
        return (Problem(path="document", message=str(error)),)
    template = check.read(data)
    return template if isinstance(template, Template) else tuple(template)


def library(catalog: Catalog, folder: Path = LIBRARY) -> Mapping[str, Template]:
    """Return the shipped templates by name.

    Raises WrongTemplateError if one has Problems: that is a fault of this program, and it must not start with it.
    """
    templates: dict[str, Template] = {}
    for file in sorted(folder.glob("*.yaml")):
        found = parse(file.read_text(encoding="utf-8"), catalog)
        if not isinstance(found, Template):
            raise WrongTemplateError(file.name, found)
        templates[found.template] = found
    return templates
