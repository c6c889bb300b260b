"""Finding, creating, changing and deleting people."""

from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.errors import Missing, Refused
from tests.connectors.doing import FIRST, SECOND, do
from tests.connectors.doubles import Auth0

DATABASE = "Username-Password-Authentication"
GOOGLE = "google-oauth2|100000000000000000004"


async def test_people_are_found_by_their_exact_address(auth0: Auth0, tenant: Tenant) -> None:
    found = await do(tenant, "find_users_by_email", email="customer.1@example.com")
    assert ([user.user_id for user in found.users], found.count) == ([FIRST], 1)
    assert await auth0.calls("/api") == ["GET /api/v2/users-by-email"]


async def test_capital_letters_find_the_address_as_databases_store_it_and_as_it_is(
    auth0: Auth0, tenant: Tenant
) -> None:
    google = await auth0.add_user(connection="google-oauth2", email="Customer.1@Example.com", email_verified=True)
    found = await do(tenant, "find_users_by_email", email="Customer.1@Example.com")
    assert sorted(user.user_id for user in found.users) == sorted([FIRST, google["user_id"]])


@pytest.mark.parametrize(
    "email",
    [
        "plus+tag@example.com",
        "o'brien@example.com",
        '"odd one"@example.com',
        "zoë@exämple.com",
        "a&b=c?d#e@example.com",
    ],
)
async def test_unusual_addresses_are_found_as_they_are(auth0: Auth0, tenant: Tenant, email: str) -> None:
    person = await auth0.add_user(email=email)
    found = await do(tenant, "find_users_by_email", email=email)
    assert [user.user_id for user in found.users] == [person["user_id"]]
    assert (await do(tenant, "search_users", email=email)).users == found.users


@pytest.mark.parametrize("email", ["mi\u212ae@example.com", "m\u0130ke@example.com"])
async def test_foreign_letters_do_not_find_the_address_of_somebody_else(
    auth0: Auth0, tenant: Tenant, email: str
) -> None:
    await auth0.add_user(email="mike@example.com")
    assert (await do(tenant, "find_users_by_email", email=email)).count == 0


async def test_nobody_has_an_address_that_nobody_has(tenant: Tenant) -> None:
    assert (await do(tenant, "find_users_by_email", email="*@example.com")).count == 0


async def test_a_person_in_a_database_begins_with_a_password_that_nobody_knows(auth0: Auth0, tenant: Tenant) -> None:
    given = {
        "connection": DATABASE,
        "email": "New.One@example.com",
        "name": "New One",
        "app_metadata": {"plan": "gold"},
    }
    user = await do(tenant, "create_user", **given)
    assert (user.email, user.name, user.app_metadata) == ("new.one@example.com", "New One", {"plan": "gold"})
    assert user.identities[0].connection == DATABASE
    password = auth0.double.accounts[user.user_id].password
    assert password is not None
    assert 40 < len(password.encode()) < 72
    assert all(one != other for one, other in pairwise(password))
    assert password not in user.model_dump_json()


async def test_a_person_without_password_is_created_by_phone(tenant: Tenant) -> None:
    user = await do(tenant, "create_user", connection="sms", phone_number="+4930901820099")
    assert user.identities[0].provider == "sms"


async def test_a_person_who_is_there_is_not_created_again(tenant: Tenant) -> None:
    with pytest.raises(Refused, match="already exists"):
        await do(tenant, "create_user", connection=DATABASE, email="customer.1@example.com")


async def test_what_is_named_is_changed_and_the_rest_stays(auth0: Auth0, tenant: Tenant) -> None:
    before = await auth0.user(FIRST)
    user = await do(tenant, "update_user", user_id=FIRST, name="Someone Else", app_metadata={"seen": True})
    assert (user.name, user.given_name, user.email) == ("Someone Else", before["given_name"], before["email"])
    assert user.app_metadata == {"plan": "gold", "seen": True}


async def test_a_text_that_is_named_and_empty_is_removed(auth0: Auth0, tenant: Tenant) -> None:
    user = await do(tenant, "update_user", user_id=FIRST, given_name=None)
    assert user.given_name is None
    assert user.family_name == "1"
    assert "given_name" not in await auth0.user(FIRST)


async def test_metadata_is_merged_at_the_first_level_and_replaced_below(tenant: Tenant) -> None:
    await do(tenant, "update_user", user_id=FIRST, user_metadata={"shown": {"a": 1, "b": 2}})
    user = await do(tenant, "update_user", user_id=FIRST, user_metadata={"shown": {"a": 3}, "language": None})
    assert user.user_metadata == {"shown": {"a": 3}}


async def test_yes_or_no_that_is_named_and_empty_changes_nothing(auth0: Auth0, tenant: Tenant) -> None:
    await do(tenant, "update_user", user_id=FIRST, email_verified=None, name="N")
    assert (await auth0.user(FIRST))["email_verified"] is True


@pytest.mark.parametrize("given", [{}, {"connection": DATABASE}, {"email_verified": None}, {"app_metadata": None}])
async def test_a_change_of_nothing_is_refused_before_anything_is_sent(
    auth0: Auth0, tenant: Tenant, given: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError, match="Say what to change"):
        await do(tenant, "update_user", user_id=FIRST, **given)
    assert await auth0.calls("/") == []


async def test_a_new_address_is_not_verified_unless_it_is_said_to_be(tenant: Tenant) -> None:
    user = await do(tenant, "update_user", user_id=FIRST, email="other@example.com")
    assert (user.email, user.email_verified) == ("other@example.com", False)
    user = await do(tenant, "update_user", user_id=FIRST, email="more@example.com", email_verified=True)
    assert user.email_verified is True


async def test_what_a_connection_does_not_allow_is_refused_in_its_words(tenant: Tenant) -> None:
    with pytest.raises(Refused, match="cannot be updated"):
        await do(tenant, "update_user", user_id=GOOGLE, name="Someone Else")


async def test_changing_nobody_is_missing(tenant: Tenant) -> None:
    with pytest.raises(Missing):
        await do(tenant, "update_user", user_id="auth0|nobody", name="N")


async def test_user_metadata_is_set_beside_what_is_there(tenant: Tenant) -> None:
    done = await do(tenant, "set_user_metadata", user_id=FIRST, user_metadata={"colour": "blue"})
    assert done.user_metadata == {"language": "en", "colour": "blue"}


async def test_a_deleted_person_is_gone_and_the_others_stay(auth0: Auth0, tenant: Tenant) -> None:
    done = await do(tenant, "delete_user", user_id=FIRST)
    assert (done.existed, [account.provider for account in done.accounts]) == (True, ["auth0"])
    left = [user["user_id"] for user in (await auth0.state())["users"]]
    assert FIRST not in left
    assert SECOND in left


async def test_deleting_who_is_not_there_is_fine_and_says_so(auth0: Auth0, tenant: Tenant) -> None:
    await do(tenant, "delete_user", user_id=FIRST)
    done = await do(tenant, "delete_user", user_id=FIRST)
    assert (done.existed, done.accounts) == (False, [])
    assert len([call for call in await auth0.calls("/api") if call.startswith("DELETE")]) == 1


async def test_what_cannot_be_looked_up_is_not_deleted(auth0: Auth0, tenant: Tenant) -> None:
    await auth0.fault("GET /api/v2/users/*", status=404, body={"statusCode": 404, "message": "Not Found"})
    with pytest.raises(Missing):
        await do(tenant, "delete_user", user_id=FIRST)
    assert (await auth0.user(FIRST))["user_id"] == FIRST
