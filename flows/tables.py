"""What is remembered: one table per thing. Times are Unix seconds."""

from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

_IS_ABOUT = text("person IS NOT NULL")
_IS_FILL = text("backfill IS NOT NULL")


class Connection(SQLModel, table=True):
    """One connected account. What is sealed can be read only with the key from the environment."""

    name: str = Field(primary_key=True)
    connector: str
    key: str = Field(unique=True)
    """The last part of the address its events arrive at. It names the connection; it is no proof of anything."""
    accepts: str
    """How its events prove where they come from: signed, bearer or client-token."""
    sealed_settings: str
    sealed_secret: str
    made_at: float


class ConnectionHealth(SQLModel, table=True):
    """How a connection was when it was last tried."""

    __tablename__ = "connection_health"

    name: str = Field(primary_key=True)
    claimed_at: float
    """When a process last undertook to try it: the others leave it alone for a while."""
    checked_at: float | None = None
    ok: bool = True
    said: str = ""
    told: bool = True
    """Whether it worked when people were last told of it. Until they are, it is taken to work."""


class StreamHealth(SQLModel, table=True):
    """How a stream that a service sends us was when it was last looked at."""

    __tablename__ = "stream_health"

    connection: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    claimed_at: float
    stopped: bool = False
    stops: list[float] = Field(default=[], sa_type=JSON)
    """When it was found switched off, during the last day."""
    told: str = ""
    """What people were told of it since it is switched off."""


class Memory(SQLModel, table=True):
    """Something that is remembered of the events of a connection."""

    __table_args__ = (Index("memory_by_age", "connection", "touched"),)

    connection: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    value: dict[str, Any] = Field(sa_type=JSON)
    touched: float


class DeniedAddress(SQLModel, table=True):
    """Network addresses that we do not trust."""

    __tablename__ = "denied_address"

    connection: str = Field(primary_key=True)
    """Where they are not trusted; empty: nowhere."""
    network: str = Field(primary_key=True)
    reason: str
    by: str
    at: float
    until: float | None = Field(default=None, index=True)


class Flow(SQLModel, table=True):
    """A flow that somebody set up: which version of it is in force, and whether it is on."""

    name: str = Field(primary_key=True)
    template: str
    version: int
    enabled: bool
    paused: bool = False
    """Nothing of it is carried out, and nothing is lost: its runs go on when it does."""
    changed_by: str
    """The Slack user who set it up or switched it last. They are asked when the flow reaches a cap."""
    changed_at: float


class FlowVersion(SQLModel, table=True):
    """What a flow was at one time. Never changed: a run under way goes on with the version it began with."""

    __tablename__ = "flow_version"

    flow: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_type=JSON)
    settings: dict[str, Any] = Field(sa_type=JSON)
    saved_by: str = ""
    saved_at: float = 0.0


class ShippedTemplate(SQLModel, table=True):
    """What a template that we ship said in one of its versions."""

    __tablename__ = "shipped_template"

    template: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    fingerprint: str = Field(primary_key=True)


class Revision(SQLModel, table=True):
    """One row, counted up with every change of a flow: other processes see by it that theirs are out of date."""

    id: int = Field(default=1, primary_key=True)
    number: int = 0


class Process(SQLModel, table=True):
    """One running process, for as long as it says so."""

    id: str = Field(primary_key=True)
    beat_at: float = Field(index=True)


class Run(SQLModel, table=True):
    """One carrying-out of one version of a flow for one event."""

    __table_args__ = (
        UniqueConstraint("flow", "event_id"),
        Index("run_by_flow", "flow", "began_at"),
        Index("run_by_state", "state", "wake_at"),
        Index("run_by_lane", "flow", "lane", "state"),
        Index("run_by_owner", "owner"),
        Index("run_by_end", "ended_at"),
        Index("run_by_person", "flow", "person", sqlite_where=_IS_ABOUT, postgresql_where=_IS_ABOUT),
        Index("run_by_backfill", "backfill", "state", sqlite_where=_IS_FILL, postgresql_where=_IS_FILL),
    )

    id: str = Field(primary_key=True)
    flow: str
    version: int
    trigger: int = 0
    """Which of the flow's triggers woke it."""
    event_id: str
    event: dict[str, Any] = Field(sa_type=JSON)
    person: str | None = None
    """Whom its event is about, by the service's own id, where its source says."""
    backfill: str | None = None
    """The back-fill that it belongs to."""
    lane: str = ""
    """The runs of a flow in one lane take turns, where the flow says so."""
    state: str
    """queued (its turn has not come), ready (to be carried out), running (by its owner), waiting (for a time, an answer
    or another run), done, failed, cancelled, or discarded (a failure that somebody has dealt with)."""
    owner: str | None = None
    """The process that carries it out."""
    nudged: bool = False
    """Something that it may wait for has come while it was being carried out."""
    wake_at: float | None = None
    recoveries: int = 0
    """How often its process died while carrying it out, since it last came further."""
    message: str = ""
    path: str = ""
    """The step that failed."""
    result: dict[str, Any] = Field(default={}, sa_type=JSON)
    """What it gave to the run that called it."""
    parent: str | None = None
    """The run that called it, and waits for it."""
    depth: int = 0
    """How many runs called one another before it."""
    began_at: float
    ended_at: float | None = None


class Journal(SQLModel, table=True):
    """What runs have done: one row for each thing that was noted, never changed."""

    run_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    """The path of the step, and what of it."""
    value: Any = Field(sa_type=JSON)
    at: float
    """When it began."""
    took: float
    """Seconds."""


class Spent(SQLModel, table=True):
    """How much a flow has changed or destroyed: in one run, or on one day."""

    scope: str = Field(primary_key=True)
    """``run <id>``, or ``day <flow> <date>``."""
    effect: str = Field(primary_key=True)
    count: int
    allowed: int = 0
    """How much more than the cap its owners have allowed."""
    at: float = Field(index=True)


class Tick(SQLModel, table=True):
    """The last time that a flow's schedule was looked at."""

    flow: str = Field(primary_key=True)
    trigger: int = Field(primary_key=True)
    at: float


class Miss(SQLModel, table=True):
    """How many events of a day did not wake a flow, by the guard that said no."""

    flow: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    guard: str = Field(primary_key=True)
    """The guard's path in the flow, such as ``when/0/only if/0``."""
    count: int


class MissSample(SQLModel, table=True):
    """One of the latest events that did not wake a flow. There is a fixed number of slots for each flow."""

    __tablename__ = "miss_sample"

    flow: str = Field(primary_key=True)
    slot: int = Field(primary_key=True)
    at: float
    event_id: str
    guard: str
    value: Any = Field(default=None, sa_type=JSON)
    """What the guard saw, masked."""
    wanted: Any = Field(default=None, sa_type=JSON)


class UnreadBody(SQLModel, table=True):
    """What a stream sent that could not be read."""

    __tablename__ = "unread_body"

    id: str = Field(primary_key=True)
    """Follows from the rest: the same body is kept once."""
    connection: str = Field(index=True)
    inlet: str
    body: bytes
    why: str
    at: float


class Dataset(SQLModel, table=True):
    """A stored collection of very many items. It lives as long as the run that made it is remembered."""

    id: str = Field(primary_key=True)
    run_id: str = Field(index=True)
    count: int
    fields: list[str] = Field(default=[], sa_type=JSON)
    made_at: float


class DatasetItem(SQLModel, table=True):
    """One item of a dataset."""

    __tablename__ = "dataset_item"

    dataset: str = Field(primary_key=True)
    position: int = Field(primary_key=True)
    item: Any = Field(sa_type=JSON)


class RowTable(SQLModel, table=True):
    """A table of rows to remember, with its typed columns. Flows that name it share it."""

    __tablename__ = "row_table"

    name: str = Field(primary_key=True)
    columns: dict[str, str] = Field(sa_type=JSON)
    key: list[str] = Field(default=[], sa_type=JSON)


class Row(SQLModel, table=True):
    """One row to remember."""

    __tablename__ = "remembered_row"
    __table_args__ = (UniqueConstraint("table_name", "key"),)

    id: int | None = Field(default=None, primary_key=True)
    table_name: str = Field(index=True)
    key: str | None = None
    """The values of the key's columns as JSON, where the table has a key."""
    cells: dict[str, Any] = Field(sa_type=JSON)
    changed_at: float


class Once(SQLModel, table=True):
    """A claim of `once per`: this key of this flow has had its run until then."""

    flow: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    event_id: str
    until: float = Field(index=True)


class Handled(SQLModel, table=True):
    """Somebody whom a flow has dealt with in a run that is forgotten: a back-fill passes them over."""

    flow: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    at: float


class Backfill(SQLModel, table=True):
    """A flow that is carried out for those who were there before it."""

    id: str = Field(primary_key=True)
    """The name of the dataset, too, of those for whom it is carried out."""
    flow: str = Field(index=True)
    version: int
    by: str
    state: str
    """ready (somebody has to say yes), running, done, cancelled."""
    total: int
    """For how many it is carried out."""
    position: int = 0
    """So many of them have been begun or passed over."""
    passed: int = 0
    """So many were passed over: they were dealt with already."""
    channel: str = ""
    message: str = ""
    """Where its progress is shown."""
    owner: str | None = None
    """The process that feeds it."""
    claimed_at: float = 0.0
    shown_at: float = 0.0
    made_at: float
    ended_at: float | None = None


class Hold(SQLModel, table=True):
    """Somebody whose login waits for what a run says."""

    run_id: str = Field(primary_key=True)
    say: str
    """What they are told meanwhile."""
    until: float
    """When they are told what the flow says for want of an answer."""
    reply: dict[str, Any] | None = Field(default=None, sa_type=JSON(none_as_null=True))
    """What becomes of their login."""


class Decision(SQLModel, table=True):
    """A question put to people, and its outcome."""

    __table_args__ = (
        Index("decision_by_state", "state", "deadline"),
        Index("decision_by_run", "run_id"),
        Index("decision_by_gathering", "gathering", "state", "place"),
    )

    id: str = Field(primary_key=True)
    run_id: str
    path: str
    question: dict[str, Any] = Field(sa_type=JSON)
    channel: str
    posting: bool = False
    """A message was sent off whose arrival is not known: look before sending another."""
    message: str | None = None
    """The message's timestamp, which is its name in Slack."""
    asked_at: float
    deadline: float
    state: str
    """pending, decided, expired (the time passed, and the default was taken), or cancelled with its run."""
    choice: str | None = None
    decided_by: str | None = None
    decided_at: float | None = None
    gathering: str | None = None
    """The questions that it stands in one message with."""
    place: int | None = None
    """As the how manieth of them it came."""
    outcome: str | None = None
    """How its run ended, where it stands with others: done, failed or cancelled."""
    said: str = ""
    """What the run said at its end."""


class Vote(SQLModel, table=True):
    """What somebody has chosen where several people have to choose the same."""

    decision: str = Field(primary_key=True)
    person: str = Field(primary_key=True)
    choice: str
    at: float


class Gathering(SQLModel, table=True):
    """Questions that stand in one message, because so many of them came within a short time."""

    __table_args__ = (UniqueConstraint("key", "serial"), Index("gathering_by_show", "stale", "shown_at"))

    id: str = Field(primary_key=True)
    key: str
    """What its questions have in common."""
    serial: int
    flow: str
    opened_at: float
    until: float
    """Those that come later stand in another message."""
    count: int = 0
    """How many questions came, with those before them that stand alone."""
    size: int = 0
    """How many stand in it."""
    channel: str
    message: str | None = None
    posting: bool = False
    """A message was sent off whose arrival is not known: look before sending another."""
    stale: bool = False
    """Its message does not show how things are."""
    shown_at: float = 0.0
    claimed_until: float = 0.0
    """Until then, one process sends or changes its message, and the others leave it alone."""


class AlertMessage(SQLModel, table=True):
    """One more message about a question: a reminder, or the question in another place."""

    __tablename__ = "alert_message"

    alert: str = Field(primary_key=True)
    """The decision that it is about."""
    name: str = Field(primary_key=True)
    at: float
    """When it was first tried to post it."""
    channel: str = ""
    message: str | None = None


class Permission(SQLModel, table=True):
    """Who, besides workspace admins, may do something: a Slack user or user group."""

    right: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
