"""The Auth0 Action in a tenant: put there, kept up to date, looked at and taken away. Safe to do twice."""

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal, TypeVar
from urllib.parse import urlsplit

import stamina
from auth0.management.types import (
    Action,
    ActionBinding,
    ActionBindingRef,
    ActionBindingWithRef,
    ActionSecretRequest,
    ActionTrigger,
)
from pydantic import Field

from connectors.auth0.client import Tenant, is_loopback, understanding
from connectors.base import Value
from connectors.errors import Refused, TryLater

NAME: Final = "cicflow post-login"
TRIGGER: Final = "post-login"
RUNTIME: Final = "node22"
CODE = Path(__file__).with_name("action") / "post-login.js"
BUILD_SECONDS = 90.0
SHORTEST_KEY = 24  # bytes

T = TypeVar("T")


class Installed(Value):
    """What installing has done."""

    action_id: str = Field(title="Auth0 Action", description="Its id in the tenant.")
    created: bool = Field(title="Created", description="False when it was there and has been brought up to date.")
    bound: bool = Field(title="Bound", description="False when it was in the login flow already.")

    def __str__(self) -> str:
        """Say it in a sentence."""
        made = "created" if self.created else "brought up to date"
        bound = "put at the end of the login flow" if self.bound else "left at its place in the login flow"
        return f"The Auth0 Action “{NAME}” is {made}, deployed, and {bound}."


class Status(Value):
    """How the Auth0 Action stands in the tenant."""

    installed: bool = Field(title="Installed", description="Whether it is there at all.")
    deployed: bool = Field(title="Deployed", description="Whether a version of it can run.")
    bound: bool = Field(title="Bound", description="Whether it runs at logins.")
    up_to_date: bool = Field(title="Up to date", description="Whether the running version is this release's code.")

    @property
    def working(self) -> bool:
        """Whether logins are told to us, by this release's code."""
        return self.deployed and self.bound and self.up_to_date

    def __str__(self) -> str:
        """Say it in a sentence."""
        match self:
            case Status(installed=False):
                return f"There is no Auth0 Action “{NAME}” in the tenant: install it."
            case Status(deployed=False):
                return f"The Auth0 Action “{NAME}” is there, but not deployed: install it again."
            case Status(bound=False):
                return f"The Auth0 Action “{NAME}” is deployed, but does not run at logins: install it again."
            case Status(up_to_date=False):
                return f"The Auth0 Action “{NAME}” runs at logins, with another release's code: install it again."
            case _:
                return f"The Auth0 Action “{NAME}” runs at logins and is up to date."


def code() -> str:
    """Give the Auth0 Action's code, with a first line by which it is known again."""
    source = CODE.read_text(encoding="utf-8")
    fingerprint = hashlib.sha256(source.encode()).hexdigest()[:16]
    return f"// {NAME} {fingerprint}\n{source}"


async def install(
    client: Tenant, *, url: str, secret: str, on_failure: Literal["open", "closed"] = "open"
) -> Installed:
    """Create or update the Auth0 Action, build and deploy it, and put it behind the others in the login flow.

    `url` is where it sends logins, `secret` the key that it signs with ("whsec_…"). Raises ConnectorError, or
    ValueError for a url or secret that cannot work.
    """
    _require_address(url)
    _require_key(secret)
    secrets = [
        ActionSecretRequest(name="CICFLOW_URL", value=url),
        ActionSecretRequest(name="CICFLOW_SECRET", value=secret),
        ActionSecretRequest(name="CICFLOW_ON_FAILURE", value=on_failure),
    ]
    with understanding("changes"):
        known = await _find(client)
        action_id = await _put(client, known, secrets)
        await _until(client, action_id, "built", lambda action: action.status == "built")
        version = await _patiently(lambda: client.api.actions.deploy(action_id))
        await _until(client, action_id, "deployed", lambda action: _runs(action, version.id))
        bindings = await _bindings(client)
        bound = all(_action_id(binding) != action_id for binding in bindings)
        if bound:
            ours = ActionBindingWithRef(ref=ActionBindingRef(type="action_id", value=action_id), display_name=NAME)
            await _bind(client, [*map(_kept, bindings), ours])
    return Installed(action_id=action_id, created=known is None, bound=bound)


async def status(client: Tenant) -> Status:
    """Look how the Auth0 Action stands; raises ConnectorError."""
    with understanding("reads"):
        action = await _find(client)
        if action is None:
            return Status(installed=False, deployed=False, bound=False, up_to_date=False)
        bindings = await _bindings(client)
    return Status(
        installed=True,
        deployed=action.deployed_version is not None,
        bound=any(_action_id(binding) == action.id for binding in bindings),
        up_to_date=_first_line(action) == _line(code()),
    )


async def uninstall(client: Tenant) -> bool:
    """Take our Auth0 Action out of the login flow and delete it; False where there was none. Raises ConnectorError."""
    with understanding("changes"):
        action = await _find(client)
        if action is None:
            return False
        action_id = _id(action)
        bindings = await _bindings(client)
        others = [binding for binding in bindings if _action_id(binding) != action_id]
        if len(others) < len(bindings):
            await _bind(client, [_kept(binding) for binding in others])
        await _patiently(lambda: client.api.actions.delete(action_id))
    return True


async def _find(client: Tenant) -> Action | None:
    """Find ours by its name: names are unique in a tenant."""
    pager = await _patiently(lambda: client.api.actions.list(trigger_id=TRIGGER, action_name=NAME, per_page=100))
    found = [action for action in pager.items or [] if action.name == NAME]
    return found[0] if found else None


async def _put(client: Tenant, known: Action | None, secrets: list[ActionSecretRequest]) -> str:
    """Create the Auth0 Action, or give the one that is there this release's code and these secrets."""
    actions = client.api.actions
    if known is not None:
        action_id = _id(known)
        await _patiently(lambda: actions.update(action_id, code=code(), runtime=RUNTIME, secrets=secrets))
        return action_id
    made = await _patiently(
        lambda: actions.create(
            name=NAME,
            supported_triggers=[ActionTrigger(id=TRIGGER, version="v3")],
            code=code(),
            runtime=RUNTIME,
            secrets=secrets,
        )
    )
    return _id(Action.model_validate(made.model_dump()))


async def _until(client: Tenant, action_id: str, state: str, reached: Callable[[Action], bool]) -> None:
    """Ask again and again, ever more slowly, until the tenant has built or deployed it."""
    pause = 0.2
    try:
        async with asyncio.timeout(BUILD_SECONDS):
            while True:
                answer = await _patiently(lambda: client.api.actions.get(action_id))
                action = Action.model_validate(answer.model_dump())
                if action.status == "failed":
                    raise Refused(f"Auth0 could not build the Auth0 Action “{NAME}”: its page in the tenant says why.")
                if reached(action):
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 3.0)
    except TimeoutError:
        raise TryLater(
            f"Auth0 has not {state} the Auth0 Action “{NAME}” in time. Installing it again goes on."
        ) from None


async def _bindings(client: Tenant) -> list[ActionBinding]:
    """List what runs at logins, in order; a trigger has room for 20, so one page is all."""
    pager = await _patiently(lambda: client.api.actions.triggers.bindings.list(TRIGGER, per_page=50))
    return list(pager.items or [])


async def _bind(client: Tenant, wanted: list[ActionBindingWithRef]) -> None:
    """Say what runs at logins: the list replaces the one before."""
    await _patiently(lambda: client.api.actions.triggers.bindings.update_many(TRIGGER, bindings=wanted))


def _kept(binding: ActionBinding) -> ActionBindingWithRef:
    ref = ActionBindingRef(type="binding_id", value=binding.id)
    if binding.display_name is None:
        return ActionBindingWithRef(ref=ref)
    return ActionBindingWithRef(ref=ref, display_name=binding.display_name)


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call for which the tenant had no time; nothing was done then."""
    async for attempt in stamina.retry_context(on=_worth_repeating, attempts=6, timeout=60.0, wait_initial=0.5):
        with attempt:
            return await call()
    raise AssertionError("the last attempt returns or raises")


def _worth_repeating(error: Exception) -> bool | float:
    return (error.after or True) if isinstance(error, TryLater) else False


def _id(action: Action) -> str:
    if not action.id:
        raise Refused("Auth0 lists an Auth0 Action without an id.")
    return action.id


def _action_id(binding: ActionBinding) -> str | None:
    return binding.action.id if binding.action else None


def _runs(action: Action, version_id: str | None) -> bool:
    return action.deployed_version is not None and version_id in {None, action.deployed_version.id}


def _first_line(action: Action) -> str | None:
    """Give the first line of the code that runs, where any runs."""
    version = action.deployed_version
    return _line(version.code) if version and version.code else None


def _line(text: str) -> str:
    return text.partition("\n")[0]


def _require_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
        raise ValueError("Auth0 sends logins to an https address only.")


def _require_key(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith("whsec_") or len(key) < SHORTEST_KEY:
        raise ValueError(f"The secret is “whsec_” and at least {SHORTEST_KEY} bytes in base64.")
