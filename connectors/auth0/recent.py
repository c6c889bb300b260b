"""The tenant's log of the last days, as it is written: for previews."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from connectors.auth0.client import SERVICE, Tenant, understanding
from connectors.auth0.connector import auth0, permission
from connectors.auth0.logs import LOGS
from connectors.auth0.users import moment_text
from connectors.errors import Refused
from connectors.limits import patiently

PAGE: Final = 100


async def recent(client: Tenant, since: float) -> AsyncIterator[tuple[float, Mapping[str, Any]]]:
    """Bring the records since a time, the oldest first, with their times. Raises ConnectorError.

    Auth0 reads on from a record, a hundred at a time, and knows no moments there: so the first one is looked for.
    """
    with understanding("reads"):
        async with permission(client, "read_logs"):
            query = f"date:[{moment_text(datetime.fromtimestamp(since, UTC))} TO *]"
            some = await _some(client, {"q": query, "sort": "date:1", "per_page": 1, "page": 0})
            while some:
                for record in some:
                    yield _time(record), record
                last = some[-1].get("log_id") or some[-1].get("_id")
                some = await _some(client, {"from": str(last), "take": PAGE})
                if some and (some[-1].get("log_id") or some[-1].get("_id")) == last:
                    break


async def _some(client: Tenant, asked: Mapping[str, str | int]) -> list[dict[str, Any]]:
    answer = await patiently(lambda: client.http.get(LOGS, params=dict(asked)))
    try:
        found = json.loads(answer.content)
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise Refused(f"{SERVICE} answered with something that is not a log.")
    return [record for record in found if isinstance(record, dict) and (record.get("log_id") or record.get("_id"))]


def _time(record: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(record.get("date"))).timestamp()
    except ValueError:
        return 0.0


auth0.log = recent
