"""What is remembered: one table per thing. Times are Unix seconds."""

from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel


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


class Flow(SQLModel, table=True):
    """A flow that somebody set up: which version of it is in force, and whether it is on."""

    name: str = Field(primary_key=True)
    template: str
    version: int
    enabled: bool
    changed_by: str
    """The Slack user who set it up or switched it last."""
    changed_at: float


class FlowVersion(SQLModel, table=True):
    """What a flow was at one time. Never changed: a run under way goes on with the version it began with."""

    __tablename__ = "flow_version"

    flow: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    document: dict[str, Any] = Field(sa_type=JSON)
    settings: dict[str, Any] = Field(sa_type=JSON)


class Run(SQLModel, table=True):
    """One carrying-out of one version of a flow for one event."""

    __table_args__ = (
        UniqueConstraint("flow", "event_id"),
        Index("run_by_flow", "flow", "began_at"),
        Index("run_by_state", "state"),
    )

    id: str = Field(primary_key=True)
    flow: str
    version: int
    event_id: str
    event: dict[str, Any] = Field(sa_type=JSON)
    state: str
    """waking (accepted, not begun), running, waiting (for an answer), done or failed."""
    message: str = ""
    segments: list[str] = Field(default=[], sa_type=JSON)
    """The journals of this run, oldest first."""
    began_at: float
    ended_at: float | None = None


class Once(SQLModel, table=True):
    """A claim of `once per`: this key of this flow has had its run until then."""

    flow: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    event_id: str
    until: float


class Decision(SQLModel, table=True):
    """A question put to people, and its outcome."""

    __table_args__ = (Index("decision_by_state", "state", "deadline"), Index("decision_by_run", "run_id"))

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
    """pending, decided, or expired (the time passed, and the default was taken)."""
    choice: str | None = None
    decided_by: str | None = None
    decided_at: float | None = None
    resumed: bool = False
    """The run has been told."""


class Permission(SQLModel, table=True):
    """Who, besides workspace admins, may do something: a Slack user or user group."""

    right: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)
