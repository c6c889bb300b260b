"""What all that people do has in common: who does it, where, and what the bot is told about them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sandbox.slack import seed
from sandbox.slack.conversations import Channel
from sandbox.slack.delivery import Answer
from sandbox.slack.people import User
from sandbox.slack.refusals import Impossible
from sandbox.slack.tickets import ResponseUrl
from sandbox.slack.values import blocks_within, chosen, elements_of, held
from sandbox.slack.views import View

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]

TROUBLE = "We had some trouble connecting. Try again?"
"""What a person reads in a form whose app did not answer as it should."""

FAILED = {
    "operation_timeout": "operation_timeout",
    "dispatch_failed": "dispatch_failed",
    "http_service_error": "dispatch_unknown_error",
}


def person(workspace: "Workspace", user_id: object) -> User:
    """Find the person who does it. Raises Impossible."""
    user = workspace.users.get(user_id) if isinstance(user_id, str) else None
    if user is None or user.is_bot:
        raise Impossible("user_not_found", "there is no such person")
    return user


def place(workspace: "Workspace", channel_id: object, user: User) -> Channel:
    """Find the channel it is done in, which the person must see. Raises Impossible."""
    channel = workspace.conversations.channels.get(channel_id) if isinstance(channel_id, str) else None
    if channel is None or (user.id not in channel.members and (channel.is_private or channel.is_im)):
        raise Impossible("channel_not_found", "this person sees no such channel")
    return channel


def own_view(workspace: "Workspace", view_id: object, user: User) -> View:
    """Find a view that the person has open. Raises Impossible."""
    view = workspace.views.find(view_id=view_id) if isinstance(view_id, str) else None
    if view is None or view.user != user.id:
        raise Impossible("view_not_found", "this person has no such view open")
    return view


def common(workspace: "Workspace", kind: str, user: User) -> Json:
    """Return the fields that every interaction's payload starts with."""
    return {
        "type": kind,
        "team": {"id": workspace.team_id, "domain": seed.TEAM_DOMAIN},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": workspace.team_id},
        "api_app_id": workspace.app_id,
        "token": seed.VERIFICATION_TOKEN,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def response_address(workspace: "Workspace", url: ResponseUrl) -> str:
    """Write out a response address."""
    return f"{workspace.address}/commands/{url.key}"


def failure(workspace: "Workspace", answer: Answer, channel: Channel, user: User, words: str) -> list[str]:
    """Show the person that the bot has failed, if it has; gives what was shown."""
    if answer.failure is None:
        return []
    text = f"{words} `{FAILED[answer.failure]}`"
    workspace.whisper(channel.id, user.id, text, [], answers=words)
    return [text]


Suggested = Mapping[tuple[str, str], list[Json]]
_NONE: Suggested = {}


def typed_into(workspace: "Workspace", blocks: list[Json], values: object, suggested: Suggested = _NONE) -> Json:
    """Return the states of the fields that these values were put into, by block_id and action_id.

    A value stands for the one field of its block, or is an object with a value for each action_id. `suggested` is
    what the bot has offered in the menus that it fills.
    Raises Impossible for fields that are not there and values they do not take.
    """
    if not isinstance(values, dict):
        raise Impossible("invalid_values", "values are an object", status=400)
    known = {block["block_id"]: block for block in blocks_within(blocks)}
    typed: Json = {}
    for block_id, value in values.items():
        fields = [each for each in elements_of(known.get(block_id, {"type": None})) if held(each)]
        if not fields:
            raise Impossible("no_such_field", f"there is no field {block_id}", status=400)
        by_action = isinstance(value, dict) and value.keys() <= {each["action_id"] for each in fields}
        for element in fields:
            if by_action and element["action_id"] not in value:
                continue
            inner = value[element["action_id"]] if by_action else value
            offers = suggested.get((block_id, element["action_id"]), [])
            typed.setdefault(block_id, {})[element["action_id"]] = picked(workspace, element, inner, offers)
    return typed


def picked(workspace: "Workspace", element: Json, given: Any, suggested: Sequence[Json] = ()) -> Json:
    """Return the state of a field in which this was picked. Raises Impossible for what its menu does not show."""
    state = chosen(element, given, suggested)
    name = held(element) or ""
    offered: dict[str, Any] = {
        "selected_user": workspace.users,
        "selected_channel": workspace.conversations.channels,
        "selected_conversation": {**workspace.conversations.channels, **workspace.users},
    }
    among = offered.get(name.removesuffix("s"))
    ids = state[name] if isinstance(state[name], list) else [state[name]]
    if among is not None and any(each is not None and each not in among for each in ids):
        raise Impossible("no_such_option", f"{element['action_id']} does not offer {given!r}", status=400)
    return state


def remember(view: View, typed: Json) -> None:
    """Keep what was typed, as long as the view has its field."""
    for block_id, states in typed.items():
        view.typed.setdefault(block_id, {}).update(states)
