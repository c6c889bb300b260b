"""Actions of the tenant: code that runs inside a login, how it is built, versioned and deployed."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
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
MOST_VERSIONS = 50
LONGEST_CODE = 100_000
MOST_SECRETS = 30
MOST_DEPENDENCIES = 10


@dataclass(slots=True, kw_only=True)
class Draft:
    """What an Action is made of; kept as it was for each deployed version."""

    code: str
    runtime: str
    dependencies: list[dict[str, str]]
    secrets: dict[str, str]
    secrets_at: str
    triggers: list[dict[str, Any]]

    def copy(self) -> "Draft":
        """Keep it as it is now."""
        return Draft(
            code=self.code,
            runtime=self.runtime,
            dependencies=[dict(one) for one in self.dependencies],
            secrets=dict(self.secrets),
            secrets_at=self.secrets_at,
            triggers=[dict(one) for one in self.triggers],
        )

    def shown(self) -> dict[str, Any]:
        """Show it without the values of the secrets, which never leave the tenant."""
        return {
            "code": self.code,
            "runtime": self.runtime,
            "dependencies": self.dependencies,
            "secrets": [{"name": name, "updated_at": self.secrets_at} for name in self.secrets],
            "supported_triggers": self.triggers,
        }


@dataclass(slots=True, kw_only=True)
class Version:
    """One deployed state of an Action."""

    id: str
    number: int
    at: str
    draft: Draft


@dataclass(slots=True, kw_only=True)
class Action:
    """One Action: its draft, and the versions deployed so far."""

    id: str
    name: str
    created: float
    changed: float
    draft: Draft
    deploy_when_built: bool = False
    all_deployed: bool = False
    versions: list[Version] = field(default_factory=list)

    @property
    def deployed(self) -> Version | None:
        """The version that runs."""
        return self.versions[-1] if self.versions else None

    def status(self, now: float, build_seconds: float) -> str:
        """Tell how far the build of the draft is: it takes its time after every change."""
        age = now - self.changed
        if age < build_seconds / 3:
            return "pending"
        return "building" if age < build_seconds else "built"


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


def no_such_action() -> ApiError:
    """Say that there is no such Action; the real answer carries no errorCode here."""
    return ApiError(404, "That action does not exist.")


def action_of(tenant: Tenant, action_id: str) -> Action:
    """Find an Action and let its build move on.

    Raises ApiError 404 when it is not there.
    """
    action: Action | None = tenant.actions.get(action_id)
    if action is None:
        raise no_such_action()
    settle(tenant, action)
    return action


def settle(tenant: Tenant, action: Action) -> None:
    """Deploy what was to be deployed once it is built."""
    if action.deploy_when_built and action.status(tenant.now(), tenant.settings.build_seconds) == "built":
        action.deploy_when_built = False
        deploy(tenant, action)


def deploy(tenant: Tenant, action: Action) -> Version:
    """Make a version of the draft and let it run from now on."""
    number = action.versions[-1].number + 1 if action.versions else 1
    version = Version(id=str(uuid.uuid4()), number=number, at=iso(tenant.now()), draft=action.draft.copy())
    action.versions.append(version)
    del action.versions[:-MOST_VERSIONS]
    action.all_deployed = True
    tenant.changes.happened()
    return version


def shown(tenant: Tenant, action: Action) -> dict[str, Any]:
    """Show an Action."""
    settle(tenant, action)
    status = action.status(tenant.now(), tenant.settings.build_seconds)
    body = {**shown_base(action), **action.draft.shown(), "status": status, "installed_integration_id": None}
    if status == "built":
        body["built_at"] = iso(action.changed + tenant.settings.build_seconds)
    if action.deployed:
        body["deployed_version"] = shown_version(action, action.deployed, with_action=False)
    return {name: value for name, value in body.items() if value is not None}


def shown_base(action: Action) -> dict[str, Any]:
    """Show what a version repeats of its Action."""
    return {
        "id": action.id,
        "name": action.name,
        "supported_triggers": action.draft.triggers,
        "created_at": iso(action.created),
        "updated_at": iso(action.changed),
        "all_changes_deployed": action.all_deployed,
    }


def shown_version(action: Action, version: Version, *, with_action: bool = True) -> dict[str, Any]:
    """Show one version."""
    body = {
        "id": version.id,
        "action_id": action.id,
        **version.draft.shown(),
        "deployed": version is action.deployed,
        "number": version.number,
        "status": "built",
        "built_at": version.at,
        "created_at": version.at,
        "updated_at": version.at,
    }
    return {**body, "action": shown_base(action)} if with_action else body


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
