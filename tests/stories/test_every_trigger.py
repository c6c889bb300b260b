"""Whatever people do at the tenant is told to the running bot by our Auth0 Actions, and what flows answer is done."""

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from bot import assembly
from bot.settings import Settings
from connectors.auth0 import install
from connectors.auth0.shipped import SHIPPED, TRIGGERS, Trigger
from tests.bot.made import ended, make
from tests.worlds import TENANT, Stage

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")

CUSTOMER: Final = "auth0|650000000000000000000001"
DEEDS: Final[dict[Trigger, tuple[str, dict[str, Any]]]] = {
    "post-login": ("logins", {"user_id": CUSTOMER}),
    "pre-user-registration": ("signups", {"email": "new.person@example.com"}),
    "post-user-registration": ("signups", {"email": "new.person@example.com"}),
    "post-change-password": ("password-changes", {"user_id": CUSTOMER}),
    "credentials-exchange": ("exchanges", {}),
    "password-reset-post-challenge": ("password-resets", {"user_id": CUSTOMER}),
    "send-phone-message": ("phone-messages", {"user_id": CUSTOMER}),
    "custom-token-exchange": ("token-exchanges", {}),
}
ANSWERED: Final[tuple[Trigger, ...]] = (
    "post-login",
    "pre-user-registration",
    "credentials-exchange",
    "password-reset-post-challenge",
    "custom-token-exchange",
)
FLOW: Final = """
template: listens
version: 1
title: Listens
about: Says no.
settings:
  tenant: {{connection: auth0, title: Tenant}}
when:
  event: auth0.{source}
  from: "{{{{ settings.tenant }}}}"
{answers}
steps:
{steps}
  - {{stop: done, say: "told by {{{{ event.tenant.id }}}}"}}
"""


def flow(trigger: Trigger, *steps: str) -> str:
    answers = "  answers: {within: 5s}" if steps else ""
    return FLOW.format(
        source=trigger.replace("-", "_"), answers=answers, steps="\n".join(f"  - {one}" for one in steps)
    )


@asynccontextmanager
async def listening(stage: Stage, trigger: Trigger, text: str, *, on_failure: Any = "open") -> AsyncIterator[None]:
    """Run the bot with a flow that listens to a trigger, whose Action is installed in the tenant."""
    await installed(stage, trigger, on_failure=on_failure)
    await make(stage, text)
    async with stage.bot_running():
        yield


async def installed(stage: Stage, trigger: Trigger, *, on_failure: Any) -> None:
    await stage.connect(installed=False)
    await stage.auth0.put("settings", {"build_seconds": 0})
    async with assembly.kept(Settings(**stage.settings)) as things:
        tenant = await things.accounts.client(TENANT)
        url = f"http://127.0.0.1:{stage.settings['port']}/in/{stage.key}"
        await install.install(
            tenant, url=url, secret=stage.secret, triggers=[trigger], on_failure=on_failure, timeout_ms=4000
        )
        if not SHIPPED[trigger].bound:  # a profile would name it; here it is bound by hand
            refs = [{"ref": {"type": "action_name", "value": SHIPPED[trigger].name}}]
            await tenant.http.patch(f"/api/v2/actions/triggers/{trigger}/bindings", json={"bindings": refs})


async def happens(stage: Stage, trigger: Trigger) -> dict[str, Any]:
    path, given = DEEDS[trigger]
    return dict(await stage.auth0.post(path, given))


def went_on(outcome: dict[str, Any], trigger: Trigger) -> bool:
    """Return whether it was let through. An exchange of tokens needs another Auth0 Action, which says for whom it is."""
    denied = any(name == "access.deny" for run in outcome["executions"] for name, *_ in run["commands"])
    assert trigger == "custom-token-exchange" or outcome["allowed"] is not denied
    return not denied


@pytest.mark.parametrize("trigger", TRIGGERS)
async def test_the_bot_is_told(set_up: Stage, trigger: Trigger) -> None:
    async with listening(set_up, trigger, flow(trigger)):
        assert went_on(await happens(set_up, trigger), trigger)
        (said,) = await ended(set_up, "listens", 1)
    assert said.startswith("told by ")


@pytest.mark.parametrize("trigger", ANSWERED)
async def test_what_a_flow_refuses_does_not_happen(set_up: Stage, trigger: Trigger) -> None:
    async with listening(set_up, trigger, flow(trigger, "{answer: {deny: Not today.}}")):
        outcome = await happens(set_up, trigger)
    assert (went_on(outcome, trigger), "Not today." in str(outcome)) == (False, True)


@pytest.mark.parametrize("trigger", ANSWERED)
async def test_what_a_flow_allows_goes_on(set_up: Stage, trigger: Trigger) -> None:
    async with listening(set_up, trigger, flow(trigger, "{answer: allow}"), on_failure="closed"):
        assert went_on(await happens(set_up, trigger), trigger)


@pytest.mark.parametrize("on_failure", ["open", "closed"])
@pytest.mark.parametrize("trigger", ANSWERED)
async def test_where_no_bot_is_it_is_as_was_chosen_when_it_was_installed(
    set_up: Stage, trigger: Trigger, on_failure: str
) -> None:
    await installed(set_up, trigger, on_failure=on_failure)
    assert went_on(await happens(set_up, trigger), trigger) is (on_failure == "open")


@pytest.mark.parametrize("otherwise", ["allow", "deny"])
@pytest.mark.parametrize("trigger", ANSWERED)
async def test_where_a_flow_takes_too_long_it_is_as_the_flow_says(
    set_up: Stage, trigger: Trigger, otherwise: str
) -> None:
    """The Action's own patience is longer than the flow's, and neither ends in an error in somebody's login."""
    slow = flow(trigger, "{wait: 1h}").replace("within: 5s", f"within: 1s, otherwise: {otherwise}")
    began = time.monotonic()
    async with listening(set_up, trigger, slow, on_failure="closed" if otherwise == "deny" else "open"):
        outcome = await happens(set_up, trigger)
    assert went_on(outcome, trigger) is (otherwise == "allow")
    assert time.monotonic() - began < 20
    assert all(run["error"] is None for run in outcome["executions"])
