"""Other people's clients against the simulated Slack: slack_sdk and slack_bolt, over HTTP and Socket Mode."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import sandbox.slack
from sandbox.server import serving
from tests.sandbox.slack_stage import (
    ADMIN,
    ANALYST,
    SECURITY,
    Slack,
    TurnedClock,
    actions,
    modal,
    section,
    slack_stage,
    text_field,
)

BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-sandbox-bot", "xapp-sandbox-app", "sandbox-signing-secret"


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with slack_stage() as stage:
        yield stage


@pytest.fixture
async def client(slack: Slack) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.address}/api/", session=session)


def bolt(slack: Slack) -> AsyncApp:
    """A small app: a command that opens a form, a button that changes its message, a form that is checked."""
    client = AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.address}/api/")
    app = AsyncApp(client=client, signing_secret=SECRET)

    @app.command("/cicflow")
    async def command(ack: Any, command: Any, client: Any, respond: Any) -> None:
        await ack(f"You typed {command['text']}")
        await client.views_open(trigger_id=command["trigger_id"], view=modal(text_field()))
        await respond("More later")

    @app.action("approve")
    async def approve(ack: Any, body: Any, client: Any) -> None:
        await ack()
        channel, ts = body["channel"]["id"], body["message"]["ts"]
        await client.chat_update(channel=channel, ts=ts, text="Approved", blocks=[section("Approved")])

    @app.view("form")
    async def form(ack: Any, view: Any) -> None:
        typed = view["state"]["values"]["reason"]["typed"]["value"]
        answers = {True: {"response_action": "errors", "errors": {"reason": "Say more"}}, False: {}}
        await ack(**answers[len(typed) < 5])

    @app.event("app_home_opened")
    async def opened(event: Any, client: Any) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section("Welcome")]})

    return app


@asynccontextmanager
async def bolt_over_http(slack: Slack) -> AsyncIterator[None]:
    requests = AsyncSlackRequestHandler(bolt(slack))

    async def take(request: Request) -> Response:
        return await requests.handle(request)

    app = Starlette(routes=[Route("/slack/events", take, methods=["POST"])])
    async with serving(app) as address:
        await slack.set("app", request_url=f"{address}/slack/events", socket_mode=False)
        yield


@asynccontextmanager
async def bolt_over_sockets(slack: Slack) -> AsyncIterator[AsyncSocketModeHandler]:
    await slack.set("app", request_url=None, socket_mode=True)
    web = AsyncWebClient(token=APP_TOKEN, base_url=f"{slack.address}/api/")
    connection = AsyncSocketModeHandler(bolt(slack), APP_TOKEN, web_client=web)
    await connection.connect_async()  # type: ignore[no-untyped-call] # as it comes
    try:
        yield connection
    finally:
        await connection.close_async()  # type: ignore[no-untyped-call] # as it comes


async def whole_story(slack: Slack) -> None:
    """Do with the small app everything that it can."""
    done = await slack.command("hello")
    assert (done["status"], done["shown"]) == (200, [])
    view = (await slack.until(lambda state: state["views"].get(ADMIN)))[-1]
    await slack.until(lambda state: {e["text"] for e in state["ephemerals"]} == {"You typed hello", "More later"})
    submission = {"user": ADMIN, "view_id": view["id"]}
    assert (await slack.act("submissions", **submission, values={"reason": "x"}))["errors"] == {"reason": "Say more"}
    assert "errors" not in await slack.act("submissions", **submission, values={"reason": "because"})
    assert (await slack.look())["views"] == {}
    ts = await slack.post(actions())
    clicked = await slack.act("clicks", user=ANALYST, channel=SECURITY, ts=ts, action_id="approve")
    assert clicked["status"] == 200
    await slack.until(lambda state: state["messages"][SECURITY][0]["text"] == "Approved")
    await slack.act("home", user=ADMIN)
    await slack.until(lambda state: ADMIN in state["homes"])


async def test_bolt_lives_in_the_workspace_over_http(slack: Slack) -> None:
    slack.clock.now = time.time()
    async with bolt_over_http(slack):
        await whole_story(slack)


async def test_bolt_lives_in_the_workspace_over_socket_mode(slack: Slack) -> None:
    async with bolt_over_sockets(slack):
        await whole_story(slack)
    deliveries = await slack.look("deliveries")
    assert {delivery["transport"] for delivery in deliveries} == {"socket"}
    assert {json.loads(delivery["body"])["type"] for delivery in deliveries} == {
        "slash_commands",
        "interactive",
        "events_api",
    }


async def test_bolt_refuses_a_request_with_an_old_signature(slack: Slack) -> None:
    async with bolt_over_http(slack):
        assert (await slack.command("hello"))["status"] == 401


async def test_a_connection_comes_back_after_slack_asks_for_it(slack: Slack) -> None:
    async with bolt_over_sockets(slack):
        assert (await slack.act("disconnects", reason="refresh_requested"))["told"] == 1
        await slack.until(lambda state: state["connections"]["open"] and state["connections"]["ever"] > 1)
        # The client comes back once for the goodbye and once for the hang-up; what falls between the two is lost.
        async with asyncio.timeout(10):
            while (await slack.command("hello"))["status"] != 200:
                await slack.until(lambda state: state["connections"]["open"])


async def test_a_socket_mode_address_opens_one_connection(slack: Slack) -> None:
    url = (await slack.call("apps.connections.open", token=APP_TOKEN))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        hello = await socket.receive_json()
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        assert hello["connection_info"] == {"app_id": "A0SANDBOX1"}
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)
        await socket.ping(b"there?")
        await slack.act("disconnects", reason="warning", close=False)
        assert (await socket.receive_json())["reason"] == "warning"


async def test_only_the_app_token_opens_connections(slack: Slack) -> None:
    assert await slack.refusal("apps.connections.open", token=BOT_TOKEN) == "not_allowed_token_type"
    assert await slack.refusal("apps.connections.open", token="xapp-other") == "invalid_auth"


async def test_an_envelope_goes_to_one_connection(slack: Slack) -> None:
    await slack.set("app", socket_mode=True)
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(2):
            url = (await slack.call("apps.connections.open", token=APP_TOKEN))["url"]
            sockets.append(await session.ws_connect(url))
            await sockets[-1].receive_json()
        typed = [asyncio.create_task(slack.command(str(number))) for number in range(2)]
        envelopes = [await socket.receive_json() for socket in sockets]
        assert {envelope["payload"]["text"] for envelope in envelopes} == {"0", "1"}
        assert all(envelope["accepts_response_payload"] for envelope in envelopes)
        for socket, envelope in zip(sockets, envelopes, strict=True):
            answer = {"envelope_id": envelope["envelope_id"], "payload": {"text": "Taken"}}
            await socket.send_str(json.dumps(answer))
        assert [(await each)["status"] for each in typed] == [200, 200]
        assert [e["text"] for e in (await slack.look())["ephemerals"]] == ["Taken", "Taken"]
        for socket in sockets:
            await socket.close()


async def test_an_envelope_without_a_connection_is_an_error_for_the_person(slack: Slack) -> None:
    await slack.set("app", socket_mode=True)
    assert (await slack.command("x"))["shown"] == ["/cicflow failed with the error `dispatch_failed`"]


async def test_a_connection_lost_before_the_answer_is_an_error_for_the_person(slack: Slack) -> None:
    await slack.set("app", socket_mode=True)
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect((await slack.call("apps.connections.open", token=APP_TOKEN))["url"])
        await socket.receive_json()
        typed = asyncio.create_task(slack.command("x"))
        await socket.receive_json()
        await socket.close()
    assert (await typed)["shown"] == ["/cicflow failed with the error `dispatch_failed`"]


async def test_an_eleventh_connection_is_sent_away(slack: Slack) -> None:
    async with aiohttp.ClientSession() as session:
        sockets = []
        for _ in range(11):
            url = (await slack.call("apps.connections.open", token=APP_TOKEN))["url"]
            sockets.append(await session.ws_connect(url))
        greetings = [await socket.receive_json() for socket in sockets]
        assert [greeting["type"] for greeting in greetings] == ["hello"] * 10 + ["disconnect"]
        assert greetings[10]["reason"] == "too_many_websockets"
        for socket in sockets:
            await socket.close()


async def test_the_asynchronous_client_speaks_with_every_family(slack: Slack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=SECURITY, text="Look", blocks=[section(), actions()])
    await client.chat_update(channel=SECURITY, ts=str(posted["ts"]), text="Changed")
    await client.chat_postEphemeral(channel=SECURITY, user=ADMIN, text="Psst")
    assert (await client.users_info(user=ADMIN))["user"]["is_admin"] is True
    assert (await client.usergroups_users_list(usergroup="S0SECTEAM1"))["users"] == [ANALYST]
    assert (await client.auth_test())["user_id"] == "U0BOTUSER1"
    assert len((await client.conversations_history(channel=SECURITY))["messages"]) == 1
    names = [channel["name"] async for page in await client.conversations_list(limit=1) for channel in page["channels"]]
    assert names == ["security", "general"]
    opened = await client.views_open(trigger_id=await slack.trigger(), view=modal())
    await client.views_update(view_id=opened["view"]["id"], view=modal(section()))
    uploaded = await client.files_upload_v2(channel=SECURITY, filename="report.txt", content="numbers")
    assert uploaded["files"][0]["title"] == "report.txt"


async def test_the_synchronous_client_speaks_too(slack: Slack) -> None:
    client = WebClient(token=BOT_TOKEN, base_url=f"{slack.address}/api/")
    posted = await asyncio.to_thread(client.chat_postMessage, channel=SECURITY, text="Look")
    found = await asyncio.to_thread(client.conversations_history, channel=SECURITY)
    assert found["messages"][0]["ts"] == posted["ts"]
    uploaded = await asyncio.to_thread(
        client.files_upload_v2, channel=SECURITY, filename="report.txt", content="numbers"
    )
    assert uploaded["ok"]


async def test_a_client_raises_slacks_errors(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as raised:
        await client.chat_postMessage(channel="C0NOWHERE1", text="x")
    assert raised.value.response["error"] == "channel_not_found"


async def test_a_client_waits_as_long_as_it_is_told(slack: Slack, client: AsyncWebClient) -> None:
    client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=1))
    fault = {"status": 429, "headers": {"Retry-After": "0"}, "body": {"ok": False, "error": "ratelimited"}}
    await slack.act("faults", match="chat.postMessage", fault=fault)
    assert (await client.chat_postMessage(channel=SECURITY, text="x"))["ok"]


async def test_a_client_that_resends_after_a_dropped_connection_posts_twice(
    slack: Slack, client: AsyncWebClient
) -> None:
    await slack.act("faults", match="chat.postMessage", fault={"drop": "after"})
    await client.chat_postMessage(channel=SECURITY, text="x")
    assert len((await slack.look())["messages"][SECURITY]) == 2


async def test_a_client_without_retries_sees_the_dropped_connection(slack: Slack) -> None:
    client = AsyncWebClient(token=BOT_TOKEN, base_url=f"{slack.address}/api/", retry_handlers=[])
    await slack.act("faults", match="chat.postMessage", fault={"drop": "before"})
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await client.chat_postMessage(channel=SECURITY, text="x")


async def test_a_response_url_speaks_with_the_webhook_client(slack: Slack) -> None:
    await slack.command("x")
    answered = await AsyncWebhookClient(slack.bot.last["response_url"]).send(text="Later")
    assert (answered.status_code, answered.body) == (200, "ok")
    assert [e["text"] for e in (await slack.look())["ephemerals"]] == ["Later"]


async def test_an_end_of_the_world_closes_open_connections() -> None:
    workspace = sandbox.slack.create(TurnedClock())
    async with aiohttp.ClientSession() as session:
        async with serving(workspace.app) as address:
            answer = await session.post(f"{address}/api/apps.connections.open", data={"token": APP_TOKEN})
            socket = await session.ws_connect((await answer.json())["url"])
            await socket.receive_json()
        assert (await socket.receive()).type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}
    assert workspace.sockets.count == 0
