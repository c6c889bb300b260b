"""python -m bot runs …: what flows did, and what people do about it."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.cli.terminal import Subcommands, asynchronously, moment, read, refuse, say, table
from bot.settings import StoreSettings

STATES: Final = ("queued", "ready", "running", "waiting", "done", "failed", "cancelled", "discarded")
DAYS: Final = 7
WHO: Final = "the command line"


def add(commands: Subcommands) -> None:
    """Add the commands."""
    steps = commands.add_parser("runs", help="what flows did, and what to do about it").add_subparsers(
        required=True, metavar="step"
    )

    def command(name: str, about: str, work: object) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = steps.add_parser(name, help=about, description=about)
        found.set_defaults(carry_out=asynchronously(work))  # type: ignore[arg-type]  # all of them take the same
        return found

    listing = command("list", "the latest runs", _list)
    listing.add_argument("--flow", help="of this flow only")
    listing.add_argument("--state", choices=STATES, help="in this state only")
    listing.add_argument("--limit", type=int, default=20, help="how many (default: 20)")
    for name, about, work in (
        ("show", "what a run did, step by step", _show),
        ("cancel", "stop a run", _cancel),
        ("again", "try a failed run again from the step that failed", _again),
        ("afresh", "begin a run again from the start", _afresh),
        ("discard", "take a failed run off the list of failures", _discard),
    ):
        one = command(name, about, work)
        one.add_argument("run", help="its id, as list shows it")
        if work is _afresh:
            one.add_argument("--event", metavar="FILE", help="with this event instead of its own, as JSON")
    why = command("why", f"why a flow was not woken in the last {DAYS} days", _why)
    why.add_argument("flow")
    trying = command("dry-run", "what a flow would do for an event, without doing it", _dry_run)
    trying.add_argument("flow")
    trying.add_argument("--event", metavar="FILE", required=True, help="the event, as JSON; - for standard input")
    trying.add_argument(
        "--choose",
        metavar="STEP=CHOICE",
        action="append",
        default=[],
        help="how to answer the question of a step, by its id or path (default: as if nobody answered)",
    )


async def _list(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from flows.history import History
    from flows.short_ids import short_id

    async with kept(settings) as things:
        states = [given.state] if given.state else []
        runs = await History(things.store).latest(flow=given.flow, states=states, limit=given.limit)
    rows = [("RUN", "FLOW", "STATE", "BEGAN", "ENDED", "SAID")]
    for run in runs:
        said = _line(run.message)
        rows.append((short_id(run), run.flow, run.state, moment(run.began_at), moment(run.ended_at), said))
    say(table(rows) if runs else "There is no such run.")
    return 0


async def _show(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand
    from bot.runs import brief, described

    async with by_hand(settings) as (things, runs):
        run = await _one(things.store, given.run)
        if run is None:
            return _unknown(given.run)
        lines = await runs.trace(run.id) or ()
        say(f"{run.id}\n{run.flow} version {run.version}, {run.state}, began {moment(run.began_at)}")
        for line in lines:
            took = f"  {line.took:.1f} s" if line.took is not None else ""
            tries = f"  {line.attempts} attempts" if line.attempts > 1 else ""
            name = f" ({line.id})" if line.id else ""
            say(f"{line.path}{name}: {_line(described(line, things.catalog))}{took}{tries}")
            about = {"with": line.given, "gave": line.gave, "error": line.error, "waits for": line.waits}
            for label, value in about.items():
                if value not in (None, {}, []):
                    say(f"    {label}: {_line(brief(value), 500)}")
        if run.message:
            say(f"{run.state}: {_line(run.message, 1000)}")
    return 0


async def _cancel(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand

    async with by_hand(settings) as (things, runs):
        run = await _one(things.store, given.run)
        if run is None:
            return _unknown(given.run)
        if not await runs.cancel(run.id, by=WHO):
            return refuse("It has ended already, so there is nothing to cancel.")
    say("Cancelled.")
    return 0


async def _again(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand

    async with by_hand(settings) as (things, runs):
        run = await _one(things.store, given.run)
        if run is None:
            return _unknown(given.run)
        if not await runs.again(run.id):
            return refuse("It has not failed, so nothing was done.")
    say("It is tried again by the running bot.")
    return 0


async def _afresh(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand
    from flows.history import History
    from flows.runs import WrongEventError
    from flows.short_ids import short_id

    event = _event(given.event) if given.event else None
    if isinstance(event, str):
        return refuse(event)
    async with by_hand(settings) as (things, runs):
        run = await _one(things.store, given.run)
        if run is None:
            return _unknown(given.run)
        try:
            new = await runs.afresh(run.id, event=event)
        except WrongEventError as error:
            return refuse("\n".join([*(_line(str(problem), 400) for problem in error.problems), "Nothing was begun."]))
        begun = await History(things.store).run(new) if new else None
    say(f"Begun again, as run {short_id(begun)}." if begun else "It is not remembered any more.")
    return 0


async def _discard(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand

    async with by_hand(settings) as (things, runs):
        run = await _one(things.store, given.run)
        if run is None:
            return _unknown(given.run)
        if not await runs.discard(run.id):
            return refuse("It is not among the failed ones, so nothing was done.")
    say("Discarded.")
    return 0


async def _why(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand
    from bot.why import guarded
    from flows import misses

    async with by_hand(settings) as (things, runs):
        flow = await things.store.flow(given.flow)
        if flow is None:
            return refuse(f"There is no flow {given.flow}.")
        found = await runs.why(flow.name, since=time.time() - DAYS * 86400)
    if not flow.enabled:
        say(f"{flow.name} is off: nothing wakes it.")
    if flow.paused:
        say(f"{flow.name} is paused: what wakes it is kept, and carried out when it is resumed.")
    if not found.counts:
        say(f"In the last {DAYS} days no event was turned away.")
    for guard, count in found.counts.items():
        say(f"{count:,} × {_line(guarded(flow, guard), 300)}")
    for sample in found.samples[:10]:
        say(f"  {moment(sample.at)}  {_line(misses.explain(sample), 500)}")
    return 0


async def _dry_run(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import by_hand
    from bot.trials import choices_of, told
    from flows.language import Template

    event = _event(given.event)
    if isinstance(event, str):
        return refuse(event)
    choices = dict(one.partition("=")[::2] for one in given.choose)
    async with by_hand(settings) as (things, runs):
        flow = await things.store.flow(given.flow)
        if flow is None:
            return refuse(f"There is no flow {given.flow}.")
        named = choices_of(Template.model_validate(flow.document), choices)
        tried = await runs.dry_run(flow, event, choices=named)
    say(f"{flow.name} {tried.summary}. Nothing was done.")
    for text in told(tried):
        say(f"  {_line(text, 1000)}")
    return 0


async def _one(store: Any, text: str) -> Any:
    """Return the run with an id or a short id, if there is exactly one."""
    from flows.short_ids import find

    found: Sequence[Any] = await find(store, text)
    return found[0] if len(found) == 1 else None


def _event(file: str) -> Mapping[str, Any] | str:
    """Return the event of a file, or what is wrong with it."""
    try:
        event = json.loads(read(file))
    except (ValueError, RecursionError):
        return f"{file} is not JSON."
    return event if isinstance(event, dict) else f"{file} must hold a JSON object: the event."


def _line(text: str, longest: int = 200) -> str:
    from bot.words import clean

    return clean(text, longest)


def _unknown(run: str) -> int:
    return refuse(f"There is no run {run}, or more than one. `python -m bot runs list` shows their ids.")
