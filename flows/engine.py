"""The interpreter: carries out the steps of a flow, one `match` over their kinds."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, assert_never

from pydantic import ValidationError

from connectors.base import Action, filling
from connectors.errors import Ambiguous, ConnectorError
from connectors.limits import as_before, hurry
from flows import durations, loops, pages
from flows.attempts import Outcome, attempt, noting
from flows.conditions import all_hold, moment
from flows.interruptions import StepFailedError, StoppedError, SuspendedError
from flows.journal import Act, Journal
from flows.language import Answer, Ask, Call, Do, Each, Hear, If, Invite, Set, Show, Step, Stop, Until, Wait
from flows.questions import ESCALATE, Question, insistences, together
from flows.references import fill, spoken
from flows.surroundings import Ended, Errand, Over, Surroundings

Scope = Mapping[str, Any]
"""What references refer to."""

LOCAL: Final = frozenset({"item", "row"})
"""What references within the conditions of an action refer to: the action fills them in, item by item."""
STOP: Final = "stop"
GO_ON: Final = "go_on"
DECIDES: Final = 7 * 86400
"""Seconds that the owners of a flow have to say whether it may pass a cap."""


async def carry_out(errand: Errand, *, journal: Journal, surroundings: Surroundings) -> Ended:
    """Carry out a run to its end, and tell people how it ended if they were asked, or if it failed.

    Raises SuspendedError when the run has to wait; called again over the same journal, it goes on there.
    """
    run = Run(errand, journal, surroundings)
    try:
        with as_before():  # what is decided in this run hurries nothing else
            await run.sequence(errand.template.steps, "steps", run.scope)
        ended = Ended(outcome="done", message="")
    except StoppedError as stopped:
        ended = stopped.ended
    except StepFailedError as failed:
        ended = Ended(outcome="failed", message=failed.message, path=failed.path)
    if run.asked or ended.outcome == "failed":
        await run.tell(ended)
    if run.invitations and ended.outcome == "done":  # one that failed may go on, with the same links
        await journal.stored("invitations", lambda connection: surroundings.pages.close(connection, errand.run_id))
    return ended


class Run:
    """One pass over the steps of a flow. What the journal knows is not done again."""

    def __init__(self, errand: Errand, journal: Journal, surroundings: Surroundings) -> None:
        self.errand = errand
        self.journal = journal
        self.around = surroundings
        self.asked = False
        self.held = False
        self.invitations: dict[str, Question] = {}
        self.scope: Scope = {
            "settings": errand.settings,
            "event": errand.event,
            "run": {"id": errand.run_id, "flow": errand.flow},
            "steps": {},
        }

    async def sequence(self, steps: Sequence[Step], path: str, scope: Scope) -> Scope:
        """Carry out some steps. Returns what is known after them."""
        scope = {**scope, "steps": dict(scope["steps"])}
        for index, step in enumerate(steps):
            here = f"{path}/{index}"
            gave, inner = await self.step(step, here, scope)
            scope["steps"].update(inner)
            if step.id is not None:
                scope["steps"][step.id] = gave
        return scope

    async def step(self, step: Step, path: str, scope: Scope) -> tuple[Any, Mapping[str, Any]]:
        """Carry out one step. Returns what it gives, and what the steps within it gave."""
        self.around.recorder.began(path, step)
        try:
            gave, inner = await self.plain(step, path, scope)
        except StoppedError as stopped:
            self.around.recorder.ended(path, gave=stopped.ended.gave if isinstance(step, Stop) else None)
            raise
        except StepFailedError as failed:
            ways = None if step.on_error is None or not step.on_error.fits(failed.kind) else step.on_error
            instead = {**scope, "error": {"kind": failed.kind, "message": failed.message}}
            gave = fill(ways.give, instead) if ways is not None and ways.give is not None else None
            self.around.recorder.ended(path, gave=gave, error=failed.message)
            if ways is None or (ways.give is None and ways.steps is None):
                raise
            if ways.give is not None:
                return gave, {}
            return None, _new(await self.sequence(ways.steps or [], f"{path}/on error/steps", instead), instead)
        self.around.recorder.ended(path, gave=gave)
        return gave, inner

    async def plain(self, step: Step, path: str, scope: Scope) -> tuple[Any, Mapping[str, Any]]:
        """Carry out one step, whatever happens if it fails."""
        match step:
            case Do():
                return await self.do(step, path, scope), {}
            case Ask():
                return await self.ask(step, path, scope), {}
            case Answer():
                reply = fill(step.answer.model_dump(mode="json", by_alias=True, exclude_unset=True), scope)
                self.around.recorder.given(path, reply)
                await self.answer(reply, path)
                return {}, {}
            case Show():
                return await pages.show(self, step, path, scope), {}
            case Invite():
                return await pages.invite(self, step, path, scope), {}
            case Hear():
                return await pages.hear(self, step, path, scope), {}
            case If():
                steps, branch = _branch(step, scope)
                self.around.recorder.given(path, {"branch": branch})
                return {}, _new(await self.sequence(steps, f"{path}/{branch}", scope), scope)
            case Each():
                return await loops.each(self, step, path, scope), {}
            case Wait():
                return await self.wait(step, path, scope), {}
            case Set():
                return fill(step.set, scope), {}
            case Call():
                return await self.call(step, path, scope), {}
            case Stop():
                say = spoken(fill(step.say, scope))
                self.around.recorder.given(path, {"say": say})
                raise StoppedError(Ended(outcome=step.stop, message=say, path=path, gave=fill(step.give, scope)))
            case _:
                assert_never(step)

    async def answer(self, reply: Mapping[str, Any], path: str) -> None:
        """Tell whoever waits what to do. Whoever was told to hold comes back for the next answer: that one is kept."""
        holds, run_id = self.around.holds, self.errand.run_id
        if "hold" in reply:
            await self.journal.stored(path, lambda connection: holds.hold(connection, run_id, reply["hold"]))
            self.held = True
        elif self.held:
            await self.journal.stored(path, lambda connection: holds.release(connection, run_id, reply))
        self.around.answer(run_id, reply)

    # --- actions ----------------------------------------------------------------------------------------------------

    async def do(self, step: Do, path: str, scope: Scope) -> Any:
        """Carry out an action."""
        action = self.around.catalog.action(step.do)
        if action is None:
            raise StepFailedError(path, f"there is no action {step.do}")
        given = self.given(step, action, path, scope)
        self.around.recorder.given(path, given.model_dump(mode="json", by_alias=True))
        hands = self.around.hands
        match action.way:
            case "computes":
                return self.outcome(path, noting(lambda: hands.store(action, None, given, path=path)))
            case "stores":
                noted = await self.journal.stored(
                    path, lambda connection: noting(lambda: hands.store(action, connection, given, path=path))
                )
                return self.outcome(path, noted)
            case "calls" | "streams":
                return await self.reach_out(step, action, given, path, spoken(fill(step.using, scope)))
            case _:
                assert_never(action.way)

    async def reach_out(self, step: Do, action: Action, given: Any, path: str, connection: str) -> Any:
        """Carry out an action in another service: counted, and never twice unless that is the same as once."""
        hands, mine = self.around.hands, uuid.uuid4().hex
        repeatable = action.repeatable or action.effect == "reads"
        begun_before, client, unreached = False, None, None

        async def reach() -> None:
            # Before it is noted that anything begins: whatever happens while it is looked up, nothing was sent.
            nonlocal client, unreached
            client, unreached = None, None
            try:
                client = await hands.reach(action, connection)
            except ConnectorError as error:
                unreached = error  # which is what comes of this attempt

        async def act() -> Any:
            if begun_before and not action.repeatable:
                raise Ambiguous("The program ended while this was being done.")
            if unreached is not None:
                raise unreached
            return await hands.carry_out(action, client, given, path=path, errand=self.errand)

        async def again(name: str) -> None:
            # The attempts before certainly did nothing. Of this one, too, nobody would know after a crash.
            nonlocal begun_before
            await reach()
            if action.connected and not repeatable:
                noted = await self.journal.stored(name, lambda _connection: {"by": mine})
                begun_before = noted["by"] != mine

        if self.journal.noted(path) is None:
            await reach()
        if action.effect != "reads" and action.connected:
            begun_before = await self.begin(action, given, path, mine)
        return await self.attempt(step, path, act, repeatable=repeatable, begin=again)

    async def begin(self, action: Action, given: Any, path: str, mine: str) -> bool:
        """Note that something is about to be changed, and count it. Returns whether that was noted before.

        The mark in the journal is that of whoever noted it. If it is not ours, and the result is not there, nobody knows
        whether it happened. Passing a cap needs the word of the flow's owners.
        """
        count = action.counts(given)
        caps, limits = self.around.caps, self.errand.template.limits

        def mark(connection: Any) -> Any:
            over = caps.spend(connection, self.errand, effect=action.effect, count=count, limits=limits)
            spent = {"effect": action.effect, "count": count}
            return {"by": mine, "spent": spent} if over is None else {"over": _plain(over)}

        begun = await self.journal.stored(f"{path}/begun", mark)
        if "over" not in begun:
            return bool(begun["by"] != mine)
        over = Over(**begun["over"])
        question = _over_a_cap(self.errand, action, path, over)
        if (await self.question(question, f"{path}/cap"))["choice"] != GO_ON:
            raise StepFailedError(
                path, f"the flow reached its cap of {over.cap} a {over.period}, and was stopped there"
            )

        def allow(connection: Any) -> Any:
            caps.allow(connection, self.errand, over, count=count)
            return {"by": mine, "spent": {"effect": over.effect, "count": count}}

        allowed = await self.journal.stored(f"{path}/allowed", allow)
        return bool(allowed["by"] != mine)

    def given(self, step: Do, action: Action, path: str, scope: Scope) -> Any:
        """Return what an action is given, with its references filled in, and checked."""
        filled = {}
        for name, value in step.with_.items():
            field = action.given.model_fields.get(name)
            extra = field.json_schema_extra if field is not None else None
            conditions = isinstance(extra, dict) and bool(extra.get("conditions"))
            try:
                if conditions:
                    filled[name] = fill(value, scope, keep=LOCAL)
                else:
                    way = filling(field)
                    filled[name] = fill(value, scope, write=way.write) if way is not None else fill(value, scope)
            except ValueError as error:
                raise StepFailedError(path, f"{name}: {error}") from error
        try:
            return action.given.model_validate(filled)
        except ValidationError as error:
            raise StepFailedError(path, _first_words(error)) from error

    async def attempt(
        self,
        step: Step,
        path: str,
        act: Act,
        *,
        repeatable: bool,
        begin: Callable[[str], Awaitable[None]] | None = None,
    ) -> Any:
        """Act until it works or there is no point in trying again."""
        retry = step.on_error.retry if step.on_error is not None else None
        outcome = await attempt(self.journal, self.around, path, act, retry=retry, repeatable=repeatable, begin=begin)
        return self.outcome(path, outcome)

    def outcome(self, path: str, outcome: Outcome) -> Any:
        """Return what something gave. Raises StepFailedError if it did not work."""
        if "gave" in outcome:
            return outcome["gave"]
        raise StepFailedError(path, outcome["error"], outcome["kind"])

    # --- people -----------------------------------------------------------------------------------------------------

    async def ask(self, step: Ask, path: str, scope: Scope) -> Any:
        """Put a question to people. Returns their answer."""
        filled = {name: fill(value, scope) for name, value in step.model_dump(by_alias=True).items()}
        remind, escalate, many = (filled[word] or {} for word in ("remind", "escalate", "together"))
        channel = spoken(filled["in"])
        within = _seconds(filled["within"], path, "within")
        question = Question(
            id=f"{self.errand.run_id}/{path}",
            run_id=self.errand.run_id,
            path=path,
            flow=self.errand.flow,
            flow_title=self.errand.template.title,
            text=spoken(filled["ask"]),
            title=spoken(filled["title"] or filled["ask"]),
            channel=channel,
            details={label: _detail(value) for label, value in filled["details"].items()},
            choices=filled["choices"],
            otherwise=step.otherwise,
            within=within,
            votes=_votes(filled["votes"], path),
            remind=_seconds(remind["every"], path, "remind") if remind else 0,
            reminders=remind.get("times", 0),
            mention=_people(remind.get("mention")),
            escalate_to=spoken(escalate.get("to")),
            escalate_after=_seconds(escalate["after"], path, "escalate") if escalate else 0,
            together=together(self.errand.flow, step.id, channel, list(step.choices), spoken(many.get("key")))
            if many
            else "",
            together_within=_seconds(many["within"], path, "together") if many else 0,
            together_from=many.get("from", 1),
        )
        self.around.recorder.given(path, {"ask": question.text, "in": question.channel, "choices": list(step.choices)})
        return await self.question(question, path, step)

    async def question(self, question: Question, path: str, step: Step | None = None) -> Any:
        """Put a question where people see it. Returns the answer when it has come."""
        self.asked = True

        async def put() -> None:
            await self.around.people.ask(question)

        async def settle() -> None:
            await self.around.people.settle(question)

        retry = step.on_error.retry if step is not None and step.on_error is not None else None
        put_there = await attempt(self.journal, self.around, path, put, retry=retry, repeatable=True)
        self.outcome(path, put_there)
        is_new = self.journal.noted(f"{path}/answer") is None
        answer = await self.received(f"{path}/answer", lambda: self.insisted(question, path))
        if is_new and answer["how"] == "person":
            hurry()  # they look at the message, and wait
        # Once only, and whatever comes of it: what was decided must not wait for a message. `tell` shows it again.
        await attempt(self.journal, self.around, f"{path}/settled", settle, once=True)
        return answer

    async def insisted(self, question: Question, path: str) -> Mapping[str, Any] | None:
        """Return the answer to a question. While there is none, say so when its time has come, and wait for the next one."""
        answer = await self.around.people.answer(question)
        if answer is not None or not (question.reminders or question.escalate_to):
            return answer
        since = await self.around.people.speaks_since(question)
        said = insistences(question, since) if since is not None else ()
        now = self.around.now()
        for index, one in enumerate(said):
            name = f"{path}/{one.name}"
            if self.journal.noted(name) is None:
                if one.at > now:
                    raise SuspendedError(name, until=one.at)
                if one.name != ESCALATE and any(
                    later.at <= now for later in said[index + 1 :] if later.name != ESCALATE
                ):
                    continue  # nothing was running for long: one reminder is enough

            async def say(which: str = one.name) -> None:
                await self.around.people.insist(question, which)

            await attempt(self.journal, self.around, name, say, repeatable=True)
        return await self.around.people.answer(question)

    async def tell(self, ended: Ended) -> None:
        """Say how the run ended."""

        async def act() -> None:
            await self.around.people.tell(self.errand, ended)

        # If nobody can be told, the run has ended all the same; the bot has logged why.
        await attempt(self.journal, self.around, f"told/{ended.outcome}", act, repeatable=True)

    # --- time and other flows ---------------------------------------------------------------------------------------

    async def wait(self, step: Wait, path: str, scope: Scope) -> Any:
        """Let time pass. It is decided once, when the step is reached, until when."""
        fixed, length = 0.0, 0
        if isinstance(step.wait, Until):
            found = moment(fill(step.wait.until, scope))
            if found is None:
                raise StepFailedError(path, f"{spoken(fill(step.wait.until, scope))[:60]!r} is no time")
            fixed = found.timestamp()
        else:
            try:
                length = durations.seconds(fill(step.wait, scope))
            except ValueError as error:
                raise StepFailedError(path, str(error)) from error

        async def until() -> float:
            return fixed if isinstance(step.wait, Until) else self.around.now() + length

        at = await self.journal.step(path, until)
        self.around.recorder.given(path, {"until": _iso(at)})
        await self.around.pause(at)
        return {"until": _iso(at)}

    async def call(self, step: Call, path: str, scope: Scope) -> Any:
        """Carry out another flow."""
        given = fill(step.with_, scope)
        self.around.recorder.given(path, {"flow": step.call, **given})
        calls = self.around.calls
        started = self.outcome(
            path,
            await self.journal.stored(path, lambda connection: calls.start(connection, self.errand, step, path, given)),
        )
        run_id = str(started["run"])
        await calls.begin(run_id)
        if step.background:
            return {"run": run_id}
        ended = await self.received(f"{path}/ended", lambda: calls.result(run_id))
        if ended["outcome"] != "done":
            raise StepFailedError(path, f"{step.call}: {ended['message'] or ended['outcome']}")
        return {**ended, "run": run_id}

    async def received(self, name: str, look: Callable[[], Awaitable[Mapping[str, Any] | None]]) -> Any:
        """Return what has come from elsewhere, noted once. Raises SuspendedError while there is nothing."""
        return await loops.received(self.journal, name, look)


def _branch(step: If, scope: Scope) -> tuple[Sequence[Step], str]:
    if all_hold(step.if_, scope):
        return step.then, "then"
    for index, other in enumerate(step.else_if):
        if all_hold(other.if_, scope):
            return other.then, f"else if/{index}/then"
    return step.else_, "else"


def _new(after: Scope, before: Scope) -> dict[str, Any]:
    """Return what the steps of a branch gave: later steps may ask whether it exists."""
    return {name: gave for name, gave in after["steps"].items() if name not in before["steps"]}


def _over_a_cap(errand: Errand, action: Action, path: str, over: Over) -> Question:
    what = {"changes": "change", "destroys": "destroy"}[over.effect]
    return Question(
        id=f"{errand.run_id}/{path}/cap",
        run_id=errand.run_id,
        path=f"{path}/cap",
        flow=errand.flow,
        flow_title=errand.template.title,
        title="A flow reached its cap",
        text=f"May {errand.template.title} go on?",
        channel=errand.owner,
        details={
            "What": action.title,
            "Cap": f"{over.cap} a {over.period}",
            "This would make it": f"{over.count} things that it would {what} in this {over.period}",
        },
        choices={
            GO_ON: {
                "title": f"Allow {over.cap} more" if over.cap else "Allow this one",
                "style": "danger",
                "confirm": None,
            },
            STOP: {"title": "Stop it here", "style": None, "confirm": None},
        },
        otherwise=STOP,
        within=DECIDES,
        for_owners=True,
    )


def _plain(over: Over) -> dict[str, Any]:
    return {"effect": over.effect, "period": over.period, "cap": over.cap, "count": over.count}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def _detail(value: Any) -> str | list[str]:
    return [spoken(inner) for inner in value] if isinstance(value, list) else spoken(value)


def _seconds(value: Any, path: str, what: str) -> int:
    try:
        return durations.seconds(value)
    except ValueError as error:
        raise StepFailedError(path, f"{what}: {error}") from error


def _votes(value: Any, path: str) -> int:
    try:
        return max(1, min(10, int(value)))
    except (TypeError, ValueError) as error:
        raise StepFailedError(path, f"votes: {spoken(value)[:60]!r} is no whole number") from error


def _people(value: Any) -> list[str]:
    """Return Slack users and user groups by their ids, as a text with commas or a list names them."""
    return [one.strip() for one in (value if isinstance(value, list) else spoken(value).split(",")) if one.strip()]


def _first_words(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'input'}: {first['msg']}"
