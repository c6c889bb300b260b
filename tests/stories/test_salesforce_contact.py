"""The template that makes contacts in Salesforce: everybody once, whoever tells of them, and nobody doubled."""

import asyncio
import signal
import time
from typing import Any, Final
from urllib.parse import quote

import pytest

from tests.bot.made import ended, start
from tests.stories.newcomers import card, changed, comes, saying, service, shipped, streaming, told
from tests.stories.test_backfill import counted, over, press
from tests.worlds import Stage

FLOW: Final = "salesforce-contact"
FIELD: Final = "Auth0_Id__c"
NEWS: Final = "new.person@example.com"
NEW: Final[dict[str, Any]] = {"email": NEWS, "email_verified": True, "name": "New Person"}
INES: Final = "ines.moreau@example.com"
"""Who is a contact already."""
MIRA: Final = "mira.okafor@example.com"
"""Who is a lead."""
UPSERT: Final = "PATCH /services/data/v64.0/sobjects/Contact/Auth0_Id__c/*"


async def records(stage: Stage, sobject: str, email: str) -> list[dict[str, Any]]:
    state = await service(stage, "salesforce").get("state")
    return [each for each in state["records"][sobject] if each["Email"] == email]


async def added(stage: Stage, sobject: str, **values: Any) -> str:
    """Put a record into the org, as people there do. Returns its id."""
    given = stage.addresses["salesforce"]
    secret = {"grant_type": "client_credentials"} | {name: given[name] for name in ("client_id", "client_secret")}
    token = (await stage.http.post(f"{given['url']}/services/oauth2/token", data=secret)).json()["access_token"]
    url = f"{given['url']}/services/data/v64.0/sobjects/{sobject}"
    answer = await stage.http.post(url, json=values, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_new_person_of_whom_two_tell_becomes_one_contact(set_up: Stage) -> None:
    await shipped(set_up, FLOW, field=FIELD)
    async with set_up.bot_running():
        await set_up.slack.command(f"configure {FLOW}")
        form = await set_up.slack.form()
        saved = {"user": set_up.slack.who("admin"), "view_id": form["id"], "values": {"lead": "convert"}}
        assert "errors" not in await set_up.slack.post("submissions", saved)
        await streaming(set_up)
        signed_up = {"email": NEWS, "given_name": "Noor", "family_name": "van Dijk"}
        outcome = await set_up.auth0.post("signups", signed_up)
        (user,) = [u for u in (await set_up.auth0.get("state"))["users"] if u.get("email") == NEWS]
        await set_up.auth0.login(user["user_id"])
        said = await ended(set_up, FLOW, 1)
    (contact,) = await records(set_up, "Contact", NEWS)
    assert said == [f"Contact {contact['Id']} is theirs."]
    assert (contact["FirstName"], contact["LastName"], contact["Auth0_Id__c"]) == ("Noor", "van Dijk", user["user_id"])
    assert outcome["allowed"]


async def test_d13_many_events_at_once_and_a_missed_login_make_one_contact(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await set_up.auth0.login(user["user_id"])  # the bot is not there
    await shipped(set_up, FLOW, field=FIELD)
    async with set_up.bot_running():
        await asyncio.gather(
            *(told(set_up, user, number=number) for number in range(10)),
            *(set_up.auth0.login(user["user_id"]) for _ in range(2)),
        )
        assert len(await ended(set_up, FLOW, 1)) == 1
        await start(set_up, FLOW, user_id=user["user_id"])
        assert "theirs already" in "".join(await ended(set_up, FLOW, 2))
    assert len(await records(set_up, "Contact", NEWS)) == 1


NAMES: Final[list[tuple[dict[str, str], str | None, str]]] = [
    ({"given_name": "Ana", "family_name": "Ruiz", "name": "Somebody Else"}, "Ana", "Ruiz"),
    ({"name": "Ana María Ruiz"}, "Ana María", "Ruiz"),
    ({"name": "Ana"}, None, "Ana"),
    ({"name": "3@example.com", "nickname": "annie"}, None, "annie"),
    ({"name": "4@example.com", "nickname": "4@example.com"}, None, "4"),
    ({"given_name": "A" * 60, "family_name": "R" * 100}, "A" * 40, "R" * 80),
]


async def test_d14_everybody_has_a_last_name(set_up: Stage) -> None:
    await shipped(set_up, FLOW, field=FIELD)
    async with set_up.bot_running():
        for number, (profile, _, _) in enumerate(NAMES):
            await told(set_up, await comes(set_up, email=f"{number}@example.com", **profile), number=number)
        await ended(set_up, FLOW, len(NAMES))
    for number, (_, first, last) in enumerate(NAMES):
        (contact,) = await records(set_up, "Contact", f"{number}@example.com")
        assert (contact["FirstName"], contact["LastName"]) == (first, last)


async def test_d14_who_has_no_address_waits_is_listed_and_found_again(set_up: Stage) -> None:
    user = await comes(set_up, phone_number="+15550166")
    await shipped(set_up, FLOW, field=FIELD)
    async with set_up.bot_running():
        await told(set_up, user)
        assert await ended(set_up, FLOW, 1) == ["Waits for an e-mail address."]
        await start(set_up, FLOW)
        assert user["user_id"] in str(await card(set_up, "Not in Salesforce yet"))
        await start(set_up, FLOW)
        await ended(set_up, FLOW, 3)
        await changed(set_up, user["user_id"], email=NEWS)
        await told(set_up, {**user, "email": NEWS}, "user.updated", before={"email": None}, number=2)
        said = await ended(set_up, FLOW, 4)
    (contact,) = await records(set_up, "Contact", NEWS)
    told_of = ["There is nobody new to tell of.", "Told of 1 who wait.", "Waits for an e-mail address."]
    assert said == [f"Contact {contact['Id']} is theirs.", *told_of]


async def test_a_contact_with_the_address_is_adopted_and_stays_as_it_is_once_the_address_is_verified(
    set_up: Stage,
) -> None:
    user = await comes(set_up, email=INES, name="Some One", email_verified=False)
    await shipped(set_up, FLOW, field=FIELD)
    async with set_up.bot_running():
        await told(set_up, user)
        assert "until the e-mail address is verified" in (await ended(set_up, FLOW, 1))[0]
        (contact,) = await records(set_up, "Contact", INES)
        assert contact["Auth0_Id__c"] is None
        await changed(set_up, user["user_id"], email_verified=True)
        verified = {**user, "email_verified": True}
        await told(set_up, verified, "user.updated", before={"email_verified": False}, number=2)
        await ended(set_up, FLOW, 2)
        # Another account with this address is another person, or the same: either way there is a contact already.
        await told(set_up, await comes(set_up, email=INES, connection="google-oauth2", email_verified=True), number=3)
        assert any("another account's id" in said for said in await ended(set_up, FLOW, 3))
    (contact,) = await records(set_up, "Contact", INES)
    assert (contact["Auth0_Id__c"], contact["LastName"]) == (user["user_id"], "Moreau")


async def test_several_contacts_with_the_address_are_left_to_people(set_up: Stage) -> None:
    other = await added(set_up, "Contact", LastName="Moreau", Email=INES)
    user = await comes(set_up, email=INES, email_verified=True)
    await shipped(set_up, FLOW, field=FIELD)
    async with set_up.bot_running():
        await told(set_up, user)
        assert other in str(await card(set_up, "Several contacts have the e-mail address"))
    assert [each["Auth0_Id__c"] for each in await records(set_up, "Contact", INES)] == [None, None]


@pytest.mark.parametrize("lead", ["attach", "convert", "leave"])
async def test_d15_a_lead_is_attached_converted_or_left(set_up: Stage, lead: str) -> None:
    user = await comes(set_up, email=MIRA, name="Mira Okafor", email_verified=True)
    await shipped(set_up, FLOW, field=FIELD, lead=lead)
    async with set_up.bot_running():
        await told(set_up, user)
        await ended(set_up, FLOW, 1)
    (record,) = await records(set_up, "Lead", MIRA)
    contacts = [each["Auth0_Id__c"] for each in await records(set_up, "Contact", MIRA)]
    tag = user["user_id"]
    assert (record["Auth0_Id__c"], record["IsConverted"], contacts) == {
        "attach": (tag, False, []),
        "convert": (None, True, [tag]),
        "leave": (None, False, [tag]),
    }[lead]


@pytest.mark.parametrize(
    ("duplicates", "verified", "said"),
    [
        ("use it", True, "is theirs"),
        ("use it", False, "a duplicate rule found this record already: Contact 003"),
        ("refuse", True, "a duplicate rule found this record already: Contact 003"),
        ("create anyway", True, "is theirs"),
    ],
)
async def test_what_only_a_duplicate_rule_finds_is_used_refused_or_doubled(
    set_up: Stage, duplicates: str, verified: bool, said: str
) -> None:
    """The rule finds by name and phone, under another e-mail address."""
    there = await added(
        set_up, "Contact", FirstName="New", LastName="Person", Phone="+15550144", Email="old@example.com"
    )
    await service(set_up, "salesforce").put("settings", {"duplicate_rules": "alert"})
    user = await comes(set_up, **{**NEW, "email_verified": verified, "phone_number": "+15550144"})
    await shipped(set_up, FLOW, field=FIELD, duplicates=duplicates)
    async with set_up.bot_running():
        await told(set_up, user)
        assert said in (await ended(set_up, FLOW, 1))[0]
    (old,) = await records(set_up, "Contact", "old@example.com")
    adopted = duplicates == "use it" and verified
    assert (old["Id"], old["Auth0_Id__c"]) == (there, user["user_id"] if adopted else None)
    made = [each["Auth0_Id__c"] for each in await records(set_up, "Contact", NEWS)]
    assert made == ([user["user_id"]] if duplicates == "create anyway" else [])


async def test_a_field_that_is_missing_is_said_with_what_to_create(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await shipped(set_up, FLOW, field="Not_There__c")
    async with set_up.bot_running():
        await told(set_up, user)
        failed = str(await card(set_up, "could not be carried out"))
    assert "Contact has no field Not_There__c" in failed
    assert "Object Manager" in failed
    assert NEWS not in failed


FAULTS: Final[list[dict[str, Any]]] = [
    {"status": 500, "body": [{"errorCode": "UNKNOWN_EXCEPTION", "message": "Oops"}]},
    {"status": 503, "body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "Busy"}]},
    {"status": 400, "body": [{"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}]},
    {"status": 401, "body": [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]},
    {"drop": "before"},
    {"drop": "after"},
]


async def test_salesforce_and_auth0_fail_in_passing_and_everybody_is_there_once(set_up: Stage) -> None:
    await shipped(set_up, FLOW, field=FIELD)
    org = service(set_up, "salesforce")
    async with set_up.bot_running():
        for number, fault in enumerate(FAULTS):
            user = await comes(set_up, email=f"{number}@example.com", name="New Person")
            await org.fault(UPSERT.replace("*", f"{quote(user['user_id'], safe='')}"), **fault)
            await set_up.auth0.fault("GET /api/v2/users/*", drop="before")
            await told(set_up, user, number=number)
        said = await ended(set_up, FLOW, len(FAULTS))
    met = [call for call in await org.calls(verb="PATCH") if call["fault"]]
    assert len(met) == len(FAULTS)
    assert all("is theirs" in one for one in said)
    assert [len(await records(set_up, "Contact", f"{number}@example.com")) for number in range(len(FAULTS))] == [1] * 6


async def test_d18_a_login_does_not_wait_for_salesforce(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await shipped(set_up, FLOW, field=FIELD)
    org = service(set_up, "salesforce")
    async with set_up.bot_running():
        await org.fault("GET /services/data/v64.0/query*", delay=1.5)
        began = time.monotonic()
        assert (await set_up.auth0.login(user["user_id"]))["allowed"]
        assert time.monotonic() - began < 1.2
        await ended(set_up, FLOW, 1)
    assert len(await records(set_up, "Contact", NEWS)) == 1


async def test_d19_a_failure_is_told_and_tried_again_and_nothing_more_than_needed_is_copied(set_up: Stage) -> None:
    user = await comes(set_up, **NEW, user_metadata={"secret": "plan"}, app_metadata={"inner": "note"})
    await shipped(set_up, FLOW, field=FIELD)
    org = service(set_up, "salesforce")
    async with set_up.bot_running():
        refused = [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not on a Saturday", "fields": []}]
        await org.fault(UPSERT, status=400, body=refused)
        await told(set_up, user)
        failed = await card(set_up, "Not on a Saturday")
        await set_up.slack.press(failed, "again")
        await saying(set_up, FLOW, "is theirs")
    sent = [call["body"] for call in await org.calls(verb="PATCH") if "/Auth0_Id__c/" in call["path"]]
    assert sent[-1] == {"FirstName": "New", "LastName": "Person", "Email": NEWS}


async def test_those_who_were_there_before_are_made_up_for_and_tried_out_first(set_up: Stage) -> None:
    await shipped(set_up, FLOW, field=FIELD)
    org = service(set_up, "salesforce")
    people = [user for user in (await set_up.auth0.get("state"))["users"] if user.get("email")]
    async with set_up.bot_running():
        message = await counted(set_up, FLOW)
        assert [
            call for call in await org.calls() if call["verb"] in {"POST", "PATCH"} and "sobjects" in call["path"]
        ] == []
        await press(set_up, message, "backfill:begin")
        await over(set_up, message)
        await told(set_up, people[0])
    made = [len(await records(set_up, "Contact", user["email"])) for user in people]
    assert made == [1] * len(people)


async def test_everybody_who_is_there_already_becomes_a_contact_100_at_a_time(set_up: Stage) -> None:
    people = 250
    await set_up.auth0.post("users/many", {"count": people})
    await comes(set_up, email=INES, name="Ines Again")
    await comes(set_up, email=MIRA, name="Mira Again")
    await comes(set_up, email="far.too.long@example.com", phone_number="+" + "1" * 60)
    await shipped(set_up, FLOW, field=FIELD)
    org = service(set_up, "salesforce")
    before = len((await org.get("state"))["records"]["Contact"])
    async with set_up.bot_running():
        await start(set_up, FLOW, everybody="yes")
        said = await saying(set_up, FLOW, "new contacts")
        assert "data value too large" in str(await card(set_up, "Contacts for everybody"))
        new = len((await org.get("state"))["records"]["Contact"]) - before
        await start(set_up, FLOW, everybody="yes")
        await saying(set_up, FLOW, f"0 new contacts, {new + 2} there already.")
    assert said == f"{new} new contacts, 2 there already."
    assert new > people * 0.9
    assert len(await records(set_up, "Contact", INES)) == 1
    assert len([call for call in await org.calls() if call["path"].endswith("/query")]) < 30


@pytest.mark.slow
async def test_killed_while_salesforce_works_the_next_process_finishes_and_one_contact_is_there(set_up: Stage) -> None:
    user = await comes(set_up, **NEW)
    await shipped(set_up, FLOW, field=FIELD)
    org = service(set_up, "salesforce")
    async with set_up.bot_process() as process:
        await org.fault(UPSERT, delay=30)
        await told(set_up, user)
        while not await org.calls(verb="GET", path="/services/data/v64.0/query"):  # noqa: ASYNC110  # as below
            await asyncio.sleep(0.02)  # the org tells nobody
        process.send_signal(signal.SIGKILL)
        await process.wait()
    (await set_up.http.delete(f"{org.given['url']}/sandbox/faults")).raise_for_status()
    async with set_up.bot_process():
        said = await ended(set_up, FLOW, 1)
    (contact,) = await records(set_up, "Contact", NEWS)
    assert said == [f"Contact {contact['Id']} is theirs."]
