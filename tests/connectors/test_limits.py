"""The pace of a connection: what the plan allows, what the service says, and who goes first."""

import asyncio
import time
from collections.abc import Awaitable

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from connectors.auth0 import client, users
from connectors.auth0.client import PLANS, Tenant, connect
from connectors.auth0.profiles import UserRef
from connectors.errors import TryLater
from connectors.limits import REST, Allowance, Pace, bulk, interactive
from connectors.wire import Wire
from tests.connectors.doubles import Auth0, Oddity

FIRST = "auth0|650000000000000000000001"
FINE = Response(status_code=204)


def view(wire: Wire, odd: Oddity, pace: Pace) -> httpx.AsyncClient:
    return wire.client(odd.address, service="The service", pace=pace)


def by_first_letter(request: httpx.Request) -> str:
    return request.url.path[1]


async def paths(odd: Oddity) -> list[str]:
    return [request.url.path for request in odd.received]


async def seconds_of(calls: Awaitable[object]) -> float:
    began = time.monotonic()
    await calls
    return time.monotonic() - began


async def test_who_waits_for_somebody_overtakes_who_waits_for_nobody(wire: Wire, odd: Oddity) -> None:
    odd.answers = [FINE]
    paced = view(wire, odd, Pace(Allowance(1, 20)))
    await paced.get("/first")
    with bulk():
        slow = [asyncio.create_task(paced.get(f"/bulk/{number}")) for number in range(3)]
    usual = asyncio.create_task(paced.get("/usual"))
    await asyncio.sleep(0)
    with interactive():
        await paced.get("/click")
    await asyncio.gather(*slow, usual)
    assert await paths(odd) == ["/first", "/click", "/usual", "/bulk/0", "/bulk/1", "/bulk/2"]


async def test_bulk_work_leaves_the_last_calls_to_the_others(wire: Wire, odd: Oddity) -> None:
    odd.answers = [FINE]
    paced = view(wire, odd, Pace(Allowance(20, 0.001)))
    with bulk():
        slow = [asyncio.create_task(paced.get("/bulk")) for _ in range(30)]
    await asyncio.wait(slow, return_when=asyncio.FIRST_COMPLETED)
    await paced.get("/click")
    await paced.get("/click")
    for waiting in slow:
        waiting.cancel()
    done = await asyncio.gather(*slow, return_exceptions=True)
    assert len([each for each in done if isinstance(each, httpx.Response)]) == 18
    assert sorted(await paths(odd)) == ["/bulk"] * 18 + ["/click"] * 2


async def test_bulk_work_gets_on_where_only_one_call_is_ever_left(wire: Wire, odd: Oddity) -> None:
    odd.answers = [FINE]
    paced = view(wire, odd, Pace(Allowance(1, 50)))
    with bulk():
        await asyncio.gather(*(paced.get("/bulk") for _ in range(4)))
    assert len(odd.received) == 4


async def test_a_refusal_for_haste_holds_all_of_its_group_and_no_other(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=429, headers={"retry-after": "1"}), FINE]
    plan = {"a": Allowance(100, 100), REST: Allowance(100, 100)}
    paced = view(wire, odd, Pace(plan, group=by_first_letter))
    with pytest.raises(TryLater):
        await paced.get("/a")
    others = asyncio.gather(*(paced.get("/b") for _ in range(5)))
    held = asyncio.gather(*(paced.get("/a") for _ in range(5)))
    assert await seconds_of(others) < 0.5
    assert await seconds_of(held) > 0.3
    assert await paths(odd) == ["/a"] + ["/b"] * 5 + ["/a"] * 5


async def test_who_would_be_held_too_long_is_told_at_once_when_to_come_back(wire: Wire, odd: Oddity) -> None:
    odd.answers = [Response(status_code=429, headers={"retry-after": "600"}), FINE]
    paced = view(wire, odd, Pace(Allowance(10, 10)))
    with pytest.raises(TryLater):
        await paced.get("/thing")
    with pytest.raises(TryLater, match="waiting for their turn") as caught:
        await paced.get("/thing")
    assert 590 < (caught.value.after or 0) <= 600
    assert len(odd.received) == 1


async def test_a_turn_that_nobody_takes_any_more_goes_to_the_next(wire: Wire, odd: Oddity) -> None:
    odd.answers = [FINE]
    paced = view(wire, odd, Pace(Allowance(1, 10)))
    await paced.get("/first")
    left = [asyncio.create_task(paced.get("/left")) for _ in range(20)]
    await asyncio.sleep(0)
    for each in left:
        each.cancel()
    assert await seconds_of(paced.get("/last")) < 0.5
    assert await paths(odd) == ["/first", "/last"]


async def test_what_the_service_says_is_left_is_believed(wire: Wire, odd: Oddity) -> None:
    few = {"x-ratelimit-limit": "50", "x-ratelimit-remaining": "2"}
    odd.answers = [Response(status_code=204, headers=few), FINE]
    paced = view(wire, odd, Pace(Allowance(50, 5)))
    await paced.get("/thing")
    assert await seconds_of(asyncio.gather(*(paced.get("/thing") for _ in range(4)))) > 0.3


@pytest.mark.parametrize(
    ("method", "path", "group"),
    [
        ("GET", "/api/v2/users?q=x", "users read"),
        ("GET", "/api/v2/users/auth0%7C..%2Fx", "users read"),
        ("GET", "/api/v2/users-by-email?email=a", "users read"),
        ("GET", "/api/v2/users/auth0%7Cx/sessions", REST),
        ("POST", "/api/v2/users", "users written"),
        ("PATCH", "/api/v2/users/x", "users written"),
        ("DELETE", "/api/v2/users/x", "users deleted"),
        ("DELETE", "/api/v2/users/x/sessions", REST),
        ("GET", "/api/v2/logs?take=5", "logs read"),
        ("POST", "/api/v2/jobs/users-exports", REST),
    ],
)
def test_calls_are_counted_in_the_groups_of_the_service(method: str, path: str, group: str) -> None:
    assert client.group_of(httpx.Request(method, f"https://example.auth0.com{path}")) == group


@pytest.mark.parametrize(("limit", "at_least"), [("2", 1.4), ("40", 0.0), ("50", 0.0)])
async def test_a_plan_is_learnt_from_the_first_answer(wire: Wire, odd: Oddity, limit: str, at_least: float) -> None:
    token = JSONResponse({"access_token": "t", "expires_in": 86400})
    said = {"x-ratelimit-limit": limit, "x-ratelimit-remaining": str(int(limit) - 1)}
    odd.answers = [token, JSONResponse({"user_id": FIRST}, headers=said), JSONResponse({"user_id": FIRST})]
    settings = {"domain": odd.address, "client_id": "c", "client_secret": "s"}
    tenant = connect(client.Settings.model_validate(settings), wire)
    somebody = UserRef(user_id=FIRST)
    took = await seconds_of(asyncio.gather(*(users.get_user(tenant, somebody) for _ in range(5))))
    assert at_least <= took < at_least + 1


@pytest.mark.parametrize("plan", PLANS)
async def test_a_connection_may_say_its_plan(auth0: Auth0, wire: Wire, plan: str) -> None:
    tenant = connect(auth0.settings(plan=plan), wire)
    assert (await users.get_user(tenant, UserRef(user_id=FIRST))).user_id == FIRST


async def test_processes_that_share_a_tenant_slow_each_other_down(auth0: Auth0, wire: Wire) -> None:
    await auth0.change(rate_limit={"burst": 10, "per_second": 10})
    tenants = [connect(auth0.settings(), wire) for _ in range(2)]
    done = 0

    async def some(tenant: Tenant) -> None:
        nonlocal done
        while done < 30:
            try:
                await users.get_user(tenant, UserRef(user_id=FIRST))
            except TryLater:
                continue
            done += 1

    await asyncio.gather(*(some(tenant) for tenant in tenants for _ in range(2)))
    refused = [call for call in auth0.double.calls if call["status"] == 429]
    assert done >= 30
    assert len(refused) < 10
