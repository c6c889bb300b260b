"""Deployments: versions of an Action, and which Actions run at which trigger, in which order."""

import uuid
from typing import Any

from starlette.responses import Response

from sandbox.auth0.actions import TRIGGERS, numbered_page
from sandbox.auth0.checks import Rules, check
from sandbox.auth0.drafts import Action, Version, action_of, deploy, no_such_action, shown, shown_version
from sandbox.auth0.errors import ApiError, bad_body
from sandbox.auth0.moments import iso
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.runner import Execution, run
from sandbox.auth0.tenant import Tenant

routes = Routes()

MOST_BINDINGS = 20
PAGING: Rules = {
    "page": {"type": "integer", "minimum": 0},
    "per_page": {"type": "integer", "minimum": 1, "maximum": 100},
}


@routes.on("POST", "/actions/actions/{id}/deploy", any_of=("create:actions",))
def deploy_action(tenant: Tenant, call: Call) -> Response:
    """Deploy the draft, once it is built. The real answer is 200, whatever the specification says."""
    action = action_of(tenant, call.ids["id"])
    if action.status(tenant.now(), tenant.settings.build_seconds) != "built":
        raise ApiError(400, "A draft must be in the 'built' state before it can be deployed.")
    return answer(shown_version(action, deploy(tenant, action)))


@routes.on("GET", "/actions/actions/{id}/versions", any_of=("read:actions",), query=PAGING)
def list_versions(tenant: Tenant, call: Call) -> Response:
    """List the versions of an Action, newest first."""
    action = action_of(tenant, call.ids["id"])
    versions = [shown_version(action, version) for version in reversed(action.versions)]
    return answer(numbered_page(versions, "versions", call.query))


def version_of(action: Action, version_id: str) -> Version:
    """Find a version of an Action.

    Raises ApiError 404 when it is not there.
    """
    for version in action.versions:
        if version.id == version_id:
            return version
    raise ApiError(404, "That action version does not exist.")


@routes.on("GET", "/actions/actions/{id}/versions/{version}", any_of=("read:actions",))
def get_version(tenant: Tenant, call: Call) -> Response:
    """Get one version."""
    action = action_of(tenant, call.ids["id"])
    return answer(shown_version(action, version_of(action, call.ids["version"])))


@routes.on("POST", "/actions/actions/{id}/versions/{version}/deploy", any_of=("create:actions",))
def deploy_version(tenant: Tenant, call: Call) -> Response:
    """Go back to an earlier version: its content becomes a new version that runs."""
    action = action_of(tenant, call.ids["id"])
    version = version_of(action, call.ids["version"])
    given = call.json() if call.content else {}
    draft = action.draft
    action.draft = version.draft.copy()
    answered = deploy(tenant, action)
    if not (isinstance(given, dict) and given.get("update_draft")):
        action.draft = draft
        action.all_deployed = False
    return answer(shown_version(action, answered), 202)


TESTING: Rules = {
    "type": "object",
    "closed": True,
    "required": ("payload",),
    "properties": {"payload": {"type": "object", "about": "The payload for the action."}},
}


@routes.on("POST", "/actions/actions/{id}/test", any_of=("create:actions",))
async def test_action(tenant: Tenant, call: Call) -> Response:
    """Run the draft with the event that was sent."""
    payload = call.body(TESTING)["payload"]
    check(payload.get("event"), {"type": "object"})
    action = action_of(tenant, call.ids["id"])
    execution: Execution = await run(tenant.settings, action.name, action.draft, payload["event"])
    return answer({"payload": execution.shown()})


@routes.on("GET", "/actions/triggers", any_of=("read:actions",))
def list_triggers(tenant: Tenant, call: Call) -> Response:
    """List the triggers."""
    return answer(
        {
            "triggers": [
                {
                    "id": trigger,
                    "version": version,
                    "status": "CURRENT",
                    "runtimes": ["node18-actions", "node22"],
                    "default_runtime": "node22",
                    "binding_policy": "entity-bound" if trigger == "event-stream" else "trigger-bound",
                    "compatible_triggers": [],
                }
                for trigger, version in TRIGGERS.items()
            ]
        }
    )


def trigger_of(call: Call) -> str:
    """Give the trigger of the address."""
    trigger = call.ids["trigger"]
    check(trigger, {"enum": tuple(TRIGGERS)}, what="Path")
    if trigger == "event-stream":
        raise ApiError(400, "cannot list action bindings for an entity-bound trigger")
    return trigger


def shown_binding(tenant: Tenant, binding: dict[str, Any]) -> dict[str, Any]:
    """Show a binding with its Action."""
    kept = {name: value for name, value in binding.items() if name != "action_id"}
    return {**kept, "action": shown(tenant, tenant.actions[binding["action_id"]])}


@routes.on("GET", "/actions/triggers/{trigger}/bindings", any_of=("read:actions",), query=PAGING)
def list_bindings(tenant: Tenant, call: Call) -> Response:
    """List what runs at a trigger, in order."""
    bindings = tenant.bindings.get(trigger_of(call), [])
    return answer(numbered_page([shown_binding(tenant, one) for one in bindings], "bindings", call.query))


BINDINGS: Rules = {
    "closed": True,
    "properties": {
        "bindings": {
            "type": "array",
            "at_most": MOST_BINDINGS,
            "about": "The actions that will be bound to this trigger. The order in which they are included will be the "
            "order in which they are executed.",
            "items": {
                "type": "object",
                "closed": True,
                "required": ("ref",),
                "properties": {
                    "ref": {
                        "type": "object",
                        "required": ("type", "value"),
                        "properties": {
                            "type": {"type": "string", "enum": ("binding_id", "action_id", "action_name")},
                            "value": {"type": "string", "shortest": 1},
                        },
                    },
                    "display_name": {"type": "string", "shortest": 1},
                    "secrets": {"type": "array"},
                },
            },
        }
    },
}


@routes.on("PATCH", "/actions/triggers/{trigger}/bindings", any_of=("update:actions",))
def replace_bindings(tenant: Tenant, call: Call) -> Response:
    """Replace everything that runs at a trigger by this list; what is not named stops running."""
    trigger = trigger_of(call)
    wanted = call.body(BINDINGS).get("bindings", [])
    old = {one["id"]: one for one in tenant.bindings.get(trigger, [])}
    named = [one["ref"]["value"] for one in wanted if one["ref"]["type"] == "binding_id"]
    if len(set(named)) != len(named):
        raise bad_body("A binding can be named only once")
    tenant.bindings[trigger] = [bound(tenant, trigger, one, old) for one in wanted]
    tenant.changes.happened()
    return answer({"bindings": [shown_binding(tenant, one) for one in tenant.bindings[trigger]]})


def bound(tenant: Tenant, trigger: str, wanted: dict[str, Any], old: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Make (or keep) one binding."""
    now = iso(tenant.now())
    value = wanted["ref"]["value"]
    if wanted["ref"]["type"] == "binding_id":
        if value not in old:
            raise ApiError(404, "That action binding does not exist.")
        name = wanted.get("display_name", old[value]["display_name"])
        return {**old[value], "display_name": name, "updated_at": now}
    by_name = {action.name: action.id for action in tenant.actions.values()}
    action_id = value if wanted["ref"]["type"] == "action_id" else by_name.get(value)
    if action_id not in tenant.actions:
        raise no_such_action()
    action = action_of(tenant, action_id)
    if action.deployed is None:
        raise ApiError(400, "Trying to create a binding for an action that has not been deployed yet")
    if action.deployed.draft.triggers[0]["id"] != trigger:
        raise ApiError(400, f"The action does not support the trigger {trigger}.")
    return {
        "id": str(uuid.uuid4()),
        "trigger_id": trigger,
        "display_name": wanted.get("display_name", action.name),
        "action_id": action.id,
        "created_at": now,
        "updated_at": now,
    }
