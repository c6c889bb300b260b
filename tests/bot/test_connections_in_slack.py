"""Connections, as people in Slack see, make, change and remove them."""

from collections.abc import Mapping
from typing import Any

import pytest

import sandbox.auth0
from bot import assembly
from bot.settings import Settings
from connectors.catalog import catalog
from flows.vault import Account
from sandbox.server import serving
from tests.bot.made import answered, make
from tests.worlds import FLOW, TENANT, Auth0, Stage, text_of

USES = """
template: uses
version: 1
title: Uses the tenant
about: Does nothing.
settings:
  tenant: {connection: auth0, title: Tenant}
when: {by hand: {}}
steps:
  - {stop: done, say: Done}
"""


@pytest.fixture
async def known(set_up: Stage) -> Stage:
    """A world whose bot knows where it is reached."""
    set_up.settings["cicflow_public_url"] = f"http://127.0.0.1:{set_up.settings['port']}"
    await set_up.auth0.put("settings", {"build_seconds": 0})
    return set_up


async def account(stage: Stage, name: str) -> Account | None:
    async with assembly.kept(Settings(**stage.settings)) as things:
        return await things.vault.named(name)


async def opened(stage: Stage, command: str, *, user: str = "admin") -> dict[str, Any]:
    await stage.slack.command(command, user=user)
    return await stage.slack.form(user=user)


async def pressed(stage: Stage, action: str, *, user: str = "admin", tenant: str = TENANT) -> dict[str, Any]:
    """Press a button of the list of connections, and return the form that it opens."""
    listed = await answered(stage, "connections", user=user)
    block = next(
        block["block_id"]
        for block in listed["blocks"]
        if any(one.get("value") == tenant for one in block.get("elements", ()))
    )
    press = {"user": stage.slack.who(user), "channel": listed["channel"], "ts": listed["ts"]}
    await stage.slack.post("clicks", {**press, "block_id": block, "action_id": f"connection:{action}"})
    return await stage.slack.form(user=user) if action != "check" else {}


async def submit(stage: Stage, form: Mapping[str, Any], *, user: str = "admin", **values: Any) -> dict[str, Any]:
    body = {"user": stage.slack.who(user), "view_id": form["id"], "values": values}
    return dict(await stage.slack.post("submissions", body))


async def shown(stage: Stage, words: str, *, user: str = "admin") -> str:
    """Wait until a person's view says something."""

    def found(state: dict[str, Any]) -> Any:
        view = (state["views"].get(stage.slack.who(user)) or [None])[-1]
        return text_of(view) if view and words in text_of(view) else None

    said: str = await stage.slack.until(found)
    return said


async def told(stage: Stage, words: str, *, user: str = "admin") -> str:
    """Wait for a direct message to a person."""

    def found(state: dict[str, Any]) -> Any:
        theirs = [one["id"] for one in state["channels"] if one["is_im"] and one["user"] == stage.slack.who(user)]
        messages = [text_of(one) for channel in theirs for one in state["messages"].get(channel, ())]
        return next((text for text in messages if words in text), None)

    said: str = await stage.slack.until(found)
    return said


def given(stage: Stage, **more: Any) -> dict[str, Any]:
    """Return what somebody types into the form of a new connection."""
    tenant = stage.addresses["auth0"]
    return {
        "connection-name": "second",
        "domain": tenant["url"],
        "client_id": tenant["client_id"],
        "client_secret": tenant["client_secret"],
        **more,
    }


async def test_a_tenant_is_connected_with_a_form_and_listed_with_its_health(known: Stage) -> None:
    async with known.bot_running():
        form = await opened(known, "connect auth0")
        assert (await submit(known, form, **given(known)))["response_action"] == "update"
        assert "Install our Auth0 Actions" in await shown(known, "second* is kept")
        listed = text_of(await answered(known, "connections"))
        assert ":large_green_circle: `second` works, tried" in listed
        status = text_of(await answered(known, "status"))
        assert "`second` works" in status
        await known.slack.post("home", {"user": known.slack.who("admin")})
        home = await known.slack.until(lambda state: state["homes"].get(known.slack.who("admin")))
        assert "`second` works" in text_of(home)
    kept = await account(known, "second")
    assert kept is not None
    assert kept.accepts == "signed"


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"client_secret": "not-the-secret"}, "client_secret", "does not accept the client id and secret"),
        ({"domain": "not a domain"}, "domain", "This is not a domain"),
        ({"connection-name": "Two Words"}, "connection-name", "Small letters"),
        ({"connection-name": TENANT}, "connection-name", "already"),
        ({"domain": "http://127.0.0.1:1"}, "domain", "could not be reached"),
    ],
)
async def test_what_is_wrong_is_said_at_its_field_while_the_form_is_open(
    known: Stage, wrong: dict[str, str], field: str, words: str
) -> None:
    async with known.bot_running():
        form = await opened(known, "connect auth0")
        answer = await submit(known, form, **given(known, **wrong))
    assert list(answer["errors"]) == [field]
    assert words in answer["errors"][field]
    assert await account(known, "second") is None


async def test_a_service_that_takes_longer_than_a_form_may_is_waited_for(known: Stage) -> None:
    await known.auth0.fault("POST /oauth/token", times=3, delay=2.5)
    async with known.bot_running():
        form = await opened(known, "connect auth0")
        await submit(known, form, **given(known))
        await shown(known, "second* is kept")


async def test_a_service_that_refuses_too_late_for_the_form_is_told_in_it_without_the_secret(known: Stage) -> None:
    async with known.bot_running():
        form = await opened(known, "connect auth0")
        await known.auth0.fault("POST /oauth/token", times=5, delay=2.5, status=401, body={"error": "access_denied"})
        await submit(known, form, **given(known))
        said = await shown(known, "does not accept the client id and secret")
        again = await known.slack.form()
        assert "typed again" in said
        assert again["state"]["values"]["connection-name"]["value"]["value"] == "second"
        assert known.addresses["auth0"]["client_secret"] not in str(again["blocks"])
        await known.auth0.http.delete(f"{known.auth0.given['url']}/sandbox/faults")
        await submit(known, again, client_secret=known.addresses["auth0"]["client_secret"])
        await shown(known, "second* is kept")


async def test_what_is_being_installed_when_the_bot_ends_is_told(known: Stage) -> None:
    await known.auth0.put("settings", {"build_seconds": 60})
    async with known.bot_running():
        form = await pressed(known, "install")
        await submit(known, form, triggers=["pre-user-registration"])
        await shown(known, "I send you a message")
    assert "The program ended before this was done" in await told(known, "Installing in the tenant")


async def test_missing_permissions_are_named_with_what_they_are_for(known: Stage) -> None:
    await known.auth0.put("settings", {"scopes": "read:users update:users delete:sessions"})
    async with known.bot_running():
        form = await opened(known, "connect")
        await submit(known, form, **given(known))
        said = await shown(known, "second* is kept")
    assert "lacks delete:refresh_tokens" in said
    assert "• `read:actions`: install our Auth0 Actions" in said
    assert "• `delete:users`: Delete an inactive user and Delete a user" in said
    assert "`read:users`" not in said


async def test_a_secret_is_never_shown_and_stays_where_it_is(known: Stage) -> None:
    before = await account(known, TENANT)
    assert before is not None
    async with known.bot_running():
        form = await pressed(known, "edit")
        assert known.addresses["auth0"]["client_secret"] not in str(form)
        assert form["state"]["values"]["domain"]["value"]["value"] == before.settings["domain"]
        elsewhere = await submit(known, form, domain="elsewhere.example.com")
        assert "type it again" in elsewhere["errors"]["client_secret"]
        await submit(known, form, domain=before.settings["domain"], plan="free")
        await shown(known, "is kept")
        assert "client_secret" not in text_of(await answered(known, "connections"))
    after = await account(known, TENANT)
    assert after is not None
    assert after.settings == {**before.settings, "plan": "free"}
    assert (after.key, after.secret) == (before.key, before.secret)


@pytest.mark.parametrize("action", ["edit", "install", "remove"])
async def test_who_may_not_set_up_flows_changes_no_connection(known: Stage, action: str) -> None:
    async with known.bot_running():
        assert "not allowed" in text_of(await pressed(known, action, user="visitor"))
        assert "not allowed" in text_of(await opened(known, "connect auth0", user="visitor"))


async def test_who_may_not_set_up_flows_tries_no_connection(known: Stage) -> None:
    async with known.bot_running():
        await pressed(known, "check", user="visitor")
        await known.slack.whispered("not allowed")
        assert "not allowed" in await known.slack.said(f"connections {TENANT}", user="visitor")


async def test_actions_and_streams_are_installed_and_the_person_is_told(known: Stage) -> None:
    async with known.bot_running():
        form = await pressed(known, "install")
        values = form["state"]["values"]
        assert [one["value"] for one in values["triggers"]["value"]["selected_options"]] == ["post-login"]
        await submit(
            known,
            form,
            triggers=["pre-user-registration", "post-user-registration"],
            streams=["logs", "events"],
            **{"on-failure": "closed"},
        )
        await shown(known, "I send you a message")
        said = await told(known, "Installing in the tenant")
        assert said.count(":white_check_mark:") == 5, said
        assert "Removed from the tenant: “cicflow post-login”" in said
        assert "The log stream “cicflow” is created." in said
        status = text_of(await answered(known, f"connections {TENANT}"))
        assert "“cicflow pre-user-registration” runs at sign-ups and is up to date" in status
        assert "The event stream “cicflow” is enabled and sends to us." in status
        assert "Where this bot cannot be reached, they refuse logins" in status
        await known.slack.post("closes", {"user": known.slack.who("admin"), "view_id": form["id"], "all": True})
        again = (await pressed(known, "install"))["state"]["values"]
        assert again["on-failure"]["value"]["selected_option"]["value"] == "closed"


async def test_what_could_not_be_installed_is_said_and_the_rest_is_done(known: Stage) -> None:
    full = {"statusCode": 409, "message": "You have reached the maximum number of log streams for your account."}
    await known.auth0.fault("POST /api/v2/log-streams", status=409, body=full)
    async with known.bot_running():
        form = await pressed(known, "install")
        await submit(known, form, triggers=["post-login"], streams=["logs", "events"])
        said = await told(known, "Installing in the tenant")
    assert ":x: The log stream: " in said
    assert "maximum number" in said
    assert "The event stream “cicflow” is created." in said


async def test_without_an_address_of_its_own_the_bot_installs_nothing(running: Stage) -> None:
    assert "CICFLOW_PUBLIC_URL is not set" in text_of(await pressed(running, "install"))


async def test_what_is_not_known_of_the_actions_that_are_there_has_to_be_chosen(known: Stage) -> None:
    known.settings["cicflow_public_url"] = f"http://localhost:{known.settings['port']}"
    async with known.bot_running():
        form = await pressed(known, "install")
        assert list((await submit(known, form))["errors"]) == ["on-failure"]


async def test_what_may_not_be_seen_is_not_offered(known: Stage) -> None:
    await known.auth0.put("settings", {"scopes": "read:users read:log_streams"})
    async with known.bot_running():
        form = await pressed(known, "install")
    assert "triggers" not in form["state"]["values"]
    assert "“logs”" not in text_of(form)
    assert "event stream cannot be seen" in text_of(form)


async def test_several_tenants_are_connected_each_with_its_own_parts_and_health(known: Stage) -> None:
    double = sandbox.auth0.create("second-tenant")
    async with serving(double.app, "127.0.0.1", 0) as address, known.bot_running():
        tenant = Auth0(double.credentials(address), known.http)
        await tenant.put("settings", {"build_seconds": 0})
        form = await opened(known, "connect auth0")
        theirs = {name: tenant.given[name] for name in ("client_id", "client_secret")}
        await submit(known, form, **{"connection-name": "second", "domain": tenant.given["url"], **theirs})
        await shown(known, "second* is kept")
        await submit(known, await pressed(known, "install", tenant="second"), triggers=["credentials-exchange"])
        await told(known, "Installing in the tenant of second")
        listed = text_of(await answered(known, "connections"))
        assert f":large_green_circle: `{TENANT}` works" in listed
        assert ":large_green_circle: `second` works" in listed
        named = [[each["name"] for each in (await one.get("state"))["actions"]] for one in (known.auth0, tenant)]
    assert named == [["cicflow post-login"], ["cicflow credentials-exchange"]]


async def test_a_connection_is_removed_with_what_is_in_its_tenant(known: Stage) -> None:
    async with known.bot_running():
        form = await pressed(known, "remove")
        await submit(known, form, uninstall="yes")
        said = await told(known, "Removing the connection")
        assert "“cicflow post-login”" in said
        assert "The connection is forgotten." in said
        assert "There is no connection yet" in text_of(await answered(known, "connections"))
        assert "`/cicflow connect auth0`" in text_of(await opened(known, f"enable {FLOW}"))
    assert await account(known, TENANT) is None
    assert (await known.auth0.get("state"))["actions"] == []


async def test_a_connection_that_a_flow_uses_is_not_removed(known: Stage) -> None:
    await make(known, USES)
    async with known.bot_running():
        assert "`uses` would fail without this connection" in text_of(await pressed(known, "remove"))
    assert await account(known, TENANT) is not None


@pytest.mark.parametrize(
    ("typed", "words"),
    [("connect auht0", "did you mean auth0?"), ("connections exmaple-tenant", "did you mean example-tenant?")],
)
async def test_a_name_that_is_not_known_is_said(known: Stage, typed: str, words: str) -> None:
    async with known.bot_running():
        assert words in await known.slack.said(typed)


@pytest.mark.parametrize("service", sorted(catalog().connectors))
async def test_every_service_has_a_form_in_which_it_is_connected(known: Stage, service: str) -> None:
    async with known.bot_running():
        form = await opened(known, f"connect {service}")
        assert [block for block in form["blocks"] if block["type"] == "input"]
