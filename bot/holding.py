"""The waiting room: where somebody whose login is held waits in the browser until a flow has said what becomes of it."""

import html
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from connectors.auth0.client import HOST, Settings, is_loopback
from flows import durations
from flows.holds import USUAL, Held, held
from flows.store import StorageError, Store
from flows.vault import Account, Vault

log = structlog.get_logger()

ALGORITHM: Final = "HS256"
"""What Auth0's `api.redirect` signs with, and checks."""
FRESH: Final = 120
"""Seconds for which the way back is good."""
AGAIN: Final = 1.0
"""Seconds between two looks of a browser that waits."""
SPARE: Final = 60
"""Seconds for which a token is good after the hold is over: to be sent back."""
LONGEST: Final = 4096
"""Characters of a token or a state."""

_OVER: Final = "This page is no longer valid. Please go back to the application and log in again."
_AWAY: Final = "We cannot look just now. Please keep this page open."


def for_an_action(reply: Mapping[str, Any], run_id: str, address: str, account: Account) -> dict[str, Any]:
    """Return a reply as an Auth0 Action is told it: to hold somebody, it needs the page, and what to put in its token."""
    if "hold" not in reply:
        return dict(reply)
    within = durations.seconds(reply["hold"].get("at most", USUAL)) + SPARE
    page = {"page": f"{address}/hold/{account.key}", "token": {"hold": run_id}, "within": int(within)}
    return {**reply, "hold": page}


@dataclass(frozen=True, slots=True)
class _Guest:
    """Somebody who showed a token of Auth0's."""

    account: Account
    run_id: str
    user: str
    host: str
    state: str


class _NoGuestError(Exception):
    """Somebody who has no business here, or not any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRoom:
    """Lets people wait, and sends them back to Auth0 with what was said."""

    vault: Vault
    store: Store
    now: Callable[[], float] = time.time

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/hold/{key}", self.page, methods=["GET"]),
            Route("/hold/{key}/answer", self.answer, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """Show that it is being looked at, or send the browser back if that is over."""
        try:
            guest, found = await self._look(request)
        except _NoGuestError:
            return _shown(_OVER, status=403)
        except StorageError:
            return _shown(_AWAY, status=503, looks=True)
        if found.reply is not None:
            return RedirectResponse(self._way_back(request, guest, found.reply), status_code=302, headers=_QUIET)
        return _shown(found.say, looks=True)

    async def answer(self, request: Request) -> Response:
        """Say where the browser goes on, once that is known."""
        try:
            guest, found = await self._look(request)
        except _NoGuestError:
            return JSONResponse({"over": True}, status_code=403, headers=_QUIET)
        except StorageError:
            return JSONResponse({}, status_code=503, headers=_QUIET)
        to = self._way_back(request, guest, found.reply) if found.reply is not None else None
        return JSONResponse({"to": to}, headers=_QUIET)

    async def _look(self, request: Request) -> tuple[_Guest, Held]:
        guest = await self._guest(request)
        found = await held(self.store, guest.run_id, self.now())
        if found is None:
            raise _NoGuestError
        return guest, found

    async def _guest(self, request: Request) -> _Guest:
        """Return who comes. Their token is Auth0's, made by our Action with the connection's secret."""
        account = await self.vault.at(request.path_params["key"])
        token, state = request.query_params.get("session_token", ""), request.query_params.get("state", "")
        if account is None or not state or max(len(token), len(state)) > LONGEST:
            raise _NoGuestError
        try:
            claims = jwt.decode(
                token, account.secret, algorithms=[ALGORITHM], options={"require": ["exp", "sub", "iss"]}
            )
        except jwt.InvalidTokenError as error:
            log.warning("guest_refused", connection=account.name, why=type(error).__name__)
            raise _NoGuestError from error
        run_id, host = claims.get("hold"), str(claims["iss"]).removeprefix("https://").rstrip("/").lower()
        if not isinstance(run_id, str) or not HOST.fullmatch(host):
            raise _NoGuestError
        return _Guest(account, run_id, str(claims["sub"]), host, state)

    def _way_back(self, request: Request, guest: _Guest, reply: Mapping[str, Any]) -> str:
        """Return the address at Auth0 where the login goes on, with what was said, signed."""
        at = int(self.now())
        token = jwt.encode(
            {
                "iss": str(request.base_url).rstrip("/"),
                "sub": guest.user,
                "iat": at,
                "exp": at + FRESH,
                "state": guest.state,
                "answers": [dict(reply)],
            },
            guest.account.secret,
            algorithm=ALGORITHM,
        )
        known = Settings.model_validate(guest.account.settings).address
        # A tenant may have a domain of its own; which of them the login is at, its token says.
        address = known if is_loopback(known.partition("://")[2]) else f"https://{guest.host}"
        return f"{address}/continue?{urlencode({'state': guest.state, 'cicflow_token': token})}"


_QUIET: Final = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
"""What is in these addresses is nobody else's business."""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>One moment</title>
{refresh}
<style nonce="{nonce}">
  :root {{ color-scheme: light dark; }}
  body {{ font: 1.1rem/1.5 system-ui, sans-serif; margin: 0; min-height: 100vh; display: grid; place-items: center; }}
  main {{ max-width: 26rem; padding: 2rem; text-align: center; }}
  .dots::after {{ content: "…"; }}
</style>
</head>
<body>
<main role="status" aria-live="polite"><p>{say}</p>{waiting}</main>
{script}
</body>
</html>
"""
_SCRIPT: Final = """<script nonce="{nonce}">
const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
(async () => {{
  const here = new URL(location.href);
  here.pathname += "/answer";
  for (;;) {{
    await wait({again});
    try {{
      const answer = await fetch(here, {{ cache: "no-store" }});
      const found = await answer.json();
      if (found.over) return location.reload();
      if (found.to) return location.replace(found.to);
    }} catch {{
      // Away for a moment: it is looked again.
    }}
  }}
}})();
</script>"""


def _shown(say: str, *, status: int = 200, looks: bool = False) -> Response:
    nonce = secrets.token_urlsafe(16)
    body = _PAGE.format(
        say=html.escape(say),
        nonce=nonce,
        refresh='<noscript><meta http-equiv="refresh" content="3"></noscript>' if looks else "",
        waiting='<p class="dots">Please keep this page open</p>' if looks else "",
        script=_SCRIPT.format(nonce=nonce, again=AGAIN) if looks else "",
    )
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'"
    headers = {
        **_QUIET,
        "content-security-policy": f"{policy}; frame-ancestors 'none'; base-uri 'none'",
        "x-content-type-options": "nosniff",
    }
    return HTMLResponse(body, status_code=status, headers=headers)
