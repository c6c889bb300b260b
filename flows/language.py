"""The flow language: what a flow may say, as data."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from flows import durations
from flows.conditions import Tests
from flows.durations import Duration
from flows.fields import Fields
from flows.triggers import Triggers
from flows.words import FullName, Identifier, Name, Text, Title, Words

VERSION: Final = "1"
"""The version of the language. A run begun under one version is finished by programs that speak it."""

LONGEST_HOLD: Final = 3600
"""Seconds for which a login is held at most: Auth0 forgets one that is not taken up again."""
MOST_STEPS: Final = 200
"""Steps in one sequence."""

# --- when a step fails ----------------------------------------------------------------------------------------------

ErrorKind = Literal["later", "ambiguous", "missing", "refused", "reconnect"]
"""Why something did not work: no time now; perhaps it happened; not there; not allowed; the connection is not good."""


class Retry(Words):
    """How often something is tried, and how long to wait in between. What the service asks for goes first."""

    attempts: Annotated[int, Field(ge=1, le=20)] = 8
    pause: Duration = "1s"
    factor: Annotated[float, Field(ge=1, le=10)] = 2
    longest: Duration = "15m"
    errors: Annotated[list[ErrorKind], Field(min_length=1)] = ["later"]


class OnError(Words):
    """What happens when a step fails: try again, and then halt, or go on with given values, or run some steps.

    With `only_for` it goes on after errors of these kinds; others halt.
    """

    retry: Retry | None = Field(default=None, alias="try again")
    only_for: Annotated[list[ErrorKind], Field(min_length=1)] | None = Field(default=None, alias="only for")
    give: dict[Identifier, Any] | None = None
    steps: Annotated[list["Step"], Field(min_length=1, max_length=MOST_STEPS)] | None = None

    def fits(self, kind: str) -> bool:
        """Return whether a flow goes on after an error of this kind."""
        return self.only_for is None or kind in self.only_for

    @model_validator(mode="after")
    def _one_way_on(self) -> "OnError":
        if self.give is not None and self.steps is not None:
            raise ValueError("after an error a flow goes on with `give:` or with `steps:`, not with both")
        if self.retry is None and self.give is None and self.steps is None:
            raise ValueError("say `try again:`, `give:` or `steps:`")
        if self.only_for is not None and self.give is None and self.steps is None:
            raise ValueError("`only for:` is about `give:` or `steps:`")
        return self


# --- steps ----------------------------------------------------------------------------------------------------------


class Base(Words):
    """What every kind of step may have."""

    id: Identifier | None = None
    on_error: OnError | None = Field(default=None, alias="on error")


class Do(Base):
    """Carry out an action."""

    do: FullName
    using: Text | None = None
    with_: dict[str, Any] = Field(default={}, alias="with")


class Choice(Words):
    """One answer that people may give to a question."""

    title: Annotated[str, Field(min_length=1, max_length=30)]
    style: Literal["primary", "danger"] | None = None
    confirm: Annotated[str, Field(max_length=300)] | None = None


def _choices(value: object) -> object:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return {name: {"title": name.replace("_", " ").capitalize()} for name in value}
    return value


class Remind(Words):
    """Say in the thread of a question that nobody has answered it, each so often."""

    every: Text
    times: Annotated[int, Field(ge=1, le=20)] = 3
    mention: Text | None = None


class Escalate(Words):
    """Ask in a second place, too, when nobody has answered for a while."""

    after: Text
    to: Text


class Together(Words):
    """Ask many questions in one message: those with the same key that come within some time, from the n-th on."""

    within: Text
    key: Text | None = None
    from_: Annotated[int, Field(ge=1, le=100)] = Field(default=1, alias="from")


def _remind(value: object) -> object:
    return {"every": value} if isinstance(value, str) else value


class Ask(Base):
    """Put a question to people in Slack and wait for the answer."""

    id: Identifier
    ask: Text
    title: Annotated[str, Field(max_length=150)] | None = None
    in_: Text = Field(alias="in")
    details: dict[Title, Text] = {}
    choices: Annotated[dict[Identifier, Choice], BeforeValidator(_choices), Field(min_length=1, max_length=5)]
    within: str
    otherwise: Identifier
    remind: Annotated[Remind | None, BeforeValidator(_remind)] = None
    escalate: Escalate | None = None
    together: Together | None = None
    votes: Annotated[int, Field(ge=1, le=10)] | Text = 1


def _bearable(value: str) -> str:
    if "{{" in value:
        return value
    if not 0 < durations.seconds(value) <= LONGEST_HOLD:
        raise ValueError(f"at most {durations.spoken(LONGEST_HOLD)}, please")
    return value


class Claims(Words):
    """Claims to set in the tokens of a login."""

    id_token: dict[str, Any] = Field(default={}, alias="id token")
    access_token: dict[str, Any] = Field(default={}, alias="access token")


class Hold(Words):
    """Keep somebody who is logging in waiting, until the flow gives another answer, or for so long at most."""

    say: Text
    at_most: Annotated[Duration, AfterValidator(_bearable)] = Field(default="10m", alias="at most")


class Reply(Words):
    """What a waiting Auth0 Action is told to do. Nothing said means: allow."""

    deny: Text | None = None
    require_mfa: bool | list[Text] = Field(default=False, alias="require mfa")
    claims: Claims = Claims()
    user_metadata: dict[str, Any] = Field(default={}, alias="user metadata")
    app_metadata: dict[str, Any] = Field(default={}, alias="app metadata")
    redirect: Text | None = None
    revoke_session: Text | None = Field(default=None, alias="revoke session")
    hold: Hold | None = None


def _reply(value: object) -> object:
    return {} if value == "allow" else value


class Answer(Base):
    """Tell a waiting Auth0 Action what to do: ``allow``, or a reply."""

    answer: Annotated[Reply, BeforeValidator(_reply)]


class PageChoice(Words):
    """One answer that a person may give on a page of ours."""

    title: Annotated[str, Field(min_length=1, max_length=60)]
    style: Literal["primary", "danger"] | None = None


class LinkChoice(PageChoice):
    """One answer that a person may give by a link."""

    after_login: bool = Field(default=False, alias="after login")


class Show(Base):
    """Show somebody who is logging in a page, and wait for their choice."""

    id: Identifier
    show: Text
    title: Annotated[str, Field(max_length=150)] | None = None
    links: dict[Title, Text] = {}
    choices: Annotated[dict[Identifier, PageChoice], BeforeValidator(_choices), Field(min_length=1, max_length=5)]
    within: Annotated[str, AfterValidator(_bearable)] = "10m"
    otherwise: Identifier


class Invite(Base):
    """Make links by which a person outside of Slack answers a question, and go on. `hear` waits for the answer."""

    id: Identifier
    invite: Text
    title: Annotated[str, Field(max_length=150)] | None = None
    links: dict[Title, Text] = {}
    choices: Annotated[dict[Identifier, LinkChoice], BeforeValidator(_choices), Field(min_length=1, max_length=5)]
    using: Text | None = None
    person: Text | None = None
    within: str
    otherwise: Identifier


class Hear(Base):
    """Wait for the answer to an invitation."""

    hear: Identifier


class ElseIf(Words):
    """Some steps, if what stands before does not hold and this does."""

    if_: Tests = Field(alias="if")
    then: Annotated[list["Step"], Field(max_length=MOST_STEPS)]


class If(Base):
    """Carry out some steps if every condition holds, otherwise others."""

    if_: Tests = Field(alias="if")
    then: Annotated[list["Step"], Field(max_length=MOST_STEPS)]
    else_if: Annotated[list[ElseIf], Field(max_length=20)] = Field(default=[], alias="else if")
    else_: Annotated[list["Step"], Field(max_length=MOST_STEPS)] = Field(default=[], alias="else")


class Each(Base):
    """Carry out some steps for each item of a list or a dataset."""

    each: Any
    as_: Identifier = Field(default="item", alias="as")
    at_once: Annotated[int, Field(ge=1, le=50)] = Field(default=1, alias="at once")
    batches: Annotated[int, Field(ge=1, le=10_000)] | None = Field(default=None, alias="in batches of")
    failing: Literal["stop", "set aside"] = "stop"
    collect: Any = None
    add_up: Annotated[dict[Identifier, Any], Field(max_length=20)] = Field(default={}, alias="add up")
    steps: Annotated[list["Step"], Field(min_length=1, max_length=MOST_STEPS)]


class Until(Words):
    """A time to wait for: ISO 8601 or Unix seconds. One that has passed is not waited for."""

    until: Any


class Wait(Base):
    """Let a duration pass, or wait until a time."""

    wait: str | Until


class Set(Base):
    """Name values, for later steps to refer to as ``{{ steps.<id>.<name> }}``."""

    id: Identifier
    set: Annotated[dict[Identifier, Any], Field(min_length=1)]


class Call(Base):
    """Carry out another flow, and wait for its result unless it runs in the background."""

    call: Name
    with_: dict[Identifier, Any] = Field(default={}, alias="with")
    background: bool = False


class Stop(Base):
    """End the run, say how it ended, and give values to the flow that called this one."""

    stop: Literal["done", "failed"]
    say: Text
    give: dict[Identifier, Any] = {}


KINDS: Final[Mapping[str, type[Base]]] = {
    "do": Do,
    "ask": Ask,
    "answer": Answer,
    "show": Show,
    "invite": Invite,
    "hear": Hear,
    "if": If,
    "each": Each,
    "wait": Wait,
    "set": Set,
    "call": Call,
    "stop": Stop,
}
"""The kinds of step, by the word that only they have."""


def _kind_of_step(value: object) -> str | None:
    match value:
        case Mapping():
            kinds = [kind for kind in KINDS if kind in value]
            return kinds[0] if len(kinds) == 1 else None
        case _:
            return next((kind for kind, model in KINDS.items() if isinstance(value, model)), None)


Step = Annotated[
    Annotated[Do, Tag("do")]
    | Annotated[Ask, Tag("ask")]
    | Annotated[Answer, Tag("answer")]
    | Annotated[Show, Tag("show")]
    | Annotated[Invite, Tag("invite")]
    | Annotated[Hear, Tag("hear")]
    | Annotated[If, Tag("if")]
    | Annotated[Each, Tag("each")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[Set, Tag("set")]
    | Annotated[Call, Tag("call")]
    | Annotated[Stop, Tag("stop")],
    Discriminator(
        _kind_of_step,
        custom_error_type="kind_of_step",
        custom_error_message=f"a step has exactly one of {', '.join(f'`{kind}:`' for kind in KINDS)}",
    ),
]

# --- the flow -------------------------------------------------------------------------------------------------------


class Turns(Words):
    """What happens to an event while a run for an earlier one is under way, in all or for the same key.

    parallel: runs side by side, `limit` at most, the others wait in line. queued: one after the other, `limit` at most
    in line. single: the new event is let go. restart: the earlier run is cancelled.
    """

    mode: Literal["parallel", "single", "queued", "restart"] = "parallel"
    limit: Annotated[int, Field(ge=1, le=100_000)] | None = None
    per: Text | None = None


class Cap(Words):
    """How many things a flow may do before its owners are asked. A number, or a reference to a setting."""

    per_run: int | str | None = Field(default=None, alias="per run")
    per_day: int | str | None = Field(default=None, alias="per day")


class Limits(Words):
    """How far a flow may reach. What destroys needs a cap of its own."""

    changes: Cap = Cap.model_validate({"per run": 1_000, "per day": 10_000})
    destroys: Cap | None = None


ColumnType = Literal["text", "number", "boolean", "time", "json"]


class Table(Words):
    """A table of rows to remember: its columns, and those that together name a row."""

    columns: Annotated[dict[Identifier, ColumnType], Field(min_length=1, max_length=50)]
    key: Annotated[list[Identifier], Field(max_length=5)] = []


class Template(Words):
    """A flow with settings to fill in."""

    template: Name
    version: Annotated[int, Field(ge=1)]
    title: Title
    about: Text
    settings: Fields = {}
    tables: Annotated[dict[Identifier, Table], Field(max_length=20)] = {}
    runs: Turns = Turns()
    limits: Limits = Limits()
    when: Triggers
    steps: Annotated[list[Step], Field(min_length=1, max_length=MOST_STEPS)]


_models: tuple[type[Words], ...] = (OnError, *KINDS.values(), ElseIf, Template)
for _model in _models:
    _model.model_rebuild()


def written(template: Template) -> dict[str, Any]:
    """Return a flow as the plain data that people write: what they left out stays out."""
    return template.model_dump(mode="json", by_alias=True, exclude_unset=True)
