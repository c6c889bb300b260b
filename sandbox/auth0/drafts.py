"""What an Action is: its draft, its versions, how its build goes on, and what is shown of it."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth0.errors import ApiError
from sandbox.auth0.moments import iso
from sandbox.auth0.tenant import Tenant

MOST_VERSIONS = 50


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


def no_such_action() -> ApiError:
    """Say that there is no such Action; the real answer carries no errorCode here."""
    return ApiError(404, "That action does not exist.")


def action_of(tenant: Tenant, action_id: str) -> Action:
    """Find an Action and let its build move on.

    Raises ApiError 404 when it is not there.
    """
    action = tenant.actions.get(action_id)
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
