"""The tenant's log, read by checkpoint or by page."""

from typing import Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.paging import LAST_RESULT
from sandbox.auth0.profiles import selected
from sandbox.auth0.query import matcher
from sandbox.auth0.routing import Call, Routes, answer
from sandbox.auth0.tenant import Tenant
from sandbox.auth0.users import FIELDS, PAGES

routes = Routes()

SORT: Rules = {"type": "string", "pattern": r"^date:(1|-1)$", "about": "Field to use for sorting."}
LISTING: Rules = {
    **PAGES,
    **FIELDS,
    "sort": SORT,
    "from": {"type": "string", "about": "Log Event Id from which to start selection."},
    "take": {"type": "integer", "minimum": 1, "maximum": 100, "about": "Number of entries to retrieve."},
    "q": {"type": "string"},
    "search": {"type": "string"},
}


@routes.on("GET", "/logs", any_of=("read:logs", "read:logs_users"), query=LISTING)
def list_logs(tenant: Tenant, call: Call) -> Response:
    """List the records: oldest first after a checkpoint, else newest first by page, and never past the first 1,000."""
    query = dict(call.query)
    if "from" in query or "take" in query:
        ids = [record["log_id"] for record in tenant.logs]
        start = ids.index(query["from"]) + 1 if query.get("from") in ids else 0
        return answer([selected(one, query) for one in tenant.logs[start : start + query.get("take", 50)]])
    fits = matcher(query.get("q", query.get("search", "")))
    found = [record for record in tenant.logs if fits(record)]
    if query.get("sort") != "date:1":
        found.reverse()
    return paged(found, query)


@routes.on("GET", "/logs/{id}", any_of=("read:logs", "read:logs_users"))
def get_log(tenant: Tenant, call: Call) -> Response:
    """Get one record."""
    for record in tenant.logs:
        if record["log_id"] == call.ids["id"]:
            return answer(record)
    raise ApiError(404, "Log not found.", "inexistent_log")


@routes.on("GET", "/users/{id}/logs", any_of=("read:logs", "read:logs_users"), query={**PAGES, "sort": SORT})
def list_logs_of_user(tenant: Tenant, call: Call) -> Response:
    """List the records of one person, newest first unless asked otherwise."""
    found = [record for record in tenant.logs if record.get("user_id") == call.ids["id"]]
    if call.query.get("sort") != "date:1":
        found.reverse()
    return paged(found, dict(call.query))


def paged(found: list[dict[str, Any]], query: dict[str, Any]) -> Response:
    """Cut a page.

    Raises ApiError 400 when it lies beyond the last record that pages give.
    """
    page, size = query.get("page", 0), query.get("per_page", 50)
    if (page + 1) * size > LAST_RESULT:
        raise ApiError(400, "You can only page through the first 1000 records.", "invalid_paging")
    logs = [selected(one, query) for one in found[page * size : (page + 1) * size]]
    if not query.get("include_totals"):
        return answer(logs)
    return answer({"start": page * size, "limit": size, "length": len(logs), "total": len(found), "logs": logs})
