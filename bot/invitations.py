"""Invitations: the pages behind links by which a person outside of Slack answers a flow."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot import pages
from bot.bodies import small
from bot.connections import Accounts
from bot.seals import Seals
from connectors.auth0.client import Tenant
from connectors.auth0.fresh_logins import Begun
from connectors.errors import ConnectorError, Reconnect, TryLater
from flows.decisions import Decisions, question_of
from flows.history import History
from flows.questions import Question
from flows.runs import Runs
from flows.store import StorageError
from flows.tables import Decision

log = structlog.get_logger()

LARGEST_FORM: Final = 10_000
"""Bytes of what a form sends."""
LOGGING_IN: Final = 900
"""Seconds that somebody has to log in."""
COOKIE: Final = "cicflow_login"
"""What has to come back with a login, locked, in the browser that began it."""
BACK: Final = "/fresh-login"

_OVER: Final = ("This link is no longer good", "It was answered already, or its time is over. Nothing was changed.")
_AWAY: Final = ("Please try again in a moment", "We cannot look just now. Nothing was changed.")
_STALE: Final = ("That did not arrive", "The page was open for too long, or your browser keeps no cookies for it.")
_NOT_HERE: Final = ("You cannot log in here yet", "Please tell whoever sent you this link. Nothing was changed.")
_NO_LOGIN: Final = ("You are not logged in", "Nothing was changed. Open the link again if you want to answer.")
_OTHER: Final = ("This is not your link", "You are logged in as somebody else. Nothing was changed.")
_THANKS: Final = ("Thank you", "Your answer has arrived. You can close this page.")


class _NoLinkError(Exception):
    """A link that leads nowhere, or not any more."""


@dataclass(frozen=True, slots=True)
class _Link:
    """A link of ours that is good now."""

    token: str
    question: Question
    choice: str

    @property
    def after_login(self) -> bool:
        return self.choice in ((self.question.page or {}).get("after login") or [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Makes the links: the same ones each time, and good in no other place."""

    seals: Seals
    address: str
    """Where browsers reach the bot."""

    def link(self, question_id: str, choice: str) -> str:
        """Return the address at which a person makes a choice."""
        return f"{self.address}/asked/{self.seals.named(question_id, choice)}"

    @property
    def back(self) -> str:
        """Where the tenant sends browsers back to, after a login."""
        return f"{self.address}{BACK}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitations:
    """Lets people answer by links. To open one changes nothing: a form has to be sent, and a login may be needed."""

    links: Links
    decisions: Decisions
    history: History
    runs: Runs
    accounts: Accounts
    now: Callable[[], float] = time.time

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/asked/{token}", self.page, methods=["GET"]),
            Route("/asked/{token}", small(self.chosen, LARGEST_FORM), methods=["POST"]),
            Route(BACK, self.came_back, methods=["GET"]),
        ]

    async def page(self, request: Request) -> Response:
        """Show what is asked, and the button."""
        try:
            link = await self._link(request.path_params["token"])
        except _NoLinkError:
            return pages.notice(*_OVER, status=410)
        except StorageError:
            return pages.notice(*_AWAY, status=503)
        return self._form(request, link)

    def _form(self, request: Request, link: _Link) -> Response:
        choice = {link.choice: link.question.choices[link.choice]}
        return pages.form(request, self.links.seals, link.question, choice, now=self.now())

    async def chosen(self, request: Request, body: bytes) -> Response:
        """Take an answer, or have the person log in first."""
        try:
            link = await self._link(request.path_params["token"])
            sent = pages.sent(request, self.links.seals, body, link.question.id, now=self.now())
            if sent != link.choice:
                log.warning("choice_refused", run=link.question.run_id)
                return pages.notice(*_STALE, status=403, to=request.url.path, leads="Show it again", at_once=False)
            if link.after_login:
                return await self._log_in(request, link)
            return await self._answer(link, by=None)
        except _NoLinkError:
            return pages.notice(*_OVER, status=410)
        except (StorageError, TryLater):
            return pages.notice(*_AWAY, status=503)

    async def _log_in(self, request: Request, link: _Link) -> Response:
        """Send the browser to the tenant, and remember in it what has to come back."""
        fresh = (await self._tenant(link)).fresh
        if not fresh.possible:
            log.warning("no_fresh_logins", run=link.question.run_id)
            return pages.notice(*_NOT_HERE, status=503)
        begun = fresh.begin(now=self.now())
        where = fresh.where(begun, back=self.links.back)
        response = pages.notice("Please log in", "It goes on in a moment.", to=where, leads="Log in")
        locked = self.links.seals.locked({"token": link.token, "begun": asdict(begun)})
        response.set_cookie(
            COOKIE, locked, max_age=LOGGING_IN, path=BACK, secure=pages.secure(request), httponly=True, samesite="lax"
        )
        return response

    async def came_back(self, request: Request) -> Response:
        """Take an answer from somebody who has just logged in, if they are the one who was asked."""
        response = await self._came_back(request)
        response.delete_cookie(COOKIE, path=BACK)
        return response

    async def _came_back(self, request: Request) -> Response:
        query = request.query_params
        kept = self.links.seals.opened(request.cookies.get(COOKIE, ""), within=LOGGING_IN) or {}
        begun: Mapping[str, Any] = kept.get("begun") or {}
        if not begun or not secrets.compare_digest(query.get("state", "").encode(), str(begun["state"]).encode()):
            log.warning("login_refused", why="state")
            return pages.notice(*_NO_LOGIN, status=403)
        again = f"/asked/{kept['token']}"
        try:
            link = await self._link(str(kept["token"]))
            if not query.get("code"):
                return pages.notice(*_NO_LOGIN, status=403, to=again, leads="Show the question again", at_once=False)
            tenant = await self._tenant(link)
            who = await tenant.fresh.who(Begun(**begun), code=query["code"], back=self.links.back)
            if who != (link.question.page or {}).get("person"):
                log.warning("login_refused", run=link.question.run_id, why="somebody else")
                return pages.notice(*_OTHER, status=403, to=again, leads="Show the question again", at_once=False)
            return await self._answer(link, by=who)
        except _NoLinkError:
            return pages.notice(*_OVER, status=410)
        except StorageError:
            return pages.notice(*_AWAY, status=503)
        except ConnectorError as error:
            log.warning("login_refused", why=type(error).__name__, kind=getattr(error, "code", None))
            return pages.notice(*_NO_LOGIN, status=403, to=again, leads="Show the question again", at_once=False)

    async def _answer(self, link: _Link, *, by: str | None) -> Response:
        won, _ = await self.runs.decide(link.question.id, link.choice, by=by)
        log.info("page_answered", run=link.question.run_id, choice=link.choice, won=won)
        return pages.notice(*_THANKS) if won else pages.notice(*_OVER, status=410)

    async def _link(self, token: str) -> _Link:
        """Return what a link is for. Raises _NoLinkError unless it is ours, and somebody still waits for the answer."""
        named = self.links.seals.read(token)
        if named is None or len(named) != 2:  # a question and a choice
            log.warning("link_refused")
            raise _NoLinkError
        decision = await self.decisions.read(named[0])
        if decision is None or not await self._waits(decision):
            raise _NoLinkError
        question = question_of(decision)
        if question.page is None or question.page.get("held") or named[1] not in question.choices:
            raise _NoLinkError
        return _Link(token, question, named[1])

    async def _waits(self, decision: Decision) -> bool:
        if decision.state != "pending" or decision.deadline <= self.now():
            return False
        run = await self.history.run(decision.run_id)
        return run is not None and run.ended_at is None

    async def _tenant(self, link: _Link) -> Tenant:
        """Return the tenant at which the person logs in. Raises TryLater if there is none just now."""
        try:
            client = await self.accounts.client(str((link.question.page or {}).get("connection")))
        except Reconnect as error:
            raise TryLater(error.message) from error
        if not isinstance(client, Tenant):
            raise TryLater("This is no tenant.")
        return client
