"""Pages: by number, which end after 1,000 results, and by checkpoint, which do not."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError
from sandbox.auth0.routing import answer

T = TypeVar("T")

LAST_RESULT = 1000
NUMBERED: Rules = {
    "page": {"type": "integer", "minimum": 0, "about": "Page index of the results to return. First page is 0."},
    "per_page": {"type": "integer", "minimum": 1, "maximum": 100, "about": "Number of results per page."},
    "include_totals": {
        "type": "boolean",
        "about": "Return results inside an object that contains the total result count",
    },
}
CHECKPOINTS: Rules = {
    "from": {"type": "string", "about": "Optional Id from which to start selection."},
    "take": {"type": "integer", "minimum": 1, "maximum": 100, "about": "Number of results per page."},
}
BOTH: Rules = {**NUMBERED, **CHECKPOINTS}


def numbered(found: Sequence[Any], name: str, query: Mapping[str, Any]) -> Response:
    """Cut a numbered page: bare, or with the totals around it."""
    page, size = query.get("page", 0), query.get("per_page", 50)
    some = list(found[page * size : (page + 1) * size])
    if not query.get("include_totals"):
        return answer(some)
    return answer({"start": page * size, "limit": size, "total": len(found), name: some})


def paged(found: Sequence[Any], name: str, query: Mapping[str, Any], key: Callable[[Any], str]) -> Response:
    """Cut a page by checkpoint where one is asked for, else by number.

    Raises ApiError 400 when a numbered page lies beyond the last result that these give.
    """
    if "from" in query or "take" in query:
        page, following = after(found, query, key)
        return answer({name: page, **({"next": following} if following else {})})
    if (query.get("page", 0) + 1) * query.get("per_page", 50) > LAST_RESULT:
        raise ApiError(400, "You can only page through the first 1000 records.", "invalid_paging")
    return numbered(found, name, query)


def after(found: Sequence[T], query: Mapping[str, Any], key: Callable[[T], str]) -> tuple[list[T], str | None]:
    """Cut the page after a checkpoint; gives it, and the next checkpoint where there is more.

    Raises ApiError 400 when the checkpoint is none of ours.
    """
    start = 0
    if "from" in query:
        last = read_checkpoint(query["from"])
        places = [place for place, thing in enumerate(found) if key(thing) == last]
        if not places:
            raise ApiError(
                400, "Query validation error: 'Invalid checkpoint' on property from.", "invalid_query_string"
            )
        start = places[0] + 1
    page = list(found[start : start + query.get("take", 50)])
    more = bool(page) and start + len(page) < len(found)
    return page, checkpoint(key(page[-1])) if more else None


def checkpoint(last: str) -> str:
    """Write a checkpoint, which nobody is to look into."""
    return base64.urlsafe_b64encode(last.encode()).decode().rstrip("=")


def read_checkpoint(text: str) -> str:
    """Read a checkpoint; empty where it is none."""
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return ""
