"""Secrets of connections are seen nowhere: not in the log, in Slack, in histories, in exported flows, in the database."""

import json
import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot import assembly
from bot.settings import Settings
from flows.exports import export
from tests.bot.made import make, shown
from tests.bot.test_connections_in_slack import opened
from tests.worlds import Stage, stage

CALLS: Mapping[str, tuple[str, str]] = {
    "auth0": ("auth0.list_roles", "{}"),
    "marketo": ("marketo.find_lead", "{field: email, value: ana.keller@example.com}"),
    "salesforce": ("salesforce.find_contacts", "{where: [{field: Email, value: ines.moreau@example.com}]}"),
    "servicenow": ("servicenow.find_users", "{email: mara.conti@example.com}"),
    "http": ("http.call_read", "{path: /api/now/table/incident}"),
    "mail": ("mail.send_mail", "{to: [ann@example.com], subject: Hello, text: Hello}"),
}
FAULTS: list[dict[str, Any]] = [
    {"status": 500, "body": {"error": "trouble"}},
    {"status": 401, "body": {"error": "invalid_client"}},
    {"status": 403, "body": {"error": "no"}},
    {"html": "<p>Back soon</p>"},
    {"drop": "before"},
    {"status": 404, "body": {}},
]


def flow(connector: str) -> str:
    action, given = CALLS[connector]
    return f"""
template: tries-{connector}
version: 1
title: Try
about: Makes one call.
settings: {{account: {{connection: {connector}, title: Account}}}}
when: {{by hand: {{}}}}
steps:
  - id: call
    do: {action}
    using: "{{{{ settings.account }}}}"
    with: {given}
    on error: {{try again: {{attempts: 1}}}}
"""


def typed(found: Stage) -> dict[str, dict[str, Any]]:
    """Return what somebody types into the form of each service."""
    known = found.addresses
    apps = {
        name: {key: known[name][key] for key in ("client_id", "client_secret")}
        for name in known
        if "client_id" in known[name]
    }
    letters = {name: known["mail"][name] for name in ("host", "user", "password")}
    return {
        "auth0": {"domain": known["auth0"]["url"], **apps["auth0"]},
        "marketo": {"address": known["marketo"]["url"], **apps["marketo"]},
        "salesforce": {"address": known["salesforce"]["url"], **apps["salesforce"]},
        "servicenow": {"instance": known["servicenow"]["url"], **apps["servicenow"]},
        "http": {
            "address": known["servicenow"]["url"],
            "authentication": "header",
            "name": "x-sn-apikey",
            "secret": known["servicenow"]["api_key"],
            "check_path": "/api/now/table/incident",
        },
        "mail": {**letters, "port": str(known["mail"]["port"]), "security": "none", "from_address": "bot@example.com"},
    }


def secrets(found: Stage) -> set[str]:
    """Return every secret that was typed, right or wrong, and the bot's own."""
    right = {
        str(value)
        for given in typed(found).values()
        for name, value in given.items()
        if name in {"client_secret", "secret", "password"}
    }
    own = {found.settings["slack_bot_token"], found.settings["slack_signing_secret"], *found.settings["cicflow_key"]}
    return right | own | {f"wr0ng-{connector}-s3cret" for connector in CALLS}


async def submit(found: Stage, form: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    await found.slack.post("submissions", {"user": found.slack.who("admin"), "view_id": form["id"], "values": values})


async def connect(found: Stage, connector: str) -> None:
    """Connect a service: first with a wrong secret, then with the right one."""
    form = await opened(found, f"connect {connector}")
    given = {"connection-name": f"my-{connector}", **typed(found)[connector]}
    (name,) = {"client_secret", "secret", "password"} & set(given)
    await submit(found, form, given | {name: f"wr0ng-{connector}-s3cret"})
    await found.slack.post("closes", {"user": found.slack.who("admin"), "view_id": form["id"], "all": True})
    form = await opened(found, f"connect {connector}")
    await submit(found, form, given)

    def kept(state: dict[str, Any]) -> Any:
        view = (state["views"].get(found.slack.who("admin")) or [None])[-1]
        return view if "is kept" in str(view) else None

    view = await found.slack.until(kept)
    await found.slack.post("closes", {"user": found.slack.who("admin"), "view_id": view["id"], "all": True})


async def misbehave(found: Stage, connector: str, fault: Mapping[str, Any]) -> None:
    """Let the next calls of a service, and for tokens, go wrong."""
    service = {"http": "servicenow"}.get(connector, connector)
    letter = {"drop": "before"} if fault.get("drop") else {"code": fault.get("status", 554), "text": "No"}
    given = letter if connector == "mail" else fault
    for match in ("AUTH", "MAIL*") if connector == "mail" else ("*",):
        order = {"match": match, "times": 1 if connector == "mail" else 3, "fault": given}
        (await found.http.post(f"{found.addresses[service]['url']}/sandbox/faults", json=order)).raise_for_status()


def written(folder: Path) -> str:
    return "".join(file.read_bytes().decode("latin-1") for file in folder.glob("cicflow.sqlite*"))


@pytest.mark.slow
async def test_secrets_of_connections_are_seen_nowhere(
    tmp_path: Path, free_port: int, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)  # as the bot has the logs of libraries; its own it tells whole
    async with stage(tmp_path, free_port, cicflow_http_allow="127.0.0.0/8", cicflow_first_pause=0.01) as found:
        hidden = secrets(found)
        async with found.bot_running():
            for connector in CALLS:
                await connect(found, connector)
                await make(found, flow(connector), account=f"my-{connector}")
            seen = [await shown(found, "connections")]
            for connector in CALLS:
                for fault in FAULTS:
                    await misbehave(found, connector, fault)
                    seen += [await found.slack.said(f"connections my-{connector}")]
                    await found.slack.command(f"start tries-{connector}")
                    form = await found.slack.form()
                    await submit(found, form, {})
                    await found.slack.post(
                        "closes", {"user": found.slack.who("admin"), "view_id": form["id"], "all": True}
                    )
                    service = {"http": "servicenow"}.get(connector, connector)
                    await found.http.delete(f"{found.addresses[service]['url']}/sandbox/faults")
            seen += [await shown(found, "failed"), await shown(found, "runs")]
            seen += [await shown(found, f"export tries-{connector}") for connector in CALLS]
            state = await found.slack.get("state")
            calls = await found.slack.get("calls")
        async with assembly.kept(Settings(**found.settings)) as things:
            files = export(await things.store.flows())
    said = capsys.readouterr()
    logged = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    texts = {
        "log": said.out + said.err + logged,
        "Slack": json.dumps([state, calls], ensure_ascii=False),
        "answers": "\n".join(map(str, seen)),
        "export": files,
        "database": written(tmp_path),
    }
    # What is no secret is in all of them, so they are the right ones to look in.
    assert {where for where, text in texts.items() if all(f"my-{connector}" in text for connector in CALLS)} == {*texts}
    assert {(where, secret) for where, text in texts.items() for secret in hidden if secret in text} == set()
    with sqlite3.connect(tmp_path / "cicflow.sqlite") as database:
        (runs,) = database.execute("SELECT count(*) FROM run WHERE state = 'failed'").fetchone()
    assert runs >= len(CALLS) * 2
