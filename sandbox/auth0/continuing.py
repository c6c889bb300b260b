"""Redirects in the middle of a login or a password reset: it is held at the tenant till the browser comes back."""

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from sandbox.auth0 import records
from sandbox.auth0.course import Course, follow
from sandbox.auth0.effects import Denial, Redirect
from sandbox.auth0.events import Visit
from sandbox.auth0.moments import letters
from sandbox.auth0.outcomes import Outcome
from sandbox.auth0.tenant import Account, Tenant

MOST_HELD = 1000
ASKING = "/u/mfa-challenge"
"""The page of the second factor."""

STYLE = (
    ":root{color-scheme:light dark}body{margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:light-dark(#f1f1f5,#17181b);font:16px/1.5 system-ui,sans-serif}main{width:min(360px,88vw);padding:32px;"
    "border-radius:14px;background:light-dark(#fff,#242529);box-shadow:0 8px 30px #0002;text-align:center}"
    "h1{margin:0 0 8px;font-size:24px}form{display:grid;gap:12px;margin-top:18px}label{display:grid;gap:4px;"
    "text-align:left;font-size:13px}input,select,button{font:inherit;padding:9px 12px;border-radius:8px;"
    "border:1px solid #9996;background:transparent;color:inherit}button{background:#635dff;border:0;color:#fff;"
    "font-weight:600;cursor:pointer}"
)
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
NOT_INTERACTIVE = {
    "oauth2-refresh-token",
    "oauth2-token-exchange",
    "oauth2-password",
    "oauth2-resource-owner",
    "oauth2-resource-owner-jwt-bearer",
    "oidc-ciba",
}


@dataclass(slots=True, kw_only=True)
class Pursuit:
    """Something that a person does and that Actions decide about, from its beginning to its end."""

    outcome: Outcome
    course: Course
    visit: Visit
    account: Account | None
    conclude: Callable[[], None]
    """What is done at the end, after the last Action."""

    entry: dict[str, Any] | None = None
    """Its line in the list of logins."""

    asks: str | None = None
    """The page where the person is asked for a second factor; without one it is known what they answer."""

    answer: Literal["passed", "failed", "rejected"] | None = None
    """What they answered there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A pursuit whose person is away at another page."""

    pursuit: Pursuit
    since: float


async def carry_on(tenant: Tenant, pursuit: Pursuit, *, state: str | None = None) -> None:
    """Run what is left of the Actions; then hold it where one redirects, or conclude it."""
    course, outcome = pursuit.course, pursuit.outcome
    seen = len(course.failures)
    outcome.redirect = outcome.state = None
    await follow(tenant, course, state=state)
    outcome.saw(course)
    note_failures(tenant, pursuit, seen)
    protocol = course.event.get("transaction", {}).get("protocol")
    if course.redirect is not None and protocol in NOT_INTERACTIVE:
        course.denial, course.redirect = Denial(reason=f"nobody can be redirected in {protocol}"), None
    if course.redirect is not None:
        hold(tenant, pursuit, course.redirect)
        list_again(tenant, pursuit)
    elif pursuit.asks is not None and course.denial is None and course.effects.challenges:
        state = letters(32)
        outcome.state, outcome.redirect = state, with_query(pursuit.asks, {"state": state})
        tenant.asked[state] = Held(pursuit=pursuit, since=tenant.now())
        list_again(tenant, pursuit)
    else:
        end(tenant, pursuit)


def end(tenant: Tenant, pursuit: Pursuit) -> None:
    """Bring it to its end."""
    pursuit.conclude()
    list_again(tenant, pursuit)


def list_again(tenant: Tenant, pursuit: Pursuit) -> None:
    """Bring its line in the list of logins up to date."""
    if pursuit.entry is not None:
        outcome = pursuit.outcome
        pursuit.entry |= {"allowed": outcome.allowed, "reason": outcome.reason, "redirect": outcome.redirect}
    tenant.changes.happened()


def note_failures(tenant: Tenant, pursuit: Pursuit, seen: int) -> None:
    """Write a record of every Action that has failed since the first so many."""
    for bound, execution in pursuit.course.failures[seen:]:
        details: dict[str, Any] = {
            "action_id": bound.action_id,
            "action_name": bound.name,
            "binding_id": bound.binding_id,
            "version_id": bound.version.id,
            "trigger_id": pursuit.course.trigger.id,
            "execution_id": execution.id,
            "error_class": "action_timeout" if execution.late else "action_error",
        }
        if not execution.late:
            message = execution.error or ""
            details["action_error"] = {"code": "", "name": "Error", "message": message, "stack": f"Error: {message}"}
        note(tenant, pursuit, "actions_execution_failed", f"The Action {bound.name} failed", details)


def note(
    tenant: Tenant, pursuit: Pursuit, kind: str, description: str, details: dict[str, Any] | None = None, **more: Any
) -> None:
    """Write a record that belongs to a pursuit."""
    known = {"strategy": "", "strategy_type": ""} if pursuit.account is None and "connection" not in more else {}
    record = records.write(
        tenant, kind, description, visit=pursuit.visit, account=pursuit.account, details=details, **{**known, **more}
    )
    pursuit.outcome.logs.append(record)


def hold(tenant: Tenant, pursuit: Pursuit, redirect: Redirect) -> None:
    """Send the person to a page, and keep what they come back to."""
    state = letters(32)
    pursuit.outcome.state = state
    pursuit.outcome.redirect = with_query(redirect.url, {**redirect.query, "state": state})
    tenant.held[state] = Held(pursuit=pursuit, since=tenant.now())
    for old in list(tenant.held)[:-MOST_HELD]:
        del tenant.held[old]


def with_query(url: str, more: dict[str, Any]) -> str:
    """Add to the query of an address; what is there stays."""
    parts = urlsplit(url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), *((name, str(value)) for name, value in more.items())]
    return urlunsplit(parts._replace(query=urlencode(query)))


async def come_back(tenant: Tenant, request: Request) -> Response:
    """Take a pursuit up again where it was held: `GET` or `POST /continue?state=…`."""
    form: dict[str, Any] = {}
    if request.method == "POST":
        form = dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
    query = dict(request.query_params)
    state = str(query.get("state") or form.get("state") or "")
    held = tenant.held.pop(state, None)
    if held is None:
        return page("Something went wrong", "This login is not known, or it has gone on already.", 400)
    if tenant.now() - held.since > tenant.settings.continue_seconds:
        held.pursuit.course.denial = Denial(reason="the login took too long")
        end(tenant, held.pursuit)
        return page("Something went wrong", "This login has been open for too long. Please start again.", 400)
    course = held.pursuit.course
    asked = {**course.event["request"], "method": request.method, "query": query, "body": form}
    course.event = {**course.event, "request": asked}
    await carry_on(tenant, held.pursuit, state=state)
    return shown(tenant, held.pursuit.outcome)


def shown(tenant: Tenant, outcome: Outcome) -> Response:
    """Send the browser on to where it goes on, or show how it ended."""
    if outcome.id in tenant.authorizing.under_way:
        return tenant.authorizing.ended(outcome)
    if outcome.redirect is not None:
        return RedirectResponse(outcome.redirect, status_code=302)
    if outcome.allowed:
        return page("Welcome", "You are logged in." if outcome.trigger == "post-login" else "Your password is changed.")
    return page("Access denied", outcome.message or outcome.reason or "Access denied.")


def page(title: str, words: str, status: int = 200, *, form: str = "") -> Response:
    """Show a page to the person; the form is HTML."""
    title, words = html.escape(title), html.escape(words)
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><main><h1>{title}</h1><p>{words}</p>{form}</main></body></html>",
        status_code=status,
        headers={"cache-control": "no-store", "content-security-policy": POLICY},
    )


def continue_route(tenant: Tenant) -> Route:
    """Make the address that browsers come back to."""

    async def endpoint(request: Request) -> Response:
        return await come_back(tenant, request)

    return Route("/continue", endpoint, methods=["GET", "POST"])
