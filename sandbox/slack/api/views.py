"""views.*: modals and the Home tab."""

from typing import Any

from sandbox.slack.arguments import invalid
from sandbox.slack.blocks import Problem, check_home, check_modal, fill
from sandbox.slack.blocks.surfaces import too_large
from sandbox.slack.methods import Call, method
from sandbox.slack.refusals import Refusal
from sandbox.slack.views import MOST_IN_STACK, View

Json = dict[str, Any]


@method("views.open", tier=4)
def open_view(call: Call) -> Json:
    """Open a modal for the person who has just done something."""
    workspace = call.workspace
    content = modal_content(call)
    user, _ = workspace.triggers.exchange(_trigger(call))
    view = workspace.view(user, content)
    workspace.views.open(view)
    workspace.changes.happened()
    return {"view": view.as_given()}


@method("views.push", tier=4)
def push(call: Call) -> Json:
    """Put a modal on top of the one in which the person has just done something."""
    workspace = call.workspace
    content = modal_content(call)
    user, view_id = workspace.triggers.exchange(_trigger(call))
    stack = workspace.views.stacks.get(user, [])
    if view_id is None or not any(view.id == view_id for view in stack):
        raise Refusal("not_found")
    if len(stack) >= MOST_IN_STACK:
        raise Refusal("push_limit_reached")
    view = workspace.view(user, content, root_id=stack[0].id, previous_id=stack[-1].id)
    workspace.views.push(view)
    workspace.changes.happened()
    return {"view": view.as_given()}


@method("views.update", tier=4)
def update(call: Call) -> Json:
    """Change a view that somebody has open."""
    workspace, arguments = call.workspace, call.arguments
    view_id, external_id = arguments.text("view_id"), arguments.text("external_id")
    if not view_id and not external_id:
        raise invalid("either view_id or external_id is required")
    view = workspace.views.find(view_id=view_id, external_id=external_id)
    is_home = view is not None and view.content["type"] == "home"
    content = home_content(call) if is_home else modal_content(call, instead_of=view)
    if view is None:
        raise Refusal("not_found")
    _check_hash(call, view)
    replace(call, view, content)
    return {"view": view.as_given()}


@method("views.publish", tier=4)
def publish(call: Call) -> Json:
    """Show a person's Home tab."""
    workspace, user = call.workspace, call.arguments.required("user_id")
    if user not in workspace.users:
        raise invalid("user_id is invalid")
    view = workspace.views.homes.get(user)
    content = home_content(call)
    if view is None:
        view = workspace.view(user, content)
        workspace.views.homes[user] = view
        workspace.changes.happened()
    else:
        _check_hash(call, view)
        replace(call, view, content)
    return {"view": view.as_given()}


def replace(call: Call, view: View, content: Json) -> None:
    """Put new content into a view. What was typed stays where block_id and action_id stay."""
    view.content = {**content, "blocks": fill(content["blocks"], call.workspace.stamps.short)}
    view.at = call.workspace.clock()
    call.workspace.changes.happened()


def modal_content(call: Call, *, instead_of: View | None = None) -> Json:
    """Read and check a modal. Raises Refusal."""
    content = _content(call)
    _refuse(check_modal(content))
    external_id = content.get("external_id")
    if external_id:
        other = call.workspace.views.find(external_id=external_id)
        if other is not None and other is not instead_of:
            raise Refusal("duplicate_external_id")
    return content


def home_content(call: Call) -> Json:
    """Read and check a Home tab. Raises Refusal."""
    content = _content(call)
    _refuse(check_home(content))
    return content


def _content(call: Call) -> Json:
    content = call.arguments.json("view")
    if content is None:
        raise invalid("missing required field: view")
    if not isinstance(content, dict):
        raise invalid("must provide an object [json-pointer:/view]")
    if too_large(content):
        raise Refusal("view_too_large")
    return content


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise invalid(*(each.as_text() for each in problems))


def _trigger(call: Call) -> str:
    """Read the trigger_id, under either of its names."""
    return call.arguments.text("interactivity_pointer") or call.arguments.required("trigger_id")


def _check_hash(call: Call, view: View) -> None:
    given = call.arguments.text("hash")
    if given and given != view.hash:
        raise Refusal("hash_conflict")
