"""Exports and imports of users in the simulated tenant."""

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.sandbox.auth0_tenancy import CUSTOMER, DATABASE, PHONE, Tenancy, tenancy


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        await found.control("PUT", "settings", {"job_seconds": 0})
        yield found


async def exported(tenant: Tenancy, **given: Any) -> bytes:
    job = (await tenant.api("POST", "/jobs/users-exports", json=given)).json()
    done = (await tenant.api("GET", f"/jobs/{job['id']}")).json()
    file = await tenant.http.get(done["location"])
    assert file.content.startswith(b"\x1f\x8b")
    return gzip.decompress(file.content)


async def test_an_export_takes_its_time(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"job_seconds": 1000})
    job = await tenant.sdk.jobs.users_exports.create(format="json")
    assert (job.status, job.type) == ("pending", "users_export")
    assert (await tenant.sdk.jobs.get(job.id)).location is None
    errors = await tenant.api("GET", f"/jobs/{job.id}/errors")
    assert errors.status_code == 204


async def test_an_export_tells_how_far_it_is(tenant: Tenancy) -> None:
    job = await tenant.sdk.jobs.users_exports.create()
    assert (await tenant.sdk.jobs.get(job.id)).status == "completed"


async def test_everybody_is_exported_one_in_each_line(tenant: Tenancy) -> None:
    fields = [
        {"name": "user_id"},
        {"name": "app_metadata.plan", "export_as": "plan"},
        {"name": "identities[0].connection"},
    ]
    lines = [json.loads(line) for line in (await exported(tenant, format="json", fields=fields)).splitlines()]
    assert len(lines) == 12
    assert lines[0] == {
        "user_id": CUSTOMER,
        "plan": "gold",
        "identities[0].connection": "Username-Password-Authentication",
    }
    assert "plan" not in next(line for line in lines if line["user_id"] == PHONE)


async def test_texts_in_a_csv_file_are_no_formulas(tenant: Tenancy) -> None:
    await tenant.control("POST", "users", {"user_id": "auth0|=1", "name": '=cmd|"/c calc"', "email": "f@example.com"})
    fields = [{"name": "name"}, {"name": "logins_count"}]
    rows = list(csv.reader(io.StringIO((await exported(tenant, format="csv", fields=fields)).decode())))
    assert rows[0] == ["name", "logins_count"]
    assert rows[1] == ["'Customer 1", "39"]
    assert rows[-1] == ['\'=cmd|"/c calc"', ""]


async def test_a_connection_or_a_number_limits_an_export(tenant: Tenancy) -> None:
    google = (await exported(tenant, connection_id="con_GoogleSocial0001")).splitlines()
    assert len(google) == 2
    assert len((await exported(tenant, limit=3)).splitlines()) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"connection_id": "con_Nothing000000001"}, "The connection does not exist."),
        ({"connection_id": "x"}, "does not match pattern"),
        ({"format": "xml"}, "No enum match for: xml"),
        ({"format": "csv", "fields": [{"name": "app_metadata"}]}, "whole metadata"),
        ({"format": "csv", "fields": [{"name": f"user_metadata.f{number}"} for number in range(31)]}, "30 fields"),
        ({"fields": [{"export_as": "x"}]}, "Missing required property: name"),
        ({"limit": 0}, "less than minimum"),
    ],
)
async def test_an_export_that_cannot_be_is_refused(tenant: Tenancy, given: dict[str, Any], message: str) -> None:
    answer = await tenant.api("POST", "/jobs/users-exports", json=given)
    assert answer.status_code == 400
    assert message in answer.json()["message"]


async def test_a_link_dies_and_asking_again_gives_another(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"download_seconds": 0})
    job = (await tenant.api("POST", "/jobs/users-exports", json={})).json()
    dead = (await tenant.api("GET", f"/jobs/{job['id']}")).json()["location"]
    refused = await tenant.http.get(dead)
    assert (refused.status_code, "Request has expired" in refused.text) == (403, True)
    await tenant.control("PUT", "settings", {"download_seconds": 60})
    assert (
        await tenant.http.get((await tenant.api("GET", f"/jobs/{job['id']}")).json()["location"])
    ).status_code == 200


async def test_a_download_with_a_token_is_refused_as_the_store_does(tenant: Tenancy) -> None:
    job = (await tenant.api("POST", "/jobs/users-exports", json={})).json()
    link = (await tenant.api("GET", f"/jobs/{job['id']}")).json()["location"]
    assert (await tenant.http.get(link, headers={"authorization": "Bearer x"})).status_code == 400


async def test_a_job_that_does_not_exist_is_not_found(tenant: Tenancy) -> None:
    answer = await tenant.api("GET", "/jobs/job_nothing")
    assert (answer.status_code, answer.json()["errorCode"]) == (404, "inexistent_job")


async def test_an_import_tells_user_by_user_what_went_wrong(tenant: Tenancy) -> None:
    people = [
        {"email": "brand.new@example.com", "app_metadata": {"from": "import"}},
        {"email": "customer.1@example.com"},
        {"email": "nonsense"},
        {"name": "No e-mail"},
        "no object",
    ]
    job = await tenant.sdk.jobs.users_imports.create(users=("u.json", json.dumps(people)), connection_id=DATABASE)
    done = (await tenant.api("GET", f"/jobs/{job.id}")).json()
    assert done["summary"] == {"failed": 4, "updated": 0, "inserted": 1, "total": 5}
    errors = (await tenant.api("GET", f"/jobs/{job.id}/errors")).json()
    assert [error["errors"][0]["code"] for error in errors] == ["DUPLICATED_USER"] + ["INVALID_FORMAT"] * 3
    found = await tenant.sdk.users.list_users_by_email(email="brand.new@example.com")
    assert [user.app_metadata for user in found] == [{"from": "import"}]


async def test_an_import_can_change_who_is_there(tenant: Tenancy) -> None:
    people = json.dumps([{"email": "customer.1@example.com", "app_metadata": {"from": "import"}}])
    job = await tenant.sdk.jobs.users_imports.create(users=("u.json", people), connection_id=DATABASE, upsert=True)
    assert (await tenant.api("GET", f"/jobs/{job.id}")).json()["summary"]["updated"] == 1
    assert (await tenant.user(CUSTOMER))["app_metadata"] == {"plan": "gold", "from": "import"}
    assert (await tenant.api("GET", f"/jobs/{job.id}/errors")).status_code == 204


@pytest.mark.parametrize("content", ["{", "{}"])
async def test_a_file_that_cannot_be_read_makes_the_import_fail(tenant: Tenancy, content: str) -> None:
    job = await tenant.sdk.jobs.users_imports.create(users=("u.json", content), connection_id=DATABASE)
    assert (await tenant.sdk.jobs.get(job.id)).status == "failed"
    assert "JSON" in (await tenant.api("GET", f"/jobs/{job.id}/errors")).json()["status_details"]


@pytest.mark.parametrize(
    ("data", "files", "status", "message"),
    [
        ({"connection_id": DATABASE}, {}, 400, "Invalid multipart payload format"),
        ({"connection_id": DATABASE}, {"other": b"x"}, 400, "Must provide 'users' file as multipart part."),
        ({"connection_id": DATABASE}, {"users": b""}, 400, "Users file must not be empty."),
        ({}, {"users": b"[]"}, 400, "Must provide 'connection_id' as multipart part."),
        ({"connection_id": "x"}, {"users": b"[]"}, 400, "does not match pattern"),
        ({"connection_id": "con_Sms0000000000001"}, {"users": b"[]"}, 400, "must be a database connection"),
        ({"connection_id": DATABASE}, {"users": b" " * 520_000}, 413, "greater than maximum allowed: 512000"),
    ],
)
async def test_an_import_that_cannot_be_is_refused(
    tenant: Tenancy, data: dict[str, str], files: dict[str, bytes], status: int, message: str
) -> None:
    answer = await tenant.api("POST", "/jobs/users-imports", data=data, files=files)
    assert (answer.status_code, message in answer.json()["message"]) == (status, True)


async def test_two_imports_run_at_once_and_no_third(tenant: Tenancy) -> None:
    await tenant.control("PUT", "settings", {"job_seconds": 1000})
    more: Any = {"data": {"connection_id": DATABASE}, "files": {"users": b"[]"}}
    answers = [await tenant.api("POST", "/jobs/users-imports", **more) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
