"""Users: list and search, create, get, change, delete; and the blocks after too many wrong passwords."""

import re
from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest, nsmallest
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from sandbox.auth0.checks import Rules
from sandbox.auth0.errors import ApiError, bad_body, no_such_user
from sandbox.auth0.profiles import (
    CHANGE,
    CREATION,
    apply_change,
    new_account,
    refuse_change,
    refuse_creation,
    selected,
    shown,
    taken,
)
from sandbox.auth0.query import matcher, only_spans, spans_of, value_for_sorting
from sandbox.auth0.routing import Call, Routes, answer, empty
from sandbox.auth0.tenant import Account, Tenant

if TYPE_CHECKING:
    from sandbox.auth0.crowd import Cut

routes = Routes()

LAST_RECORD = 1000
FIELDS: Rules = {
    "fields": {"type": "string", "about": "Comma-separated list of fields to include or exclude"},
    "include_fields": {
        "type": "boolean",
        "about": "Whether specified fields are to be included (true) or excluded (false).",
    },
}
PAGES: Rules = {
    "page": {"type": "integer", "minimum": 0, "about": "Page index of the results to return. First page is 0."},
    "per_page": {"type": "integer", "minimum": 0, "maximum": 100, "about": "Number of results per page."},
    "include_totals": {
        "type": "boolean",
        "about": "Return results inside an object that contains the total result count",
    },
}
SEARCH: Rules = {
    **PAGES,
    **FIELDS,
    "sort": {"type": "string", "pattern": r"^[\w.]+:(1|-1)$", "about": "Field to sort by. Use field:order"},
    "connection": {"type": "string", "about": "Connection filter."},
    "q": {"type": "string", "about": "Query in Lucene query string syntax."},
    "search_engine": {"type": "string", "enum": ("v3",), "about": "The version of the search engine"},
    "primary_order": {"type": "boolean", "about": "If true (default), results are returned in a deterministic order."},
}


def account_of(tenant: Tenant, user_id: str) -> Account:
    """Find the account of an id.

    Raises ApiError 404 when there is none.
    """
    account = tenant.accounts.get(user_id)
    if account is None:
        raise no_such_user()
    return account


@routes.on("GET", "/users", any_of=("read:users", "read:user_idp_tokens"), query=SEARCH)
def search_users(tenant: Tenant, call: Call) -> Response:
    """List users, or search them. No one gets past the first 1,000."""
    query = call.query
    page, size = query.get("page", 0), query.get("per_page", 50)
    if (page + 1) * size > LAST_RECORD:
        text = (
            "You can only page through the first 1000 records. See "
            "https://auth0.com/docs/users/search/v3/view-search-results-by-page#limitation"
        )
        raise ApiError(400, text, "invalid_paging")
    total, cut = found(tenant, query)
    users = [
        selected(shown(account.profile, call.scopes), dict(query)) for account in cut(page * size, (page + 1) * size)
    ]
    if not query.get("include_totals"):
        return answer(users)
    return answer({"start": page * size, "limit": size, "length": len(users), "users": users, "total": total})


def found(tenant: Tenant, query: Mapping[str, Any]) -> "tuple[int, Cut]":
    """Count who is searched for, and give what cuts a page out of the first of them."""
    fits, connection, sort = matcher(query.get("q", "")), query.get("connection"), query.get("sort")
    spans = spans_of(fits)
    if connection is None and only_spans(fits) and {f"{span.field}:1" for span in spans} == {sort}:
        return tenant.accounts.in_time(fits, spans)
    total, first = in_order(
        (
            account
            for account in tenant.accounts.within(spans)
            if fits(account.profile) and connection in {None, account.connection.name}
        ),
        sort,
    )
    return total, lambda start, end: first[start:end]


def in_order(accounts: Iterable[Account], sort: str | None) -> tuple[int, list[Account]]:
    """Count some accounts, and keep the first of them, by one field of the profile; those who lack it come last."""
    name, _, direction = (sort or "").partition(":")
    if name.split(".")[0] in {"app_metadata", "user_metadata"}:
        raise ApiError(400, f"Sorting by {name} is not supported.", "invalid_query_string")
    total, without = 0, list[Account]()

    def with_value() -> Iterator[tuple[Any, Account]]:
        nonlocal total
        for account in accounts:
            total += 1
            value = value_for_sorting(account.profile, name) if name else None
            if value is not None:
                yield value, account
            elif len(without) < LAST_RECORD:
                without.append(account)

    pick = nlargest if direction == "-1" else nsmallest
    first = [account for _, account in pick(LAST_RECORD, with_value(), key=itemgetter(0))]
    return total, (first + without)[:LAST_RECORD]


@routes.on("POST", "/users", any_of=("create:users",))
def create_user(tenant: Tenant, call: Call) -> Response:
    """Create a user of a database or passwordless connection."""
    given = call.body(CREATION)
    connection = refuse_creation(tenant, given)
    account = new_account(tenant, given, connection, given.get("user_id"))
    tenant.accounts[account.user_id] = account
    tenant.changes.happened()
    return answer(shown(account.profile, call.scopes), 201)


@routes.on("GET", "/users/{id}", any_of=("read:users", "read:current_user", "read:user_idp_tokens"), query=FIELDS)
def get_user(tenant: Tenant, call: Call) -> Response:
    """Get one user."""
    account = account_of(tenant, call.ids["id"])
    return answer(selected(shown(account.profile, call.scopes), dict(call.query)))


@routes.on("PATCH", "/users/{id}", any_of=("update:users", "update:users_app_metadata"))
def change_user(tenant: Tenant, call: Call) -> Response:
    """Change one user."""
    change = call.body(CHANGE)
    only_metadata = "update:users" not in call.scopes
    if only_metadata and set(change) - {"app_metadata"}:
        raise ApiError(403, "Insufficient scope, expected any of: update:users", "insufficient_scope")
    account = account_of(tenant, call.ids["id"])
    refuse_change(account, change)
    if isinstance(change.get("email"), str) and taken(tenant, account.connection, change, except_for=account.user_id):
        raise ApiError(400, "The specified new email already exists", "invalid_body")
    apply_change(tenant, account, change)
    tenant.changes.happened()
    return answer(shown(account.profile, call.scopes))


@routes.on("DELETE", "/users/{id}", any_of=("delete:users", "delete:current_user"))
def delete_user(tenant: Tenant, call: Call) -> Response:
    """Delete one user and all that hangs on it; says 204 whether it was there or not."""
    user_id = call.ids["id"]
    tenant.accounts.pop(user_id, None)
    tenant.forget(user_id)
    tenant.changes.happened()
    return empty()


def forget(things: dict[str, dict[str, Any]], user_id: str) -> None:
    """Drop everything that belongs to one person."""
    for thing_id in [thing_id for thing_id, thing in things.items() if thing["user_id"] == user_id]:
        del things[thing_id]


@routes.on(
    "GET",
    "/users-by-email",
    any_of=("read:users",),
    query={**FIELDS, "email": {"type": "string", "about": "Email address to search for (case-sensitive)."}},
)
def users_by_email(tenant: Tenant, call: Call) -> Response:
    """Find users by their exact e-mail, case and all."""
    if "email" not in call.query:
        raise ApiError(400, "Query validation error: 'Missing required property: email'.", "invalid_query_string")
    found = [account for account in tenant.accounts.values() if account.profile.get("email") == call.query["email"]]
    return answer([selected(shown(account.profile, call.scopes), dict(call.query)) for account in found])


BLOCKS: Rules = {"consider_brute_force_enablement": {"type": "boolean", "about": "Whether to look at the setting."}}


@routes.on("GET", "/user-blocks/{id}", any_of=("read:users",), query=BLOCKS)
def get_blocks(tenant: Tenant, call: Call) -> Response:
    """List the blocks that wrong passwords have earned one user. An administrator's block is not among them."""
    return answer({"blocked_for": account_of(tenant, call.ids["id"]).brute_force})


@routes.on("DELETE", "/user-blocks/{id}", any_of=("update:users",))
def remove_blocks(tenant: Tenant, call: Call) -> Response:
    """Remove the blocks that wrong passwords have earned; an administrator's block stays."""
    account_of(tenant, call.ids["id"]).brute_force.clear()
    tenant.changes.happened()
    return empty()


IDENTIFIER: Rules = {"identifier": {"type": "string", "about": "Should be any of a username, phone number, or email."}}


def identified(tenant: Tenant, call: Call) -> list[Account]:
    """Find the accounts that a username, phone number or e-mail names."""
    identifier = call.query.get("identifier")
    if not identifier:
        raise ApiError(400, "Query validation error: 'Missing required property: identifier'.", "invalid_query_string")
    names = ("email", "username", "phone_number")
    return [one for one in tenant.accounts.values() if identifier in [one.profile.get(name) for name in names]]


@routes.on("GET", "/user-blocks", any_of=("read:users",), query={**BLOCKS, **IDENTIFIER})
def get_blocks_by_identifier(tenant: Tenant, call: Call) -> Response:
    """List the blocks of an identifier."""
    return answer({"blocked_for": [block for one in identified(tenant, call) for block in one.brute_force]})


@routes.on("DELETE", "/user-blocks", any_of=("update:users",), query=IDENTIFIER)
def remove_blocks_by_identifier(tenant: Tenant, call: Call) -> Response:
    """Remove the blocks of an identifier."""
    for one in identified(tenant, call):
        one.brute_force.clear()
    tenant.changes.happened()
    return empty()


CLEARING: Rules = {
    "closed": True,
    "required": ("connection", "assessors"),
    "properties": {
        "connection": {
            "type": "string",
            "shortest": 1,
            "longest": 128,
            "about": "The name of the connection containing the user whose assessors should be cleared.",
        },
        "assessors": {
            "type": "array",
            "at_least": 1,
            "items": {"enum": ("new-device",)},
            "about": "List of assessors to clear.",
        },
    },
}


@routes.on(
    "POST", "/users/{id}/risk-assessments/clear", any_of=("update:users",), plan=("enterprise", "risk assessments")
)
def clear_assessors(tenant: Tenant, call: Call) -> Response:
    """Forget what the assessors hold against a person: known devices start anew."""
    given = call.body(CLEARING)
    account = account_of(tenant, call.ids["id"])
    if not re.fullmatch(r"[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*", given["connection"]):
        raise bad_body("String does not match pattern on property connection")
    account.user_agents.clear()
    tenant.changes.happened()
    return empty()
