"""api.*, auth.*, apps.*, blocks.* and reactions.*: the app itself, and what belongs to no family."""

import re
from typing import Any

from sandbox.slack import seed
from sandbox.slack.arguments import invalid
from sandbox.slack.blocks import Problem, check_home, check_message, check_modal
from sandbox.slack.methods import Call, method
from sandbox.slack.places import read_in
from sandbox.slack.refusals import Refusal

Json = dict[str, Any]

LONGEST_VALIDATED = 100_000


@method("api.test", token=None)
def api_test(call: Call) -> Json:
    """Answer with what was asked."""
    if error := call.arguments.text("error"):
        raise Refusal(error, args=call.arguments.given)
    return {"args": {key: value for key, value in call.arguments.given.items() if key != "token"}}


@method("auth.test")
def auth_test(call: Call) -> Json:
    """Tell whose token this is."""
    workspace = call.workspace
    if "connections:write" in call.scopes:
        return {"app_name": workspace.bot.name, "app_id": workspace.app_id}
    return {
        "url": f"{call.address}/",
        "team": seed.TEAM_NAME,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", "connections:write", tier=1, token="app")
def open_connection(call: Call) -> Json:
    """Give an address that opens one Socket Mode connection."""
    return {"url": call.workspace.sockets.invite(call.address)}


@method("reactions.add", "reactions:write", tier=3)
def add_reaction(call: Call) -> Json:
    """Put a reaction on a message."""
    workspace, arguments = call.workspace, call.arguments
    channel = read_in(workspace, arguments.required("channel"))
    message = workspace.conversations.find(channel.id, arguments.required("timestamp"))
    if message is None:
        raise Refusal("message_not_found")
    name = arguments.required("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+\-]+(::skin-tone-[2-6])?", name):
        raise Refusal("invalid_name")
    users = message.reactions.setdefault(name, [])
    if workspace.bot.id in users:
        raise Refusal("already_reacted")
    users.append(workspace.bot.id)
    workspace.changes.happened()
    return {}


@method("blocks.validate", token=None)
def validate(call: Call) -> Json:
    """Check blocks, a message or a view without sending it anywhere."""
    given = [name for name in ("blocks", "message", "view") if call.arguments.has(name)]
    if len(given) != 1:
        raise invalid("exactly one of blocks, message or view is required")
    raw = call.arguments.given[given[0]]
    if isinstance(raw, str) and len(raw) > LONGEST_VALIDATED:
        raise invalid(f"must be less than {LONGEST_VALIDATED + 1} characters [json-pointer:/{given[0]}]")
    value = call.arguments.json(given[0], error="invalid_json")
    problems = _problems(given[0], value)
    if problems:
        raise Refusal("invalid_blocks", errors=[_described(each) for each in problems])
    return {}


def _problems(name: str, value: Any) -> list[Problem]:
    match name, value:
        case "view", {"type": "home"}:
            return check_home(value, "")
        case "view", _:
            return check_modal(value, "")
        case "message", {"blocks": blocks}:
            return check_message(blocks, "/blocks")
        case "message", _:
            return [Problem(message="missing required field: blocks", pointer="")]
        case _:
            return check_message(value, "")


def _described(problem: Problem) -> Json:
    described: Json = {"code": "failed_constraint", "message": problem.message, "pointer": problem.pointer}
    return described | ({"constraint": dict(problem.constraint)} if problem.constraint else {})
