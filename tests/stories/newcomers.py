"""People who come to the tenant, as the stories of the templates for new users tell of them."""

import time
from collections.abc import Mapping
from typing import Any, Final

from bot import assembly
from bot.connections import stream_token
from bot.settings import Settings
from connectors.auth0 import streams
from flows.fields import ConnectionField, PickField
from flows.language import written
from flows.templates import library
from flows.vault import Account
from tests.worlds import TENANT, Service, Stage

NEEDED: Final = {
    "salesforce": ("address", "client_id", "client_secret"),
    "marketo": ("address", "client_id", "client_secret"),
}
"""What a connection is made of, of what the sandbox says of a service."""


async def shipped(stage: Stage, name: str, **chosen: Any) -> None:
    """Switch a template on with its defaults, and with what is chosen; connect what it needs besides the tenant."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        template = library(things.catalog)[name]
        settings: dict[str, Any] = {}
        for key, field in template.settings.items():
            match field:
                case ConnectionField(connection="auth0"):
                    settings[key] = TENANT
                case ConnectionField(connection="slack"):
                    settings[key] = "slack"
                case ConnectionField():
                    settings[key] = await _connected(stage, things, field.connection)
                case PickField():
                    settings[key] = [] if field.many else None
                case _:
                    settings[key] = stage.slack.security if key == "channel" else field.default
        await things.store.set_up(
            name,
            template=name,
            document=written(template),
            settings=settings | chosen,
            by=stage.slack.who("admin"),
            now=time.time(),
        )


async def _connected(stage: Stage, things: assembly.Kept, connector: str) -> str:
    given = stage.addresses[connector]
    await things.vault.keep(
        f"our-{connector}",
        connector=connector,
        settings={name: given[name] for name in NEEDED[connector]},
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
