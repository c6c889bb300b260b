"""python -m bot flows …: flows as files, and their versions."""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bot.cli.terminal import Subcommands, asynchronously, moment, read, refuse, say, table
from bot.settings import StoreSettings
from flows.problems import Problem, nearest

if TYPE_CHECKING:
    from bot.assembly import Kept


def add(commands: Subcommands) -> None:
    """Add the commands."""
    steps = commands.add_parser("flows", help="flows as files, and their versions").add_subparsers(
        required=True, metavar="step"
    )

    def command(name: str, about: str, work: object) -> argparse.ArgumentParser:
        found: argparse.ArgumentParser = steps.add_parser(name, help=about, description=about)
        found.set_defaults(carry_out=asynchronously(work))  # type: ignore[arg-type]  # all of them take the same
        return found

    command("list", "the flows that are set up", _list)
    command("export", "print flows as YAML, without secrets", _export).add_argument("name", nargs="*")
    importing = command("import", "show what a file would change; with --yes, change it", _import)
    importing.add_argument("file", help="a file that export wrote, or - for standard input")
    importing.add_argument("--yes", action="store_true", help="keep it, if there are no problems")
    command("versions", "what a flow was before, and who changed it", _versions).add_argument("name")
    comparing = command("diff", "what differs between two versions of a flow", _diff)
    comparing.add_argument("name")
    comparing.add_argument("old", type=int)
    comparing.add_argument("new", type=int)
    restoring = command("restore", "make a flow what it was", _restore)
    restoring.add_argument("name")
    restoring.add_argument("version", type=int)
    command("check", "say what is wrong with a flow's file", _check).add_argument(
        "file", help="a template, or a file that export wrote; - for standard input"
    )


async def _list(_given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept

    async with kept(settings) as things:
        flows = await things.store.flows()
    rows = [("FLOW", "IS", "VERSION", "CHANGED", "BY")]
    for flow in flows:
        state = "off" if not flow.enabled else "paused" if flow.paused else "on"
        rows.append((flow.name, state, str(flow.version), moment(flow.changed_at), flow.changed_by or "-"))
    say(table(rows) if flows else "No flow is set up yet.")
    return 0


async def _export(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from flows import exports

    async with kept(settings) as things:
        flows = {flow.name: flow for flow in await things.store.flows()}
    for name in given.name:
        if name not in flows:
            return _unknown(name, flows)
    if not flows:
        return refuse("No flow is set up yet.")
    sys.stdout.write(exports.export([flows[name] for name in given.name or flows]))
    return 0


async def _import(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from flows import exports
    from flows.row_tables import WrongTableError

    async with kept(settings) as things:
        file = exports.read(
            read(given.file),
            catalog=things.catalog,
            flows=await things.store.flows(),
            connections=await _connections(things),
        )
        for one in file.flows:
            say(one.diff.rstrip() if one.changed else f"{one.name}: unchanged")
        if file.problems:
            return _problems(file.problems, "Nothing was changed.")
        changed = [one for one in file.flows if one.changed]
        if not changed:
            say("There is nothing to change.")
            return 0
        if not given.yes:
            say("\nNothing was changed yet. Say --yes to keep this.")
            return 0
        try:
            kept_now = await exports.keep(things.store, file, now=time.time())
        except WrongTableError as error:
            return refuse(f"{error} What comes before it in the file is kept; `flows list` shows it.")
    for flow in kept_now:
        say(f"{flow.name}: kept as version {flow.version}, {'on' if flow.enabled else 'off'}")
    return 0


async def _versions(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept

    async with kept(settings) as things:
        flow = await things.store.flow(given.name)
        if flow is None:
            return _unknown(given.name, [one.name for one in await things.store.flows()])
        versions = await things.store.versions(given.name)
    in_force = {flow.version: "in force"}
    rows = [
        (str(one.version), moment(one.saved_at), one.saved_by or "-", in_force.get(one.version, "")) for one in versions
    ]
    say(table([("VERSION", "SAVED", "BY", ""), *rows]))
    return 0


async def _diff(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from flows import exports
    from flows.versions import version_of

    async with kept(settings) as things:
        old = await version_of(things.store, given.name, given.old)
        new = await version_of(things.store, given.name, given.new)
    if old is None or new is None:
        return refuse(f"There is no version {given.old if old is None else given.new} of {given.name}.")
    say(exports.compare(old, new).rstrip() or "They say the same.")
    return 0


async def _restore(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from flows.versions import restore

    async with kept(settings) as things:
        flow = await things.store.flow(given.name)
        done = await restore(
            things.store,
            given.name,
            given.version,
            by=flow.changed_by if flow else "",
            now=time.time(),
            catalog=things.catalog,
            connections=await _connections(things),
        )
    if isinstance(done, list):
        return _problems(done, "Nothing was changed.")
    say(f"{done.name} is again what it was in version {given.version}; this is its version {done.version}.")
    return 0


async def _check(given: argparse.Namespace, settings: StoreSettings) -> int:
    from bot.assembly import kept
    from flows import exports, templates
    from flows.document import UnreadableError, load
    from flows.language import Template

    text = read(given.file)
    try:
        data = load(text, largest=exports.LARGEST)
    except UnreadableError:
        data = None  # it is said below, by whoever reads it in earnest
    async with kept(settings) as things:
        flows = await things.store.flows()
        if isinstance(data, dict) and "cicflow" in data:
            connections = await _connections(things)
            problems = exports.read(text, catalog=things.catalog, flows=flows, connections=connections).problems
        else:
            found = templates.parse(text, things.catalog, flows=exports.templates_of(flows))
            problems = [] if isinstance(found, Template) else found
    if problems:
        return _problems(problems, "")
    say("This is fine.")
    return 0


async def _connections(things: "Kept") -> Mapping[str, Sequence[str]]:
    return {name: await things.vault.names(name) for name in things.catalog.connectors}


def _problems(problems: Sequence[Problem], said: str) -> int:
    lines = [f"  {problem}" for problem in problems]
    return refuse("\n".join(["There are problems:", *lines, *([said] if said else [])]))


def _unknown(name: str, known: Mapping[str, object] | Sequence[str]) -> int:
    guess = nearest(name, known)
    return refuse(f"There is no flow {name}{f'; {guess}' if guess else '.'}")
