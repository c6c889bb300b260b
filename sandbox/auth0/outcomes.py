"""Outcomes: how something that people did at the tenant ended, or that it waits for them at another page."""

from typing import Any

from pydantic import BaseModel

from sandbox.auth0.course import Course
from sandbox.auth0.moments import letters
from sandbox.auth0.tenant import Tenant

MOST_KEPT = 500


class Outcome(BaseModel):
    """How it ended so far. While `redirect` is there, it is held: the person is at that page, and `state` brings them back."""

    id: str
    trigger: str
    user_id: str | None = None
    allowed: bool = False
    reason: str | None = None
    message: str | None = None
    code: str | None = None
    redirect: str | None = None
    state: str | None = None
    event: dict[str, Any] | None = None
    events: dict[str, dict[str, Any]] = {}
    executions: list[dict[str, Any]] = []
    logs: list[dict[str, Any]] = []
    mfa: dict[str, Any] | None = None
    claims: dict[str, dict[str, Any]] = {"id_token": {}, "access_token": {}}
    scope: list[str] | None = None
    organization: str | None = None
    actor: Any = None
    result_url: str | None = None

    def saw(self, course: Course) -> None:
        """Take over what a course of Actions has shown so far."""
        if self.event is None:
            self.event = course.event
        self.events[course.trigger.id] = course.event
        known = {one["id"] for one in self.executions}
        self.executions += [one.shown() for one in course.executions if one.id not in known]

    def refuse(self, reason: str, *, message: str | None = None, code: str | None = None) -> None:
        """End it with a no."""
        self.allowed, self.reason, self.message, self.code = False, reason, message, code
        self.redirect = self.state = None

    def allow(self) -> None:
        """End it with a yes."""
        self.allowed, self.reason, self.redirect, self.state = True, None, None, None


def begun(tenant: Tenant, trigger: str, user_id: str | None = None) -> Outcome:
    """Begin an outcome that can be asked for by its id from now on."""
    outcome = Outcome(id=f"txn_{letters(22)}", trigger=trigger, user_id=user_id)
    tenant.outcomes[outcome.id] = outcome
    for old in list(tenant.outcomes)[:-MOST_KEPT]:
        del tenant.outcomes[old]
    return outcome
