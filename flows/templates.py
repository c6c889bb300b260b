"""Templates: the flows we ship, and what an admin fills in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, assert_never

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, create_model

from connectors.base import Catalog
from flows import check, document, durations
from flows.check import Problem
from flows.language import (
    ChannelSetting,
    ChoicesSetting,
    ConnectionSetting,
    DurationSetting,
    NumberSetting,
    Setting,
    Template,
    TextSetting,
    YesNoSetting,
)

LIBRARY: Final = Path(__file__).parent / "library"


class WrongTemplateError(Exception):
    """A template has Problems."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        super().__init__(f"{name}: " + "; ".join(map(str, problems)))
        self.problems = problems


def parse(text: str, catalog: Catalog) -> Template | list[Problem]:
    """Return the template that a text says, or every Problem with it."""
    try:
        data = document.read(text)
    except document.UnreadableError as error:
        return [Problem(path="document", message=str(error))]
    template = check.read(data)
    if isinstance(template, Template):
        return check.check(template, catalog) or template
    return template


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


def settings_model(template: Template) -> type[BaseModel]:
    """Return the model that a template's settings must satisfy, one field for each."""
    fields: dict[str, Any] = {name: _field(setting) for name, setting in template.settings.items()}
    model: type[BaseModel] = create_model(
        "Settings", __config__=ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True), **fields
    )
    return model


def _field(setting: Setting) -> tuple[Any, Any]:
    match setting:
        case ConnectionSetting():
            return Annotated[str, Field(min_length=1)], ...
        case ChannelSetting():
            return Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]{2,30}$")], ...
        case TextSetting(optional=True):
            return Annotated[str | None, Field(max_length=2000)], setting.default
        case TextSetting():
            return Annotated[str, Field(min_length=1, max_length=2000)], ...
        case NumberSetting():
            return Annotated[int, Field(ge=setting.min, le=setting.max)], ...
        case YesNoSetting():
            return bool, setting.default
        case ChoicesSetting():
            return Annotated[list[Literal[tuple(setting.of)]], Field(min_length=1)], ...  # type: ignore[misc]  # made at run time
        case DurationSetting():
            return Annotated[durations.Duration, AfterValidator(_within(setting))], ...
        case _:
            assert_never(setting)


def _within(setting: DurationSetting) -> Any:
    def between(value: str) -> str:
        if not durations.seconds(setting.min) <= durations.seconds(value) <= durations.seconds(setting.max):
            least, most = (durations.spoken(durations.seconds(bound)) for bound in (setting.min, setting.max))
            raise ValueError(f"between {least} and {most}, please")
        return value

    return between
