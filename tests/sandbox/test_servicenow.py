"""The simulated ServiceNow instance, asked as its known clients ask it."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

import sandbox.servicenow
from sandbox.server import serving
from sandbox.servicenow.instance import CLIENT_ID, CLIENT_SECRET, PASSWORD, REFRESH_TOKEN, USER_NAME
from sandbox.servicenow.seed import fixed_id
from sandbox.trust import trust

JSON = {"Content-Type": "application/json", "Accept": "application/json"}
INCIDENTS = "/api/now/table/incident"
CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
DENIED = {"error_description": "access_denied", "error": "server_error"}


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving(sandbox.servicenow.create().app) as address,
        httpx.AsyncClient(
            base_url=address, auth=(USER_NAME, PASSWORD), headers=JSON, trust_env=False, verify=trust()
        ) as opened,
    ):
        yield opened


async def token(http: httpx.AsyncClient, **form: str) -> httpx.Response:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await http.post("/oauth_token.do", data={**CLIENT, **form}, headers=headers, auth=httpx.Auth())


def failure(answer: httpx.Response) -> tuple[int, str, str | None]:
    body = answer.json()
    assert body["status"] == "failure"
    return answer.status_code, body["error"]["message"], body["error"]["detail"]


@pytest.mark.parametrize(
    ("form", "refreshable"),
    [
        ({"grant_type": "client_credentials"}, False),
        ({"grant_type": "password", "username": USER_NAME, "password": PASSWORD}, True),
        ({"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}, True),
    ],
)
async def test_a_grant_gives_a_token_and_the_same_again(
    http: httpx.AsyncClient, form: dict[str, str], refreshable: bool
) -> None:
    first, second = [(await token(http, **form)).json() for _ in range(2)]
    assert first["access_token"] == second["access_token"]
    assert (first["token_type"], first["scope"], first["expires_in"] in {1799, 1800}) == ("Bearer", "useraccount", True)
    assert ("refresh_token" in first) == refreshable
    bearer = {"Authorization": f"Bearer {first['access_token']}"}
    assert (await http.get(INCIDENTS, headers=bearer, auth=httpx.Auth())).status_code == 200
    await http.post("/sandbox/tokens/expire")
    ended = await http.get(INCIDENTS, headers=bearer, auth=httpx.Auth())
    assert failure(ended) == (401, "User Not Authenticated", "Required to provide Auth information")
    assert (await token(http, **form)).json()["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "username": USER_NAME, "password": "wrong"},
        {"grant_type": "refresh_token", "refresh_token": "wrong"},
        {"grant_type": "client_credentials", "client_secret": "wrong"},
        {"grant_type": "magic"},
    ],
)
async def test_no_token_is_given_and_never_said_why(http: httpx.AsyncClient, form: dict[str, str]) -> None:
    refused = await token(http, **form)
    assert (refused.status_code, refused.json()) == (401, DENIED)


async def test_a_token_must_be_asked_for_with_a_form(http: httpx.AsyncClient) -> None:
    refused = await http.post("/oauth_token.do", json={"grant_type": "client_credentials", **CLIENT})
    assert (refused.status_code, refused.json()) == (401, DENIED)


async def test_a_record_is_made_read_changed_and_deleted_as_pysnow_does(http: httpx.AsyncClient) -> None:
    made = await http.post(INCIDENTS, json={"short_description": "By pysnow", "u_no_such": "x", "urgency": 1})
    record = made.json()["result"]
    assert (made.status_code, record["urgency"], record["active"]) == (201, "1", "true")
    assert made.headers["location"].endswith(f"{INCIDENTS}/{record['sys_id']}")
    assert "u_no_such" not in record
    flags = {
        "sysparm_query": f"number={record['number']}",
        "sysparm_display_value": "False",
        "sysparm_exclude_reference_link": "False",
        "sysparm_suppress_pagination_header": "False",
        "sysparm_limit": "8192",
        "sysparm_offset": "0",
    }
    found = (await http.get(INCIDENTS, params=flags)).json()["result"]
    assert [one["sys_id"] for one in found] == [record["sys_id"]]
    path = f"{INCIDENTS}/{record['sys_id']}"
    changed = await http.put(path, json={"state": "6", "close_notes": "Done"})
    assert (changed.status_code, changed.json()["result"]["short_description"]) == (200, "By pysnow")
    assert (await http.delete(path)).status_code == 204
    gone = await http.get(path)
    assert failure(gone) == (404, "No Record found", "Record doesn't exist or ACL restricts the record retrieval")


async def test_pages_are_linked_and_counted_as_pysnc_reads_them(http: httpx.AsyncClient) -> None:
    params = {"sysparm_limit": "3", "sysparm_query": "active=true^ORDERBYnumber", "sysparm_display_value": "all"}
    first = await http.get(INCIDENTS, params=params)
    assert first.headers["x-total-count"] == "4"
    assert set(first.links) == {"first", "next", "last"}
    second = await http.get(first.links["next"]["url"])
    numbers = [one["number"]["value"] for page in (first, second) for one in page.json()["result"]]
    assert numbers == [f"INC001000{number}" for number in range(1, 5)]
    assert "next" not in second.links


async def test_pysnc_makes_many_records_in_a_row_with_ids_of_its_own(http: httpx.AsyncClient) -> None:
    mine = "ab" * 16
    made = await http.post(INCIDENTS, json={"sys_id": mine, "short_description": "x"})
    assert made.json()["result"]["sys_id"] == mine
    again = await http.post(INCIDENTS, json={"sys_id": mine, "short_description": "x"})
    assert failure(again)[:2] == (403, "Operation Failed")
    await http.put("/sandbox/settings", json={"honours_sys_id": False})
    other = await http.post(INCIDENTS, json={"sys_id": mine, "short_description": "x"})
    assert (other.status_code, other.json()["result"]["sys_id"] == mine) == (201, False)


@pytest.mark.parametrize(
    ("parameters", "shown"),
    [
        ({}, {"link": f"/api/now/table/sys_user/{fixed_id('mara.conti')}", "value": fixed_id("mara.conti")}),
        ({"sysparm_exclude_reference_link": "true"}, fixed_id("mara.conti")),
        ({"sysparm_display_value": "true", "sysparm_exclude_reference_link": "true"}, "Mara Conti"),
        (
            {"sysparm_display_value": "all", "sysparm_exclude_reference_link": "true"},
            {"display_value": "Mara Conti", "value": fixed_id("mara.conti")},
        ),
    ],
)
async def test_a_reference_is_shown_as_it_was_asked_for(
    http: httpx.AsyncClient, parameters: dict[str, str], shown: Any
) -> None:
    answer = await http.get(
        f"{INCIDENTS}/{fixed_id('incident 1')}", params={**parameters, "sysparm_fields": "caller_id"}
    )
    text = json.dumps(answer.json()["result"]["caller_id"]).replace(str(http.base_url).rstrip("/"), "")
    assert json.loads(text) == shown


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("u_no_such=x", 4),
        ("u_no_such=x^state=6", 1),
        ("state=6^ORstate=2", 2),
        ("state=6^NQstate=2", 2),
        ("short_descriptionLIKElogin", 1),
        ("stateIN2,6", 2),
        ("caller_id.email=mara.conti@example.com", 1),
        ("total nonsense", 4),
    ],
)
async def test_terms_that_are_not_understood_are_dropped(http: httpx.AsyncClient, query: str, count: int) -> None:
    found = await http.get(INCIDENTS, params={"sysparm_query": query})
    assert len(found.json()["result"]) == count


async def test_an_invalid_query_finds_nothing_where_that_is_set(http: httpx.AsyncClient) -> None:
    await http.put("/sandbox/settings", json={"unknown_terms_find_nothing": True})
    assert (await http.get(INCIDENTS, params={"sysparm_query": "u_no_such=x"})).json() == {"result": []}


async def test_the_first_version_finds_nothing_with_an_error(http: httpx.AsyncClient) -> None:
    params = {"sysparm_query": "number=INC9"}
    assert (await http.get("/api/now/v1/table/incident", params=params)).status_code == 404
    assert (await http.get("/api/now/v2/table/incident", params=params)).json() == {"result": []}


async def test_a_script_in_a_query_is_run(http: httpx.AsyncClient) -> None:
    params = {"sysparm_query": "sys_id=javascript:gs.getUserID()"}
    (me,) = (await http.get("/api/now/table/sys_user", params=params)).json()["result"]
    assert me["user_name"] == USER_NAME
    assert len((await http.get("/sandbox/state")).json()["evaluated"]) > 0


async def test_a_page_is_cut_before_what_may_not_be_seen_is_left_out(http: httpx.AsyncClient) -> None:
    hidden = {"table": "incident", "operation": "read", "record": fixed_id("incident 1")}
    await http.put("/sandbox/settings", json={"acls": [hidden]})
    found = await http.get(INCIDENTS, params={"sysparm_limit": "1", "sysparm_query": "ORDERBYnumber"})
    assert (found.json(), found.headers["x-total-count"]) == ({"result": []}, "4")


@pytest.mark.parametrize(
    ("rule", "method", "path", "expected"),
    [
        ("read", "GET", INCIDENTS, (403, "Insufficient rights to query records", None)),
        (
            "create",
            "POST",
            INCIDENTS,
            (403, "Operation Failed", "ACL Exception Insert Failed due to security constraints"),
        ),
        (
            "write",
            "PATCH",
            f"{INCIDENTS}/{fixed_id('incident 1')}",
            (403, "Operation Failed", "ACL Exception Update Failed due to security constraints"),
        ),
        (
            "delete",
            "DELETE",
            f"{INCIDENTS}/{fixed_id('incident 1')}",
            (403, "Operation Failed", "ACL Exception Delete Failed due to security constraints"),
        ),
    ],
)
async def test_rights_are_refused_in_the_words_of_the_service(
    http: httpx.AsyncClient, rule: str, method: str, path: str, expected: tuple[int, str, str | None]
) -> None:
    await http.put("/sandbox/settings", json={"acls": [{"table": "incident", "operation": rule}]})
    assert failure(await http.request(method, path, content=b"{}")) == expected


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/now/table/nothing", (400, "Invalid table nothing")),
        ("GET", "/api/now/nothing", (400, "Requested URI does not represent any resource")),
        ("GET", f"{INCIDENTS}/nothing", (404, "No Record found")),
    ],
)
async def test_what_is_not_there_is_told(
    http: httpx.AsyncClient, method: str, path: str, expected: tuple[int, str]
) -> None:
    assert failure(await http.request(method, path))[:2] == expected


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
async def test_a_write_needs_both_headers(http: httpx.AsyncClient, header: str) -> None:
    refused = await http.post(INCIDENTS, content=b"{}", headers={header: "text/plain"})
    assert refused.status_code == 400


async def test_an_empty_record_is_made_and_a_list_makes_one(http: httpx.AsyncClient) -> None:
    assert (await http.post(INCIDENTS, json={})).status_code == 201
    await http.post(INCIDENTS, json=[{"short_description": "one"}, {"short_description": "two"}])
    state = (await http.get("/sandbox/state")).json()
    assert [one["short_description"] for one in state["tables"]["incident"][-2:]] == ["", "one"]


async def test_what_is_too_large_is_refused(http: httpx.AsyncClient) -> None:
    large = await http.post(INCIDENTS, json={"description": "x" * 10_485_760})
    assert "Rejected large REST payload" in str(failure(large)[2])
    long = await http.get(INCIDENTS, params={"sysparm_query": "x" * 9000})
    assert (long.status_code, long.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_a_rule_limits_calls_and_only_then_is_it_told(http: httpx.AsyncClient) -> None:
    assert "x-ratelimit-limit" not in (await http.get(INCIDENTS)).headers
    await http.put("/sandbox/settings", json={"per_hour": 1})
    assert (await http.get(INCIDENTS)).headers["x-ratelimit-limit"] == "1"
    refused = await http.get(INCIDENTS)
    assert failure(refused)[:2] == (429, "Rate limit exceeded")
    assert {"retry-after", "x-ratelimit-reset", "x-ratelimit-rule"} <= set(refused.headers)


async def test_a_note_becomes_an_entry_of_the_journal_each_time(http: httpx.AsyncClient) -> None:
    path = f"{INCIDENTS}/{fixed_id('incident 1')}"
    for _ in range(2):
        assert (await http.patch(path, json={"work_notes": "Seen"})).json()["result"]["work_notes"] == ""
    params = {"sysparm_query": f"element_id={fixed_id('incident 1')}"}
    notes = (await http.get("/api/now/table/sys_journal_field", params=params)).json()["result"]
    assert [one["value"] for one in notes] == ["Seen", "Seen"]


async def test_a_file_is_attached_raw_or_by_a_form(http: httpx.AsyncClient) -> None:
    where = {"table_name": "incident", "table_sys_id": fixed_id("incident 1")}
    raw = await http.post(
        "/api/now/attachment/file",
        params={**where, "file_name": "a.txt"},
        content=b"hello",
        headers={"Content-Type": "text/plain"},
    )
    assert (raw.status_code, raw.json()["result"]["size_bytes"]) == (201, "5")
    form = httpx.Request("POST", "http://x", data=where, files={"uploadFile": ("b.txt", b"there", "text/plain")})
    kind = {"Content-Type": form.headers["content-type"]}
    assert (await http.post("/api/now/attachment/upload", content=form.read(), headers=kind)).status_code == 201
    listed = (await http.get("/api/now/attachment")).json()["result"]
    contents = [(await http.get(f"/api/now/attachment/{one['sys_id']}/file")).text for one in listed]
    assert [(one["file_name"], text) for one, text in zip(listed, contents, strict=True)] == [
        ("a.txt", "hello"),
        ("b.txt", "there"),
    ]


async def test_a_row_that_cannot_be_imported_fails_inside_a_success(http: httpx.AsyncClient) -> None:
    answer = await http.post("/api/now/import/imp_user", json={"u_email": "nobody"})
    assert (answer.status_code, answer.json()["result"][0]["status"]) == (201, "error")
    many = await http.post("/api/now/import/imp_user/insertMultiple", json={"records": [{"u_email": "n@example.com"}]})
    assert {"import_set_id", "multi_import_set_id"} <= set(many.json())


async def test_while_it_may_only_be_read_every_change_is_refused_and_counted(http: httpx.AsyncClient) -> None:
    await http.put("/sandbox/read-only", json={"on": True})
    assert (await http.post(INCIDENTS, json={})).status_code == 403
    assert (await http.get(INCIDENTS)).status_code == 200
    assert len((await http.get("/sandbox/read-only")).json()["refused"]) == 1


async def test_wrong_passwords_and_a_user_without_the_api_are_told_apart(http: httpx.AsyncClient) -> None:
    wrong = {"Authorization": "Basic " + base64.b64encode(b"x:y").decode()}
    assert (await http.get(INCIDENTS, headers=wrong, auth=httpx.Auth())).status_code == 401
    await http.put("/sandbox/settings", json={"api_allowed": False})
    assert failure(await http.get(INCIDENTS))[:2] == (403, "Failed API level ACL Validation")
