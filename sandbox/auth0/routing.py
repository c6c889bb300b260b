"""Routes over the raw address: each part between slashes is percent-decoded on its own.

An id such as `auth0|../x` therefore stays an id, whatever it looks like once decoded.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from starlette.responses import JSONResponse, Response

from sandbox.auth0.checks import Rules, check, read_query
from sandbox.auth0.errors import ApiError

if TYPE_CHECKING:
    from sandbox.auth0.tenant import Plan, Tenant

NOTHING: Rules = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request: where it went, with which ids, and what it carried."""

    method: str
    path: str
    address: str
    ids: Mapping[str, str]
    query: Mapping[str, Any]
    headers: Mapping[str, str]
    content: bytes
    scopes: frozenset[str] = frozenset()

    def json(self) -> Any:
        """Read the body as JSON (or as a form, where a client sends one).

        Raises ApiError 400 when it is neither.
        """
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.content.decode(errors="replace"), keep_blank_values=True))
        try:
            return strict_json(self.content)
        except ValueError:
            raise ApiError(400, "Invalid request payload JSON format") from None

    def body(self, rules: Rules) -> dict[str, Any]:
        """Read the body as an object that keeps the rules."""
        value = self.json()
        check(value, {"type": "object", **rules})
        return dict(value)


Endpoint = Callable[["Tenant", Call], Response | Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address and method, who may use it, and what it does."""

    method: str
    parts: tuple[str, ...]
    endpoint: Endpoint
    any_of: tuple[str, ...] = ()
    all_of: tuple[str, ...] = ()
    query: Rules = field(default_factory=dict)
    plan: tuple["Plan", str] | None = None

    def ids(self, method: str, parts: tuple[str, ...]) -> dict[str, str] | None:
        """Compare with a request's address; the ids in it, or None when it is another address."""
        if method != self.method or len(parts) != len(self.parts):
            return None
        pairs = list(zip(self.parts, parts, strict=True))
        if any(not mine.startswith("{") and mine != theirs for mine, theirs in pairs):
            return None
        return {mine.strip("{}"): theirs for mine, theirs in pairs if mine.startswith("{")}

    def refuse_scopes(self, granted: frozenset[str]) -> None:
        """Refuse a token that lacks the scopes of this address."""
        missing = [scope for scope in self.all_of if scope not in granted]
        if missing or (self.any_of and not granted.intersection(self.any_of)):
            needed = ",".join(self.all_of or self.any_of)
            kind = "all" if self.all_of else "any"
            raise ApiError(403, f"Insufficient scope, expected {kind} of: {needed}", "insufficient_scope")


class Routes:
    """The addresses of one part of the service."""

    def __init__(self, prefix: str = "/api/v2") -> None:
        self.prefix = prefix
        self.listed: list[Route] = []

    def on(
        self,
        method: str,
        path: str,
        *,
        any_of: tuple[str, ...] = (),
        all_of: tuple[str, ...] = (),
        query: Rules = NOTHING,
        plan: tuple["Plan", str] | None = None,
    ) -> Callable[[Endpoint], Endpoint]:
        """Put an endpoint at an address; `plan` names the least plan that includes it, and the feature."""

        def put(endpoint: Endpoint) -> Endpoint:
            parts = split(self.prefix + path)
            self.listed.append(
                Route(
                    method=method, parts=parts, endpoint=endpoint, any_of=any_of, all_of=all_of, query=query, plan=plan
                )
            )
            return endpoint

        return put


def strict_json(content: bytes) -> Any:
    """Read JSON that can be written again: no NaN, no half characters, no endless depth.

    Raises ValueError for anything else.
    """
    try:
        value = json.loads(content)
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("too deep") from None
    return value


def split(raw_path: str) -> tuple[str, ...]:
    """Cut a raw path at its slashes and percent-decode each part."""
    return tuple(unquote(part) for part in raw_path.split("/")[1:])


def find(routes: list[Route], method: str, parts: tuple[str, ...]) -> tuple[Route, dict[str, str]]:
    """Find the route of a request; literal parts win over ids because they are listed first.

    Raises ApiError 404 when there is none.
    """
    for route in routes:
        ids = route.ids(method, parts)
        if ids is not None:
            return route, ids
    raise ApiError(404, "Not Found")


def typed_query(sent: Iterable[tuple[str, str]], route: Route) -> dict[str, Any]:
    """Read the query string by the rules of the route."""
    return read_query(sent, route.query)


def answer(value: Any, status: int = 200) -> JSONResponse:
    """Answer with JSON."""
    return JSONResponse(value, status_code=status)


def empty(status: int = 204) -> Response:
    """Answer without a body."""
    return Response(status_code=status)
