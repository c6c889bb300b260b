"""The sandbox alone: python -m sandbox."""

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from sandbox.world import World


def main() -> int:
    """Serve the sandbox until it is told to stop. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="Slack, Auth0 and the other services, simulated."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--page-port", type=int, default=8700, help="0 for any free one, as for the others")
    parser.add_argument("--slack-port", type=int, default=8701)
    parser.add_argument("--auth0-port", type=int, default=8702)
    parser.add_argument("--servicenow-port", type=int, default=8704)
    parser.add_argument("--mail-port", type=int, default=8707, help="where mail is sent to")
    parser.add_argument("--mail-control-port", type=int, default=8708)
    parser.add_argument("--marketo-port", type=int, default=8706)
    parser.add_argument("--salesforce-port", type=int, default=8705)
    parser.add_argument("--downstream-port", type=int, default=8709)
    parser.add_argument(
        "--tenant", action="append", default=[], metavar="NAME:PORT", help="one more Auth0 tenant; may be given again"
    )
    parser.add_argument("--bot-url", help="where Slack's requests go, such as http://127.0.0.1:8000/slack/events")
    parser.add_argument("--json", action="store_true", help="print the addresses and credentials as one line of JSON")
    given = parser.parse_args()
    if any(not one.partition(":")[2].isdecimal() for one in given.tenant):
        parser.error("--tenant is a name and a port, such as staging:8703")
    try:
        asyncio.run(_serve(given))
    except OSError as error:
        print(f"A port is taken: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve(given: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with World.open(
        host=given.host,
        slack_port=given.slack_port,
        auth0_port=given.auth0_port,
        downstream_port=given.downstream_port,
        mail_port=given.mail_port,
        mail_control_port=given.mail_control_port,
        marketo_port=given.marketo_port,
        page_port=given.page_port,
        salesforce_port=given.salesforce_port,
        servicenow_port=given.servicenow_port,
        bot=given.bot_url,
        more_tenants={name: int(port) for name, _, port in (one.partition(":") for one in given.tenant)},
    ) as world:
        addresses = world.addresses()
        if given.json:
            print(json.dumps(addresses), flush=True)
        else:
            print(_listed(addresses), flush=True)
        await stop.wait()


def _listed(addresses: dict[str, Any]) -> str:
    lines = [f"page       {addresses['page']}"]
    services = {
        name: addresses[name]
        for name in ("slack", "auth0", "mail", "marketo", "servicenow", "salesforce", "downstream")
    } | addresses.get("more_tenants", {})
    for name, service in services.items():
        lines.append(f"{name:<10} {service['url']}")
        lines += [f"         {key}: {value}" for key, value in service.items() if key != "url"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
