"""What the tests of the simulated Slack happen in: a workspace, a clock to turn, and a bot that answers as it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

import sandbox.slack
from sandbox.server import serving
from sandbox.slack import Workspace
from sandbox.trust import trust

Json = dict[str, Any]
ADMIN, ANALYST, VISITOR = "U0ADMIN001", "U0ANALYST1", "U0VISITOR1"
SECURITY, GENERAL, PRIVATE_ROOM = "C0SECURITY", "C0GENERAL1", "G0PRIVATE1"


class TurnedClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


class Bot:
    """A bot without ideas of its own: it notes what it is sent, and answers what the test has laid out."""

    def __init__(self) -> None:
        self.seen: list[tuple[Json, dict[str, str], bytes]] = []
        self.answer: Response = PlainTextResponse("")
        self.delay = 0.0
        self.arrived = asyncio.Event()
        self.app = Starlette(routes=[Route("/slack/events", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        if request.headers["content-type"] == "application/json":
            given = json.loads(body)
        else:
            form = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
            given = json.loads(form["payload"]) if "payload" in form else form
        self.seen.append((given, dict(request.headers), body))
        self.arrived.set()
        await asyncio.sleep(self.delay)
        return self.answer

    @property
    def last(self) -> Json:
        return self.seen[-1][0]

    def says(self, body: Json) -> None:
        self.answer = JSONResponse(body)


class Slack:
    """The workspace, from both sides: the Web API as a bot calls it, the control addresses as people act."""

    def __init__(
        self, workspace: Workspace, address: str, bot: Bot, http: httpx.AsyncClient, clock: TurnedClock
    ) -> None:
        self.workspace, self.address, self.bot, self.http, self.clock = workspace, address, bot, http, clock

    async def call(self, method: str, *, token: str | None = "xoxb-sandbox-bot", **arguments: Any) -> Json:
        """Call a method with a JSON body; gives the answer, whatever it is."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        content_type = {"content-type": "application/json; charset=utf-8"}
        content = json.dumps(arguments).encode()
        answer = await self.http.post(f"/api/{method}", content=content, headers={**headers, **content_type})
        found: Json = answer.json()
        return found

    async def refusal(self, method: str, **arguments: Any) -> str:
        """Call a method that is refused; gives the error code."""
        answer = await self.call(method, **arguments)
        assert answer["ok"] is False, answer
        return str(answer["error"])

    async def act(self, what: str, status: int = 200, **given: Any) -> Json:
        """Do something as a person."""
        answer = await self.http.post(f"/sandbox/{what}", json=given)
        assert answer.status_code == status, answer.text
        found: Json = answer.json()
        return found

    async def set(self, what: str, **given: Any) -> Json:
        answer = await self.http.put(f"/sandbox/{what}", json=given)
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    async def look(self, what: str = "state") -> Any:
        return (await self.http.get(f"/sandbox/{what}")).json()

    async def command(self, text: str = "", user: str = ADMIN, channel: str = SECURITY) -> Json:
        return await self.act("commands", user=user, channel=channel, command="/cicflow", text=text)

    async def trigger(self) -> str:
        """Give a fresh trigger_id."""
        await self.command()
        return str(self.bot.last["trigger_id"])

    async def open_form(self, *blocks: Json, **more: Any) -> Json:
        """Open a form for the admin; gives the view."""
        answer = await self.call("views.open", trigger_id=await self.trigger(), view=modal(*blocks, **more))
        assert answer["ok"], answer
        view: Json = answer["view"]
        return view

    async def post(self, *blocks: Json, channel: str = SECURITY, **more: Any) -> str:
        """Post a message; gives its ts."""
        answer = await self.call("chat.postMessage", channel=channel, text="Alert", blocks=list(blocks), **more)
        assert answer["ok"], answer
        return str(answer["ts"])

    async def until(self, found: Callable[[Json], Any]) -> Any:
        """Wait until something is to be seen in the state, and return it."""
        async with asyncio.timeout(10):
            while True:
                state = await self.look()
                if seen := found(state):
                    return seen
                await self.http.get("/sandbox/changes", params={"after": state["sequence"], "timeout": 5})


@asynccontextmanager
async def slack_stage() -> AsyncIterator[Slack]:
    """Serve a workspace with a bot in it."""
    clock, bot = TurnedClock(), Bot()
    workspace = sandbox.slack.create(clock)
    async with serving(workspace.app) as address, serving(bot.app) as bot_address:
        workspace.credentials(address)
        async with httpx.AsyncClient(base_url=address, trust_env=False, verify=trust(), timeout=20) as http:
            slack = Slack(workspace, address, bot, http, clock)
            await slack.set("app", request_url=f"{bot_address}/slack/events")
            yield slack


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str = "Something", **more: Any) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def button(action_id: str = "approve", text: str = "Approve", **more: Any) -> Json:
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def actions(*elements: Json, **more: Any) -> Json:
    return {"type": "actions", "elements": list(elements or [button()]), **more}


def options(*values: str) -> list[Json]:
    return [{"text": plain(value.title()), "value": value} for value in values]


def field(block_id: str, element: Json, **more: Any) -> Json:
    return {"type": "input", "block_id": block_id, "label": plain("Field"), "element": element, **more}


def text_field(block_id: str = "reason", **more: Any) -> Json:
    return field(block_id, {"type": "plain_text_input", "action_id": "typed", **more})


def modal(*blocks: Json, **more: Any) -> Json:
    return {
        "type": "modal",
        "callback_id": "form",
        "title": plain("Settings"),
        "submit": plain("Save"),
        "blocks": list(blocks or [text_field()]),
        **more,
    }


def home(*blocks: Json) -> Json:
    return {"type": "home", "blocks": list(blocks or [section()])}
