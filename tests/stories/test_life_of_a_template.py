"""The life of a template: several flows of one, a new version that ships, a flow that goes its own way."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot import assembly
from bot.settings import Settings
from flows import exports
from tests.bot.made import answered, ended, shown
from tests.specs import slack_would_take
from tests.worlds import FLOW, Stage, stage, text_of

WELCOMES = """
template: welcomes
version: 1
title: Welcome people
about: Notes each login.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
  greeting: {type: text, title: Greeting, default: Hello}
  tone: {type: choice, of: [warm, cool], default: warm, title: Tone}
when: {event: auth0.post_login, from: "{{ settings.tenant }}"}
steps:
  - {stop: done, say: "{{ settings.greeting }} {{ event.user.user_id }} by {{ run.flow }}"}
"""
NEWER = (
    WELCOMES.replace("version: 1", "version: 2")
    .replace(
        "  tone: {type: choice, of: [warm, cool], default: warm, title: Tone}\n",
        "  closing: {type: text, title: Closing, default: Bye}\n",
    )
    .replace("by {{ run.flow }}", "by {{ run.flow }}, {{ settings.closing }}")
    .replace("steps:", "steps:\n  - {id: name, do: people.email_parts, with: {email: a@example.com}}")
)
NO_QUESTION = WELCOMES.replace("version: 1", "version: 2").replace("by {{ run.flow }}", "says {{ run.flow }}")


@pytest.fixture
async def shelves(tmp_path: Path, free_port: int) -> AsyncIterator[Stage]:
    """A world in which somebody ships templates of their own."""
    (tmp_path / "templates").mkdir()
    ship(tmp_path, WELCOMES)
    async with stage(tmp_path, free_port, cicflow_templates=tmp_path / "templates") as found:
        await found.connect()
        yield found
        slack_would_take(await found.slack.get("calls"))


def ship(folder: Path, text: str) -> None:
    (folder / "templates" / "welcomes.yaml").write_text(text)


async def enable(stage: Stage, typed: str, **values: Any) -> str:
    """Switch a flow on in its form. Returns what the form says."""
    slack = stage.slack
    await slack.command(typed)
    return await submit(stage, **values)


async def submit(stage: Stage, **values: Any) -> str:
    slack = stage.slack
    form = await slack.form()
    saved = await slack.post("submissions", {"user": slack.who("admin"), "view_id": form["id"], "values": values})
    assert "errors" not in saved, saved
    said = text_of(form)
    await slack.until(lambda state: not state["views"].get(slack.who("admin")))
    return said


async def test_a_template_is_set_up_several_times_and_each_is_a_flow_of_its_own(shelves: Stage) -> None:
    slack, auth0 = shelves.slack, shelves.auth0
    async with shelves.bot_running():
        await enable(shelves, "enable welcomes")
        form = await enable(shelves, "enable welcomes as eu-welcomes", greeting="Bonjour")
        assert "This is `eu-welcomes`, which is made of `welcomes`." in form
        # One of an instance is one of its template.
        await enable(shelves, "enable eu-welcomes as us-welcomes", greeting="Howdy")
        await slack.until(lambda state: [m for m in slack.messages(state) if "as `us-welcomes`" in m["text"]])
        said = {
            name: await slack.said(f"enable welcomes as {name}")
            for name in ("EU", "eu-welcomes", FLOW, "welcomes", "x'y", "two words")
        }
        listed = await shown(shelves, "list")
        assert "not allowed" in text_of(await visitors_form(shelves, "enable welcomes as mine"))
        await slack.said("pause us-welcomes")
        await slack.said("disable eu-welcomes")
        user = await auth0.user()
        await auth0.login(user["user_id"], risk=None)
        assert await ended(shelves, "welcomes", 1) == [f"Hello {user['user_id']} by welcomes"]
        await slack.said("resume us-welcomes")
        assert await ended(shelves, "us-welcomes", 1) == [f"Howdy {user['user_id']} by us-welcomes"]
        assert "`eu-welcomes`" in await shown(shelves, "status eu-welcomes")
        assert "was made of `welcomes`" in await enable(shelves, "configure us-welcomes", greeting="Hey")
    assert "names begin with a small letter" in said["EU"]
    assert "`eu-welcomes` is set up already" in said["eu-welcomes"]
    assert f"`{FLOW}` is the name of a template" in said[FLOW]
    assert "is set up already" in said["welcomes"]
    assert "Say it like this" in said["two words"]
    assert "on  `eu-welcomes`, made of `welcomes`" in listed
    assert listed.index("`welcomes`  *Welcome") < listed.index("`eu-welcomes`") < listed.index("`us-welcomes`")


async def visitors_form(stage: Stage, typed: str) -> dict[str, Any]:
    await stage.slack.command(typed, user="visitor")
    return await stage.slack.form(user="visitor")


async def test_two_people_who_take_the_same_name_at_once_do_not_overwrite_each_other(shelves: Stage) -> None:
    slack = shelves.slack
    async with shelves.bot_running():
        await enable(shelves, "enable welcomes as ours", greeting="Mine")
        await slack.command("enable welcomes as theirs")
        late = await slack.form()
        await enable_elsewhere(shelves, "theirs")
        given = {"user": slack.who("admin"), "view_id": late["id"], "values": {"greeting": "Late"}}
        await slack.post("submissions", given)
        assert "nothing was saved" in text_of(await slack.form())


async def enable_elsewhere(stage: Stage, name: str) -> None:
    """Let another process take a name."""
    async with assembly.kept(Settings(**stage.settings)) as things:
        ours = await things.store.flow("ours")
        assert ours is not None
        await things.store.set_up(
            name, template="welcomes", document=ours.document, settings=ours.settings, by="U9", now=1.0
        )


async def test_a_new_version_is_shown_first_and_keeps_the_settings_and_asks_for_what_is_new(
    shelves: Stage, tmp_path: Path
) -> None:
    slack, auth0 = shelves.slack, shelves.auth0
    async with shelves.bot_running():
        await enable(shelves, "enable welcomes as eu-welcomes", greeting="Bonjour")
        assert "as new as can be" in await slack.said("upgrade eu-welcomes")
    ship(tmp_path, NEWER)
    async with shelves.bot_running():
        assert "Version 2 of `welcomes` is there, this is 1" in await shown(shelves, "status eu-welcomes")
        assert "(version 2 is there: `/cicflow upgrade eu-welcomes`)" in await shown(shelves, "list")
        # Until somebody wants it, nothing changes, also not when settings are saved.
        await enable(shelves, "configure eu-welcomes", greeting="Salut")
        user = await auth0.user()
        await auth0.login(user["user_id"], risk=None)
        assert await ended(shelves, "eu-welcomes", 1) == [f"Salut {user['user_id']} by eu-welcomes"]
        assert "not allowed" in await slack.said("upgrade eu-welcomes", user="visitor")
        preview = await answered(shelves, "upgrade eu-welcomes")
        said = text_of(preview)
        assert "New settings: Closing" in said
        assert "Settings that go: Tone" in said
        assert "(people.email_parts)" in said
        assert "changed this flow" not in said
        await press(shelves, preview)
        assert "Closing" in await submit(shelves, closing="Adieu")
        await slack.until(lambda state: [m for m in slack.messages(state) if "upgraded *Welcome people*" in m["text"]])
        await auth0.login(user["user_id"], risk=None)
        assert await ended(shelves, "eu-welcomes", 2) == [
            f"Salut {user['user_id']} by eu-welcomes",
            f"Salut {user['user_id']} by eu-welcomes, Adieu",
        ]
        assert "as new as can be" in await slack.said("upgrade eu-welcomes")
        await press(shelves, preview)
        assert "is not as it was" in (await slack.whispered("is not as it was"))["text"]


async def press(stage: Stage, message: dict[str, Any]) -> None:
    await stage.slack.post(
        "clicks",
        {
            "user": stage.slack.who("admin"),
            "channel": stage.slack.security,
            "ts": message["ts"],
            "action_id": "upgrade",
        },
    )


async def test_a_flow_that_somebody_changed_is_not_upgraded_without_a_word(shelves: Stage, tmp_path: Path) -> None:
    slack = shelves.slack
    async with shelves.bot_running():
        await enable(shelves, "enable welcomes")
    async with assembly.kept(Settings(**shelves.settings)) as things:
        flow = await things.store.flow("welcomes")
        assert flow is not None
        document = {**flow.document, "about": "Ours now."}
        await things.store.set_up(
            "welcomes", template="welcomes", document=document, settings=flow.settings, by="U1", now=1.0, enabled=False
        )
    ship(tmp_path, NO_QUESTION)
    async with shelves.bot_running():
        preview = await answered(shelves, "upgrade welcomes")
        assert "Somebody has changed this flow" in text_of(preview)
        assert "+ Stop (done)" in text_of(preview)
        await press(shelves, preview)
        done = (await slack.whispered("is version 2 of"))["text"]
        assert "`/cicflow restore welcomes 2` would take it back" in done
        assert "switched off" not in done
        assert ":white_circle: off  `welcomes`" in await shown(shelves, "list")
        assert "it was in version 2" in await slack.said("restore welcomes 2")


async def test_a_fork_goes_its_own_way_and_can_be_carried_elsewhere(shelves: Stage, tmp_path: Path) -> None:
    slack = shelves.slack
    async with shelves.bot_running():
        await enable(shelves, "enable welcomes", greeting="Servus")
        assert "not allowed" in await slack.said("fork welcomes my-own", user="visitor")
        assert "is the name of a template" in await slack.said(f"fork welcomes {FLOW}")
        said = await slack.said("fork welcomes my-own")
        assert "`my-own` is a flow of your own, made of `welcomes`" in said
        assert "Switch `welcomes` off" in said
        assert "is a flow of your own" in await slack.said("fork high-risk-login never-set-up")
        assert "fork my-own" in await slack.said("enable my-own as another")
    ship(tmp_path, NEWER)
    async with shelves.bot_running():
        assert "there is no newer version" in await slack.said("upgrade my-own")
        text = await shown(shelves, "export my-own")
        assert "template: my-own" in text
        await enable(shelves, "enable my-own")
    async with assembly.kept(Settings(**shelves.settings)) as things:
        flows = await things.store.flows()
        own = next(flow for flow in flows if flow.name == "my-own")
        assert (own.settings["greeting"], own.enabled) == ("Servus", True)
        file = exports.read(
            exports.export([own]).replace("Servus", "Griaß di"),
            catalog=things.catalog,
            flows=flows,
            connections={"auth0": ["example-tenant"]},
        )
        assert file.problems == []
        await exports.keep(things.store, file, now=1.0)
        back = await things.store.flow("my-own")
    assert back is not None
    assert (back.template, back.settings["greeting"]) == ("my-own", "Griaß di")
