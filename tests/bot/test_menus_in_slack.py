"""What is picked from connected accounts in forms, as people in Slack see it."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot import assembly
from bot.settings import Settings
from tests.bot.made import make
from tests.worlds import Stage, stage

PICKS = """
template: picks
version: 1
title: Pick things
about: Picks things from accounts.
settings:
  marketing: {connection: marketo, title: Marketo}
  desk: {connection: servicenow, title: ServiceNow}
  crm: {connection: salesforce, title: Salesforce}
  other: {connection: salesforce, title: Another Salesforce, optional: true}
  tenant: {connection: auth0, title: Auth0}
  channel: {type: channel, title: Where}
  list: {type: pick, from: marketo.lists, using: "{{ settings.marketing }}", title: List, hint: Where they go.}
  folder: {type: pick, from: marketo.folders, using: "{{ settings.marketing }}", title: Folder, optional: true}
  group: {type: pick, from: servicenow.groups, using: "{{ settings.desk }}", title: Group}
  kind: {type: pick, from: salesforce.record_types, of: Contact, using: "{{ settings.crm }}", title: Record type}
  seller: {type: pick, from: salesforce.users, using: "{{ settings.other }}", title: Owner, optional: true}
  roles: {type: pick, from: auth0.roles, using: "{{ settings.tenant }}", title: Roles, many: true, optional: true}
when:
  by hand:
    campaign: {type: pick, from: marketo.campaigns, using: "{{ settings.marketing }}", title: Campaign}
steps:
  - {stop: done, say: "{{ settings.list }} {{ event.campaign }}"}
"""
USED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "eu": ("marketo", {"address": "address", "client_id": "client_id", "client_secret": "client_secret"}),
    "us": ("marketo", {"address": "address", "client_id": "client_id", "client_secret": "client_secret"}),
    "desk": ("servicenow", {"instance": "instance", "client_id": "client_id", "client_secret": "client_secret"}),
    "org": ("salesforce", {"address": "address", "client_id": "client_id", "client_secret": "client_secret"}),
}


async def connect_all(found: Stage) -> None:
    async with assembly.kept(Settings(**found.settings)) as things:
        for name, (connector, fields) in USED.items():
            given = found.addresses[connector]
            settings = {field: given[known] for field, known in fields.items()}
            await things.vault.keep(name, connector=connector, settings=settings, accepts="signed", now=time.time())


async def opened(found: Stage, command: str = "configure picks") -> dict[str, Any]:
    await found.slack.command(command)
    return await found.slack.form()


def element(view: Mapping[str, Any], field: str) -> dict[str, Any]:
    (one,) = (block["element"] for block in view["blocks"] if block.get("block_id") == field)
    return dict(one)


async def offered(found: Stage, view: Mapping[str, Any], field: str, text: str = "", *, user: str = "admin") -> Any:
    """Type into a menu, and return what is offered: labels, and what they stand for."""
    asked = {"user": found.slack.who(user), "view_id": view["id"], "block_id": field, "value": text}
    answer = await found.slack.post("suggestions", {**asked, "action_id": element(view, field)["action_id"]})
    assert (answer["status"], "shown" in answer) == (200, False), answer
    return {option["text"]["text"]: option["value"] for option in answer["options"]}


async def submit(found: Stage, view: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    body = {"user": found.slack.who("admin"), "view_id": view["id"], "values": values}
    return dict(await found.slack.post("submissions", body))


async def saved(found: Stage) -> dict[str, Any]:
    async with assembly.kept(Settings(**found.settings)) as things:
        flow = await things.store.flow("picks")
        assert flow is not None
        return dict(flow.settings)


async def test_an_admin_picks_from_the_accounts_instead_of_typing_ids(tmp_path: Path, free_port: int) -> None:
    async with stage(tmp_path, free_port) as found:
        await found.connect(installed=False)
        await connect_all(found)
        known: dict[str, Any] = {
            "marketing": "eu",
            "desk": "desk",
            "crm": "org",
            "other": None,
            "seller": None,
            "list": "1021",
            "folder": None,
        }
        group = "287ebd7da9fe198100f92cc8d1d2154e"
        await make(found, PICKS, **known, group=group, kind="gone", roles=[])
        async with found.bot_running():
            view = await opened(found)
            # What is set is shown by its name; what the account knows no more, as it was kept.
            assert element(view, "list")["initial_option"]["text"]["text"] == "Trial users"
            assert element(view, "kind")["initial_option"]["text"]["text"] == "gone"
            lists = await offered(found, view, "list")
            assert lists == {"Newsletter": "1020", "Trial users": "1021", "Webinar, spring": "1022"}
            assert await offered(found, view, "list", "spring web") == {"Webinar, spring": "1022"}
            assert await offered(found, view, "list", "1020") == {"Newsletter": "1020"}
            assert await offered(found, view, "list", "nothing like it") == {}
            assert "/Lead Database/Product" in await offered(found, view, "folder", "prod")
            groups = await offered(found, view, "group", "serv")
            assert groups
            assert await offered(found, view, "group", "^ORactive=false") == {}
            kinds = await offered(found, view, "kind", "part")
            (kind,) = kinds.values()
            roles = await offered(found, view, "roles")
            assert len(roles) > 1

            # An account that may be left empty: there is something to pick when it is chosen.
            assert "seller" not in {block.get("block_id") for block in view["blocks"]}
            click = {"user": found.slack.who("admin"), "view_id": view["id"], "block_id": "other"}
            await found.slack.post("clicks", {**click, "action_id": "value", "selected_option": "org"})
            (view,) = await found.slack.until(lambda state: with_block(state, found, "seller"))
            assert await offered(found, view, "seller")

            # Another account: what was picked from the first is not there, and not kept.
            click = {"user": found.slack.who("admin"), "view_id": view["id"], "block_id": "marketing"}
            await found.slack.post("clicks", {**click, "action_id": "value", "selected_option": "us"})
            views = found.slack.until(
                lambda state: [v for v in state["views"][found.slack.who("admin")] if "@us" in str(v)]
            )
            (view,) = await views
            assert submit_errors(await submit(found, view, kind=kind)) == {"list"}
            (_, chosen), *_ = (await offered(found, view, "list", "news")).items()
            assert (await offered(found, view, "kind", "part"), bool(await offered(found, view, "roles"))) == (
                kinds,
                True,
            )
            answer = await submit(found, view, list=chosen, kind=kind, roles=list(roles.values())[:2])
            assert "errors" not in answer, answer
            await found.slack.until(lambda state: [m for m in found.slack.messages(state) if "Newsletter" in m["text"]])
            kept = await saved(found)
            assert (kept["marketing"], kept["list"], kept["kind"]) == ("us", "1020", kind)
            assert (kept["group"], kept["folder"], kept["roles"]) == (group, None, list(roles.values())[:2])

            # The form that starts it picks from the account that was set.
            view = await opened(found, "start picks")
            assert element(view, "campaign")["action_id"] == "value@us"
            assert await offered(found, view, "campaign", "welc") == {"Customer programme: Welcome": "3001"}
            lists_asked = [call for call in await service_calls(found, "marketo") if "staticLists" in call["path"]]
            assert len(lists_asked) == 4, "once for each account, two pages each"


def with_block(state: Mapping[str, Any], found: Stage, words: str) -> list[dict[str, Any]]:
    return [view for view in state["views"][found.slack.who("admin")] if words in str(view["blocks"])]


def submit_errors(answer: Mapping[str, Any]) -> set[str]:
    return set(answer.get("errors") or {})


async def service_calls(found: Stage, name: str) -> list[dict[str, Any]]:
    address = found.addresses[name]["url"]
    return list((await found.http.get(f"{address}/sandbox/calls")).json())


async def test_where_an_account_does_not_answer_people_type(tmp_path: Path, free_port: int) -> None:
    async with stage(tmp_path, free_port) as found:
        await found.connect(installed=False)
        await connect_all(found)
        known: dict[str, Any] = {
            "marketing": "eu",
            "desk": "desk",
            "crm": "org",
            "other": None,
            "seller": None,
            "list": "1021",
            "folder": None,
        }
        await make(found, PICKS, **known, group="0" * 32, kind="012000000000001QAQ", roles=[])
        marketo, desk = found.addresses["marketo"]["url"], found.addresses["servicenow"]["url"]
        refuses = {"match": "GET /rest/asset/v1/staticLists.json", "times": 100, "fault": {"status": 503}}
        await found.http.post(f"{marketo}/sandbox/faults", json=refuses)
        async with found.bot_running():
            view = await opened(found)
            typed = element(view, "list")
            assert (typed["type"], typed["initial_value"]) == ("plain_text_input", "1021")
            hints = [block["hint"]["text"] for block in view["blocks"] if block.get("block_id") == "list"]
            assert [hint for hint in hints if hint.endswith("Type the id.")] == hints
            # One that answered when the form was made, and does not any more: what is typed is offered as it is.
            down = {"match": "GET /api/now/table/sys_user_group", "times": 100, "fault": {"status": 503}}
            await found.http.post(f"{desk}/sandbox/faults", json=down)
            assert list((await offered(found, view, "group", "b" * 32)).values()) == ["b" * 32]
            answer = await submit(found, view, list="1022", group="b" * 32)
            assert "errors" not in answer, answer
            kept = await saved(found)
            assert (kept["list"], kept["group"]) == ("1022", "b" * 32)


async def test_who_may_not_configure_is_offered_nothing_of_an_account(tmp_path: Path, free_port: int) -> None:
    async with stage(tmp_path, free_port, slack_app_token="xapp-sandbox-app") as found:
        await found.connect(installed=False)
        await connect_all(found)
        known: dict[str, Any] = {
            "marketing": "eu",
            "desk": "desk",
            "crm": "org",
            "other": None,
            "seller": None,
            "list": "1021",
            "folder": None,
        }
        await make(found, PICKS, **known, group="0" * 32, kind="012000000000001QAQ", roles=[])
        async with found.bot_running():
            # Where Slack has no address to call, the bot's answer goes the same way as Slack's question came.
            await found.slack.put("app", {"request_url": None, "socket_mode": True})
            await found.slack.said("allow @visitor configure")
            await found.slack.command("configure picks", user="visitor")
            view = await found.slack.form(user="visitor")
            assert "Newsletter" in await offered(found, view, "list", user="visitor")
            await found.slack.said("disallow @visitor configure")
            assert await offered(found, view, "list", user="visitor") == {}
