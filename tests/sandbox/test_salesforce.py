"""The simulated Salesforce org, called as clients by others call the real one."""

from collections.abc import AsyncIterator

import httpx
import pytest

import sandbox.salesforce
from sandbox.server import serving
from sandbox.trust import trust

ROOT = "/services/data/v59.0"


@pytest.fixture
async def double() -> sandbox.salesforce.Org:
    return sandbox.salesforce.create()


@pytest.fixture
async def client(double: sandbox.salesforce.Org) -> AsyncIterator[httpx.AsyncClient]:
    """A session as simple-salesforce has one: client credentials by HTTP Basic, then the token in every call."""
    async with (
        serving(double.app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()) as opened,
    ):
        known = double.credentials(address)
        answer = await opened.post(
            "/services/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(known["client_id"], known["client_secret"]),
        )
        assert "expires_in" not in answer.json()
        assert answer.json()["instance_url"] == address
        token = answer.json()["access_token"]
        opened.headers.update({"Authorization": f"Bearer {token}", "X-PrettyPrint": "1"})
        opened.headers["Content-Type"] = "application/json"
        yield opened


async def test_the_calls_of_simple_salesforce_are_answered(client: httpx.AsyncClient) -> None:
    made = await client.post(f"{ROOT}/sobjects/Contact/", content='{"LastName": "Smith", "Email": "a@example.com"}')
    assert (made.status_code, made.json()["success"], made.json()["errors"]) == (201, True, [])
    id_ = made.json()["id"]
    assert made.headers["sforce-limit-info"].startswith("api-usage=")
    assert (await client.get(f"{ROOT}/sobjects/Contact/{id_}")).json()["LastName"] == "Smith"
    assert (await client.patch(f"{ROOT}/sobjects/Contact/{id_}", content='{"LastName": "Jones"}')).status_code == 204
    upserted = await client.patch(f"{ROOT}/sobjects/Contact/Auth0_Id__c/11999", content='{"LastName": "New"}')
    assert upserted.status_code == 201
    found = await client.get(f"{ROOT}/query/", params={"q": "SELECT Id, Email FROM Contact WHERE LastName = 'Jones'"})
    assert found.json()["records"][0]["Email"] == "a@example.com"
    assert (await client.get(f"{ROOT}/sobjects/Contact/describe")).json()["fields"]
    assert (await client.get(f"{ROOT}/limits/")).status_code == 200
    assert (await client.delete(f"{ROOT}/sobjects/Contact/{id_}")).status_code == 204
    assert (await client.get(f"{ROOT}/sobjects/Contact/{id_}")).json()[0]["errorCode"] == "ENTITY_IS_DELETED"


async def test_pages_have_locators(client: httpx.AsyncClient, double: sandbox.salesforce.Org) -> None:
    double.settings = double.settings.model_copy(update={"page_size": 3})
    page = (await client.get(f"{ROOT}/query", params={"q": "SELECT Id FROM Contact ORDER BY Name"})).json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (4, False, 3)
    rest = (await client.get(page["nextRecordsUrl"])).json()
    assert (rest["done"], len(rest["records"])) == (True, 1)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT Id FROM Contact WHERE Name = 'a", "MALFORMED_QUERY"),
        ("SELECT Nothing FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Id FROM Contact WHERE CreatedDate = '2026-01-01'", "INVALID_FIELD"),
        ("SELECT Id FROM Case WHERE Description = 'x'", "INVALID_FIELD"),
    ],
)
async def test_a_query_that_is_wrong_is_refused(client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await client.get(f"{ROOT}/query", params={"q": query})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


async def test_a_collection_is_a_success_even_where_every_record_failed(client: httpx.AsyncClient) -> None:
    records = [{"attributes": {"type": "Contact"}, "FirstName": "x"}] * 2
    answer = await client.post(f"{ROOT}/composite/sobjects", json={"records": records})
    assert answer.status_code == 200
    assert [each["errors"][0]["statusCode"] for each in answer.json()] == ["REQUIRED_FIELD_MISSING"] * 2
    many = await client.post(f"{ROOT}/composite/sobjects", json={"records": records * 101})
    assert many.status_code == 400


async def test_an_ended_token_is_told_in_a_list(client: httpx.AsyncClient) -> None:
    await client.post("/sandbox/tokens/expire")
    answer = await client.get(f"{ROOT}/limits")
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
