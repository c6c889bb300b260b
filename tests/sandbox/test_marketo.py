"""The simulated Marketo instance by bare requests, some exactly as marketorestpython 0.5 makes them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandbox.marketo import Instance, create
from sandbox.server import serving
from sandbox.trust import trust
from tests.specs import marketo_conforms

JSON = "application/json; charset=utf-8"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
ANA = 318581


@pytest.fixture
def double() -> Instance:
    return create()


@pytest.fixture
async def bare(double: Instance) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(double.app) as address,
        httpx.AsyncClient(base_url=address, trust_env=False, verify=trust()) as client,
    ):
        yield client


@pytest.fixture
async def marketo(double: Instance, bare: httpx.AsyncClient) -> httpx.AsyncClient:
    query = {"grant_type": "client_credentials", "client_id": double.client_id, "client_secret": double.client_secret}
    said = (await bare.get("/identity/oauth/token", params=query)).json()
    assert said["token_type"] == "bearer"
    bare.headers["Authorization"] = f"Bearer {said['access_token']}"
    bare.headers["Accept-Encoding"] = "gzip"
    return bare


def code(answer: httpx.Response) -> str:
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is False
    assert body["requestId"]
    return str(body["errors"][0]["code"])


async def test_identity_gives_the_same_token_with_the_rest_of_its_life(
    double: Instance, bare: httpx.AsyncClient
) -> None:
    query = {"grant_type": "client_credentials", "client_id": double.client_id, "client_secret": double.client_secret}
    first = (await bare.get("/identity/oauth/token", params=query)).json()
    double.tokens[first["access_token"]] = double.now() + 5.5
    second = (await bare.post("/identity/oauth/token", params=query)).json()
    assert (second["access_token"], second["expires_in"], second["scope"]) == (
        first["access_token"],
        5,
        "apis@acmeinc.com",
    )
    wrong = await bare.get("/identity/oauth/token", params=query | {"client_secret": "x"})
    assert (wrong.status_code, wrong.json()["error"]) == (401, "unauthorized")
    assert double.client_secret not in json.dumps((await bare.get("/sandbox/calls")).json())
    marketo_conforms(double.calls)


async def test_refusals_come_with_status_200(double: Instance, marketo: httpx.AsyncClient) -> None:
    token = marketo.headers.pop("Authorization")
    assert code(await marketo.get("/rest/v1/leads/describe.json")) == "600"
    marketo.headers["Authorization"] = "Bearer nonsense"
    assert code(await marketo.get("/rest/v1/leads/describe.json")) == "601"
    marketo.headers["Authorization"] = token
    assert code(await marketo.get("/rest/v1/nothing.json")) == "610"
    assert code(await marketo.delete("/rest/v1/leads/describe.json")) == "605"
    assert code(await marketo.post("/rest/v1/leads.json", content=b"{", headers={"Content-Type": JSON})) == "609"
    assert (
        code(await marketo.post("/rest/v1/leads.json", content=b"{}", headers={"Content-Type": "text/plain"})) == "612"
    )
    await marketo.post("/sandbox/tokens/expire")
    assert code(await marketo.get("/rest/v1/leads/describe.json")) == "602"


async def test_what_is_too_long_or_too_large_has_a_status_of_its_own(marketo: httpx.AsyncClient) -> None:
    long = await marketo.get("/rest/v1/leads.json", params={"filterType": "email", "filterValues": "x" * 9000})
    assert long.status_code == 414
    large = await marketo.post("/rest/v1/leads.json", json={"input": [{"email": "a@b.c", "notes": "x" * 1_100_000}]})
    assert large.status_code == 413


async def test_calls_are_counted_in_a_window_and_in_a_day(double: Instance, marketo: httpx.AsyncClient) -> None:
    await marketo.put("/sandbox/settings", json={"calls": 3, "daily": 5})
    for _ in range(3):
        assert (await marketo.get("/rest/v1/leads/describe.json")).json()["success"]
    assert code(await marketo.get("/rest/v1/leads/describe.json")) == "606"
    await marketo.put("/sandbox/settings", json={"calls": 100, "daily": 3})
    assert code(await marketo.get("/rest/v1/leads/describe.json")) == "607"


async def test_really_concurrent_calls_are_counted(double: Instance, marketo: httpx.AsyncClient) -> None:
    await marketo.put("/sandbox/settings", json={"at_once": 3, "latency": 0.1})
    answers = await asyncio.gather(*(marketo.get("/rest/v1/leads/describe.json") for _ in range(5)))
    assert sorted(each.json()["success"] for each in answers) == [False, False, True, True, True]
    assert double.limits.most_at_once > 3


# From here on as marketorestpython makes its requests: everything in the query, `_method=GET`, forms with odd JSON.


async def test_their_client_finds_leads_page_by_page(double: Instance, marketo: httpx.AsyncClient) -> None:
    double.settings.page = 2
    emails = ",".join(str(lead["email"]) for lead in double.leads.values())
    data: dict[str, Any] = {"_method": "GET", "filterValues": emails, "filterType": "email", "fields": "email,company"}
    found: list[dict[str, Any]] = []
    body: dict[str, Any] = {}
    pages = 0
    while pages == 0 or "nextPageToken" in body:
        body = (await marketo.post("/rest/v1/leads.json", data=data, headers={"Content-Type": FORM})).json()
        found += body["result"]
        data["nextPageToken"] = body.get("nextPageToken")
        pages += 1
    assert (len(found), pages) == (5, 3)
    assert found[0] == {"id": ANA, "email": "ana.keller@example.com", "company": "Northwind Traders"}
    marketo_conforms(double.calls)


async def test_their_client_writes_and_deletes_leads(double: Instance, marketo: httpx.AsyncClient) -> None:
    leads = [{"email": "joe@example.com", "firstName": "Joe"}, {"email": "joe@example.com"}, {"nope": 1}]
    data = {"input": leads, "action": "createOrUpdate", "lookupField": "email"}
    result = (await marketo.post("/rest/v1/leads.json", json=data, headers={"Content-Type": JSON})).json()["result"]
    assert [each["status"] for each in result] == ["created", "skipped", "skipped"]
    assert [each["reasons"][0]["code"] for each in result[1:]] == ["1036", "1002"]
    gone = await marketo.request("DELETE", "/rest/v1/leads.json", json={"input": [{"id": result[0]["id"]}]})
    assert gone.json()["result"] == [{"id": result[0]["id"], "status": "deleted"}]


async def test_their_client_makes_folders_and_lists(double: Instance, marketo: httpx.AsyncClient) -> None:
    args = {"name": "Theirs", "parent": "{'id': 12, 'type': Folder}"}
    made = (await marketo.post("/rest/asset/v1/folders.json", params=args, headers={"Content-Type": JSON})).json()
    folder = made["result"][0]
    data = {"name": "Their list", "folder": json.dumps({"id": folder["id"], "type": "Folder"})}
    made = (await marketo.post("/rest/asset/v1/staticLists.json", data=data, headers={"Content-Type": FORM})).json()
    number = made["result"][0]["id"]
    assert made["result"][0]["createdAt"].endswith("Z+0000")
    again = await marketo.post("/rest/asset/v1/staticLists.json", data=data, headers={"Content-Type": FORM})
    assert code(again) == "709"
    found = (await marketo.get("/rest/asset/v1/staticList/byName.json", params={"name": "Their list"})).json()
    assert found["result"][0]["id"] == number
    nothing = (await marketo.get("/rest/asset/v1/staticList/byName.json", params={"name": "No list"})).json()
    assert nothing["success"]
    assert "result" not in nothing
    assert nothing["warnings"] == ["No assets found for the given search criteria."]
    added = await marketo.post(f"/rest/v1/lists/{number}/leads.json", json={"input": [{"id": ANA}]})
    assert added.json()["result"] == [{"id": ANA, "status": "added"}]
    member = await marketo.post(
        f"/rest/v1/lists/{number}/leads/ismember.json", params={"_method": "GET"}, json={"input": [{"id": ANA}]}
    )
    assert member.json()["result"] == [{"id": ANA, "status": "memberof"}]
    listed = await marketo.post(
        f"/rest/v1/list/{number}/leads.json", params={"_method": "GET"}, headers={"Content-Type": FORM}
    )
    assert [each["id"] for each in listed.json()["result"]] == [ANA]
    marketo_conforms([call for call in double.calls if call["path"] != "/rest/asset/v1/folders.json"])


async def test_their_client_requests_campaigns(double: Instance, marketo: httpx.AsyncClient) -> None:
    data = {"input": {"leads": [{"id": ANA}], "tokens": [{"name": "{{my.x}}", "value": "1"}]}}
    answer = await marketo.post("/rest/v1/campaigns/3001/trigger.json", json=data, headers={"Content-Type": JSON})
    assert answer.json()["result"] == [{"id": 3001}]
    campaigns = await marketo.post("/rest/v1/campaigns.json", params={"_method": "GET"}, headers={"Content-Type": FORM})
    assert len(campaigns.json()["result"]) == 5
    assert (
        len((await marketo.get("/rest/asset/v1/smartCampaigns.json", params={"maxReturn": 200})).json()["result"]) == 5
    )
    marketo_conforms(double.calls)


async def test_their_client_imports_a_file(double: Instance, marketo: httpx.AsyncClient) -> None:
    rows = b"email,firstName\nimp@example.com,Imp\nnot an address,X\n"
    files = {"file": ("leads.csv", rows, "text/csv")}
    begun = (await marketo.post("/bulk/v1/leads.json", params={"format": "csv", "listId": 1022}, files=files)).json()
    number = begun["result"][0]["batchId"]
    assert begun["result"][0]["status"] == "Queued"
    status = (await marketo.get(f"/bulk/v1/leads/batch/{number}.json")).json()["result"][0]
    assert (status["status"], status["numOfLeadsProcessed"], status["numOfRowsFailed"]) == ("Complete", 1, 1)
    failures = (await marketo.get(f"/bulk/v1/leads/batch/{number}/failures.json")).text.splitlines()
    assert failures[0] == "email,firstName,Import Failure Reason"
    assert failures[1].startswith("not an address,X,")
    marketo_conforms(double.calls)
