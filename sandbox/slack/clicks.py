"""What people press and choose, in messages and in views."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sandbox.slack import hands
from sandbox.slack.blocks import check_options
from sandbox.slack.conversations import Channel, Ephemeral, Message
from sandbox.slack.people import User
from sandbox.slack.refusals import Impossible
from sandbox.slack.values import blocks_within, elements_of, held, state_of

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]

WORDS = "This app responded with the error"
SHORTEST = 3
"""Letters that somebody types before Slack asks the bot for options, unless the bot says otherwise."""


async def click(workspace: "Workspace", given: Json) -> Json:
    """Press or choose something in a message ("channel", "ts") or a view ("view_id"). Raises Impossible."""
    user = hands.person(workspace, given.get("user"))
    if given.get("view_id"):
        return await _in_view(workspace, user, given)
    return await _in_message(workspace, user, given)


async def suggest(workspace: "Workspace", given: Json) -> Json:
    """Type into a menu whose options come from the bot; gives the options. Raises Impossible."""
    user = hands.person(workspace, given.get("user"))
    view = hands.own_view(workspace, given.get("view_id"), user)
    block_id, element = _element(view.content["blocks"], given)
    if element["type"] not in ("external_select", "multi_external_select"):
        raise Impossible("not_external", "the options of this element do not come from the app", status=400)
    text = str(given.get("value") or "")
    if len(text) < element.get("min_query_length", SHORTEST):
        raise Impossible("too_short", "Slack does not ask for the options yet", status=400)
    payload = {
        **hands.common(workspace, "block_suggestion", user),
        "action_id": element["action_id"],
        "block_id": block_id,
        "value": text,
        "container": {"type": "view", "view_id": view.id},
        # What is chosen elsewhere in the view is not told while somebody types.
        "view": {**view.as_given(), "state": {"values": {}}},
    }
    answer = await workspace.delivery.send("block_suggestion", payload)
    options = _suggested(answer.json)
    shown: Json = {"status": answer.status, "seconds": answer.seconds, "options": options or []}
    if answer.failure or options is None:
        return {**shown, "shown": [hands.TROUBLE]}
    view.suggested[block_id, element["action_id"]] = options
    return shown


def _suggested(answer: Any) -> list[Json] | None:
    """Give the options that the bot has answered with; None where Slack could not show them."""
    if not isinstance(answer, dict) or ("options" in answer) == ("option_groups" in answer):
        return None
    given = {key: answer[key] for key in ("options", "option_groups") if answer.get(key)}
    if any(check_options(given)):
        return None
    groups = given.get("option_groups", [])
    return [*given.get("options", []), *(each for group in groups for each in group["options"])]


async def _in_message(workspace: "Workspace", user: User, given: Json) -> Json:
    channel = hands.place(workspace, given.get("channel"), user)
    ts = str(given.get("ts"))
    found: Message | Ephemeral | None = workspace.conversations.find_ephemeral(channel.id, ts, user.id)
    found = found or workspace.conversations.find(channel.id, ts)
    if found is None:
        raise Impossible("message_not_found", "there is no such message to be seen")
    block_id, element = _element(found.blocks, given)
    is_ephemeral = isinstance(found, Ephemeral)
    url = workspace.response_urls.issue(
        user=user.id,
        channel=channel.id,
        origin="ephemeral" if is_ephemeral else "message",
        about=str(element["action_id"]),
        ts=ts,
    )
    container: Json = {
        "type": "message",
        "message_ts": ts,
        "channel_id": channel.id,
        "is_ephemeral": is_ephemeral,
    }
    if found.thread_ts:
        container["thread_ts"] = found.thread_ts
    action = _action(workspace, block_id, element, given)
    typed = hands.typed_into(workspace, found.blocks, given.get("values") or {})
    if held(element) is not None:
        typed.setdefault(block_id, {})[element["action_id"]] = _state(element, action)
    payload: Json = {
        **hands.common(workspace, "block_actions", user),
        "container": container,
        "trigger_id": workspace.triggers.issue(user.id),
        "channel": {"id": channel.id, "name": _channel_name(channel)},
        "state": {"values": state_of(found.blocks, typed)},
        "response_url": hands.response_address(workspace, url),
        "actions": [action],
    }
    # A message that only one person sees is kept nowhere, so that Slack has none to send along.
    if isinstance(found, Message):
        payload["message"] = workspace.conversations.given(found, workspace.team_id)
    answer = await workspace.delivery.send("block_actions", payload)
    shown = hands.failure(workspace, answer, channel, user, WORDS)
    return {"status": answer.status, "seconds": answer.seconds, "shown": shown}


async def _in_view(workspace: "Workspace", user: User, given: Json) -> Json:
    view = hands.own_view(workspace, given.get("view_id"), user)
    block_id, element = _element(view.content["blocks"], given)
    typed = hands.typed_into(workspace, view.content["blocks"], given.get("values") or {}, view.suggested)
    hands.remember(view, typed)
    action = _action(workspace, block_id, element, given, view.suggested.get((block_id, element["action_id"]), []))
    if held(element) is not None:
        hands.remember(view, {block_id: {element["action_id"]: _state(element, action)}})
    payload = {
        **hands.common(workspace, "block_actions", user),
        "container": {"type": "view", "view_id": view.id},
        "trigger_id": workspace.triggers.issue(user.id, view_id=view.id),
        "view": view.as_given(),
        "actions": [action],
    }
    answer = await workspace.delivery.send("block_actions", payload)
    shown = [hands.TROUBLE] if answer.failure else []
    return {"status": answer.status, "seconds": answer.seconds, "shown": shown}


def _element(blocks: list[Json], given: Json) -> tuple[str, Json]:
    """Find the element that was pressed; what is not there cannot be. Raises Impossible."""
    for block in blocks_within(blocks):
        if given.get("block_id") not in {None, block["block_id"]}:
            continue
        for element in elements_of(block):
            if element.get("action_id") == given.get("action_id"):
                return block["block_id"], element
    raise Impossible("no_such_element", f"there is nothing called {json.dumps(given.get('action_id'))} to press")


def _action(workspace: "Workspace", block_id: str, element: Json, given: Json, suggested: Sequence[Json] = ()) -> Json:
    """Tell of the press as the payload's `actions` do. Raises Impossible for a choice that is not offered."""
    action: Json = {
        "type": element["type"],
        "action_id": element["action_id"],
        "block_id": block_id,
        "action_ts": workspace.stamps.ts(),
    }
    name = held(element)
    if element["type"] == "overflow":
        value = given.get("selected_option")
        wanted = value.get("value") if isinstance(value, dict) else value
        option = next((option for option in element["options"] if option["value"] == wanted), None)
        if option is None:
            raise Impossible("no_such_option", f"{element['action_id']} offers no such option", status=400)
        action["selected_option"] = option
    elif element["type"] == "feedback_buttons":
        buttons = (element["positive_button"], element["negative_button"])
        pressed = next((each for each in buttons if each["value"] == given.get("value")), None)
        if pressed is None:
            raise Impossible("no_such_button", "feedback is one of two values", status=400)
        action |= pressed
    elif name is None:
        action |= {key: element[key] for key in ("text", "value", "style", "url") if key in element}
    else:
        action |= hands.picked(workspace, element, given.get(name, given.get("value")), suggested)
    return action


def _state(element: Json, action: Json) -> Json:
    """Give the part of an action that the element keeps."""
    kept = {"type", held(element), "timezone"}
    return {key: value for key, value in action.items() if key in kept}


def _channel_name(channel: Channel) -> str:
    """Name the channel as interactions do: private ones keep their name to themselves."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name
