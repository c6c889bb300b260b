"""The waiting room: where somebody whose login is held waits in the browser until a flow has said what becomes of it."""

import html
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import jwt
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot import pages
from bot.bodies import small
from bot.seals import Seals
from connectors.auth0.client import HOST, Settings, is_loopback
from flows import durations
from flows.decisions import page_of, question_of
from flows.holds import USUAL, Held, held
from flows.runs import Runs
from flows.store import StorageError, Store
from flows.vault import Account, Vault

log = structlog.get_logger()

ALGORITHM: Final = "HS256"
"""What Auth0's `api.redirect` signs with, and checks."""
FRESH: Final = 120
"""Seconds for which the way back is good."""
AGAIN: Final = 1.0
"""Seconds between two looks of a browser that waits."""
SOON: Final = 0.2
"""Seconds until the first look after somebody has chosen."""
LARGEST_FORM: Final = 10_000
"""Bytes of what a form sends."""
SPARE: Final = 60
"""Seconds for which a token is good after the hold is over: to be sent back."""
LONGEST: Final = 4096
"""Characters of a token or a state."""

_OVER: Final = "This page is no longer valid. Please go back to the application and log in again."
_THANKS: Final = "Thank you. It goes on in a moment."
_STALE: Final = "That did not arrive"
_AGAIN_PLEASE: Final = "The page was open for too long, or your browser keeps no cookies for it. Please choose again."
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
    runs: Runs
    seals: Seals
    now: Callable[[], float] = time.time

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/hold/{key}", self.page, methods=["GET"]),
            Route("/hold/{key}", small(self.chosen, LARGEST_FORM), methods=["POST"]),
            Route("/hold/{key}/answer", self.answer, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """Ask, or show that it is being looked at, or send the browser back if that is over."""
        try:
            guest, found = await self._look(request)
            asked = await page_of(self.store, guest.run_id)
        except _NoGuestError:
            return _over()
        except StorageError:
            return _waiting(_AWAY, status=503)
        if found.reply is not None:
            return RedirectResponse(self._way_back(request, guest, found.reply), status_code=302, headers=pages.QUIET)
        if asked is None:
            return _waiting(found.say)
        if asked.state != "pending":
            return _waiting(_THANKS)
        question = question_of(asked)
        return pages.form(request, self.seals, question, question.choices, now=self.now())

    async def chosen(self, request: Request, body: bytes) -> Response:
        """Take what somebody has chosen. The first choice counts, whoever sends how many."""
        here = f"?{request.url.query}"
        try:
            guest, found = await self._look(request)
            asked = await page_of(self.store, guest.run_id)
            if asked is None:
                return _over()
            choice = pages.sent(request, self.seals, body, asked.id, now=self.now())
            if choice is None or choice not in question_of(asked).choices:
                log.warning("choice_refused", run=guest.run_id)
                return pages.notice(
                    _STALE, _AGAIN_PLEASE, status=403, to=here, leads="Show the page again", at_once=False
                )
            if found.reply is None and asked.state == "pending":
                won, _ = await self.runs.decide(asked.id, choice, by=guest.user)
                log.info("page_answered", run=guest.run_id, choice=choice, won=won)
        except _NoGuestError:
            return _over()
        except StorageError:
            return _waiting(_AWAY, status=503, url=here)
        return _waiting(_THANKS, first=SOON, url=here)

    async def answer(self, request: Request) -> Response:
        """Say where the browser goes on, once that is known, or that there is something to choose."""
        try:
            guest, found = await self._look(request)
            asked = await page_of(self.store, guest.run_id)
            asks = asked is not None and asked.state == "pending"
        except _NoGuestError:
            return JSONResponse({"over": True}, status_code=403, headers=pages.QUIET)
        except StorageError:
            return JSONResponse({}, status_code=503, headers=pages.QUIET)
        to = self._way_back(request, guest, found.reply) if found.reply is not None else None
        return JSONResponse({"to": to, "asks": asks}, headers=pages.QUIET)

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


_SCRIPT: Final = """<script>
const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));
(async () => {{
  const here = new URL(location.href);
  here.pathname += "/answer";
  for (let pause = {first}; ; pause = {again}) {{
    await wait(pause);
    try {{
      const answer = await fetch(here, {{ cache: "no-store" }});
      const found = await answer.json();
      if (found.over || found.asks) return location.replace(location.href);
      if (found.to) return location.replace(found.to);
    }} catch {{
      // Away for a moment: it is looked again.
    }}
  }}
}})();
</script>"""


def _waiting(say: str, *, status: int = 200, first: float = AGAIN, url: str = "") -> Response:
    """Show that it is being looked at, and look again and again."""
    body = f'<div class="quiet"><p>{html.escape(say)}</p><p class="dots">Please keep this page open</p></div>'
    to = f"; url={html.escape(url)}" if url else ""
    return pages.shown(
        "One moment",
        body,
        status=status,
        role='role="status" aria-live="polite"',
        head=f'<noscript><meta http-equiv="refresh" content="{1 if url else 3}{to}"></noscript>',
        script=_SCRIPT.format(again=AGAIN, first=first),
    )


def _over() -> Response:
    body = f'<div class="quiet"><p>{html.escape(_OVER)}</p></div>'
    return pages.shown("One moment", body, status=403, role='role="status"')
