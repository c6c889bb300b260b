"""Words: what every piece of the flow language is made of."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

NAME: Final = r"^[a-z][a-z0-9_-]{0,62}$"
Name = Annotated[str, Field(pattern=NAME)]
Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
FullName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$")]
"""Of an action or an event: ``connector.name``."""
Text = Annotated[str, Field(min_length=1, max_length=2000)]
Title = Annotated[str, Field(min_length=1, max_length=75)]


class Words(BaseModel):
    """A piece of the language: frozen, and nothing in it that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False)
