"""Putting our Auth0 Actions into a tenant, looking at them, and taking them away."""

from typing import Any

import pytest

from connectors.auth0.client import Tenant, connect
from connectors.auth0.install import (
    Installation,
    Installed,
    OnFailure,
    Overview,
    Removal,
    Status,
    install,
    on_failure_of,
    status,
    uninstall,
)
from connectors.auth0.shipped import SHIPPED, TRIGGERS, Trigger, code, first_line, sealed_with
from connectors.errors import Reconnect, Refused, TryLater
from connectors.wire import Wire
from tests.connectors.doubles import Auth0

URL = "https://bot.example.com/in/key"
SECRET = "whsec_" + "QUJD" * 10
NAME = "cicflow post-login"
ACTION = "POST /api/v2/actions/actions"
BINDINGS = "/api/v2/actions/triggers/post-login/bindings"
IN_A_FLOW = tuple(trigger for trigger in TRIGGERS if SHIPPED[trigger].bound)
PROFILES = "/api/v2/token-exchange-profiles"


def standing(*, installed: bool = True, deployed: bool = True, bound: bool = True, up_to_date: bool = True) -> Status:
    return Status(trigger="post-login", installed=installed, deployed=deployed, bound=bound, up_to_date=up_to_date)


NOWHERE = standing(installed=False, deployed=False, bound=False, up_to_date=False)
WORKING = standing()


@pytest.fixture(autouse=True)
async def _quickly(auth0: Auth0) -> None:
    await auth0.change(build_seconds=0)


async def of_logins(tenant: Tenant) -> Status:
    (found,) = (await status(tenant, triggers=["post-login"])).actions
    return found


async def stranger(tenant: Tenant, name: str, trigger: str = "post-login") -> dict[str, Any]:
    """Make another Auth0 Action; gives how to bind it."""
    triggers = [{"id": trigger, "version": "v3" if trigger == "post-login" else "v2"}]
    given = {"name": name, "supported_triggers": triggers, "code": "exports.onExecutePostLogin = async () => {};"}
    made = (await tenant.http.post("/api/v2/actions/actions", json=given)).json()
    await tenant.http.post(f"/api/v2/actions/actions/{made['id']}/deploy")
    return {"ref": {"type": "action_id", "value": made["id"]}, "display_name": f"The {name}"}


async def strangers(tenant: Tenant, *names: str, trigger: str = "post-login") -> None:
    """Put other Auth0 Actions into a flow, in this order."""
    refs = [await stranger(tenant, name, trigger) for name in names]
    await tenant.http.patch(f"/api/v2/actions/triggers/{trigger}/bindings", json={"bindings": refs})


async def bindings(auth0: Auth0, trigger: str = "post-login") -> list[dict[str, Any]]:
    return list((await auth0.state())["bindings"].get(trigger, []))


async def names(auth0: Auth0, trigger: str = "post-login") -> list[str]:
    return [binding["display_name"] for binding in await bindings(auth0, trigger)]


async def deployments(auth0: Auth0) -> int:
    return sum(call.endswith("/deploy") for call in await auth0.calls("/api/v2/actions"))


async def test_installing_creates_builds_deploys_and_binds(auth0: Auth0, tenant: Tenant) -> None:
    assert await of_logins(tenant) == NOWHERE
    await auth0.change(build_seconds=0.3)
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert (done.trigger, done.created, done.deployed, done.bound) == ("post-login", True, True, True)
    assert await of_logins(tenant) == WORKING
    assert (await of_logins(tenant)).working
    (action,) = (await auth0.state())["actions"]
    assert action["name"] == NAME
    assert first_line(action["deployed_version"]["code"]) == first_line(code())
    assert [secret["name"] for secret in action["secrets"]] == [
        "CICFLOW_URL",
        "CICFLOW_SECRET",
        "CICFLOW_ON_FAILURE",
        "CICFLOW_TIMEOUT_MS",
    ]
    assert await names(auth0) == [NAME]


async def test_every_trigger_can_be_installed_seen_and_taken_away(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(tenant, "first")
    done = await install(tenant, url=URL, secret=SECRET, triggers=["all"])
    assert [each.trigger for each in done.actions] == list(TRIGGERS)
    assert [each.trigger for each in done.actions if each.bound] == list(IN_A_FLOW)
    state = await auth0.state()
    versions = {action["name"]: action["supported_triggers"] for action in state["actions"]}
    assert (
        versions.items()
        >= {each.name: [{"id": each.trigger, "version": each.version}] for each in SHIPPED.values()}.items()
    )
    assert [await names(auth0, trigger) for trigger in IN_A_FLOW[1:]] == [
        [SHIPPED[each].name] for each in IN_A_FLOW[1:]
    ]
    assert await names(auth0) == ["The first", NAME]

    seen = await status(tenant)
    assert seen.installed == TRIGGERS
    assert [each.trigger for each in seen.actions if each.working and each.bound] == list(IN_A_FLOW)

    gone = await uninstall(tenant)
    assert gone == Removal(triggers=list(TRIGGERS))
    assert (await status(tenant)).installed == ()
    assert [action["name"] for action in (await auth0.state())["actions"]] == ["first"]


async def test_what_runs_already_as_it_should_is_left_alone(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, url=URL, secret=SECRET, triggers=["post-login", "credentials-exchange"])
    before = await auth0.state()
    again = await install(tenant, url=URL, secret=SECRET, triggers=["post-login", "credentials-exchange"])
    assert [(each.created, each.deployed, each.bound) for each in again.actions] == [(False, False, False)] * 2
    assert await deployments(auth0) == 2
    after = await auth0.state()
    assert (after["actions"], after["bindings"]) == (before["actions"], before["bindings"])


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://bot.example.com/in/other"},
        {"secret": "whsec_" + "REVG" * 10},
        {"on_failure": "closed"},
        {"timeout_ms": 500},
    ],
)
async def test_other_secrets_are_deployed(auth0: Auth0, tenant: Tenant, change: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"url": URL, "secret": SECRET}
    await install(tenant, **usual)
    (done,) = (await install(tenant, **{**usual, **change})).actions
    assert (done.created, done.deployed) == (False, True)
    assert await deployments(auth0) == 2
    (done,) = (await install(tenant, **{**usual, **change})).actions
    assert done.deployed is False


async def test_no_secret_stands_in_the_code(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, url=URL, secret=SECRET, triggers=["all"])
    for action in (await auth0.state())["actions"]:
        assert SECRET[6:] not in action["code"]
        assert URL not in action["code"]


async def test_a_secret_that_somebody_removed_is_put_back(auth0: Auth0, tenant: Tenant) -> None:
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    await tenant.http.patch(f"/api/v2/actions/actions/{done.action_id}", json={"secrets": []})
    (again,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert again.deployed
    (action,) = (await auth0.state())["actions"]
    assert len(action["secrets"]) == 4


async def test_installing_twice_leaves_one_and_the_bindings_of_others_in_order(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(tenant, "first", "second")
    before = [binding["id"] for binding in await bindings(auth0)]
    await install(tenant, url=URL, secret=SECRET)
    ours = [binding["id"] for binding in await bindings(auth0)]
    (again,) = (await install(tenant, url=URL, secret=SECRET, on_failure="closed")).actions
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
    await auth0.fault(f"PATCH {BINDINGS}", status=400, body={"statusCode": 400, "message": "Only one."})
    with pytest.raises(Refused, match=r"“cicflow post-login” is not fully installed.*no room.*Only one"):
        await install(tenant, url=URL, secret=SECRET)
    assert await of_logins(tenant) == standing(bound=False)
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert (done.created, done.deployed, done.bound) == (False, False, True)
    assert await of_logins(tenant) == WORKING


async def test_what_was_installed_before_a_failure_stays(auth0: Auth0, tenant: Tenant) -> None:
    refused = {"statusCode": 400, "message": "No."}
    await auth0.fault("PATCH /api/v2/actions/triggers/credentials-exchange/*", status=400, body=refused)
    with pytest.raises(Refused, match="cicflow credentials-exchange"):
        await install(tenant, url=URL, secret=SECRET, triggers=["all"])
    assert (await of_logins(tenant)).working
    await install(tenant, url=URL, secret=SECRET, triggers=["all"])
    assert (await status(tenant)).installed == TRIGGERS


async def test_old_code_is_seen_and_brought_up_to_date(auth0: Auth0, tenant: Tenant) -> None:
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    path = f"/api/v2/actions/actions/{done.action_id}"
    old = f"// {NAME} 0123456789abcdef\nexports.onExecutePostLogin = () => {{}};"
    await tenant.http.patch(path, json={"code": old})
    assert (await of_logins(tenant)).up_to_date
    await tenant.http.post(f"{path}/deploy")
    assert await of_logins(tenant) == standing(up_to_date=False)
    (again,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert again.deployed
    assert await of_logins(tenant) == WORKING


async def test_a_draft_that_somebody_changed_is_put_right(auth0: Auth0, tenant: Tenant) -> None:
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    await tenant.http.patch(f"/api/v2/actions/actions/{done.action_id}", json={"code": "exports.x = 1;"})
    (again,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert again.deployed


async def test_a_flow_that_somebody_changes_at_the_same_time_is_read_again(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(tenant, "first")
    gone = {"statusCode": 404, "message": "That action binding does not exist."}
    await auth0.fault(f"PATCH {BINDINGS}", status=404, body=gone)
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert done.bound
    assert await names(auth0) == ["The first", NAME]


async def test_a_binding_that_somebody_overwrites_is_made_again(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault(f"PATCH {BINDINGS}", status=200, body={"bindings": []})
    (done,) = (await install(tenant, url=URL, secret=SECRET)).actions
    assert done.bound
    assert await names(auth0) == [NAME]


async def test_a_flow_that_never_rests_is_said_to_be_changing(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault(f"PATCH {BINDINGS}", times=20, status=200, body={"bindings": []})
    with pytest.raises(TryLater, match="Somebody else is changing its flow"):
        await install(tenant, url=URL, secret=SECRET)


async def test_installing_waits_where_the_tenant_has_no_time(auth0: Auth0, tenant: Tenant) -> None:
    busy = {"statusCode": 429, "message": "Global limit has been reached"}
    await auth0.fault(f"{ACTION}/*/deploy", status=429, headers={"retry-after": "0"}, body=busy)
    await install(tenant, url=URL, secret=SECRET)
    assert await of_logins(tenant) == WORKING


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
    ("url", "secret", "triggers"),
    [
        ("http://bot.example.com/in/key", SECRET, ["post-login"]),
        ("bot.example.com", SECRET, ["post-login"]),
        ("", SECRET, ["post-login"]),
        (URL, "QUJD" * 10, ["post-login"]),
        (URL, "whsec_QUJD", ["post-login"]),
        (URL, "whsec_not base64!" * 4, ["post-login"]),
        (URL, "", ["post-login"]),
        (URL, SECRET, ["pre-login"]),
        (URL, SECRET, []),
    ],
)
async def test_what_cannot_work_is_refused_before_anything_is_sent(
    auth0: Auth0, tenant: Tenant, url: str, secret: str, triggers: list[str]
) -> None:
    with pytest.raises(ValueError, match=r"https|whsec_|trigger"):
        await install(tenant, url=url, secret=secret, triggers=triggers)
    assert await auth0.calls("/") == []


async def test_uninstalling_takes_away_ours_only(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(tenant, "first", "second")
    before = [binding["id"] for binding in await bindings(auth0)]
    await install(tenant, url=URL, secret=SECRET)
    assert await uninstall(tenant) == Removal(triggers=["post-login"])
    assert [binding["id"] for binding in await bindings(auth0)] == before
    assert [action["name"] for action in (await auth0.state())["actions"]] == ["first", "second"]
    assert await of_logins(tenant) == NOWHERE


async def test_uninstalling_takes_away_only_what_is_named(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, url=URL, secret=SECRET, triggers=["post-login", "pre-user-registration"])
    assert await uninstall(tenant, triggers=["post-login"]) == Removal(triggers=["post-login"])
    assert (await status(tenant)).installed == ("pre-user-registration",)


async def test_uninstalling_what_is_not_there_does_nothing(auth0: Auth0, tenant: Tenant) -> None:
    await strangers(tenant, "first")
    assert await uninstall(tenant) == Removal(triggers=[])
    assert await names(auth0) == ["The first"]


async def test_an_action_that_auth0_does_not_delete_is_said(auth0: Auth0, tenant: Tenant) -> None:
    await install(tenant, url=URL, secret=SECRET, triggers=["custom-token-exchange"])
    used = {"statusCode": 400, "message": "The action is used by a profile."}
    await auth0.fault("DELETE /api/v2/actions/actions/*", status=400, body=used)
    with pytest.raises(Refused, match=r"“cicflow custom-token-exchange” cannot be deleted.*used by a profile"):
        await uninstall(tenant)


@pytest.mark.parametrize(
    ("answer", "bound", "words"),
    [
        ({"status": 200, "body": {"token_exchange_profiles": []}}, False, "no Custom Token Exchange profile names it"),
        ({"status": 403, "body": {"statusCode": 403, "message": "No."}}, None, "cannot be seen from here"),
        ({"status": 404, "body": {"statusCode": 404, "message": "No."}}, None, "cannot be seen from here"),
    ],
)
async def test_an_exchange_is_run_by_profiles(
    auth0: Auth0, tenant: Tenant, answer: dict[str, Any], bound: bool | None, words: str
) -> None:
    await install(tenant, url=URL, secret=SECRET, triggers=["custom-token-exchange"])
    await auth0.fault(f"GET {PROFILES}", **answer)
    (found,) = (await status(tenant, triggers=["custom-token-exchange"])).actions
    assert found.bound is bound
    assert words in str(found)


async def test_an_exchange_whose_profile_names_ours_is_run(auth0: Auth0, tenant: Tenant) -> None:
    (done,) = (await install(tenant, url=URL, secret=SECRET, triggers=["custom-token-exchange"])).actions
    profile = {"id": "tep_1", "name": "Legacy", "action_id": done.action_id}
    await auth0.fault(f"GET {PROFILES}", status=200, body={"token_exchange_profiles": [profile]})
    (found,) = (await status(tenant, triggers=["custom-token-exchange"])).actions
    assert found.working


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        (NOWHERE, "install it"),
        (standing(deployed=False, bound=False, up_to_date=False), "not deployed"),
        (standing(bound=False), "does not run at logins"),
        (standing(up_to_date=False), "another release's code"),
        (standing(), "runs at logins and is up to date"),
    ],
)
def test_the_status_says_what_to_do(standing: Status, words: str) -> None:
    assert words in str(standing)


def test_an_overview_says_what_is_there_and_what_is_not() -> None:
    assert str(Overview(actions=[WORKING, NOWHERE])).splitlines() == [
        "The Auth0 Action “cicflow post-login” runs at logins and is up to date.",
        "No Auth0 Action of ours is installed for post-login.",
    ]


@pytest.mark.parametrize(
    ("trigger", "how", "words"),
    [
        (
            "post-login",
            (True, True, True),
            "The Auth0 Action “cicflow post-login” is created and deployed, and put at the end of its flow.",
        ),
        (
            "post-login",
            (False, True, False),
            "The Auth0 Action “cicflow post-login” is brought up to date and deployed, and left at its place in its flow.",
        ),
        (
            "pre-user-registration",
            (False, False, False),
            "The Auth0 Action “cicflow pre-user-registration” is up to date already, and left at its place in its flow.",
        ),
        ("send-phone-message", (True, True, True), "does not send them"),
        ("custom-token-exchange", (True, True, False), "only where a Custom Token Exchange profile names it"),
    ],
)
def test_an_installation_is_told_in_sentences(trigger: Trigger, how: tuple[bool, bool, bool], words: str) -> None:
    created, deployed, bound = how
    done = Installed(trigger=trigger, action_id="a", created=created, deployed=deployed, bound=bound)
    assert words in str(Installation(actions=[done]))


def test_a_removal_is_told_in_a_sentence() -> None:
    assert str(Removal(triggers=[])) == "There was no Auth0 Action of ours."
    assert "“cicflow post-login”" in str(Removal(triggers=["post-login"]))


@pytest.mark.parametrize("way", ["open", "closed"])
async def test_what_happens_when_we_cannot_be_reached_is_known_by_the_seals(tenant: Tenant, way: OnFailure) -> None:
    assert await on_failure_of(tenant, url=URL, secret=SECRET) is None
    await install(tenant, url=URL, secret=SECRET, triggers=["post-login"], on_failure=way)
    assert await on_failure_of(tenant, url=URL, secret=SECRET) == way
    assert await on_failure_of(tenant, url=f"{URL}s", secret=SECRET) is None
    other: OnFailure = "closed" if way == "open" else "open"
    await install(tenant, url=URL, secret=SECRET, triggers=["credentials-exchange"], on_failure=other)
    assert await on_failure_of(tenant, url=URL, secret=SECRET) is None


@pytest.mark.parametrize(
    ("text", "seal"), [(code(seal="abc"), "abc"), ("", ""), ("// cicflow post-login 1\nconst x = 1;", "")]
)
def test_a_seal_is_read_from_the_second_line(text: str, seal: str) -> None:
    assert sealed_with(text) == seal
