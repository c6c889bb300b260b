"""The course of a trigger: the Actions that are bound to it, run in their order till one refuses, fails or redirects."""

import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth0.drafts import Version, settle
from sandbox.auth0.effects import Denial, Effects, Redirect
from sandbox.auth0.runner import Execution, run
from sandbox.auth0.tenant import Tenant
from sandbox.auth0.triggers import Trigger


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One Action as it was bound and deployed when the course began."""

    binding_id: str
    action_id: str
    name: str
    version: Version


@dataclass(slots=True, kw_only=True)
class Course:
    """How far it has come."""

    trigger: Trigger
    event: dict[str, Any]
    left: list[Bound]
    effects: Effects = field(default_factory=Effects)
    executions: list[Execution] = field(default_factory=list)
    failures: list[tuple[Bound, Execution]] = field(default_factory=list)
    denial: Denial | None = None
    redirect: Redirect | None = None
    spoiled: bool = False
    """Whether more was asked for than the service does."""

    @property
    def failed(self) -> bool:
        """Whether an Action has failed, which undoes what was asked for."""
        return bool(self.failures) or self.spoiled


def begin(tenant: Tenant, trigger: Trigger, event: dict[str, Any]) -> Course:
    """Choose what is to run: the Actions that are bound and deployed now, whatever changes later."""
    bound = []
    for binding in tenant.bindings.get(trigger.id, []):
        action = tenant.actions.get(binding["action_id"])
        if action is None:
            continue
        settle(tenant, action)
        if action.deployed is not None:
            bound.append(
                Bound(binding_id=binding["id"], action_id=action.id, name=action.name, version=action.deployed)
            )
    return Course(trigger=trigger, event=event, left=bound)


async def follow(tenant: Tenant, course: Course, *, state: str | None = None) -> None:
    """Run what is left, all of it within the time of one trigger; with a state, the first one takes up where it redirected."""
    until = time.monotonic() + tenant.settings.action_seconds
    course.redirect = None
    while course.left:
        bound = course.left[0]
        execution = await run(
            tenant.settings,
            bound.name,
            bound.version.draft,
            course.event,
            state=state,
            limit=max(until - time.monotonic(), 0.0),
        )
        course.executions.append(execution)
        if execution.error is not None:
            course.failures.append((bound, execution))
            course.denial = Denial(reason=execution.error)
            return
        course.denial, course.redirect = course.effects.take(course.trigger.id, execution.commands)
        share(course)
        too_large = course.effects.too_large()
        if too_large is not None:
            course.spoiled, course.redirect = True, None
            course.denial = Denial(reason=f"what is to be written into {too_large} is larger than 32 kB")
            return
        if course.denial is not None:
            course.redirect = None
            return
        if course.redirect is not None:
            return  # it stays the first one, to be taken up again
        course.left.pop(0)
        state = None


def share(course: Course) -> None:
    """Let the Actions that follow see the metadata of the transaction."""
    noted = course.effects.transaction_metadata
    if noted:
        transaction = course.event.get("transaction") or {}
        metadata = {**(transaction.get("metadata") or {}), **noted}
        course.event = {**course.event, "transaction": {**transaction, "metadata": metadata}}
