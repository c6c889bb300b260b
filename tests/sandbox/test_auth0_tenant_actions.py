"""Actions in the simulated tenant: made, built, deployed, bound."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
from auth0.management.errors import BadRequestError, NotFoundError

from tests.sandbox.auth0_tenancy import Tenancy, tenancy

POST_LOGIN = [{"id": "post-login", "version": "v3"}]
CODE = "exports.onExecutePostLogin = async (event, api) => { console.log('ran'); };"
BINDINGS = "/actions/triggers/post-login/bindings"
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not on this machine")


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


async def made(tenant: Tenancy, **changes: Any) -> dict[str, Any]:
    given = {"name": "an action", "supported_triggers": POST_LOGIN, "code": CODE, **changes}
    answer = await tenant.api("POST", "/actions/actions", json=given)
    assert answer.status_code == 201
    return dict(answer.json())


async def built(tenant: Tenancy, action_id: str) -> dict[str, Any]:
    """Ask until the Action is built; gives the statuses seen on the way and the Action."""
    seen: dict[str, Any] = {}
    await tenant.control("PUT", "settings", {"rate_limit": None})  # asked as fast as it answers
    async with asyncio.timeout(10):
        while "built" not in seen:
            action = (await tenant.api("GET", f"/actions/actions/{action_id}")).json()
            seen[action["status"]] = action
    return seen


async def test_an_action_is_pending_then_building_then_built(tenant: Tenancy) -> None:
    action = await made(tenant)
    assert (action["status"], action["all_changes_deployed"]) == ("pending", False)
    seen = await built(tenant, action["id"])
    assert list(seen)[-2:] == ["building", "built"]
    assert "built_at" in seen["built"]


async def test_a_draft_that_is_not_built_is_not_deployed(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"build_seconds": 1000})
    action = await made(tenant)
    with pytest.raises(BadRequestError) as refused:
        await tenant.sdk.actions.deploy(action["id"])
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["message"] == "A draft must be in the 'built' state before it can be deployed."


async def test_the_official_client_installs_an_action(tenant: Tenancy) -> None:
    made_one = await tenant.sdk.actions.create(
        name="an action",
        supported_triggers=[{"id": "post-login", "version": "v3"}],
        code=CODE,
        runtime="node22",
        secrets=[{"name": "KEY", "value": "hidden"}],
    )
    assert made_one.id is not None
    await built(tenant, made_one.id)
    version = await tenant.sdk.actions.deploy(made_one.id)
    assert (version.number, version.deployed) == (1, True)
    bound = await tenant.sdk.actions.triggers.bindings.update_many(
        "post-login", bindings=[{"ref": {"type": "action_name", "value": "an action"}, "display_name": "Ours"}]
    )
    assert [binding.display_name for binding in bound.bindings or []] == ["Ours"]
    listed = [binding async for binding in await tenant.sdk.actions.triggers.bindings.list("post-login")]
    assert [binding.action.id for binding in listed if binding.action] == [made_one.id]


async def test_secrets_never_come_back(tenant: Tenancy) -> None:
    action = await made(tenant, secrets=[{"name": "KEY", "value": "the hidden value"}])
    await tenant.control("PUT", "settings", {"build_seconds": 0})
    deployed = await tenant.api("POST", f"/actions/actions/{action['id']}/deploy")
    texts = [
        deployed.text,
        (await tenant.api("GET", f"/actions/actions/{action['id']}")).text,
        (await tenant.api("GET", f"/actions/actions/{action['id']}/versions")).text,
        (await tenant.http.get("/sandbox/state")).text,
        (await tenant.http.get("/sandbox/calls")).text,
    ]
    assert all("the hidden value" not in text for text in texts)
    assert [secret["name"] for secret in action["secrets"]] == ["KEY"]


async def test_what_is_deployed_goes_on_while_the_draft_changes(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"build_seconds": 0})
    action = await made(tenant)
    path = f"/actions/actions/{action['id']}"
    await tenant.api("POST", f"{path}/deploy")
    changed = (await tenant.api("PATCH", path, json={"code": "// other"})).json()
    assert (changed["all_changes_deployed"], changed["deployed_version"]["code"]) == (False, CODE)
    second = (await tenant.api("POST", f"{path}/deploy")).json()
    assert (second["number"], second["code"]) == (2, "// other")
    versions = (await tenant.api("GET", f"{path}/versions")).json()
    assert [(one["number"], one["deployed"]) for one in versions["versions"]] == [(2, True), (1, False)]
    first = versions["versions"][1]["id"]
    assert (await tenant.sdk.actions.versions.get(action["id"], first)).code == CODE
    back = await tenant.sdk.actions.versions.deploy(action["id"], first)
    assert (back.number, back.code) == (3, CODE)


async def test_secrets_are_the_whole_list_and_keep_their_values(tenant: Tenancy) -> None:
    action = await made(tenant, secrets=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    path = f"/actions/actions/{action['id']}"
    kept = (await tenant.api("PATCH", path, json={"secrets": [{"name": "A"}, {"name": "C", "value": "3"}]})).json()
    assert [secret["name"] for secret in kept["secrets"]] == ["A", "C"]
    assert (await tenant.api("PATCH", path, json={"secrets": [{"name": "D"}]})).status_code == 400


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": "x" * 100_001}, "must not be larger"),
        ({"secrets": [{"name": f"S{number}", "value": "x"} for number in range(31)]}, "at most 30 secrets"),
        ({"secrets": [{"name": "n" * 129, "value": "x"}]}, "too long (129 chars), maximum 128"),
        ({"secrets": [{"name": "n", "value": "x" * 4097}]}, "too long (4097 chars), maximum 4096"),
        ({"dependencies": [{"name": f"d{number}", "version": "1"} for number in range(11)]}, "at most 10 dependencies"),
        ({"supported_triggers": []}, "Array is too short (0), minimum 1"),
        ({"supported_triggers": [{"id": "nonsense"}]}, "No enum match for: nonsense"),
        ({"supported_triggers": POST_LOGIN * 2}, "single trigger"),
        ({"runtime": "node4"}, "No enum match for: node4"),
        ({"extra": 1}, "Additional properties not allowed: extra"),
        ({"name": 5}, "Expected type string but found type integer"),
    ],
)
async def test_an_action_that_cannot_be_is_refused(tenant: Tenancy, changes: dict[str, Any], message: str) -> None:
    given = {"name": "an action", "supported_triggers": POST_LOGIN, **changes}
    answer = await tenant.api("POST", "/actions/actions", json=given)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


async def test_two_actions_of_one_name_are_refused(tenant: Tenancy) -> None:
    await made(tenant)
    other = await made(tenant, name="other")
    given = {"name": "an action", "supported_triggers": POST_LOGIN}
    assert (await tenant.api("POST", "/actions/actions", json=given)).status_code == 409
    assert (await tenant.api("PATCH", f"/actions/actions/{other['id']}", json={"name": "an action"})).status_code == 409


async def test_actions_are_listed_by_name_and_state(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"build_seconds": 0})
    first = await made(tenant)
    await made(tenant, name="second", supported_triggers=[{"id": "pre-user-registration", "version": "v2"}])
    await tenant.sdk.actions.deploy(first["id"])
    assert [one.name async for one in await tenant.sdk.actions.list()] == ["an action", "second"]
    assert [one.name async for one in await tenant.sdk.actions.list(deployed=True)] == ["an action"]
    assert [one.name async for one in await tenant.sdk.actions.list(action_name="second")] == ["second"]
    assert [one.name async for one in await tenant.sdk.actions.list(trigger_id="post-login")] == ["an action"]


async def test_an_action_deploys_itself_when_asked_to(tenant: Tenancy) -> None:
    action = await made(tenant, deploy=True)
    seen = await built(tenant, action["id"])
    assert seen["built"]["deployed_version"]["number"] == 1


async def test_an_action_that_does_not_exist_is_not_found_without_a_code(tenant: Tenancy) -> None:
    answer = await tenant.api("GET", "/actions/actions/nothing")
    assert answer.json() == {"statusCode": 404, "error": "Not Found", "message": "That action does not exist."}
    with pytest.raises(NotFoundError):
        await tenant.sdk.actions.versions.get((await made(tenant))["id"], "nothing")


async def test_an_action_that_was_never_deployed_is_not_bound(tenant: Tenancy) -> None:
    action = await made(tenant)
    refs = [{"ref": {"type": "action_id", "value": action["id"]}}]
    answer = await tenant.api("PATCH", BINDINGS, json={"bindings": refs})
    assert answer.status_code == 400
    assert "has not been deployed yet" in answer.json()["message"]


async def test_bindings_are_replaced_as_a_whole_and_keep_their_order(tenant: Tenancy) -> None:
    await tenant.install(CODE, "first")
    second = await tenant.install(CODE, "second")
    bound = (await tenant.api("GET", BINDINGS)).json()["bindings"]
    assert [one["display_name"] for one in bound] == ["first", "second"]
    turned = [{"ref": {"type": "binding_id", "value": one["id"]}} for one in reversed(bound)]
    after = (await tenant.api("PATCH", BINDINGS, json={"bindings": turned})).json()["bindings"]
    assert [one["id"] for one in after] == [bound[1]["id"], bound[0]["id"]]
    only = [{"ref": {"type": "action_id", "value": second}, "display_name": "Only this"}]
    await tenant.api("PATCH", BINDINGS, json={"bindings": only})
    state = await tenant.control("GET", "state")
    assert [one["display_name"] for one in state["bindings"]["post-login"]] == ["Only this"]


@pytest.mark.parametrize(
    ("bindings", "status"),
    [
        ([{"ref": {"type": "binding_id", "value": "nothing"}}], 404),
        ([{"ref": {"type": "action_id", "value": "nothing"}}], 404),
        ([{"ref": {"type": "action_name", "value": "nothing"}}], 404),
        ([{"ref": {"type": "name", "value": "x"}}], 400),
        ([{"display_name": "x"}], 400),
        ([{"ref": {"type": "action_name", "value": "first"}}] * 21, 400),
        ("all", 400),
    ],
)
async def test_bindings_that_cannot_be_change_nothing(tenant: Tenancy, bindings: Any, status: int) -> None:
    await tenant.install(CODE, "first")
    assert (await tenant.api("PATCH", BINDINGS, json={"bindings": bindings})).status_code == status
    assert len((await tenant.api("GET", BINDINGS)).json()["bindings"]) == 1


async def test_an_action_runs_only_at_its_trigger(tenant: Tenancy) -> None:
    action_id = await tenant.install(CODE)
    refs = {"bindings": [{"ref": {"type": "action_id", "value": action_id}}]}
    assert (await tenant.api("PATCH", "/actions/triggers/pre-user-registration/bindings", json=refs)).status_code == 400
    assert (await tenant.api("GET", "/actions/triggers/nonsense/bindings")).json()["errorCode"] == "invalid_uri"
    assert (await tenant.api("GET", "/actions/triggers/event-stream/bindings")).status_code == 400
    listed = (await tenant.api("GET", "/actions/triggers")).json()["triggers"]
    assert {"id": "post-login", "version": "v3"}.items() <= listed[0].items()


async def test_a_bound_action_is_deleted_only_with_force(tenant: Tenancy) -> None:
    action_id = await tenant.install(CODE)
    with pytest.raises(BadRequestError):
        await tenant.sdk.actions.delete(action_id)
    await tenant.sdk.actions.delete(action_id, force=True)
    assert (await tenant.api("GET", BINDINGS)).json()["bindings"] == []
    assert (await tenant.api("GET", f"/actions/actions/{action_id}")).status_code == 404


@needs_node
async def test_a_draft_is_tried_with_an_event(tenant: Tenancy) -> None:
    action = await made(
        tenant, code="exports.onExecutePostLogin = async (event, api) => api.access.deny(event.user.name);"
    )
    result = await tenant.sdk.actions.test(action["id"], payload={"event": {"user": {"name": "Nobody"}}})
    payload: Any = result.payload
    assert payload["commands"] == [["access.deny", "Nobody"]]
    assert (await tenant.api("POST", f"/actions/actions/{action['id']}/test", json={"payload": {}})).status_code == 400
