"""Pages: what a flow asks a person outside of Slack, on a page of ours: within their login, or by links."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from flows import durations
from flows.interruptions import StepFailedError
from flows.language import LONGEST_HOLD, Hear, Invite, Show
from flows.loops import received
from flows.questions import Question
from flows.references import fill, spoken

if TYPE_CHECKING:
    from flows.engine import Run, Scope

TO_GO_ON: Final = 60
"""Seconds that a flow has, after somebody has not chosen in time, to say what becomes of their login."""


async def show(run: "Run", step: Show, path: str, scope: "Scope") -> Mapping[str, Any]:
    """Show somebody who is logging in a page. Returns what they chose."""
    question = _question(run, step, path, scope, {"held": True})
    if question.within > LONGEST_HOLD:
        raise StepFailedError(path, f"within: a login is held for {durations.spoken(LONGEST_HOLD)} at most")
    around, run_id = run.around, run.errand.run_id
    hold = {"say": question.text, "at most": f"{question.within + TO_GO_ON}s"}

    def opened(connection: Any) -> None:
        around.holds.hold(connection, run_id, hold)
        around.pages.open(connection, question)

    await run.journal.stored(path, opened)
    run.held = True
    around.recorder.given(path, {"show": question.text, "choices": list(question.choices)})
    around.answer(run_id, {"hold": hold})
    return await _heard(run, f"{path}/answer", question)


async def invite(run: "Run", step: Invite, path: str, scope: "Scope") -> Mapping[str, Any]:
    """Make the links by which a person may answer. Returns them."""
    page = {
        "after login": [name for name, choice in step.choices.items() if choice.after_login],
        "connection": spoken(fill(step.using, scope)) or None,
        "person": spoken(fill(step.person, scope)) or None,
    }
    if page["after login"] and not (page["connection"] and page["person"]):
        raise StepFailedError(path, "person: nobody is named who could log in")
    question = _question(run, step, path, scope, page)
    around = run.around

    def opened(connection: Any) -> float:
        around.pages.open(connection, question)
        return around.now() + question.within

    until = await run.journal.stored(path, opened)
    run.invitations[question.id] = question
    around.recorder.given(path, {"invite": question.text, "choices": list(question.choices)})
    return {
        "invitation": question.id,
        "links": {name: around.pages.link(question.id, name) for name in question.choices},
        "until": datetime.fromtimestamp(until, UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


async def hear(run: "Run", step: Hear, path: str, scope: "Scope") -> Mapping[str, Any]:
    """Wait for the answer to an invitation. Returns it."""
    invited = scope["steps"].get(step.hear) or {}
    question = run.invitations.get(str(invited.get("invitation")))
    if question is None:
        raise StepFailedError(path, f"nobody was invited by {step.hear}")
    run.around.recorder.given(path, {"hear": question.text})
    return await _heard(run, path, question)


async def _heard(run: "Run", name: str, question: Question) -> Mapping[str, Any]:
    answer: Mapping[str, Any] = await received(run.journal, name, lambda: run.around.people.answer(question))
    return answer


def _question(run: "Run", step: Show | Invite, path: str, scope: "Scope", page: Mapping[str, Any]) -> Question:
    filled = {name: fill(value, scope) for name, value in step.model_dump(by_alias=True).items()}
    try:
        within = durations.seconds(filled["within"])
    except ValueError as error:
        raise StepFailedError(path, f"within: {error}") from error
    text = spoken(filled["show" if isinstance(step, Show) else "invite"])
    return Question(
        id=f"{run.errand.run_id}/{path}",
        run_id=run.errand.run_id,
        path=path,
        flow=run.errand.flow,
        flow_title=run.errand.template.title,
        text=text,
        title=spoken(filled["title"] or run.errand.template.title),
        channel="",
        details={},
        choices={
            name: {"title": spoken(choice["title"]), "style": choice["style"], "confirm": None}
            for name, choice in filled["choices"].items()
        },
        otherwise=step.otherwise,
        within=within,
        page={"links": {title: spoken(to) for title, to in filled["links"].items()}, **page},
    )
