"""Pages: what the tenant's customers see of us in their browser. They work without scripts, on any screen, and by ear."""

import html
import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.seals import Seals
from flows.questions import Question

QUIET: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""What is in these addresses is nobody else's business."""
COOKIE: Final = "cicflow_page"
"""By it we know the browser again that a page was shown in."""
READING: Final = 3600
"""Seconds for which a form that was shown can be sent."""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
{head}
<style nonce="{nonce}">
  :root {{ color-scheme: light dark; --line: #6b7280; --strong: #1d4ed8; --grave: #b91c1c; }}
  body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; }}
  main {{ max-width: 32rem; padding: 1.5rem; width: 100%; box-sizing: border-box; overflow-wrap: anywhere; }}
  h1 {{ font-size: 1.5rem; line-height: 1.25; }}
  form {{ display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.5rem; }}
  button {{ font: inherit; min-height: 2.75rem; padding: .5rem 1.25rem; border-radius: .5rem; cursor: pointer;
    border: 2px solid var(--line); background: Canvas; color: CanvasText; }}
  button.primary {{ background: var(--strong); border-color: var(--strong); color: #fff; }}
  button.danger {{ background: var(--grave); border-color: var(--grave); color: #fff; }}
  button:focus-visible, a:focus-visible {{ outline: 3px solid Highlight; outline-offset: 3px; }}
  .quiet {{ text-align: center; }}
  .dots::after {{ content: "…"; }}
  @media (max-width: 26rem) {{ form {{ flex-direction: column; }} }}
</style>
</head>
<body>
<main{role}>{body}</main>
{script}
</body>
</html>
"""


def shown(
    title: str, body: str, *, status: int = 200, role: str = "", head: str = "", script: str = ""
) -> HTMLResponse:
    """Return a page. `body`, `head` and `script` are HTML: what came from outside is escaped in them."""
    nonce = secrets.token_urlsafe(16)
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'"
    headers = {
        **QUIET,
        "content-security-policy": f"{policy}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
    }
    text = _PAGE.format(
        title=html.escape(title),
        body=body,
        nonce=nonce,
        role=f" {role}" if role else "",
        head=head,
        script=script.replace("<script>", f'<script nonce="{nonce}">'),
    )
    return HTMLResponse(text, status_code=status, headers=headers)


def notice(
    title: str, *lines: str, status: int = 200, to: str | None = None, leads: str = "Go on", at_once: bool = True
) -> HTMLResponse:
    """Return a page that says something, and leads on where there is somewhere to go."""
    said = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    head = ""
    if to is not None:
        address = html.escape(to)
        head = f'<meta http-equiv="refresh" content="0; url={address}">' if at_once else ""
        said += f'<p><a href="{address}">{html.escape(leads)}</a></p>'
    return shown(title, f"<h1>{html.escape(title)}</h1>{said}", status=status, head=head, role='role="status"')


def form(
    request: Request, seals: Seals, question: Question, choices: Mapping[str, Mapping[str, Any]], *, now: float
) -> Response:
    """Return the page on which a question is answered. Its form is good in this browser only, and not for long."""
    session = request.cookies.get(COOKIE, "")
    session = session if 20 <= len(session) <= 64 and session.isascii() else secrets.token_urlsafe(24)
    until = str(int(now) + READING)
    token = f"{until}.{seals.sealed('form', question.id, session, until)}"
    buttons = "".join(
        f'<button name="choice" value="{html.escape(name)}" class="{html.escape(choice.get("style") or "plain")}">'
        f"{html.escape(str(choice['title']))}</button>"
        for name, choice in choices.items()
    )
    text = "".join(f"<p>{html.escape(part)}</p>" for part in question.text.splitlines() if part.strip())
    body = (
        f"<h1>{html.escape(question.title)}</h1>{text}{_links((question.page or {}).get('links') or {})}"
        f'<form method="post"><input type="hidden" name="token" value="{html.escape(token)}">{buttons}</form>'
    )
    response = shown(question.title, body)
    response.set_cookie(
        COOKIE, session, max_age=READING, path="/", secure=secure(request), httponly=True, samesite="lax"
    )
    return response


def secure(request: Request) -> bool:
    """Tell whether the browser reaches us over TLS, also where somebody in front of us ends it."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "") == "https"


def _links(links: Mapping[str, str]) -> str:
    """Return where a page leads to. What is no address of the web leads nowhere."""
    good = {title: to for title, to in links.items() if _is_web(to)}
    items = "".join(
        f'<li><a href="{html.escape(to)}" target="_blank" rel="noopener noreferrer">{html.escape(title)}</a></li>'
        for title, to in good.items()
    )
    return f"<ul>{items}</ul>" if items else ""


def _is_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def sent(request: Request, seals: Seals, body: bytes, question_id: str, *, now: float) -> str | None:
    """Return the choice that a form brings back. None unless we showed it in this browser, for this question, lately."""
    try:
        fields = dict(parse_qsl(body.decode(), max_num_fields=10))
    except ValueError:
        return None
    until, _, seal = fields.get("token", "").partition(".")
    if not until.isdecimal() or int(until[:12]) < now:
        return None
    if not seals.fits(seal, "form", question_id, request.cookies.get(COOKIE, ""), until):
        return None
    return fields.get("choice", "")
