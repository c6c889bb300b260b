"""Modals: submitting and closing them, and what the bot may answer."""

from typing import TYPE_CHECKING, Any

from sandbox.slack import hands
from sandbox.slack.blocks import check_modal, fill
from sandbox.slack.delivery import Answer
from sandbox.slack.fields import wrong_fields
from sandbox.slack.refusals import Impossible
from sandbox.slack.views import MOST_IN_STACK, View

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


async def submit(workspace: "Workspace", given: Json) -> Json:
    """Submit a form: {"user", "view_id", "values"}; does what the bot answers. Raises Impossible."""
    user = hands.person(workspace, given.get("user"))
    view = hands.own_view(workspace, given.get("view_id"), user)
    if view.content["type"] != "modal" or "submit" not in view.content:
        raise Impossible("no_submit", "this view cannot be submitted", status=400)
    typed = hands.typed_into(workspace, view.content["blocks"], given.get("values") or {}, view.suggested)
    hands.remember(view, typed)
    if wrong := wrong_fields(view):
        return {"status": None, "seconds": 0.0, "errors": wrong, "by": "slack"}
    payload = {
        **hands.common(workspace, "view_submission", user),
        "trigger_id": workspace.triggers.issue(user.id, view_id=view.id),
        "view": view.as_given(),
        "response_urls": _response_urls(workspace, view),
    }
    answer = await workspace.delivery.send("view_submission", payload)
    result: Json = {"status": answer.status, "seconds": answer.seconds, "response_action": None}
    return result | _carry_out(workspace, view, answer)


async def close(workspace: "Workspace", given: Json) -> Json:
    """Close a form without submitting it: {"user", "view_id", "all"?}. Raises Impossible.

    With `all` the person has closed the whole window, and everything in it with it.
    """
    user = hands.person(workspace, given.get("user"))
    view = hands.own_view(workspace, given.get("view_id"), user)
    if view.content["type"] != "modal":
        raise Impossible("not_a_modal", "a Home tab cannot be closed", status=400)
    cleared = bool(given.get("all") or view.content.get("clear_on_close"))
    closed = workspace.views.drop(view, whole_stack=cleared)
    workspace.changes.happened()
    for each in closed:
        if each.content.get("notify_on_close"):
            payload = {**hands.common(workspace, "view_closed", user), "view": each.as_given(), "is_cleared": cleared}
            await workspace.delivery.send("view_closed", payload)
    return {"closed": [each.id for each in closed]}


def _response_urls(workspace: "Workspace", view: View) -> list[Json]:
    """Give an address for each chosen conversation whose field asks for one."""
    state = view.as_given()["state"]["values"]
    urls: list[Json] = []
    for block in view.content["blocks"]:
        element = block.get("element", {})
        if not element.get("response_url_enabled"):
            continue
        kept = state[block["block_id"]][element["action_id"]]
        channel = kept.get("selected_conversation") or kept.get("selected_channel")
        if channel not in workspace.conversations.channels:
            continue
        url = workspace.response_urls.issue(
            user=view.user, channel=channel, origin="command", about=view.content.get("callback_id", "")
        )
        urls.append(
            {
                "response_url": hands.response_address(workspace, url),
                "channel_id": channel,
                "block_id": block["block_id"],
                "action_id": element["action_id"],
            }
        )
    return urls


def _carry_out(workspace: "Workspace", view: View, answer: Answer) -> Json:
    """Do what the bot has answered to a submission; gives what came of it."""
    if answer.failure:
        return {"shown": [hands.TROUBLE]}
    response = answer.json if answer.text else {}
    if not isinstance(response, dict):
        return {"shown": [hands.TROUBLE]}
    action = response.get("response_action")
    done = _done(workspace, view, action, response)
    if done is None:
        return {"response_action": action, "shown": [hands.TROUBLE]}
    workspace.changes.happened()
    return {"response_action": action, **done}


def _done(workspace: "Workspace", view: View, action: object, response: Json) -> Json | None:
    """Do what a response_action says; None when Slack cannot."""
    stack = workspace.views.stacks.get(view.user, [])
    content = response.get("view")
    if view not in stack:
        return {}
    match action:
        case "errors":
            errors = response.get("errors")
            inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
            if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
                return None
            return {"errors": errors, "by": "app"}
        case "update" | "push" if check_modal(content) or not isinstance(content, dict):
            return None
        case "update" if isinstance(content, dict):
            view.content = {**content, "blocks": fill(content["blocks"], workspace.stamps.short)}
            view.at = workspace.clock()
        case "push" if isinstance(content, dict) and len(stack) < MOST_IN_STACK:
            workspace.views.push(workspace.view(view.user, content, root_id=stack[0].id, previous_id=stack[-1].id))
        case "clear":
            workspace.views.drop(view, whole_stack=True)
        case None:
            workspace.views.drop(view, whole_stack=False)
        case _:
            return None
    return {}
