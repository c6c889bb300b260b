"""Checking a flow before it is kept: every Problem, with its place and what to do about it."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, Literal, assert_never

from pydantic import BaseModel

from connectors.base import Action, Catalog
from flows import mentions, references
from flows.calls import called, every_step
from flows.comparing import sure
from flows.conditions import moment
from flows.fields import (
    AnyField,
    ChannelField,
    ConnectionField,
    DaysField,
    NumberField,
    PickField,
    TimeOfDayField,
    TimeZoneField,
    type_of,
)
from flows.inputs import bounds, conditions, inputs, tests
from flows.language import (
    Answer,
    Ask,
    Call,
    Do,
    Each,
    ErrorKind,
    Hear,
    If,
    Invite,
    OnError,
    Set,
    Show,
    Step,
    Stop,
    Template,
    Until,
    Wait,
)
from flows.problems import MOST, Problem, nearest, shown
from flows.reading import read
from flows.row_inputs import misplaced, remembers, row, row_gives
from flows.shapes import (
    Either,
    Known,
    Shape,
    Stored,
    Unsure,
    Within,
    item,
    kind,
    kinds,
    list_of,
    options,
    record,
    said,
)
from flows.triggers import AtTrigger, ByHandTrigger, CalledTrigger, CronTrigger, EventTrigger, EveryTrigger

__all__ = ["MOST_IN_ALL", "Problem", "check", "nearest", "read"]

MOST_IN_ALL: Final = 1000
"""Steps of a flow, wherever they stand."""

SCOPE: Final = ("settings", "event", "run", "steps", "error")
"""The first words of references, which nothing else can be called."""

ERROR: Final = {"kind": ErrorKind, "message": str}
ANSWERED: Final = {"by": str | None, "at": float | str, "how": str, "channel": str, "message": str | None}
BEGUN: Final = {"run": str}
"""What a call gives that nobody waits for."""
CALLED: Final = {**BEGUN, "outcome": Literal["done", "failed"], "message": str, "gave": Any}

Checking = Generator[Problem, None, dict[str, Shape]]
"""Yields Problems, and returns what later steps may refer to under which id."""


def check(
    template: Template, catalog: Catalog, *, flows: Mapping[str, Template] | None = None, name: str | None = None
) -> list[Problem]:
    """Return every Problem of a well-formed template: actions, references, types and settings that do not fit.

    `flows` are the flows that it may call, by their names; without them, it is not looked whether those exist. `name`
    is what the flow itself is called, if it is not what its template is called.
    """
    found = list(islice(_Check(template, catalog, flows, name or template.template).problems(), MOST + 1))
    more = Problem(path="document", message=f"there are more than {MOST} problems; these are the first")
    return found if len(found) <= MOST else [*found[:MOST], more]


class _Check:
    def __init__(self, template: Template, catalog: Catalog, flows: Mapping[str, Template] | None, name: str) -> None:
        self.template = template
        self.catalog = catalog
        self.flows = flows
        self.name = name
        self.ids: set[str] = set()
        self.invited: dict[str, Sequence[str]] = {}
        answered = [trigger for trigger in template.when if isinstance(trigger, EventTrigger) and trigger.answers]
        sources = [catalog.source(trigger.event) for trigger in answered]
        self.answers = bool(answered)
        self.holds = any(source is None or source.held for source in sources)

    def problems(self) -> Iterator[Problem]:
        template = self.template
        if sum(1 for _ in every_step(template.steps)) > MOST_IN_ALL:
            yield Problem(
                path="steps",
                message=f"a flow has at most {MOST_IN_ALL} steps in all",
                hint="let it `call:` other flows",
            )
            return
        settings = _filled_in(template.settings)
        yield from self.fields(template.settings, "settings")
        for name, table in template.tables.items():
            for index, column in enumerate(table.key):
                if column not in table.columns:
                    yield Problem(
                        path=f"tables/{name}/key/{index}",
                        message=f"{name} has no column {column}",
                        hint=nearest(column, table.columns),
                    )
        events: list[Shape] = []
        ways = [index for index, trigger in enumerate(template.when) if isinstance(trigger, CalledTrigger)]
        for index in ways[1:]:
            yield Problem(
                path=f"when/{index}",
                message="a flow is called in one way only",
                hint="put all its fields into one `called:`",
            )
        for index, trigger in enumerate(template.when):
            event = yield from self.trigger(trigger, f"when/{index}", settings)
            events.append(event)
        event = events[0] if len(events) == 1 else Either(tuple(events))
        door = Known(names={"settings": settings, "event": event})
        if template.runs.per is not None:
            yield from self.at_the_door(template.runs.per, "runs/per", door)
        yield from self.limits()
        run = {"id": str, "flow": str}
        yield from self.sequence(template.steps, "steps", door.within(run=run).after({}))

    # --- around the steps -------------------------------------------------------------------------------------------

    def fields(self, fields: Mapping[str, AnyField], path: str) -> Iterator[Problem]:
        for name, field in fields.items():
            if isinstance(field, ConnectionField) and field.connection not in self.catalog.connectors:
                yield Problem(
                    path=f"{path}/{name}/connection",
                    message=f"there is no connector {field.connection}",
                    hint=nearest(field.connection, self.catalog.connectors),
                )
            if isinstance(field, PickField):
                yield from self.pick(field, f"{path}/{name}")
            yield from bounds(name, field, f"{path}/{name}")

    def pick(self, field: PickField, path: str) -> Iterator[Problem]:
        """Check that there is such a menu, and a connection to have it from."""
        menu = self.catalog.menus.get(field.from_)
        yield from self.connection(field.using, f"{path}/using", field.from_.partition(".")[0])
        account = self.template.settings.get(_setting(field.using))
        if isinstance(account, ConnectionField) and account.optional and not field.optional:
            yield Problem(
                path=path,
                message=f"{_setting(field.using)} may be left empty, and then there is nothing to pick from",
                hint="optional: true",
            )
        if menu is None:
            yield Problem(
                path=f"{path}/from",
                message=f"nothing is picked from {field.from_}",
                hint=nearest(field.from_, self.catalog.menus),
            )
        elif menu.of and not field.of:
            yield Problem(path=f"{path}/of", message=f"{field.from_} needs {menu.of}")
        elif field.of and not menu.of:
            yield Problem(path=f"{path}/of", message=f"{field.from_} is of nothing", hint="leave `of:` out")

    def trigger(self, trigger: Any, path: str, settings: Mapping[str, Shape]) -> Generator[Problem, None, Shape]:
        """Check a trigger, and return the shape of its event."""
        match trigger:
            case EventTrigger():
                source = self.catalog.source(trigger.event)
                if source is None:
                    yield Problem(
                        path=f"{path}/event",
                        message=f"there is no event {trigger.event}",
                        hint=nearest(trigger.event, self.catalog.sources),
                    )
                yield from self.connection(trigger.from_, f"{path}/from", trigger.event.partition(".")[0])
                if trigger.answers is not None and source is not None and not source.answered:
                    yield Problem(
                        path=f"{path}/answers",
                        message=f"nobody waits for an answer to {trigger.event}",
                        hint="leave `answers:` out, or listen to "
                        + ", ".join(name for name, one in self.catalog.sources.items() if one.answered),
                    )
                event = source.event if source else Any
                door = Known(names={"settings": settings, "event": event})
                yield from mentions.tests(trigger.only_if or [], f"{path}/only if", door)
                if trigger.once_per:
                    yield from self.at_the_door(trigger.once_per.key, f"{path}/once per/key", door)
                return event
            case CronTrigger() | EveryTrigger():
                return {"scheduled_for": str}
            case AtTrigger():
                yield from self.times(trigger, path)
                return {"scheduled_for": str}
            case ByHandTrigger():
                yield from self.fields(trigger.by_hand, f"{path}/by hand")
                return {**_filled_in(trigger.by_hand), "by": str}
            case CalledTrigger():
                yield from self.fields(trigger.called, f"{path}/called")
                return _filled_in(trigger.called)
        return Any

    def times(self, trigger: AtTrigger, path: str) -> Iterator[Problem]:
        """Check that what a time refers to are settings of the right kinds."""
        kinds: dict[str, tuple[Any, type[AnyField], str]] = {
            "at": (trigger.at, TimeOfDayField, "time of day"),
            "days": (trigger.days, DaysField, "days"),
            "time zone": (trigger.zone, TimeZoneField, "time zone"),
        }
        for name, (value, kind_, called_) in kinds.items():
            setting = (references.only_path(value) or "").removeprefix("settings.")
            if any(references.paths(value)) and not isinstance(self.template.settings.get(setting), kind_):
                known = [key for key, field in self.template.settings.items() if isinstance(field, kind_)]
                yield Problem(
                    path=f"{path}/{name}",
                    message=f"{shown(value)} is no reference to a setting of the type {called_}",
                    hint=nearest(setting, known) or f"such as {{{{ settings.{name.split()[-1]} }}}}",
                )

    def at_the_door(self, key: str, path: str, door: Known) -> Iterator[Problem]:
        yield from mentions.referred(key, path, door)
        if not any(references.paths(key)):
            yield Problem(
                path=path, message="the same for every event", hint="refer to the event, such as {{ event.user.email }}"
            )

    def limits(self) -> Iterator[Problem]:
        limits = self.template.limits
        for effect, cap in {"changes": limits.changes, "destroys": limits.destroys}.items():
            if cap is None:
                continue
            if cap.per_run is None and cap.per_day is None:
                yield Problem(
                    path=f"limits/{effect}", message="this limits nothing", hint="say `per run:` or `per day:`"
                )
            for name, value in {"per run": cap.per_run, "per day": cap.per_day}.items():
                here = f"limits/{effect}/{name}"
                setting = _setting(value)
                if isinstance(value, str) and not isinstance(self.template.settings.get(setting), NumberField):
                    numbers = [key for key, field in self.template.settings.items() if isinstance(field, NumberField)]
                    yield Problem(
                        path=here,
                        message=f"{shown(value)} is neither a number nor a reference to a setting of the type number",
                        hint=nearest(setting, numbers) or "such as 10, or {{ settings.most }}",
                    )
                elif isinstance(value, int) and value < 0:
                    yield Problem(path=here, message=f"{shown(value)} is less than nothing", hint="0 allows none")

    def connection(self, written: str, path: str, connector: str) -> Iterator[Problem]:
        """Check that a text refers to a setting which is a connection of the right connector."""
        name = _setting(written)
        setting = self.template.settings.get(name)
        if not isinstance(setting, ConnectionField):
            known = [key for key, field in self.template.settings.items() if isinstance(field, ConnectionField)]
            yield Problem(
                path=path,
                message="this must refer to a connection setting",
                hint=nearest(name, known)
                or f"for instance {{{{ settings.{connector} }}}}, with a setting {connector}: {{connection: {connector}}}",
            )
        elif setting.connection != connector and connector in self.catalog.connectors:
            yield Problem(
                path=path,
                message=f"{name} is a connection to {setting.connection}, and {connector} is needed",
                hint=f"a setting with `connection: {connector}`",
            )

    # --- steps ------------------------------------------------------------------------------------------------------

    def sequence(self, steps: Sequence[Step], path: str, known: Known) -> Generator[Problem, None, Known]:
        """Check a sequence, and return what is known after it."""
        for index, step in enumerate(steps):
            here = f"{path}/{index}"
            if step.id is not None:
                if step.id in self.ids:
                    yield Problem(
                        path=f"{here}/id", message=f"two steps are called {step.id}", hint="give each its own id"
                    )
                self.ids.add(step.id)
            left = yield from self.step(step, here, known)
            if step.on_error is not None:
                left = yield from self.on_error(step, step.on_error, left, f"{here}/on error", known)
            known = known.after(left)
        return known

    def branch(self, steps: Sequence[Step], path: str, known: Known) -> Checking:
        """Check steps of which nobody knows beforehand whether they run."""
        after = yield from self.sequence(steps, path, known)
        new = after.new(known).items()
        return {name: shape if isinstance(shape, Within) else Unsure(shape) for name, shape in new}

    def on_error(self, step: Step, on_error: OnError, left: dict[str, Shape], path: str, known: Known) -> Checking:
        if isinstance(step, Stop):
            yield Problem(path=path, message="a `stop:` cannot fail", hint="leave `on error:` out")
        if on_error.retry is not None and not isinstance(step, Do | Ask | Call):
            yield Problem(
                path=f"{path}/try again",
                message="only `do:`, `ask:` and `call:` can be tried again",
                hint="put it at the step inside that can fail",
            )
        failed = known.within(error=ERROR)
        own = left.get(step.id) if step.id is not None else None
        if on_error.give is not None:
            yield from mentions.referred(on_error.give, f"{path}/give", failed)
            given = {name: failed.shape(value) for name, value in on_error.give.items()}
            if step.id is not None:
                left = {**left, step.id: _or_given(own, given)}
        if on_error.steps is not None:
            more = yield from self.branch(on_error.steps, f"{path}/steps", failed)
            left = {**left, **more}
            if step.id is not None and not isinstance(on_error.steps[-1], Stop):
                left[step.id] = Unsure(own)
        return left

    def step(self, step: Step, path: str, known: Known) -> Checking:
        gives: Shape = {}
        inner: dict[str, Shape] = {}
        match step:
            case Do():
                gives = yield from self.do(step, path, known)
            case Ask():
                yield from self.ask(step, path, known)
                gives = {"choice": Literal[tuple(step.choices)], **ANSWERED}
            case Answer():
                yield from self.answer(step, path, known)
            case Show():
                yield from self.shown(step, path, known)
                gives = {"choice": Literal[tuple(step.choices)], **ANSWERED}
            case Invite():
                yield from self.invitation(step, path, known)
                gives = {"invitation": str, "until": str, "links": dict.fromkeys(step.choices, str)}
                self.invited[step.id] = list(step.choices)
            case Hear():
                yield from self.heard(step, path, known)
                gives = {"choice": Literal[tuple(self.invited.get(step.hear, [""]))], **ANSWERED}
            case If():
                inner = yield from self.branches(step, path, known)
            case Each():
                gives, inner = yield from self.each(step, path, known)
            case Wait():
                yield from self.wait(step, path, known)
                gives = {"until": str}
            case Set():
                yield from mentions.referred(step.set, f"{path}/set", known)
                gives = {name: known.shape(value) for name, value in step.set.items()}
            case Call():
                yield from called(step, path, known, flows=self.flows, name=self.name, template=self.template)
                yield from mentions.referred(step.with_, f"{path}/with", known)
                gives = BEGUN if step.background else CALLED
            case Stop():
                yield from mentions.referred(step.say, f"{path}/say", known)
                yield from mentions.referred(step.give, f"{path}/give", known)
            case _:
                assert_never(step)
        return inner if step.id is None else {**inner, step.id: gives}

    def do(self, step: Do, path: str, known: Known) -> Generator[Problem, None, Shape]:
        action = self.catalog.action(step.do)
        if action is None:
            yield Problem(
                path=f"{path}/do", message=f"there is no action {step.do}", hint=nearest(step.do, self.catalog.actions)
            )
            yield from mentions.referred(step.with_, f"{path}/with", known)
            return Any
        yield from self.using(step, action, path, known)
        if action.effect == "destroys" and self.template.limits.destroys is None:
            yield Problem(
                path=path,
                message=f"{step.do} destroys, and the flow does not say how much it may destroy",
                hint="add limits: {destroys: {per run: 1, per day: 50}} to the flow",
            )
        rows = remembers(action, self.catalog)
        apart = conditions(action.given)
        for name, value in step.with_.items():
            here = f"{path}/with/{name}"
            if name in apart:
                asked, problems = tests(value, here)
                yield from problems
                one = {"row": row(step, self.template.tables)} if rows else {"item": _item(step, known)}
                yield from mentions.tests(asked, here, known.within(**one))
            else:
                yield from mentions.referred(value, here, known)
        yield from inputs(action.given, step.with_, f"{path}/with", known, step.do, apart)
        if rows:
            yield from misplaced(step, self.template.tables, f"{path}/with", known)
            return row_gives(step, action, self.template.tables, known)
        return Stored(action.item) if action.item is not None else action.gives

    def using(self, step: Do, action: Action, path: str, known: Known) -> Iterator[Problem]:
        if step.using is None:
            if action.connected:
                yield Problem(
                    path=f"{path}/using",
                    message=f"{step.do} needs to know which connection to use",
                    hint="using: a reference to a connection setting",
                )
        elif action.connected:
            yield from self.connection(step.using, f"{path}/using", step.do.partition(".")[0])
            if isinstance(self.template.settings.get(_setting(step.using)), ConnectionField):
                yield from mentions.referred(step.using, f"{path}/using", known)
        else:
            yield Problem(path=f"{path}/using", message=f"{step.do} needs no connection", hint="leave `using:` out")

    def ask(self, step: Ask, path: str, known: Known) -> Iterator[Problem]:
        if step.otherwise not in step.choices:
            yield Problem(
                path=f"{path}/otherwise",
                message=f"{step.otherwise} is none of the choices",
                hint=nearest(step.otherwise, step.choices) or f"one of {', '.join(step.choices)}",
            )
        yield from mentions.duration(step.within, f"{path}/within", known)
        if step.remind is not None:
            yield from mentions.duration(step.remind.every, f"{path}/remind/every", known)
            yield from mentions.referred(step.remind.mention, f"{path}/remind/mention", known, unsure=True)
        if step.escalate is not None:
            yield from mentions.duration(step.escalate.after, f"{path}/escalate/after", known)
            # What is left empty is not asked.
            yield from mentions.referred(step.escalate.to, f"{path}/escalate/to", known, unsure=True)
        yield from self.votes(step, path, known)
        if step.together is not None:
            yield from mentions.duration(step.together.within, f"{path}/together/within", known)
            yield from mentions.referred(step.together.key, f"{path}/together/key", known)
        yield from mentions.expected(step.in_, f"{path}/in", known, str, "a channel")
        for name, value in {"ask": step.ask, "title": step.title}.items():
            yield from mentions.referred(value, f"{path}/{name}", known)
        for name, value in step.details.items():
            yield from mentions.referred(value, f"{path}/details/{name}", known)
        for name, choice in step.choices.items():
            yield from mentions.referred(choice.confirm, f"{path}/choices/{name}/confirm", known)

    def page(self, step: Show | Invite, path: str, known: Known) -> Iterator[Problem]:
        if step.otherwise not in step.choices:
            yield Problem(
                path=f"{path}/otherwise",
                message=f"{step.otherwise} is none of the choices",
                hint=nearest(step.otherwise, step.choices) or f"one of {', '.join(step.choices)}",
            )
        yield from mentions.duration(step.within, f"{path}/within", known)
        text = {"show": step.show} if isinstance(step, Show) else {"invite": step.invite}
        for name, value in {**text, "title": step.title}.items():
            yield from mentions.referred(value, f"{path}/{name}", known)
        for name, value in step.links.items():
            yield from mentions.referred(value, f"{path}/links/{name}", known)
            if "{{" not in value and not value.startswith("https://"):
                yield Problem(path=f"{path}/links/{name}", message="this is no address", hint="begin it with https://")
        for name, choice in step.choices.items():
            yield from mentions.referred(choice.title, f"{path}/choices/{name}/title", known)

    def shown(self, step: Show, path: str, known: Known) -> Iterator[Problem]:
        yield from self.page(step, path, known)
        if not (self.answers and self.holds):
            yield Problem(
                path=path,
                message="nobody waits who could be shown a page",
                hint="say `answers: {within: 2s}` at an event where a person logs in: "
                + ", ".join(name for name, one in self.catalog.sources.items() if one.held),
            )

    def invitation(self, step: Invite, path: str, known: Known) -> Iterator[Problem]:
        yield from self.page(step, path, known)
        yield from mentions.referred(step.person, f"{path}/person", known)
        logs_in = [name for name, choice in step.choices.items() if choice.after_login]
        where = sorted({name.partition(".")[0] for name, one in self.catalog.sources.items() if one.held})
        if step.using is not None and where:
            yield from self.connection(step.using, f"{path}/using", where[0])
        for name in ("using", "person"):
            if logs_in and getattr(step, name) is None:
                yield Problem(
                    path=f"{path}/choices/{logs_in[0]}/after login",
                    message="nobody knows where they log in" if name == "using" else "nobody knows who is to log in",
                    hint=f"say `{name}:`, too",
                )

    def heard(self, step: Hear, path: str, known: Known) -> Iterator[Problem]:
        if step.hear in self.invited:
            yield from mentions.referred(f"{{{{ steps.{step.hear}.invitation }}}}", f"{path}/hear", known)
            return
        hint = nearest(step.hear, self.invited) or "an `invite:` before it"
        yield Problem(path=f"{path}/hear", message=f"there is no invitation {step.hear}", hint=hint)

    def votes(self, step: Ask, path: str, known: Known) -> Iterator[Problem]:
        """Check how many people have to choose the same."""
        if isinstance(step.votes, str):
            yield from mentions.expected(step.votes, f"{path}/votes", known, int, "a number")
            if references.only_path(step.votes) is None:
                yield Problem(path=f"{path}/votes", message="a whole number is needed here", hint="such as 2")
        if step.votes != 1 and step.together is not None:
            yield Problem(
                path=f"{path}/votes",
                message="several people cannot vote on many questions in one message",
                hint="leave `together:` out, or `votes:`",
            )

    def answer(self, step: Answer, path: str, known: Known) -> Iterator[Problem]:
        if not self.answers:
            yield Problem(
                path=path,
                message="nobody waits for an answer",
                hint="say `answers: {within: 2s}` at an event of `when:`",
            )
        elif step.answer.hold is not None and not self.holds:
            yield Problem(
                path=f"{path}/answer/hold",
                message="nobody can be kept waiting there",
                hint="hold where a person logs in: "
                + ", ".join(name for name, one in self.catalog.sources.items() if one.held),
            )
        for name, value in step.answer.model_dump(by_alias=True, exclude_unset=True).items():
            yield from mentions.referred(value, f"{path}/answer/{name}", known)

    def branches(self, step: If, path: str, known: Known) -> Checking:
        yield from mentions.tests(step.if_, f"{path}/if", known)
        left = yield from self.branch(step.then, f"{path}/then", known.where(sure(step.if_)))
        for index, other in enumerate(step.else_if):
            here = f"{path}/else if/{index}"
            yield from mentions.tests(other.if_, f"{here}/if", known)
            left |= yield from self.branch(other.then, f"{here}/then", known.where(sure(other.if_)))
        left |= yield from self.branch(step.else_, f"{path}/else", known)
        return left

    def each(
        self, step: Each, path: str, known: Known
    ) -> Generator[Problem, None, tuple[dict[str, Shape], dict[str, Shape]]]:
        """Check a loop. Return what it gives, and the steps within it."""
        yield from mentions.referred(step.each, f"{path}/each", known)
        source = known.shape(step.each)
        if not any(_walkable(option) for option in options(source)):
            what = step.each.strip() if references.only_path(step.each) else shown(step.each)
            yield Problem(
                path=f"{path}/each",
                message=f"{what} is {said(source)}, and `each:` walks through lists and datasets",
                hint="refer to a list, or to the dataset that an action gives",
            )
        if step.as_ in SCOPE:
            yield Problem(path=f"{path}/as", message=f"{step.as_} is called something else", hint="for instance item")
        one = item(source) if step.batches is None else list_of(item(source))
        after = yield from self.sequence(step.steps, f"{path}/steps", known.within(**{step.as_: one}))
        yield from mentions.referred(step.collect, f"{path}/collect", after, unsure=True)
        for name, value in step.add_up.items():
            yield from mentions.expected(
                value, f"{path}/add up/{name}", after, bool | float | None, "a number or a yes or no", unsure=True
            )
        collected = Any if step.collect is None else after.shape(step.collect)
        results = {"a list": list_of(collected), "a dataset": Stored(collected)}
        has = kinds(source) or set()
        gives = {
            "count": int,
            "done": int,
            "failed": int,
            "results": results.get(next(iter(has)), Any) if len(has) == 1 else Any,
            "sums": dict.fromkeys(step.add_up, float),
            "failures": list_of({"position": int, "item": one if step.batches is None else Any, "message": str}),
        }
        return gives, dict.fromkeys(after.new(known), Within(step.id))

    def wait(self, step: Wait, path: str, known: Known) -> Iterator[Problem]:
        if not isinstance(step.wait, Until):
            yield from mentions.duration(step.wait, f"{path}/wait", known)
            return
        until, here = step.wait.until, f"{path}/wait/until"
        yield from mentions.expected(until, here, known, str | float, "a time")
        if not any(references.paths(until)) and moment(until) is None:
            yield Problem(path=here, message=f"{shown(until)} is no time", hint="write 2026-01-31T12:00:00Z")


def _setting(written: object) -> str:
    """Return the setting that a value refers to, and nothing else."""
    return (references.only_path(written) or "").removeprefix("settings.")


def _filled_in(fields: Mapping[str, AnyField]) -> dict[str, Shape]:
    """Return the shapes of what people fill in. An account or a channel may be left out: a step needs to ask first."""
    return {
        name: Unsure(type_of(field))
        if isinstance(field, ConnectionField | ChannelField) and field.optional
        else type_of(field)
        for name, field in fields.items()
    }


def _or_given(own: Shape, given: Mapping[str, Shape]) -> Shape:
    """Return the shape of a step that, when it fails, gives other values: only names of both are certain."""
    if any(isinstance(option, Stored) or kinds(option) is None for option in options(own)) and own != {}:
        return Any
    normal = record(own)
    either = {name: Either((normal[name], given[name])) for name in normal if name in given}
    return {**{name: Unsure(shape) for name, shape in {**normal, **given}.items()}, **either}


def _item(step: Do, known: Known) -> Shape:
    """Return the shape of the items that an action's conditions are asked of: those of the one list it is given."""
    lists = [shape for shape in map(known.shape, step.with_.values()) if kinds(shape) in ({"a list"}, {"a dataset"})]
    given = [known.shape(value) for value in step.with_.values() if references.only_path(value)]
    found = [shape for shape in given if shape in lists]
    return item(found[0]) if len(found) == 1 else Any


def _walkable(shape: Shape) -> bool:
    known = isinstance(shape, Mapping) or (isinstance(shape, type) and issubclass(shape, BaseModel))
    return kind(shape) in {None, "a list", "a dataset"} or (kind(shape) == "names with values" and not known)
