"""Sign-ups: how many accounts were made, by day and by connection."""

from datetime import datetime

from connectors.auth0.answers import PAGE
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.counts import Counts, Found, Period, Tally, moment_of, spans
from connectors.auth0.exports import connection_of
from connectors.auth0.users import moment_text
from connectors.base import Lenient


class _Users(Lenient):
    users: list[dict[str, object]]
    total: int


@auth0.action("Count sign-ups", effect="reads", repeatable=True)
async def count_sign_ups(client: Tenant, given: Period) -> Counts:
    """Count the accounts that were made in some whole days, and in as many days before.

    Those that were deleted since are not counted, and linked accounts count as one.
    """
    before, begin, end = given.edges
    days, connections, seen = Tally(), Tally(), set[str]()

    async def read(low: datetime, high: datetime, page: int) -> Found:
        asked: dict[str, str | int] = {
            "q": f"created_at:[{moment_text(low)} TO {moment_text(high)}}}",
            "page": page,
            "per_page": PAGE,
            "include_totals": "true",
            "sort": "created_at:1",
            "fields": "user_id,created_at,identities",
            "include_fields": "true",
            "search_engine": "v3",
        }
        found = _Users.model_validate_json((await client.http.get("/api/v2/users", params=asked)).content)
        return Found(total=found.total, items=found.users)

    async for users, _ in spans(read, before, end):
        for user in users:
            made, name = moment_of(user.get("created_at")), str(user.get("user_id"))
            if made is None or name in seen:
                continue
            seen.add(name)
            now = made >= begin
            days.add(given.day(made), now=now)
            connections.add(connection_of(user), now=now)
    period, period_before = given.spoken()
    return Counts(
        period=period,
        period_before=period_before,
        total=days.now.total(),
        before=days.then.total(),
        by_day=days.days(given.day_names()),
        by_connection=connections.counts(),
    )
