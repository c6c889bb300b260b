"""Flows that call one another: who may be called, with what, and never in a circle."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flows.fields import model_of
from flows.inputs import inputs
from flows.language import Call, Each, If, Step, Template
from flows.problems import Problem, listed, nearest
from flows.shapes import Known
from flows.triggers import CalledTrigger


def called(
    step: Call, path: str, known: Known, *, flows: Mapping[str, Template] | None, name: str, template: Template
) -> Iterator[Problem]:
    """Yield the Problems with the flow that a step calls. `name` and `template` are the flow that the step is of."""
    every = {**(flows or {}), name: template}
    target = every.get(step.call)
    if target is None:
        if flows is not None:
            hint = nearest(step.call, every) or (f"there is {listed(flows)}" if flows else "there is no other flow yet")
            yield Problem(path=f"{path}/call", message=f"there is no flow {step.call}", hint=hint)
        return
    circle = _way(step.call, name, every)
    if circle:
        yield Problem(
            path=f"{path}/call",
            message=f"{' → '.join([name, *circle])}: flows cannot call one another in a circle",
            hint="use `each:` to do something again and again",
        )
        return
    forms = [trigger for trigger in target.when if isinstance(trigger, CalledTrigger)]
    if not forms:
        yield Problem(
            path=f"{path}/call", message=f"{step.call} is not to be called", hint="it needs `called:` among its `when:`"
        )
        return
    yield from inputs(model_of(forms[0].called), step.with_, f"{path}/with", known, step.call)


def steps_within(step: Step) -> Iterator[Sequence[Step]]:
    """Yield the sequences of steps that stand in a step."""
    match step:
        case If():
            yield step.then
            yield from (other.then for other in step.else_if)
            yield step.else_
        case Each():
            yield step.steps
        case _:
            pass
    if step.on_error is not None and step.on_error.steps is not None:
        yield step.on_error.steps


def every_step(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield steps and all steps within them."""
    left: list[Any] = list(reversed(steps))
    while left:
        step = left.pop()
        yield step
        for inner in steps_within(step):
            left.extend(reversed(inner))


def _way(start: str, end: str, flows: Mapping[str, Template]) -> list[str]:
    """Return the flows on a way of calls from one flow to another, none if there is no way."""
    ways = {start: [start]}
    left = [start]
    while left:
        here = left.pop(0)
        if here == end:
            return ways[here]
        for step in every_step(flows[here].steps) if here in flows else ():
            if isinstance(step, Call) and step.call not in ways:
                ways[step.call] = [*ways[here], step.call]
                left.append(step.call)
    return []
