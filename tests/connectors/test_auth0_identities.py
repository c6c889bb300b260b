"""Finding accounts of one person, linking them, and taking them apart again."""

import asyncio
from typing import Any

import pytest

from connectors.auth0.client import Tenant
from connectors.catalog import catalog
from connectors.errors import Ambiguous, Missing, Reconnect, Refused
from tests.connectors.doing import FIRST, SECOND, do
from tests.connectors.doubles import Auth0

EMAIL = "customer.1@example.com"


async def google(auth0: Auth0, **profile: Any) -> str:
    """Give the first customer an account of Google's."""
    known = {"email": EMAIL, "email_verified": True, "user_metadata": {"language": "de", "colour": "blue"}}
    person = await auth0.add_user(**{"connection": "google-oauth2", **known, "app_metadata": {"vip": True}, **profile})
    return str(person["user_id"])


async def users(auth0: Auth0) -> list[str]:
    return [user["user_id"] for user in (await auth0.state())["users"]]


async def changing(auth0: Auth0) -> list[str]:
    return [call.partition("/users/")[0] for call in await auth0.calls("/api") if not call.startswith("GET")]


async def test_accounts_of_a_person_are_found_by_looking_up_and_never_by_searching(
    auth0: Auth0, tenant: Tenant
) -> None:
    other = await google(auth0)
    found = await do(tenant, "find_link_candidates", user_id=other)
    (candidate,) = found.candidates
    assert (candidate.primary_id, candidate.secondary_id, candidate.verdict) == (FIRST, other, "safe")
    assert (found.other_id, found.safe, found.count, found.why_not) == (FIRST, 1, 1, "")
    assert await auth0.calls("/api") == [f"GET /api/v2/users/{other}", "GET /api/v2/users-by-email"]


async def test_finding_changes_nothing(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    before = await auth0.state()
    await do(tenant, "find_link_candidates", user_id=other)
    assert (await auth0.state())["users"] == before["users"]


@pytest.mark.parametrize(
    ("profile", "verdict", "why"),
    [
        ({"email_verified": False}, "refused", "is not verified"),
        ({"blocked": True}, "refused", "is blocked"),
        ({"connection": "sms", "phone_number": "+4930901820055"}, "risky", "text message"),
        ({"connection": "email"}, "safe", ""),
    ],
)
async def test_what_speaks_against_linking_is_said(
    auth0: Auth0, tenant: Tenant, profile: dict[str, Any], verdict: str, why: str
) -> None:
    other = await google(auth0, **profile)
    found = await do(tenant, "find_link_candidates", user_id=FIRST)
    assert [(each.other_id, each.verdict) for each in found.candidates] == [(other, verdict)]
    assert why in found.why_not


async def test_safe_accounts_come_first(auth0: Auth0, tenant: Tenant) -> None:
    refused = await google(auth0, email_verified=False)
    risky = await google(auth0, connection="sms", phone_number="+4930901820055")
    safe = await google(auth0, connection="email")
    found = await do(tenant, "find_link_candidates", user_id=FIRST)
    assert [each.other_id for each in found.candidates] == [safe, risky, refused]
    assert found.other_id == safe


async def test_capital_letters_of_the_address_do_not_matter(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0, email="Customer.1@Example.com")
    found = await do(tenant, "find_link_candidates", user_id=other)
    assert found.other_id == FIRST
    linked = await do(tenant, "link_users", user_id=other, other_id=FIRST)
    assert (linked.primary_id, linked.secondary_id) == (FIRST, other)


async def test_who_is_alone_or_has_no_address_has_nothing_to_link(tenant: Tenant) -> None:
    alone = await do(tenant, "find_link_candidates", user_id=SECOND)
    nameless = await do(tenant, "find_link_candidates", user_id="sms|650000000000000000000007")
    assert (alone.count, alone.why_not) == (0, "No other account has this e-mail address.")
    assert (nameless.count, nameless.why_not) == (0, "The person has no e-mail address.")


async def test_linking_carries_metadata_over_first_and_says_all_that_undoing_needs(
    auth0: Auth0, tenant: Tenant
) -> None:
    other = await google(auth0)
    done = await do(tenant, "link_users", user_id=other, other_id=FIRST)
    assert (done.primary_id, done.secondary_id, done.provider, done.already) == (FIRST, other, "google-oauth2", False)
    assert (done.user_metadata_added, done.app_metadata_added) == (["colour"], ["vip"])
    assert [each.model_dump() for each in done.conflicts] == [
        {"name": "user_metadata.language", "kept": "en", "dropped": "de"}
    ]
    assert done.secondary_user_metadata == {"language": "de", "colour": "blue"}
    assert done.secondary_app_metadata == {"vip": True}
    user = await auth0.user(FIRST)
    assert [each["provider"] for each in user["identities"]] == ["auth0", "google-oauth2"]
    assert user["user_metadata"] == {"language": "en", "colour": "blue"}
    assert user["app_metadata"] == {"plan": "gold", "vip": True}
    assert other not in await users(auth0)
    assert await changing(auth0) == ["PATCH /api/v2", "POST /api/v2"]


async def test_linking_again_changes_nothing(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    await do(tenant, "link_users", user_id=other, other_id=FIRST)
    before = (await auth0.state())["users"]
    for pair in ((other, FIRST), (FIRST, other)):
        again = await do(tenant, "link_users", user_id=pair[0], other_id=pair[1])
        assert (again.primary_id, again.secondary_id, again.already) == (FIRST, other, True)
    assert (await auth0.state())["users"] == before


async def test_who_has_been_linked_is_found_where_they_are_now(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    await do(tenant, "link_users", user_id=other, other_id=FIRST)
    found = await do(tenant, "find_link_candidates", user_id=other, email=EMAIL)
    assert (found.linked_to, found.count) == (FIRST, 0)
    assert found.why_not == f"It has been linked to {FIRST} already."
    with pytest.raises(Missing):
        await do(tenant, "find_link_candidates", user_id=other)
    with pytest.raises(Missing):
        await do(tenant, "find_link_candidates", user_id="auth0|nobody", email=EMAIL)


@pytest.mark.parametrize(("stays", "primary"), [("the user", 0), ("the other account", 1)])
async def test_a_flow_may_say_which_account_stays(auth0: Auth0, tenant: Tenant, stays: str, primary: int) -> None:
    other = await google(auth0)
    done = await do(tenant, "link_users", user_id=other, other_id=FIRST, stays=stays)
    assert (done.primary_id, done.secondary_id) == ((other, FIRST), (FIRST, other))[primary]
    assert done.secondary_id not in await users(auth0)


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        ({"email_verified": False}, "is not verified"),
        ({"email": "customer.2@example.com"}, "different e-mail addresses"),
        ({"blocked": True}, "is blocked"),
    ],
)
async def test_what_must_not_be_linked_is_not_linked_even_if_risky_pairs_are_allowed(
    auth0: Auth0, tenant: Tenant, profile: dict[str, Any], why: str
) -> None:
    other = await google(auth0, **profile)
    with pytest.raises(Refused, match=why):
        await do(tenant, "link_users", user_id=other, other_id=FIRST, allow_risky=True)
    assert await changing(auth0) == []


async def test_the_address_of_the_account_that_stays_must_be_verified_too(auth0: Auth0, tenant: Tenant) -> None:
    unverified = "auth0|650000000000000000000006"
    other = await google(auth0, email="customer.6@example.com")
    with pytest.raises(Refused, match=r"650000000000000000000006 is not verified"):
        await do(tenant, "link_users", user_id=other, other_id=unverified, allow_risky=True)
    assert await changing(auth0) == []


async def test_a_risky_pair_is_linked_only_if_the_step_allows_it(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0, connection="sms", phone_number="+4930901820055")
    with pytest.raises(Refused, match="allow_risky: true"):
        await do(tenant, "link_users", user_id=other, other_id=FIRST)
    assert await changing(auth0) == []
    done = await do(tenant, "link_users", user_id=other, other_id=FIRST, allow_risky=True)
    assert (done.primary_id, done.provider) == (FIRST, "sms")


async def test_an_account_with_others_stays_even_if_it_is_younger(auth0: Auth0, tenant: Tenant) -> None:
    first = await google(auth0)
    second = await google(auth0, connection="email")
    await do(tenant, "link_users", user_id=first, other_id=second, stays="the user")
    done = await do(tenant, "link_users", user_id=FIRST, other_id=first)
    assert (done.primary_id, done.secondary_id) == (first, FIRST)
    with pytest.raises(Missing):
        await do(tenant, "link_users", user_id=FIRST, other_id=SECOND)


async def test_undoing_takes_the_accounts_apart_whichever_stayed(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    undo = catalog().actions["auth0.link_users"].undo
    assert undo is not None
    for stays in ("the user", "the other account"):
        pair = {"user_id": other, "other_id": FIRST, "stays": stays}
        linked = await do(tenant, "link_users", **pair)
        apart = await do(tenant, undo.removeprefix("auth0."), **pair)
        assert (apart.primary_id, apart.secondary_id, apart.already) == (linked.primary_id, linked.secondary_id, False)
        assert {other, FIRST} <= set(await users(auth0))
        assert (await do(tenant, "unlink_users", **pair)).already is True


async def test_accounts_of_which_one_is_not_there_are_missing(tenant: Tenant) -> None:
    for name in ("link_users", "unlink_users"):
        with pytest.raises(Missing, match="both"):
            await do(tenant, name, user_id=FIRST, other_id="auth0|nobody")


async def test_linking_that_breaks_off_says_what_has_been_done(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    await auth0.fault("POST /api/v2/users/*/identities", status=500, body={"statusCode": 500, "message": "No."})
    with pytest.raises(Ambiguous, match="metadata has been carried over already"):
        await do(tenant, "link_users", user_id=other, other_id=FIRST)
    done = await do(tenant, "link_users", user_id=other, other_id=FIRST)
    assert (done.already, done.user_metadata_added) == (False, [])
    assert [each.name for each in done.conflicts] == ["user_metadata.language"]


async def test_linking_whose_answer_is_lost_is_looked_at_and_found_to_be_done(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    await auth0.fault("POST /api/v2/users/*/identities", drop="after")
    done = await do(tenant, "link_users", user_id=other, other_id=FIRST)
    assert (done.already, done.app_metadata_added) == (False, ["vip"])
    assert other not in await users(auth0)


async def test_several_at_once_link_two_accounts_once(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    pair = {"user_id": other, "other_id": FIRST}
    done = await asyncio.gather(*(do(tenant, "link_users", **pair) for _ in range(5)))
    assert {(each.primary_id, each.secondary_id) for each in done} == {(FIRST, other)}
    assert len((await auth0.user(FIRST))["identities"]) == 2


async def test_what_auth0_refuses_to_link_is_refused_in_its_words(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    conflict = {"statusCode": 409, "error": "Conflict", "message": "Specified identity already exists."}
    await auth0.fault("POST /api/v2/users/*/identities", status=409, body=conflict)
    with pytest.raises(Refused, match="Specified identity already exists"):
        await do(tenant, "link_users", user_id=other, other_id=FIRST)


async def test_without_permission_nothing_is_carried_over(auth0: Auth0, tenant: Tenant) -> None:
    other = await google(auth0)
    await auth0.change(scopes="read:users")
    with pytest.raises(Reconnect):
        await do(tenant, "link_users", user_id=other, other_id=FIRST)
    assert (await auth0.user(FIRST))["user_metadata"] == {"language": "en"}
