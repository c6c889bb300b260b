"""A tenant of very many people."""

import gzip
import json
import resource
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from sandbox.auth0.crowd import Crowd, Many
from sandbox.auth0.moments import seconds
from tests.sandbox.auth0_tenancy import CUSTOMER, Tenancy, tenancy

COUNT = 3000
NOW = 1_900_000_000.0


@pytest.fixture
async def tenant() -> AsyncIterator[Tenancy]:
    async with tenancy() as found:
        await found.control("PUT", "settings", {"job_seconds": 0, "rate_limit": None})
        await found.control("POST", "users/many", {"count": COUNT})
        yield found


async def search(tenant: Tenancy, **query: Any) -> dict[str, Any]:
    answer = await tenant.api("GET", "/users", params={"include_totals": "true", "per_page": 100, **query})
    return dict(answer.json())


def test_a_crowd_is_always_the_same_and_everybody_in_it_is_somebody_else() -> None:
    one, other = (Crowd(Many(count=500), NOW) for _ in range(2))
    people = [one.profile(number) for number in range(500)]
    assert people == [other.profile(number) for number in range(500)]
    assert len({person["user_id"] for person in people}) == 500
    assert [one.number_of(person["user_id"]) for person in people] == list(range(500))


def test_a_crowd_is_as_was_asked_for() -> None:
    crowd = Crowd(Many(count=4000, never=0.2, inactive=0.3, days=90), NOW)
    people = [crowd.profile(number) for number in range(len(crowd))]
    never = [person for person in people if "last_login" not in person]
    logins = [seconds(person["last_login"]) or 0 for person in people if "last_login" in person]
    old = [login for login in logins if login < NOW - 90 * 86400]
    assert 0.17 < len(never) / 4000 < 0.23
    assert 0.2 < len(old) / 4000 < 0.3
    assert all(person["created_at"] <= person.get("last_login", "9") for person in people)
    assert {person["identities"][0]["connection"] for person in people} > {"sms", "google-oauth2"}


async def test_the_state_shows_whom_somebody_asked_for_and_counts_the_others(tenant: Tenancy) -> None:
    state = await tenant.control("GET", "state")
    assert (len(state["users"]), state["users_total"]) == (12, 12 + COUNT)


async def test_people_of_a_crowd_are_found_changed_and_deleted_like_others(tenant: Tenancy) -> None:
    first, second = (await search(tenant, q="logins_count:[1 TO *]"))["users"][20:22]
    assert (await tenant.api("GET", f"/users/{first['user_id']}")).json() == first
    await tenant.api("PATCH", f"/users/{first['user_id']}", json={"app_metadata": {"seen": True}})
    await tenant.api("DELETE", f"/users/{second['user_id']}")
    assert (await tenant.api("GET", f"/users/{first['user_id']}")).json()["app_metadata"]["seen"] is True
    assert (await tenant.api("GET", f"/users/{second['user_id']}")).status_code == 404
    assert (await search(tenant))["total"] == 12 + COUNT - 1
    assert (await search(tenant, q=f'user_id:"{first["user_id"]}"'))["total"] == 1


@pytest.mark.parametrize("field", ["last_login", "created_at"])
async def test_a_search_by_time_finds_the_same_however_it_is_asked(tenant: Tenancy, field: str) -> None:
    some = await search(tenant, q=f"{field}:[* TO *]", sort=f"{field}:1", page=3)
    low, high = some["users"][10][field], some["users"][60][field]
    queries = [
        f"{field}:[{low} TO {high}}}",
        f"{field}:[{low} TO *] AND {field}:[* TO {high}}}",
        f"{field}:[{low} TO {high}}} AND user_id:*",
        f"({field}:[{low} TO {high}}} OR user_id:nobody)",
    ]
    found = [await search(tenant, q=query, sort=f"{field}:1") for query in queries]
    assert [one["total"] for one in found] == [50] * 4
    assert all([user[field] for user in one["users"]] == [user[field] for user in found[0]["users"]] for one in found)
    closed = await search(tenant, q=f"{field}:{{{low} TO {high}]", sort=f"{field}:-1")
    assert (closed["total"], closed["users"][0][field]) == (50, high)


async def test_an_export_has_everybody_as_they_were_when_it_was_asked_for(tenant: Tenancy) -> None:
    fields = [{"name": "user_id"}, {"name": "last_login"}]
    job = (await tenant.api("POST", "/jobs/users-exports", json={"format": "json", "fields": fields})).json()
    await tenant.api("DELETE", f"/users/{CUSTOMER}")
    link = (await tenant.api("GET", f"/jobs/{job['id']}")).json()["location"]
    lines = (await tenant.http.get(link, headers={"accept-encoding": "identity"})).content
    people = [json.loads(line) for line in gzip.decompress(lines).splitlines()]
    assert len({person["user_id"] for person in people}) == 12 + COUNT
    assert people[0]["user_id"] == CUSTOMER


@pytest.mark.slow
async def test_a_quarter_of_a_million_people_take_little_memory_and_time() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with tenancy() as tenant:
        began = time.monotonic()
        await tenant.control("POST", "users/many", {"count": 250_000})
        filled = time.monotonic() - began
        await search(tenant, q="last_login:[* TO 2030-01-01}", sort="last_login:1")
        searched = time.monotonic() - began - filled
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"filled in {filled:.1f} s, searched in {searched:.1f} s, {more:.0f} MB more")
    assert more < 100
    assert filled < 10
    assert searched < 5
