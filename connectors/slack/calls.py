"""Any method of Slack's Web API, for what has no action of its own."""

import re
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, field_validator

from connectors.base import Value
from connectors.slack.client import Workspace
from connectors.slack.connector import slack

READING: Final = re.compile(
    r"info|list|history|replies|members|test|get|getPermalink|getPresence|lookupByEmail|identity"
)
"""The last words of methods that only look: Slack takes any method by GET, also those that change something."""
Method = Annotated[str, StringConstraints(pattern=r"^[a-z][A-Za-z]*(\.[A-Za-z0-9]+)+$", max_length=100)]


class ChangingCall(Value):
    """A call of the Web API."""

    method: Method = Field(title="Method", description="Such as pins.add.")
    arguments: dict[str, Any] = Field(
        default_factory=dict, title="Arguments", description="Names and values, as Slack's documentation has them."
    )

    @field_validator("arguments")
    @classmethod
    def _no_token(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        """Refuse another token than the connection's."""
        if "token" in arguments:
            raise ValueError("The token is the connection's own.")
        return arguments


class Call(ChangingCall):
    """A call of the Web API that reads."""

    method: Method = Field(title="Method", description="Such as users.info: one that only looks.")

    @field_validator("method")
    @classmethod
    def _reads(cls, method: str) -> str:
        """Refuse what may change something."""
        if not READING.fullmatch(method.rpartition(".")[2]):
            raise ValueError("This is not known to be a method that only reads; slack.call_change takes any.")
        return method


class Answer(Value):
    """What Slack answered."""

    body: dict[str, Any] = Field(title="Body", description="The whole answer, as JSON.")


@slack.action("Read from the Web API", effect="reads", repeatable=True)
async def call_read(client: Workspace, given: Call) -> Answer:
    """Call any method of Slack's Web API that only reads."""
    return Answer(body=dict(await client.call(given.method, reads=True, **given.arguments)))


@slack.action("Change by the Web API", effect="destroys")
async def call_change(client: Workspace, given: ChangingCall) -> Answer:
    """Call any method of Slack's Web API. What it does is up to the method: it may well destroy."""
    return Answer(body=dict(await client.call(given.method, **given.arguments)))
