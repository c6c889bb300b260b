"""Actions of the tenant: code that runs inside a login. Made, listed, changed and deleted here."""

import uuid
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.drafts import Action, Draft, action_of, shown
from sandbox.auth0.errors import ApiError, bad_body
from sandbox.auth0.moments import iso
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import Tenant

routes = Routes()

TRIGGERS = {
    "post-login": "v3",
    "credentials-exchange": "v2",
    "pre-user-registration": "v2",
    "post-user-registration": "v2",
    "post-change-password": "v2",
    "send-phone-message": "v2",
    "custom-phone-provider": "v1",
    "custom-email-provider": "v1",
    "password-reset-post-challenge": "v1",
    "custom-token-exchange": "v1",
    "event-stream": "v1",
}
RUNTIMES = ("node18", "node18-actions", "node22")
MOST_ACTIONS = 100
LONGEST_CODE = 100_000
MOST_SECRETS = 30
MOST_DEPENDENCIES = 10

TRIGGER: Rules = {
    "type": "object",
    "closed": True,
    "required": ("id",),
    "properties": {
        "id": {"type": "string", "enum": tuple(TRIGGERS), "about": "An actions extensibility point."},
        "version": {"type": "string", "about": "The version of a trigger."},
        "status": {"type": "string"},
        "runtimes": {"type": "array"},
        "default_runtime": {"type": "string"},
        "compatible_triggers": {"type": "array"},
        "binding_policy": {"type": "string"},
    },
}
PROPERTIES: Rules = {
    "name": {"type": "string", "shortest": 1, "about": "The name of an action."},
    "supported_triggers": {
        "type": "array",
        "at_least": 1,
        "items": TRIGGER,
        "about": "The list of triggers that this action supports. At this time, an action can only target a single trigger at a time.",
    },
    "code": {"type": "string", "about": "The source code of the action."},
    "dependencies": {
        "type": "array",
        "items": {
            "type": "object",
            "closed": True,
            "properties": {name: {"type": "string"} for name in ("name", "version", "registry_url")},
        },
        "about": "The list of third party npm modules, and their versions, that this action depends on.",
    },
    "runtime": {"type": "string", "enum": RUNTIMES, "about": "The Node runtime."},
    "secrets": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ("name",),
            "properties": {
                "name": {"type": "string", "shortest": 1, "longest": 128},
                "value": {"type": "string", "longest": 4096},
            },
        },
        "about": "The list of secrets that are included in an action or a version of an action.",
    },
    "modules": {"type": "array", "about": "The list of action modules and their versions used by this action."},
}
CREATION: Rules = {
    "closed": True,
    "required": ("name", "supported_triggers"),
    "properties": {**PROPERTIES, "deploy": {"type": "boolean", "about": "True if the action should be deployed."}},
}
CHANGE: Rules = {"closed": True, "properties": PROPERTIES}


def refuse_size(given: dict[str, Any]) -> None:
    """Refuse what is over the limits of an Action."""
    if len(given.get("code", "").encode()) > LONGEST_CODE:
        raise ApiError(400, f"Action code must not be larger than {LONGEST_CODE} bytes", "invalid_body")
    if len(given.get("secrets", ())) > MOST_SECRETS:
        raise ApiError(400, f"An action can have at most {MOST_SECRETS} secrets", "invalid_body")
    if len(given.get("dependencies", ())) > MOST_DEPENDENCIES:
        raise ApiError(400, f"An action can have at most {MOST_DEPENDENCIES} dependencies", "invalid_body")
    if len(given.get("supported_triggers", (0,))) != 1:
        raise ApiError(400, "An action can only target a single trigger", "invalid_body")


def with_versions(triggers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Fill in the version of a trigger where it was left out."""
    return [{"id": one["id"], "version": one.get("version") or TRIGGERS[one["id"]]} for one in triggers]


def kept_secrets(given: list[dict[str, str]], known: dict[str, str]) -> dict[str, str]:
    """Take the list of secrets as the whole: what is not named goes, what has no value stays as it was."""
    kept: dict[str, str] = {}
    for secret in given:
        name = secret["name"]
        if "value" not in secret and name not in known:
            raise bad_body(f"Missing required property: value of secret {name}")
        kept[name] = secret.get("value", known.get(name, ""))
    return kept


@routes.on("POST", "/actions/actions", any_of=("create:actions",))
def create_action(tenant: Tenant, call: Call) -> Response:
    """Create an Action; its build starts."""
    given = call.body(CREATION)
    refuse_size(given)
    if len(tenant.actions) >= MOST_ACTIONS:
        raise ApiError(403, f"The tenant has reached its limit of {MOST_ACTIONS} actions", "insufficient_entitlement")
    if any(action.name == given["name"] for action in tenant.actions.values()):
        raise ApiError(409, "An action with that name already exists.", "action_conflict")
    now = tenant.now()
    action = Action(
        id=str(uuid.uuid4()),
        name=given["name"],
        created=now,
        changed=now,
        deploy_when_built=given.get("deploy", False),
        draft=Draft(
            code=given.get("code", "module.exports = () => {}"),
            runtime=given.get("runtime", "node22"),
            dependencies=given.get("dependencies", []),
            secrets=kept_secrets(given.get("secrets", []), {}),
            secrets_at=iso(now),
            triggers=with_versions(given["supported_triggers"]),
        ),
    )
    tenant.actions[action.id] = action
    tenant.changes.happened()
    return answer(shown(tenant, action), 201)


LISTING: Rules = {
    "triggerId": {"type": "string", "enum": tuple(TRIGGERS)},
    "actionName": {"type": "string"},
    "deployed": {"type": "boolean"},
    "installed": {"type": "boolean"},
    "page": {"type": "integer", "minimum": 0},
    "per_page": {"type": "integer", "minimum": 1, "maximum": 100},
}


def numbered_page(things: list[Any], name: str, query: Any) -> dict[str, Any]:
    """Cut a numbered page in the form of the Actions endpoints."""
    page, size = query.get("page", 0), query.get("per_page", 50)
    return {name: things[page * size : (page + 1) * size], "page": page, "per_page": size, "total": len(things)}


@routes.on("GET", "/actions/actions", any_of=("read:actions",), query=LISTING)
def list_actions(tenant: Tenant, call: Call) -> Response:
    """List Actions."""
    query = call.query
    tests: list[Callable[[Action], bool]] = [
        lambda action: "triggerId" not in query or action.draft.triggers[0]["id"] == query["triggerId"],
        lambda action: "actionName" not in query or action.name == query["actionName"],
        lambda action: "deployed" not in query or (action.deployed is not None) == query["deployed"],
        lambda action: not query.get("installed"),
    ]
    found = [action for action in tenant.actions.values() if all(test(action) for test in tests)]
    return answer(numbered_page([shown(tenant, action) for action in found], "actions", query))


@routes.on("GET", "/actions/actions/{id}", any_of=("read:actions",))
def get_action(tenant: Tenant, call: Call) -> Response:
    """Get one Action."""
    return answer(shown(tenant, action_of(tenant, call.ids["id"])))


@routes.on("PATCH", "/actions/actions/{id}", any_of=("update:actions",))
def change_action(tenant: Tenant, call: Call) -> Response:
    """Change the draft; it is built anew, and what is deployed goes on as it was."""
    given = call.body(CHANGE)
    action = action_of(tenant, call.ids["id"])
    refuse_size(given)
    others = [one for one in tenant.actions.values() if one is not action]
    if any(one.name == given.get("name") for one in others):
        raise ApiError(409, "An action with that name already exists.", "action_conflict")
    draft = action.draft
    action.name = given.get("name", action.name)
    draft.code = given.get("code", draft.code)
    draft.runtime = given.get("runtime", draft.runtime)
    draft.dependencies = given.get("dependencies", draft.dependencies)
    if "secrets" in given:
        draft.secrets = kept_secrets(given["secrets"], draft.secrets)
        draft.secrets_at = iso(tenant.now())
    if "supported_triggers" in given:
        draft.triggers = with_versions(given["supported_triggers"])
    action.changed = tenant.now()
    action.all_deployed = False
    tenant.changes.happened()
    return answer(shown(tenant, action))


@routes.on("DELETE", "/actions/actions/{id}", any_of=("delete:actions",), query={"force": {"type": "boolean"}})
def delete_action(tenant: Tenant, call: Call) -> Response:
    """Delete an Action; one that is bound only with force, which takes its bindings too."""
    action = action_of(tenant, call.ids["id"])
    bound = [one for bindings in tenant.bindings.values() for one in bindings if one["action_id"] == action.id]
    if bound and not call.query.get("force"):
        raise ApiError(
            400, "The action is bound to a trigger. Remove its bindings first, or use force.", "action_bound"
        )
    for trigger, bindings in tenant.bindings.items():
        tenant.bindings[trigger] = [one for one in bindings if one["action_id"] != action.id]
    del tenant.actions[action.id]
    tenant.changes.happened()
    return empty()
