"""People who come to the tenant, as the stories of the templates for new users tell of them."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from bot import assembly
from bot.connections import stream_token
from bot.settings import Settings
from connectors.auth0 import streams
from flows.fields import ConnectionField, PickField
from flows.language import written
from flows.templates import library
from flows.vault import Account
from tests.bot.made import ended
from tests.worlds import TENANT, Service, Stage

NEEDED: Final = {
    "servicenow": ("instance", "client_id", "client_secret"),
    "salesforce": ("address", "client_id", "client_secret"),
    "marketo": ("address", "client_id", "client_secret"),
    "mail": ("host", "port"),
}
"""What a connection is made of, of what the sandbox says of a service."""
MORE: Final[Mapping[str, Mapping[str, Any]]] = {
    "mail": {"security": "none", "from_address": "accounts@example.com"},
    "marketo": {"calls": 100, "at_once": 10},
}
"""And what else."""


async def shipped(stage: Stage, name: str, *, called: Any = "", **chosen: Any) -> None:
    """Switch a template on with its defaults, and with what is chosen; connect what it needs besides the tenant.

    It may be called otherwise than its template.
    """
    async with assembly.kept(Settings(**stage.settings)) as things:
        template = library(things.catalog)[name]
        settings: dict[str, Any] = {}
        for key, field in template.settings.items():
            match field:
                case ConnectionField(connection="auth0"):
                    settings[key] = TENANT
                case ConnectionField(connection="slack"):
                    settings[key] = "slack"
                case ConnectionField(connection="http"):
                    settings[key] = None
                case ConnectionField():
                    settings[key] = await _connected(stage, things, field.connection)
                case PickField():
                    settings[key] = [] if field.many else None
                case _:
                    settings[key] = stage.slack.security if key == "channel" else field.default
        await things.store.set_up(
            called or name,
            template=name,
            document=written(template),
            settings=settings | chosen,
            tables=template.tables,
            by=stage.slack.who("admin"),
            now=time.time(),
        )


async def _connected(stage: Stage, things: assembly.Kept, connector: str) -> str:
    given = stage.addresses[connector]
    await things.vault.keep(
        f"our-{connector}",
        connector=connector,
        settings={**{name: given[name] for name in NEEDED[connector]}, **MORE.get(connector, {})},
        accepts="signed",
        now=time.time(),
    )
    return f"our-{connector}"


def service(stage: Stage, name: str) -> Service:
    """Return a service of the sandbox, to look at and to disturb."""
    return Service(stage.addresses[name], stage.http)


async def streaming(stage: Stage) -> None:
    """Let the tenant's event stream tell the bot of everything."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        url = f"http://127.0.0.1:{stage.settings['port']}/in/{stage.key}"
        await streams.install(await things.accounts.client(TENANT), "events", url=url, secret=stage.secret)


async def told(
    stage: Stage,
    user: Mapping[str, Any],
    kind: str = "user.created",
    *,
    before: Mapping[str, Any] | None = None,
    number: int = 1,
) -> None:
    """Tell the bot of a user, as the tenant's event stream does."""
    account = Account(name="", connector="auth0", key=stage.key, accepts="signed", settings={}, secret=stage.secret)
    past = {} if before is None else {"previous_object": {**user, **before}}
    event = {
        "specversion": "1.0",
        "id": f"evt_{number:022}",
        "type": kind,
        "source": "urn:auth0:example-tenant",
        "time": "2026-11-23T10:00:00.000Z",
        "data": {"object": dict(user), **past},
        "a0tenant": "example-tenant",
        "a0stream": "est_1",
    }
    headers = {"authorization": stream_token(account, "events")}
    answer = await stage.http.post(f"{stage.bot}/in/{stage.key}/events", json=event, headers=headers)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1), answer.text


async def comes(stage: Stage, **profile: Any) -> dict[str, Any]:
    """Let somebody come to the tenant who has not been there."""
    known = {"sessions": 0, "refresh_tokens": 0, **profile}
    return dict(await stage.auth0.post("users", known))


async def as_admin(stage: Stage, verb: str, path: str, **body: Any) -> dict[str, Any]:
    """Change something in the tenant, as its admins do."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        tenant = await things.accounts.client(TENANT)
        return dict((await tenant.http.request(verb, path, json=body)).json())


async def changed(stage: Stage, user_id: str, **profile: Any) -> None:
    """Change what the tenant knows of a user."""
    for name, value in profile.items():
        await as_admin(stage, "PATCH", f"/api/v2/users/{quote(user_id, safe='')}", **{name: value})


async def saying(stage: Stage, flow: str, words: str) -> str:
    """Wait until a run of a flow has ended and says something with these words in it, and return all of it."""
    said: list[str] = []
    for _ in range(200):
        said = await ended(stage, flow, 1)
        found = [one for one in said if words in one]
        if found:
            return found[0]
        await asyncio.sleep(0.05)  # the database tells nobody
    raise AssertionError(f"never said: {words}; last: {said}")


async def card(stage: Stage, words: str) -> dict[str, Any]:
    """Return the message in the channel that says something, once it is there."""
    found: list[dict[str, Any]] = await stage.slack.until(
        lambda state: [m for m in stage.slack.messages(state) if words in m["text"] + str(m.get("blocks"))]
    )
    return found[0]
