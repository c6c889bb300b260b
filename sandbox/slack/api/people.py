"""users.*, usergroups.*, team.*, bots.*: who is there."""

from typing import Any

from sandbox.slack import seed
from sandbox.slack.methods import Call, method
from sandbox.slack.pages import page
from sandbox.slack.people import User
from sandbox.slack.refusals import Refusal

Json = dict[str, Any]


@method("users.info", "users:read", tier=4)
def user_info(call: Call) -> Json:
    """Tell about a person."""
    return {"user": _given(call, _user(call))}


@method("users.list", "users:read", tier=2)
def user_list(call: Call) -> Json:
    """List everybody."""
    shown, cursor = page(list(call.workspace.users.values()), call.arguments)
    members = [_given(call, user) for user in shown]
    now = int(call.workspace.clock())
    return {"members": members, "cache_ts": now, "response_metadata": {"next_cursor": cursor}}


@method("users.lookupByEmail", "users:read.email", tier=3)
def lookup_by_email(call: Call) -> Json:
    """Find a person by their e-mail address."""
    email = call.arguments.required("email").lower()
    for user in call.workspace.users.values():
        if user.email == email and not user.deleted:
            return {"user": _given(call, user)}
    raise Refusal("users_not_found")


@method("usergroups.list", "usergroups:read", tier=2)
def group_list(call: Call) -> Json:
    """List the user groups."""
    groups = [
        group.as_given(
            call.workspace.team_id,
            with_users=call.arguments.flag("include_users"),
            with_count=call.arguments.flag("include_count"),
        )
        for group in call.workspace.user_groups.values()
        if not group.is_disabled or call.arguments.flag("include_disabled")
    ]
    return {"usergroups": groups}


@method("usergroups.users.list", "usergroups:read", tier=2)
def group_users(call: Call) -> Json:
    """List the members of a user group."""
    group = call.workspace.user_groups.get(call.arguments.required("usergroup"))
    if group is None:
        raise Refusal("no_such_subteam")
    if group.is_disabled and not call.arguments.flag("include_disabled"):
        raise Refusal("subteam_disabled")
    return {"users": list(group.users)}


@method("team.info", "team:read", tier=3)
def team_info(call: Call) -> Json:
    """Tell about the workspace."""
    team = {"id": call.workspace.team_id, "name": seed.TEAM_NAME, "domain": seed.TEAM_DOMAIN, "email_domain": ""}
    return {"team": team | {"url": f"{call.address}/", "icon": {"image_default": True}}}


@method("bots.info", "users:read", tier=3)
def bot_info(call: Call) -> Json:
    """Tell about a bot."""
    workspace = call.workspace
    if call.arguments.text("bot", workspace.bot_id) != workspace.bot_id:
        raise Refusal("bot_not_found")
    profile = workspace.bot_profile()["bot_profile"]
    return {"bot": {**profile, "user_id": workspace.bot.id}}


def _user(call: Call) -> User:
    user = call.workspace.users.get(call.arguments.required("user"))
    if user is None:
        raise Refusal("user_not_found")
    return user


def _given(call: Call, user: User) -> Json:
    return user.as_given(call.workspace.team_id, with_email="users:read.email" in call.scopes)
