"""Our Auth0 Actions in a tenant: put there, kept up to date, looked at and taken away. Safe to do twice."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Literal, TypeVar
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
from connectors.auth0.shipped import (
    SHIPPED,
    TRIGGERS,
    Shipped,
    Trigger,
    chosen,
    code,
    first_line,
    seal_of,
    sealed_with,
)
from connectors.base import Value
from connectors.errors import ConnectorError, Missing, Reconnect, Refused, TryLater

OnFailure = Literal["open", "closed"]
RUNTIME: Final = "node22"
BUILD_SECONDS = 90.0
BINDING_ATTEMPTS: Final = 4
SHORTEST_KEY = 24  # bytes
USUAL_TIMEOUT_MS: Final = 2500
"""Longer than a flow takes that does not say how long: its answer has to come before the Auth0 Action gives up."""
LONGEST_TIMEOUT_MS: Final = 10_000

T = TypeVar("T")


class Installed(Value):
    """What installing has done about one trigger."""

    trigger: Trigger = Field(title="Trigger", description="When Auth0 runs it.")
    action_id: str = Field(title="Auth0 Action", description="Its id in the tenant.")
    created: bool = Field(title="Created", description="False when it was there.")
    deployed: bool = Field(title="Deployed", description="False when what ran was the same already.")
    bound: bool = Field(title="Bound", description="False when it was in the flow already, or is not run from there.")

    def __str__(self) -> str:
        """Say it in a sentence."""
        shipped = SHIPPED[self.trigger]
        made = "created and deployed" if self.created else "brought up to date and deployed"
        words = [made if self.deployed else "up to date already"]
        if shipped.bound:
            words.append("put at the end of its flow" if self.bound else "left at its place in its flow")
        return f"The Auth0 Action “{shipped.name}” is {', and '.join(words)}. {shipped.note}".rstrip()


class Installation(Value):
    """What installing has done."""

    actions: list[Installed] = Field(title="Auth0 Actions", description="One for each trigger.")

    def __str__(self) -> str:
        """Say it, a line for each."""
        return "\n".join(map(str, self.actions))


class Status(Value):
    """How one of our Auth0 Actions stands in the tenant."""

    trigger: Trigger = Field(title="Trigger", description="When Auth0 runs it.")
    installed: bool = Field(title="Installed", description="Whether it is there at all.")
    deployed: bool = Field(title="Deployed", description="Whether a version of it can run.")
    bound: bool | None = Field(title="Bound", description="Whether it is run; empty where that cannot be seen.")
    up_to_date: bool = Field(title="Up to date", description="Whether the running version is this release's code.")

    @property
    def working(self) -> bool:
        """Whether we are told, by this release's code."""
        return self.deployed and self.bound is not False and self.up_to_date

    def __str__(self) -> str:
        """Say it in a sentence."""
        shipped = SHIPPED[self.trigger]
        name, when = f"The Auth0 Action “{shipped.name}”", shipped.when
        match self:
            case Status(installed=False):
                return f"There is no Auth0 Action “{shipped.name}” in the tenant: install it."
            case Status(deployed=False):
                return f"{name} is there, but not deployed: install it again."
            case Status(bound=False) if not shipped.bound:
                return f"{name} is deployed, but no Custom Token Exchange profile names it: Auth0 never runs it."
            case Status(bound=False):
                return f"{name} is deployed, but does not run {when}: install it again."
            case Status(up_to_date=False):
                return f"{name} runs {when}, with another release's code: install it again."
            case Status(bound=None):
                return f"{name} is deployed and up to date; which profiles name it cannot be seen from here."
            case _:
                return f"{name} runs {when} and is up to date."


class Overview(Value):
    """How our Auth0 Actions stand in the tenant."""

    actions: list[Status] = Field(title="Auth0 Actions", description="One for each trigger.")

    @property
    def installed(self) -> tuple[Trigger, ...]:
        """The triggers that have one of ours."""
        return tuple(each.trigger for each in self.actions if each.installed)

    def __str__(self) -> str:
        """Say it, a line for each that is there, and one for the others."""
        there = [str(each) for each in self.actions if each.installed]
        absent = ", ".join(each.trigger for each in self.actions if not each.installed)
        return "\n".join([*there, *([f"No Auth0 Action of ours is installed for {absent}."] if absent else [])])


class Removal(Value):
    """What uninstalling has taken away."""

    triggers: list[Trigger] = Field(title="Triggers", description="Those that had one of our Auth0 Actions.")

    def __str__(self) -> str:
        """Say it in a sentence."""
        names = ", ".join(f"“{SHIPPED[trigger].name}”" for trigger in self.triggers)
        return f"Removed from the tenant: {names}." if names else "There was no Auth0 Action of ours."


async def install(
    client: Tenant,
    *,
    url: str,
    secret: str,
    triggers: Iterable[str] = ("post-login",),
    on_failure: OnFailure = "open",
    timeout_ms: int = USUAL_TIMEOUT_MS,
) -> Installation:
    """Create or update our Auth0 Actions, build and deploy them, and put each behind the others of its flow.

    `url` is where they send events, `secret` the key that they sign with ("whsec_…"), `timeout_ms` how long they wait
    for us. What runs already as it should is left alone. Raises ConnectorError (those before it are installed then), or
    ValueError for what cannot work.
    """
    wanted = chosen(triggers)
    _require_address(url)
    _require_key(secret)
    if not 0 < timeout_ms <= LONGEST_TIMEOUT_MS:
        raise ValueError(f"An Auth0 Action waits for {LONGEST_TIMEOUT_MS // 1000} seconds at most.")
    secrets = _secrets(url, secret, on_failure, timeout_ms)
    with understanding("changes"):
        known = await _known(client)
        return Installation(
            actions=[await _install(client, SHIPPED[trigger], known.get(trigger), secrets) for trigger in wanted]
        )


async def status(client: Tenant, *, triggers: Iterable[str] = TRIGGERS) -> Overview:
    """Look how our Auth0 Actions stand; raises ConnectorError, or ValueError for a trigger that is not there."""
    wanted = chosen(triggers)
    with understanding("reads"):
        known = await _known(client)
        return Overview(actions=[await _status(client, SHIPPED[trigger], known.get(trigger)) for trigger in wanted])


async def on_failure_of(
    client: Tenant, *, url: str, secret: str, timeout_ms: int = USUAL_TIMEOUT_MS
) -> OnFailure | None:
    """Tell what our Auth0 Actions do where we cannot be reached, by their seals: Auth0 gives no secret back.

    None where there are none, where they differ, or where they were installed with something else. Raises ConnectorError.
    """
    with understanding("reads"):
        known = await _known(client)
    ways: tuple[OnFailure, ...] = ("open", "closed")
    seals: dict[str, OnFailure] = {seal_of(_secrets(url, secret, way, timeout_ms)): way for way in ways}
    versions = [action.deployed_version for action in known.values() if action.deployed_version is not None]
    found = {seals.get(sealed_with(version.code or "")) for version in versions}
    return found.pop() if len(found) == 1 else None


async def uninstall(client: Tenant, *, triggers: Iterable[str] = TRIGGERS) -> Removal:
    """Take our Auth0 Actions out of their flows and delete them. Raises as `install` does."""
    wanted = chosen(triggers)
    removed: list[Trigger] = []
    with understanding("changes"):
        known = await _known(client)
        for trigger in wanted:
            if trigger in known:
                await _uninstall(client, SHIPPED[trigger], _id(known[trigger]))
                removed.append(trigger)
    return Removal(triggers=removed)


async def _install(client: Tenant, shipped: Shipped, known: Action | None, secrets: dict[str, str]) -> Installed:
    text = code(shipped.trigger, seal=seal_of(secrets))
    try:
        if known is not None and _is(known, text, secrets):
            action_id, changed = _id(known), False
        else:
            changed = True
            action_id = await _put(client, shipped, known, text, secrets)
            await _until(client, action_id, "built", lambda action: action.status == "built")
            version = await _patiently(lambda: client.api.actions.deploy(action_id))
            await _until(client, action_id, "deployed", lambda action: _runs(action, version.id))
        bound = shipped.bound and await _bind(client, shipped, action_id)
    except ConnectorError as error:
        raise error.preceded_by(f"The Auth0 Action “{shipped.name}” is not fully installed.") from error
    return Installed(trigger=shipped.trigger, action_id=action_id, created=known is None, deployed=changed, bound=bound)


async def _status(client: Tenant, shipped: Shipped, action: Action | None) -> Status:
    if action is None:
        return Status(trigger=shipped.trigger, installed=False, deployed=False, bound=False, up_to_date=False)
    version = action.deployed_version
    return Status(
        trigger=shipped.trigger,
        installed=True,
        deployed=version is not None,
        bound=await _is_bound(client, shipped, _id(action)),
        up_to_date=version is not None and first_line(version.code or "") == first_line(code(shipped.trigger)),
    )


async def _uninstall(client: Tenant, shipped: Shipped, action_id: str) -> None:
    try:
        if shipped.bound:
            await _change_bindings(client, shipped, lambda there: _without(there, action_id))
        await _patiently(lambda: client.api.actions.delete(action_id))
    except Missing:  # somebody else was faster
        return
    except Refused as error:
        raise error.preceded_by(f"The Auth0 Action “{shipped.name}” cannot be deleted.") from error


async def _known(client: Tenant) -> dict[Trigger, Action]:
    """Find ours by their names, which are unique in a tenant; it has room for 100 Actions, so one page is all."""
    pager = await _patiently(lambda: client.api.actions.list(per_page=100))
    by_name = {action.name: action for action in pager.items or []}
    return {trigger: by_name[shipped.name] for trigger, shipped in SHIPPED.items() if shipped.name in by_name}


def _is(action: Action, text: str, secrets: dict[str, str]) -> bool:
    """Tell whether this text runs with these secrets; the text's seal says so of the secrets' values."""
    version = action.deployed_version
    names = {secret.name for secret in action.secrets or []}
    return version is not None and version.code == action.code == text and names == set(secrets)


async def _put(client: Tenant, shipped: Shipped, known: Action | None, text: str, secrets: dict[str, str]) -> str:
    """Create the Auth0 Action, or give the one that is there this text and these secrets."""
    actions = client.api.actions
    given = [ActionSecretRequest(name=name, value=value) for name, value in secrets.items()]
    if known is not None:
        action_id = _id(known)
        await _patiently(lambda: actions.update(action_id, code=text, runtime=RUNTIME, secrets=given))
        return action_id
    made = await _patiently(
        lambda: actions.create(
            name=shipped.name,
            supported_triggers=[ActionTrigger(id=shipped.trigger, version=shipped.version)],
            code=text,
            runtime=RUNTIME,
            secrets=given,
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
                    raise Refused("Auth0 could not build it: its page in the tenant says why.")
                if reached(action):
                    return
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, 3.0)
    except TimeoutError:
        raise TryLater(f"Auth0 has not {state} it in time. Installing it again goes on.") from None


async def _is_bound(client: Tenant, shipped: Shipped, action_id: str) -> bool | None:
    """Tell whether something makes it run; None where that cannot be seen."""
    if shipped.bound:
        return action_id in map(_action_id, await _bindings(client, shipped))
    try:
        answer = await client.http.get("/api/v2/token-exchange-profiles", params={"take": 100})
    except (Missing, Reconnect, Refused):  # not in every plan, and with a permission of its own
        return None
    profiles: list[dict[str, Any]] = answer.json().get("token_exchange_profiles") or []
    return any(profile.get("action_id") == action_id for profile in profiles)


async def _bind(client: Tenant, shipped: Shipped, action_id: str) -> bool:
    """Put it behind what runs at its trigger; False where it is there."""
    ours = ActionBindingWithRef(ref=ActionBindingRef(type="action_id", value=action_id), display_name=shipped.name)

    def appended(there: list[ActionBinding]) -> list[ActionBindingWithRef] | None:
        return None if action_id in map(_action_id, there) else [*map(_kept, there), ours]

    try:
        return await _change_bindings(client, shipped, appended)
    except Refused as error:
        others = "Auth0 does not take it into its flow, where there may be no room beside other Auth0 Actions."
        raise error.preceded_by(others) from error


def _without(there: list[ActionBinding], action_id: str) -> list[ActionBindingWithRef] | None:
    others = [_kept(binding) for binding in there if _action_id(binding) != action_id]
    return others if len(others) < len(there) else None


async def _change_bindings(
    client: Tenant,
    shipped: Shipped,
    wanted: Callable[[list[ActionBinding]], list[ActionBindingWithRef] | None],
) -> bool:
    """Replace what runs at a trigger, until nothing more is to be changed there. False where nothing was.

    Auth0 takes the whole list at once and knows no conditions, so whoever changes it at the same time may undo it: the
    list is read just before it is replaced, and once more after that.
    """
    for attempt in range(BINDING_ATTEMPTS):
        replacement = wanted(await _bindings(client, shipped))
        if replacement is None:
            return attempt > 0
        try:
            await _replace_bindings(client, shipped, replacement)
        except Missing:  # a binding that was there a moment ago is not any more
            continue
    if wanted(await _bindings(client, shipped)) is None:
        return True
    raise TryLater("Somebody else is changing its flow at the same time. Try again in a minute.")


async def _bindings(client: Tenant, shipped: Shipped) -> list[ActionBinding]:
    """List what runs at a trigger, in order; it has room for 20, so one page is all."""
    bindings = client.api.actions.triggers.bindings
    pager = await _patiently(lambda: bindings.list(shipped.trigger, per_page=50))
    return list(pager.items or [])


async def _replace_bindings(client: Tenant, shipped: Shipped, wanted: list[ActionBindingWithRef]) -> None:
    bindings = client.api.actions.triggers.bindings
    await _patiently(lambda: bindings.update_many(shipped.trigger, bindings=wanted))


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


def _secrets(url: str, secret: str, on_failure: OnFailure, timeout_ms: int) -> dict[str, str]:
    return {
        "CICFLOW_URL": url,
        "CICFLOW_SECRET": secret,
        "CICFLOW_ON_FAILURE": on_failure,
        "CICFLOW_TIMEOUT_MS": str(timeout_ms),
    }


def _require_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.netloc)):
        raise ValueError("Auth0 sends events to an https address only.")


def _require_key(secret: str) -> None:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith("whsec_") or len(key) < SHORTEST_KEY:
        raise ValueError(f"The secret is “whsec_” and at least {SHORTEST_KEY} bytes in base64.")
