"""Services that are put on read-only: they answer questions, refuse every change, and count what they refused."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy
from tests.sandbox.slack_stage import ANALYST, SECURITY, Slack, modal, section, slack_stage


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as opened:
        yield opened


@pytest.fixture
async def auth0() -> AsyncIterator[Tenancy]:
    async with tenancy() as opened:
        yield opened


async def test_a_read_only_tenant_refuses_every_change_and_counts_it(auth0: Tenancy) -> None:
    before = await auth0.control("GET", "state")
    await auth0.control("PUT", "read-only", {"on": True})
    writes = [
        ("PATCH", f"/users/{CUSTOMER}", {"blocked": True}),
        ("DELETE", f"/users/{CUSTOMER}", None),
        ("POST", "/jobs/users-exports", {"format": "csv"}),
    ]
    for method, path, body in writes:
        answer = await auth0.api(method, path, json=body)
        assert answer.status_code == 403
        assert answer.json()["errorCode"] == "operation_not_supported"
    refused = (await auth0.control("GET", "read-only"))["refused"]
    assert [(one["method"], one["path"].replace("%7C", "|")) for one in refused] == [
        (method, f"/api/v2{path}") for method, path, _ in writes
    ]
    after = await auth0.control("GET", "state")
    assert after["users"] == before["users"]


async def test_a_read_only_tenant_still_gives_tokens_and_answers_searches(auth0: Tenancy) -> None:
    await auth0.control("PUT", "read-only", {"on": True})
    assert (await auth0.ask_for_token()).status_code == 200
    assert (await auth0.api("GET", "/users", params={"q": "blocked:true"})).status_code == 200
    assert (await auth0.control("GET", "read-only")) == {"on": True, "refused": []}


async def test_a_read_only_tenant_can_be_written_again_once_it_is_off(auth0: Tenancy) -> None:
    for on, status in ((True, 403), (False, 200)):
        await auth0.control("PUT", "read-only", {"on": on})
        answer = await auth0.api("PATCH", f"/users/{CUSTOMER}", json={"blocked": True})
        assert answer.status_code == status
    assert (await auth0.user(CUSTOMER))["blocked"] is True


async def test_a_read_only_workspace_refuses_every_method_that_writes(slack: Slack) -> None:
    ts = await slack.post(section())
    trigger = await slack.trigger()
    before = (await slack.look())["messages"]
    await slack.set("read-only", on=True)
    writes: dict[str, dict[str, Any]] = {
        "chat.postMessage": {"channel": SECURITY, "text": "Alert"},
        "chat.update": {"channel": SECURITY, "ts": ts, "text": "Alert"},
        "chat.delete": {"channel": SECURITY, "ts": ts},
        "views.open": {"trigger_id": trigger, "view": modal()},
        "conversations.open": {"users": ANALYST},
        "files.getUploadURLExternal": {"filename": "a.txt", "length": 1},
    }
    for method, arguments in writes.items():
        assert await slack.refusal(method, **arguments) == "restricted_action"
    assert await slack.look("read-only") == {
        "on": True,
        "refused": [{"method": "POST", "path": f"/api/{method}"} for method in writes],
    }
    assert (await slack.look())["messages"] == before


async def test_a_read_only_workspace_refuses_answers_to_a_response_url(slack: Slack) -> None:
    await slack.command()
    url = str(slack.bot.last["response_url"])
    await slack.set("read-only", on=True)
    assert (await slack.http.post(url, json={"text": "Hello"})).json() == {"ok": False, "error": "restricted_action"}
    assert len((await slack.look("read-only"))["refused"]) == 1


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("auth.test", {}),
        ("users.list", {}),
        ("conversations.info", {"channel": SECURITY}),
        ("conversations.history", {"channel": SECURITY}),
        ("usergroups.list", {}),
    ],
)
async def test_a_read_only_workspace_answers_what_only_looks(
    slack: Slack, method: str, arguments: dict[str, str]
) -> None:
    await slack.set("read-only", on=True)
    assert (await slack.call(method, **arguments))["ok"] is True
    assert (await slack.look("read-only"))["refused"] == []


async def test_a_wish_that_is_not_on_or_off_is_refused(slack: Slack) -> None:
    assert (await slack.http.put("/sandbox/read-only", json={"on": "perhaps"})).status_code == 400
