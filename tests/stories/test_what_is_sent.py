"""What crosses the edges fits the services' own specifications."""

import json
import signal

import jsonschema
import pytest
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.server import serving
from tests import specs
from tests.worlds import Stage


async def test_what_the_action_sends_is_signed_and_a_valid_event(set_up: Stage) -> None:
    schema = specs.post_login()
    if schema is None:
        pytest.skip("the specifications are not beside the project")
    taken: list[tuple[bytes, dict[str, str]]] = []

    async def take(request: Request) -> JSONResponse:
        taken.append((await request.body(), dict(request.headers)))
        return JSONResponse({}, status_code=202)

    app = Starlette(routes=[Route("/in/{key}", take, methods=["POST"])])
    async with serving(app, "127.0.0.1", set_up.settings["port"]):
        await set_up.auth0.login((await set_up.auth0.user())["user_id"], why=["impossible_travel"])
    body, headers = taken[0]
    Webhook(set_up.secret).verify(body, headers)
    jsonschema.validate(json.loads(body)["event"], schema)
    assert "client_secret" not in body.decode()
    assert "accessToken" not in body.decode()


async def test_told_to_stop_it_stops_and_goes_on_later(set_up: Stage) -> None:
    async with set_up.bot_process() as process:
        await set_up.slack.enable()
        await set_up.auth0.login((await set_up.auth0.user())["user_id"])
        alert = await set_up.slack.alert()
        process.send_signal(signal.SIGTERM)
        await process.wait()
    async with set_up.bot_process():
        await set_up.slack.press(alert, "decide:approve")
        await set_up.slack.ended("left alone")
