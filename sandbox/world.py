"""The world: every service of the sandbox, and its page, served together."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import sandbox.auth0
import sandbox.downstream
import sandbox.mail
import sandbox.marketo
import sandbox.page
import sandbox.salesforce
import sandbox.servicenow
import sandbox.slack
from sandbox.page.controls import Side
from sandbox.server import serving

NO_MORE: Mapping[str, int] = {}


class World:
    """The services that run, and where."""

    def __init__(self, addresses: dict[str, Any]) -> None:
        self._addresses = addresses

    def addresses(self) -> dict[str, Any]:
        """Return the page's address, and each service's with the credentials it accepts."""
        return self._addresses

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        host: str = "127.0.0.1",
        slack_port: int = 0,
        auth0_port: int = 0,
        downstream_port: int = 0,
        mail_port: int = 0,
        mail_control_port: int = 0,
        marketo_port: int = 0,
        page_port: int = 0,
        salesforce_port: int = 0,
        servicenow_port: int = 0,
        bot: str | None = None,
        more_tenants: Mapping[str, int] = NO_MORE,
    ) -> AsyncIterator[Self]:
        """Serve everything until the block ends. Port 0 is any free one; `bot` is where Slack's requests go.

        `more_tenants` are served besides, by name and port; each has people, settings and credentials of its own.

        Raises OSError when a port is taken.
        """
        async with AsyncExitStack() as stack:
            workspace, tenant = sandbox.slack.create(), sandbox.auth0.create()
            workspace.settings.request_url = bot
            slack = await stack.enter_async_context(serving(workspace.app, host, slack_port))
            auth0 = await stack.enter_async_context(serving(tenant.app, host, auth0_port))
            more: dict[str, Any] = {}
            for name, port in more_tenants.items():
                other = sandbox.auth0.create(name)
                more[name] = other.credentials(await stack.enter_async_context(serving(other.app, host, port)))
            desk = sandbox.servicenow.create()
            servicenow = await stack.enter_async_context(serving(desk.app, host, servicenow_port))
            instance = sandbox.marketo.create()
            marketo = await stack.enter_async_context(serving(instance.app, host, marketo_port))
            org = sandbox.salesforce.create()
            salesforce = await stack.enter_async_context(serving(org.app, host, salesforce_port))
            post = sandbox.mail.mailing(sandbox.mail.Mailbox(), host, mail_port, mail_control_port)
            mail = await stack.enter_async_context(post)
            application = sandbox.downstream.create()
            downstream = await stack.enter_async_context(serving(application.app, host, downstream_port))
            beside: dict[Side, str] = {"servicenow": servicenow, "salesforce": salesforce, "marketo": marketo}
            beside |= {"mail": str(mail["url"]), "downstream": downstream}
            shown = sandbox.page.create(slack, auth0, more=beside)
            page = await stack.enter_async_context(serving(shown, host, page_port))
            addresses = {"page": page, "slack": workspace.credentials(slack), "auth0": tenant.credentials(auth0)}
            addresses |= {"servicenow": desk.credentials(servicenow)}
            addresses |= {"marketo": instance.credentials(marketo)}
            addresses |= {"salesforce": org.credentials(salesforce)}
            addresses |= {"mail": mail}
            addresses |= {"downstream": application.credentials(downstream)}
            yield cls(addresses | ({"more_tenants": more} if more else {}))
