"""Putting the Auth0 Action into a tenant, looking at it, and taking it away."""

from typing import Any

import pytest

from connectors.auth0.client import Tenant, connect
from connectors.auth0.install import NAME, Installed, Status, code, install, status, uninstall
from connectors.errors import Reconnect, Refused
from connectors.wire import Wire
from tests.connectors.doubles import Auth0

URL = "https://bot.example.com/in/key"
SECRET = "whsec_" + "QUJD" * 10
NOWHERE = Status(installed=False, deployed=False, bound=False, up_to_date=False)
WORKING = Status(installed=True, deployed=True, bound=True, up_to_date=True)


async def strangers(auth0: Auth0, tenant: Tenant, *names: str) -> None:
    """Put other Auth0 Actions into the login flow, in this order."""
    await auth0.change(build_seconds=0)
    refs = []
    for name in names:
        made = await tenant.http.post(
            "/api/v2/actions/actions",
            json={
                "name": name,
                "supported_triggers": [{"id": "post-login", "version": "v3"}],
                "code": "exports.onExecutePostLogin = async () => {};",
            },
        )
        await tenant.http.post(f"/api/v2/actions/actions/{made.json()['id']}/deploy")
        refs.append({"ref": {"type": "action_id", "value": made.json()["id"]}, "display_name": f"The {name}"})
    await tenant.http.patch("/api/v2/actions/triggers/post-login/bindings", json={"bindings": refs})


async def bindings(auth0: Auth0) -> list[dict[str, Any]]:
    return list((await auth0.state())["bindings"]["post-login"])


async def names(auth0: Auth0) -> list[str]:
    return [binding["display_name"] for binding in await bindings(auth0)]


async def test_installing_creates_builds_deploys_and_binds(auth0: Auth0, tenant: Tenant) -> None:
    assert await status(tenant) == NOWHERE
    done = await install(tenant, url=URL, secret=SECRET)
    assert (done.created, done.bound) == (True, True)
    assert await status(tenant) == WORKING
    assert (await status(tenant)).working
    (action,) = (await auth0.state())["actions"]
    assert action["name"] == NAME
    assert action["deployed_version"]["code"] == code()
    assert [secret["name"] for secret in action["secrets"]] == ["CICFLOW_URL", "CICFLOW_SECRET", "CICFLOW_ON_FAILURE"]
    assert await names(auth0) == [NAME]


async def test_installing_twice_leaves_one_and_the_bindings_of_others_in_order(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(auth0, tenant, "first", "second")
    before = [binding["id"] for binding in await bindings(auth0)]
    await install(tenant, url=URL, secret=SECRET)
    ours = [binding["id"] for binding in await bindings(auth0)]
    again = await install(tenant, url=URL, secret=SECRET, on_failure="closed")
    assert (again.created, again.bound) == (False, False)
    assert await names(auth0) == ["The first", "The second", NAME]
    assert [binding["id"] for binding in await bindings(auth0)] == ours
    assert ours[:2] == before
    assert len((await auth0.state())["actions"]) == 3


async def test_an_installed_action_tells_a_login_to_its_address(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, url=f"{auth0.address}/in/key", secret=SECRET)
    login = {"user_id": "auth0|650000000000000000000001", "risk": "low"}
    outcome = (await auth0.control.post("/sandbox/logins", json=login)).json()
    assert outcome["allowed"] is True
    assert [run["action"] for run in outcome["executions"]] == [NAME]
    assert await auth0.calls("/in") == ["POST /in/key"]


async def test_an_installation_that_was_interrupted_is_finished_by_the_next(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("PATCH /api/v2/actions/triggers/*", status=400, body={"statusCode": 400, "message": "No."})
    with pytest.raises(Refused):
        await install(tenant, url=URL, secret=SECRET)
    assert await status(tenant) == Status(installed=True, deployed=True, bound=False, up_to_date=True)
    await install(tenant, url=URL, secret=SECRET)
    assert await status(tenant) == WORKING


async def test_old_code_is_seen_and_brought_up_to_date(auth0: Auth0, tenant: Tenant) -> None:
    done = await install(tenant, url=URL, secret=SECRET)
    path = f"/api/v2/actions/actions/{done.action_id}"
    await auth0.change(build_seconds=0)
    await tenant.http.patch(
        path, json={"code": f"// {NAME} 0123456789abcdef\nexports.onExecutePostLogin = () => {{}};"}
    )
    assert (await status(tenant)).up_to_date
    await tenant.http.post(f"{path}/deploy")
    assert await status(tenant) == Status(installed=True, deployed=True, bound=True, up_to_date=False)
    await install(tenant, url=URL, secret=SECRET)
    assert await status(tenant) == WORKING


async def test_installing_waits_where_the_tenant_has_no_time(auth0: Auth0, tenant: Tenant) -> None:
    busy = {"statusCode": 429, "message": "Global limit has been reached"}
    await auth0.fault("POST /api/v2/actions/actions/*/deploy", status=429, headers={"retry-after": "0"}, body=busy)
    await install(tenant, url=URL, secret=SECRET)
    assert await status(tenant) == WORKING


async def test_installing_without_permission_names_it(auth0: Auth0, wire: Wire) -> None:
    await auth0.change(scopes="read:users read:actions")
    with pytest.raises(Reconnect) as caught:
        await install(connect(auth0.settings(), wire), url=URL, secret=SECRET)
    assert caught.value.missing_scope == "create:actions"


async def test_a_build_that_fails_is_told(auth0: Auth0, tenant: Tenant) -> None:
    failed = {"id": "a1", "name": NAME, "status": "failed"}
    await auth0.fault("GET /api/v2/actions/actions/*", status=200, body=failed)
    with pytest.raises(Refused, match="could not build"):
        await install(tenant, url=URL, secret=SECRET)


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("http://bot.example.com/in/key", SECRET),
        ("bot.example.com", SECRET),
        ("", SECRET),
        (URL, "QUJD" * 10),
        (URL, "whsec_QUJD"),
        (URL, "whsec_not base64!" * 4),
        (URL, ""),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_is_sent(
    auth0: Auth0, tenant: Tenant, url: str, secret: str
) -> None:
    with pytest.raises(ValueError, match=r"https|whsec_"):
        await install(tenant, url=url, secret=secret)
    assert await auth0.calls("/") == []


async def test_uninstalling_takes_away_ours_only(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(auth0, tenant, "first", "second")
    before = [binding["id"] for binding in await bindings(auth0)]
    await install(tenant, url=URL, secret=SECRET)
    assert await uninstall(tenant) is True
    assert [binding["id"] for binding in await bindings(auth0)] == before
    assert [action["name"] for action in (await auth0.state())["actions"]] == ["first", "second"]
    assert await status(tenant) == NOWHERE


async def test_uninstalling_what_is_not_there_does_nothing(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(auth0, tenant, "first")
    assert await uninstall(tenant) is False
    assert await names(auth0) == ["The first"]


@pytest.mark.parametrize(
    ("deployed", "bound", "up_to_date", "words"),
    [
        (False, False, False, "not deployed"),
        (True, False, True, "does not run at logins"),
        (True, True, False, "another release's code"),
        (True, True, True, "runs at logins and is up to date"),
    ],
)
def test_the_status_says_what_to_do(deployed: bool, bound: bool, up_to_date: bool, words: str) -> None:
    assert words in str(Status(installed=True, deployed=deployed, bound=bound, up_to_date=up_to_date))
    assert "install it" in str(NOWHERE)


def test_an_installation_is_told_in_a_sentence() -> None:
    assert str(Installed(action_id="a", created=True, bound=True)) == (
        "The Auth0 Action “cicflow post-login” is created, deployed, and put at the end of the login flow."
    )
    assert "brought up to date" in str(Installed(action_id="a", created=False, bound=False))


def test_the_code_fits_into_an_action() -> None:
    assert len(code().encode()) < 100_000
    assert code().startswith(f"// {NAME} ")
    assert len(code().splitlines()) < 300
    assert "require(" in code()
    assert code().count("require(") == code().count('require("node:')
