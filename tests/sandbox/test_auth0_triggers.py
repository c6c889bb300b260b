"""Every trigger of the simulated tenant: the event, the api, the order, the time, and what an Action's commands do."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.auth0_deeds import DEEDS, bind, does, happens, needs_node, needs_schemas, runs
from tests.sandbox.auth0_tenancy import BLOCKED, CUSTOMER, HOSTILE, OTHER, PHONE, SOCIAL, Tenancy, tenancy

BLOCKING = [
    "post-login",
    "pre-user-registration",
    "credentials-exchange",
    "password-reset-post-challenge",
    "custom-token-exchange",
]
NOT_BLOCKING = ["post-user-registration", "post-change-password", "send-phone-message"]
REFUSALS = {
    "post-login": "api.access.deny('no')",
    "pre-user-registration": "api.access.deny('no', 'Please ask us first.')",
    "credentials-exchange": "api.access.deny('invalid_scope', 'no')",
    "password-reset-post-challenge": "api.access.deny('no')",
    "custom-token-exchange": "api.access.deny('invalid_request', 'no')",
}
NAMES_SUBJECT = f"api.authentication.setUserById('{CUSTOMER}');"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        yield found


@needs_schemas
@pytest.mark.parametrize("trigger", DEEDS)
async def test_each_event_is_what_auth0_says_it_is(tenant: Tenancy, trigger: str) -> None:
    outcome = await happens(tenant, trigger)
    assert trigger in outcome["events"]
    assert outcome["logs"]


@needs_schemas
@pytest.mark.parametrize("user_id", [SOCIAL, PHONE, HOSTILE])
@pytest.mark.parametrize("path", ["password-changes", "password-resets", "phone-messages", "logins"])
async def test_events_of_all_kinds_of_people_are_right(tenant: Tenancy, path: str, user_id: str) -> None:
    assert (await does(tenant, path, user_id=user_id))["allowed"] is True


SURFACES = {
    "post-login": {
        "access": "deny",
        "accessToken": "addScope removeScope setCustomClaim",
        "authentication": "challengeWith challengeWithAny enrollWith enrollWithAny recordMethod setPrimaryUser",
        "cache": "delete get set",
        "idToken": "setCustomClaim",
        "multifactor": "enable",
        "prompt": "render",
        "redirect": "canRedirect encodeToken sendUserTo validateToken",
        "refreshToken": "deleteMetadata evictMetadata revoke setExpiresAt setIdleExpiresAt setMetadata",
        "rules": "wasExecuted",
        "samlResponse": "setAttribute setAudience setDestination setIssuer setLifetimeInSeconds setRecipient",
        "session": "deleteMetadata evictMetadata revoke setCookieMode setExpiresAt setIdleExpiresAt setMetadata",
        "transaction": "setMetadata",
        "user": "setAppMetadata setUserMetadata",
        "validation": "error",
    },
    "pre-user-registration": {
        "access": "deny",
        "cache": "delete get set",
        "user": "setAppMetadata setUserMetadata",
        "validation": "error",
    },
    "post-user-registration": {"cache": "delete get set"},
    "post-change-password": {"cache": "delete get set"},
    "send-phone-message": {"cache": "delete get set"},
    "credentials-exchange": {
        "access": "deny",
        "accessToken": "setCustomClaim",
        "cache": "delete get set",
        "transaction": "addTargetScope removeTargetScope setTargetScopes",
    },
    "password-reset-post-challenge": {
        "access": "deny",
        "authentication": "challengeWith challengeWithAny",
        "cache": "delete get set",
        "prompt": "render",
        "redirect": "canRedirect encodeToken sendUserTo validateToken",
        "transaction": "setResultUrl",
    },
    "custom-token-exchange": {
        "access": "deny rejectInvalidSubjectToken",
        "authentication": "setActor setOrganization setUserByConnection setUserById",
        "cache": "delete get set",
        "user": "setAppMetadata setUserMetadata",
    },
}


@needs_node
@pytest.mark.parametrize("trigger", DEEDS)
async def test_an_action_has_the_api_of_its_trigger_and_no_more(tenant: Tenancy, trigger: str) -> None:
    await runs(
        tenant,
        trigger,
        "for (const [group, own] of Object.entries(api)) console.log(`${group}: ${Object.keys(own).sort().join(' ')}`);",
    )
    (run,) = (await happens(tenant, trigger))["executions"]
    assert run["error"] is None
    assert dict(line.split(": ") for line in run["logs"]) == SURFACES[trigger]


@needs_node
@pytest.mark.parametrize("trigger", DEEDS)
async def test_actions_run_in_their_order_with_their_secrets_and_short_lines(tenant: Tenancy, trigger: str) -> None:
    body = "console.log(event.secrets.WHO, '…'.repeat(300)); console.log(event.tenant.id);"
    await runs(tenant, trigger, body, "first", WHO="one")
    await runs(tenant, trigger, body, "second", WHO="two")
    await bind(tenant, trigger, "exports.somethingElse = () => { throw new Error('never'); };", "third")
    executions = (await happens(tenant, trigger))["executions"]
    assert [(run["action"], run["trigger"], run["error"]) for run in executions] == [
        ("first", trigger, None),
        ("second", trigger, None),
        ("third", trigger, None),
    ]
    assert [run["logs"][0][:5] for run in executions[:2]] == ["one …", "two …"]
    assert [len(run["logs"][0]) for run in executions[:2]] == [256, 256]
    assert executions[0]["logs"][1] == "cicflow-sandbox"
    assert len({run["id"] for run in executions}) == 3


@needs_node
@pytest.mark.parametrize("trigger", BLOCKING)
async def test_a_refusal_ends_it_and_those_after_it_do_not_run(tenant: Tenancy, trigger: str) -> None:
    await runs(tenant, trigger, REFUSALS[trigger], "first")
    await runs(tenant, trigger, "console.log('never');", "second")
    outcome = await happens(tenant, trigger)
    assert (outcome["allowed"], outcome["reason"]) == (False, "no")
    assert [run["action"] for run in outcome["executions"]] == ["first"]


@needs_node
@pytest.mark.parametrize("trigger", BLOCKING)
@pytest.mark.parametrize("body", ["throw new Error('broken');", "api.nothing.here();", "while (true) {}"])
async def test_a_failure_of_an_action_that_blocks_is_a_refusal(tenant: Tenancy, trigger: str, body: str) -> None:
    await runs(tenant, trigger, body)
    await tenant.control("PUT", "settings", {"action_seconds": 1})
    outcome = await happens(tenant, trigger)
    assert outcome["allowed"] is False
    assert outcome["executions"][0]["error"] == outcome["reason"]
    (failure,) = [one for one in outcome["logs"] if one["type"] == "actions_execution_failed"]
    assert failure["details"]["trigger_id"] == trigger
    assert failure["details"]["error_class"] in {"action_error", "action_timeout"}


@needs_node
@pytest.mark.parametrize("trigger", NOT_BLOCKING)
@pytest.mark.parametrize("body", ["throw new Error('broken');", "api.access.deny('no');", "while (true) {}"])
async def test_an_action_that_nobody_waits_for_decides_nothing(tenant: Tenancy, trigger: str, body: str) -> None:
    await runs(tenant, trigger, body)
    await tenant.control("PUT", "settings", {"action_seconds": 1})
    outcome = await happens(tenant, trigger)
    assert (outcome["allowed"], outcome["reason"]) == (True, None)
    assert outcome["executions"][0]["error"]
    assert "actions_execution_failed" in {one["type"] for one in outcome["logs"]}


@needs_node
async def test_all_actions_of_a_trigger_share_one_limit_of_time(tenant: Tenancy) -> None:
    wait = "await new Promise((done) => setTimeout(done, 700));"
    await runs(tenant, "post-login", wait, "first")
    await runs(tenant, "post-login", wait, "second")
    await tenant.control("PUT", "settings", {"action_seconds": 1.2})
    outcome = await happens(tenant, "post-login")
    first, second = outcome["executions"]
    assert first["error"] is None
    assert "longer than 1.2 seconds" in second["error"]
    assert outcome["allowed"] is False


@needs_node
async def test_the_cache_keeps_to_its_limits(tenant: Tenancy) -> None:
    body = """
    console.log(api.cache.set('a', 'x'.repeat(4097)).type, api.cache.set('k'.repeat(65), 'x').type);
    for (let i = 0; i < 20; i += 1) api.cache.set(`${i}`, 'x');
    console.log(api.cache.set('one more', 'x').type, api.cache.set('1', 'y').type, api.cache.get('1').value);
    api.cache.delete('1');
    console.log(api.cache.get('1'), api.cache.set('2', 'x', { ttl: -1 }).type, api.cache.get('2'));
    """
    await runs(tenant, "post-user-registration", body)
    (run,) = (await happens(tenant, "post-user-registration"))["executions"]
    assert (run["error"], run["logs"]) == (
        None,
        ["error error", "error success y", "undefined success undefined"],
    )


# ---- post-login ----


@needs_node
async def test_claims_and_scopes_of_a_login_are_in_its_outcome(tenant: Tenancy) -> None:
    body = """
    api.idToken.setCustomClaim('https://example.com/plan', 'gold');
    api.accessToken.setCustomClaim('https://example.com/tier', { of: [1, 2] });
    api.accessToken.addScope('read:orders');
    api.accessToken.removeScope('email');
    """
    await runs(tenant, "post-login", body, "first")
    await runs(tenant, "post-login", "api.idToken.setCustomClaim('https://example.com/plan', 'later');", "second")
    outcome = await happens(tenant, "post-login")
    assert outcome["claims"] == {
        "id_token": {"https://example.com/plan": "later"},
        "access_token": {"https://example.com/tier": {"of": [1, 2]}},
    }
    assert outcome["scope"] == ["openid", "profile", "offline_access", "read:orders"]
    assert (await tenant.control("GET", f"logins/{outcome['id']}")) == outcome


@needs_node
@pytest.mark.parametrize(
    ("wish", "factors", "enroll"),
    [
        ("api.multifactor.enable('any', { allowRememberBrowser: false })", ["any"], False),
        ("api.authentication.challengeWith({ type: 'otp' })", ["otp"], False),
        ("api.authentication.challengeWithAny([{ type: 'otp' }, { type: 'phone' }])", ["otp", "phone"], False),
        ("api.authentication.enrollWith({ type: 'webauthn-roaming' })", ["webauthn-roaming"], True),
    ],
)
async def test_a_second_factor_that_an_action_asks_for_is_asked_for(
    tenant: Tenancy, wish: str, factors: list[str], enroll: bool
) -> None:
    await runs(tenant, "post-login", wish)
    outcome = await happens(tenant, "post-login")
    assert outcome["allowed"] is True
    assert (outcome["mfa"]["factors"], outcome["mfa"]["enroll"], outcome["mfa"]["result"]) == (
        factors,
        enroll,
        "passed",
    )
    assert outcome["mfa"]["methods"][-1]["name"] == "mfa"
    assert [one["type"] for one in outcome["logs"]] == ["gd_start_auth", "gd_auth_succeed", "s"]


@needs_node
@pytest.mark.parametrize(("answer", "record"), [("failed", "gd_auth_failed"), ("rejected", "gd_auth_rejected")])
@pytest.mark.parametrize("trigger", ["post-login", "password-reset-post-challenge"])
async def test_who_does_not_give_the_second_factor_does_not_get_in(
    tenant: Tenancy, trigger: str, answer: str, record: str
) -> None:
    await runs(tenant, trigger, "api.authentication.challengeWith({ type: 'otp' });")
    outcome = await happens(tenant, trigger, mfa=answer)
    assert outcome["allowed"] is False
    assert [one["type"] for one in outcome["logs"]][:2] == ["gd_start_auth", record]


async def test_nobody_is_asked_for_a_second_factor_without_an_action(tenant: Tenancy) -> None:
    assert (await happens(tenant, "post-login", mfa="failed"))["mfa"] is None


@needs_node
async def test_metadata_is_written_once_at_the_end_and_events_do_not_have_it_before(tenant: Tenancy) -> None:
    first = "api.user.setAppMetadata('seen', 1); api.user.setUserMetadata('language', 'de');"
    second = "console.log(event.user.app_metadata.seen, event.user.user_metadata.language); api.user.setAppMetadata('seen', 2);"
    await runs(tenant, "post-login", first, "first")
    await runs(tenant, "post-login", second, "second")
    outcome = await happens(tenant, "post-login")
    assert outcome["executions"][1]["logs"] == ["undefined en"]
    user = await tenant.user(CUSTOMER)
    assert (user["app_metadata"], user["user_metadata"]) == ({"plan": "gold", "seen": 2}, {"language": "de"})


@needs_node
@pytest.mark.parametrize(
    ("ending", "written"), [("api.access.deny('no');", True), ("throw new Error('broken');", False)]
)
async def test_a_refusal_does_not_undo_metadata_and_a_failure_does(tenant: Tenancy, ending: str, written: bool) -> None:
    await runs(tenant, "post-login", f"api.user.setAppMetadata('seen', 1); {ending}")
    assert (await happens(tenant, "post-login"))["allowed"] is False
    assert ("seen" in (await tenant.user(CUSTOMER))["app_metadata"]) is written


@needs_node
@pytest.mark.parametrize(
    "body", ["api.session.revoke('odd');", "api.access.deny('odd');", "api.validation.error('x', 'odd');"]
)
async def test_a_login_that_is_refused_leaves_no_session(tenant: Tenancy, body: str) -> None:
    before = await tenant.user(CUSTOMER)
    await runs(tenant, "post-login", body)
    outcome = await happens(tenant, "post-login")
    after = await tenant.user(CUSTOMER)
    assert (outcome["allowed"], outcome["reason"]) == (False, "odd")
    assert (after["sessions"], after["refresh_tokens"]) == (before["sessions"], before["refresh_tokens"])
    assert (outcome["logs"][-1]["type"], outcome["logs"][-1]["description"]) == ("f", "odd")


@needs_node
@pytest.mark.parametrize(("options", "tokens"), [("", 1), (", { preserveRefreshTokens: true }", 2)])
async def test_a_session_that_is_revoked_at_a_refresh_is_closed(tenant: Tenancy, options: str, tokens: int) -> None:
    await runs(tenant, "post-login", f"api.session.revoke('stolen'{options});")
    outcome = await happens(tenant, "post-login", protocol="oauth2-refresh-token")
    user = await tenant.user(CUSTOMER)
    assert (outcome["allowed"], outcome["reason"]) == (False, "stolen")
    assert (len(user["sessions"]), len(user["refresh_tokens"])) == (1, tokens)
    assert outcome["logs"][-1]["type"] == "fertft"


@needs_node
async def test_a_refresh_token_that_is_revoked_is_gone(tenant: Tenancy) -> None:
    await runs(tenant, "post-login", "api.refreshToken.revoke('old');")
    outcome = await happens(tenant, "post-login", protocol="oauth2-refresh-token")
    user = await tenant.user(CUSTOMER)
    assert (outcome["allowed"], len(user["sessions"]), len(user["refresh_tokens"])) == (False, 2, 1)
    assert outcome["event"]["refresh_token"]["id"] not in {one["id"] for one in user["refresh_tokens"]}


async def test_a_refresh_is_no_login(tenant: Tenancy) -> None:
    before = await tenant.user(CUSTOMER)
    outcome = await happens(tenant, "post-login", protocol="oauth2-refresh-token")
    after = await tenant.user(CUSTOMER)
    assert [one["type"] for one in outcome["logs"]] == ["sertft"]
    assert (after["last_login"], after["logins_count"]) == (before["last_login"], before["logins_count"])


@needs_node
async def test_too_much_metadata_makes_the_login_fail_and_none_of_it_is_written(tenant: Tenancy) -> None:
    await runs(
        tenant, "post-login", "api.user.setAppMetadata('a', 1); api.user.setUserMetadata('b', 'x'.repeat(33000));"
    )
    outcome = await happens(tenant, "post-login")
    assert (outcome["allowed"], "user_metadata" in outcome["reason"]) == (False, True)
    assert (await tenant.user(CUSTOMER))["app_metadata"] == {"plan": "gold"}


LINKS = """
const head = { authorization: `Bearer ${event.secrets.TOKEN}`, 'content-type': 'application/json' };
const [provider, user_id] = event.user.user_id.split('|');
const address = `${event.secrets.URL}/api/v2/users/${encodeURIComponent(event.secrets.PRIMARY)}/identities`;
await fetch(address, { method: 'POST', headers: head, body: JSON.stringify({ provider, user_id }) });
"""


@needs_node
@pytest.mark.parametrize(
    ("body", "user_id", "reason"),
    [
        (f"{LINKS} api.authentication.setPrimaryUser(event.secrets.PRIMARY);", CUSTOMER, None),
        (LINKS, SOCIAL, None),
        (
            "api.authentication.setPrimaryUser(event.secrets.PRIMARY);",
            SOCIAL,
            "the identity of this login is not among those of the primary user",
        ),
    ],
)
async def test_who_is_linked_in_a_login_gets_in_as_the_other_one(
    tenant: Tenancy, body: str, user_id: str, reason: str | None
) -> None:
    await runs(tenant, "post-login", body, PRIMARY=CUSTOMER, URL=tenant.address, TOKEN=await tenant.token())
    outcome = await does(tenant, "logins", user_id=SOCIAL)
    assert (outcome["user_id"], outcome["reason"], outcome["executions"][0]["error"]) == (user_id, reason, None)
    sessions = (await tenant.user(CUSTOMER))["sessions"]
    assert (outcome["event"]["session"]["id"] in {one["id"] for one in sessions}) is (user_id == CUSTOMER)


async def test_a_login_to_an_organization_says_so(tenant: Tenancy) -> None:
    given = {"name": "example", "display_name": "Example"}
    made = (await tenant.api("POST", "/organizations", json=given)).json()
    outcome = await happens(tenant, "post-login", organization="example")
    assert outcome["event"]["organization"] == {"id": made["id"], "metadata": {}, **given}
    assert (outcome["logs"][0]["organization_id"], outcome["logs"][0]["organization_name"]) == (made["id"], "example")


# ---- sign-ups ----


@needs_node
async def test_a_sign_up_that_is_refused_makes_nobody_and_says_why(tenant: Tenancy) -> None:
    await runs(tenant, "pre-user-registration", "api.access.deny('not from there', 'Please ask us first.');")
    await runs(tenant, "post-user-registration", "console.log('never');", "after")
    outcome = await does(tenant, "signups", email="New.Person@example.com", given_name="New")
    assert (outcome["allowed"], outcome["user_id"]) == (False, None)
    assert (outcome["reason"], outcome["message"]) == ("not from there", "Please ask us first.")
    assert [run["trigger"] for run in outcome["executions"]] == ["pre-user-registration"]
    assert [one["type"] for one in outcome["logs"]] == ["fs"]
    assert (await tenant.sdk.users.list_users_by_email(email="new.person@example.com")) == []


@needs_node
async def test_a_sign_up_makes_a_person_with_the_metadata_of_the_actions(tenant: Tenancy) -> None:
    before = "console.log(event.user.user_id, event.user.email); api.user.setAppMetadata('from', 'web'); api.user.setUserMetadata('a', 2);"
    await runs(tenant, "pre-user-registration", before, "before")
    await runs(
        tenant, "post-user-registration", "console.log(event.user.user_id, event.user.app_metadata.from);", "after"
    )
    outcome = await does(tenant, "signups", email="New.Person@example.com", user_metadata={"a": 1, "b": 1})
    assert outcome["allowed"] is True
    assert [run["logs"] for run in outcome["executions"]] == [
        ["undefined new.person@example.com"],
        [f"{outcome['user_id']} web"],
    ]
    user = await tenant.user(outcome["user_id"])
    assert (user["app_metadata"], user["user_metadata"]) == ({"from": "web"}, {"a": 2, "b": 1})
    assert [one["type"] for one in outcome["logs"]] == ["ss"]


@pytest.mark.parametrize(
    ("wanted", "reason", "records"),
    [
        ({"email": "customer.1@example.com"}, "the user already exists", ["fs"]),
        ({"email": "x@example.com", "password": "short"}, "the password is too weak", ["fs"]),
        ({"email": "x@example.com", "leaked": True}, "the password has leaked elsewhere", ["signup_pwd_leak", "fs"]),
    ],
)
async def test_a_sign_up_that_the_service_refuses(
    tenant: Tenancy, wanted: dict[str, Any], reason: str, records: list[str]
) -> None:
    outcome = await does(tenant, "signups", **wanted)
    assert (outcome["allowed"], outcome["reason"], outcome["executions"]) == (False, reason, [])
    assert [one["type"] for one in outcome["logs"]] == records


async def test_people_sign_up_by_phone(tenant: Tenancy) -> None:
    outcome = await does(tenant, "signups", connection="sms", phone_number="+4930901829999")
    assert (await tenant.user(outcome["user_id"]))["phone_number"] == "+4930901829999"


# ---- passwords ----


async def test_a_changed_password_is_changed(tenant: Tenancy) -> None:
    outcome = await does(tenant, "password-changes", user_id=CUSTOMER, password="another-password")
    assert (outcome["allowed"], [one["type"] for one in outcome["logs"]]) == (True, ["scp"])
    assert (await happens(tenant, "post-login"))["event"]["request"]["body"]["password"] == "another-password"
    assert "last_password_reset" in await tenant.user(CUSTOMER)


@needs_node
async def test_a_reset_that_is_refused_leaves_the_password_as_it_was(tenant: Tenancy) -> None:
    await runs(tenant, "password-reset-post-challenge", "api.access.deny('not now');")
    outcome = await does(tenant, "password-resets", user_id=CUSTOMER, password="another-password")
    assert (outcome["allowed"], [one["type"] for one in outcome["logs"]]) == (False, ["fcpr"])
    assert (await happens(tenant, "post-login"))["event"]["request"]["body"]["password"] == "sandbox-password-1"


@needs_node
async def test_a_reset_changes_the_password_and_goes_where_the_action_says(tenant: Tenancy) -> None:
    body = (
        "api.transaction.setResultUrl('https://example.com/done'); api.authentication.challengeWith({ type: 'otp' });"
    )
    await runs(tenant, "password-reset-post-challenge", body)
    outcome = await does(tenant, "password-resets", user_id=CUSTOMER, password="another-password")
    assert (outcome["allowed"], outcome["result_url"]) == (True, "https://example.com/done")
    assert [one["type"] for one in outcome["logs"]] == ["gd_start_auth", "gd_auth_succeed", "scp"]
    assert (await happens(tenant, "post-login"))["event"]["request"]["body"]["password"] == "another-password"


# ---- exchanges ----


@needs_node
async def test_a_program_gets_the_claims_that_an_action_sets(tenant: Tenancy) -> None:
    await runs(tenant, "credentials-exchange", "api.accessToken.setCustomClaim('https://example.com/team', 'reports');")
    outcome = await happens(tenant, "credentials-exchange")
    assert (outcome["allowed"], outcome["claims"]["access_token"]) == (True, {"https://example.com/team": "reports"})
    assert [one["type"] for one in outcome["logs"]] == ["seccft"]
    assert outcome["event"]["request"]["body"]["client_secret"]


@needs_node
async def test_a_program_that_is_refused_is_told_the_code(tenant: Tenancy) -> None:
    await runs(tenant, "credentials-exchange", "api.access.deny('invalid_scope', 'not at night');")
    outcome = await happens(tenant, "credentials-exchange")
    assert (outcome["code"], outcome["reason"]) == ("invalid_scope", "not at night")
    assert [one["type"] for one in outcome["logs"]] == ["feccft"]


@needs_node
@pytest.mark.parametrize(
    ("body", "user_id", "reason"),
    [
        (NAMES_SUBJECT, CUSTOMER, None),
        ("api.authentication.setUserById('auth0|nobody');", None, "that user does not exist"),
        (f"api.authentication.setUserById('{BLOCKED}');", None, "user is blocked"),
        ("api.access.rejectInvalidSubjectToken('expired');", None, "expired"),
        ("", None, "no Action has said whose token it is"),
        (
            "api.authentication.setUserByConnection('google-oauth2', { user_id: '7', email: 'a@example.com' }, { creationBehavior: 'create_if_not_exists' });",
            "google-oauth2|7",
            None,
        ),
        (
            "api.authentication.setUserByConnection('google-oauth2', { user_id: '7' }, { creationBehavior: 'none' });",
            None,
            "that user does not exist",
        ),
    ],
)
async def test_a_token_of_somebody_elses_becomes_one_for_the_person_that_an_action_names(
    tenant: Tenancy, body: str, user_id: str | None, reason: str | None
) -> None:
    await runs(tenant, "custom-token-exchange", f"api.user.setAppMetadata('exchanged', true); {body}")
    outcome = await happens(tenant, "custom-token-exchange")
    assert (outcome["user_id"], outcome["reason"], outcome["allowed"]) == (user_id, reason, reason is None)
    assert [one["type"] for one in outcome["logs"]] == ["secte" if reason is None else "fecte"]


@needs_node
async def test_metadata_of_an_exchange_is_written(tenant: Tenancy) -> None:
    await runs(tenant, "custom-token-exchange", f"{NAMES_SUBJECT} api.user.setUserMetadata('exchanged', true);")
    await happens(tenant, "custom-token-exchange")
    assert (await tenant.user(CUSTOMER))["user_metadata"]["exchanged"] is True


# ---- the rest ----


@needs_node
async def test_a_message_to_a_phone_is_sent_whatever_the_action_does(tenant: Tenancy) -> None:
    await runs(
        tenant, "send-phone-message", "console.log(event.message_options.recipient, event.message_options.code);"
    )
    outcome = await does(tenant, "phone-messages", user_id=PHONE, action="enrollment", message_type="voice")
    assert outcome["executions"][0]["logs"] == ["+4930901820007 123456"]
    assert [one["type"] for one in outcome["logs"]] == ["gd_send_voice"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("signups", {}, 400),
        ("signups", {"email": "a@example.com", "connection": "google-oauth2"}, 400),
        ("password-changes", {"user_id": "auth0|nobody"}, 404),
        ("password-resets", {}, 400),
        ("phone-messages", {"user_id": OTHER, "action": "dance"}, 400),
        ("exchanges", {"scopes": []}, 400),
        ("token-exchanges", {"user_id": OTHER}, 400),
        ("failed-logins", {"user": OTHER, "times": 0}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(tenant: Tenancy, path: str, body: dict[str, Any], status: int) -> None:
    answer = await tenant.http.post(f"/sandbox/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["error"]


async def test_nobody_knows_an_outcome_that_never_was(tenant: Tenancy) -> None:
    assert (await tenant.http.get("/sandbox/logins/txn_nothing")).status_code == 404
