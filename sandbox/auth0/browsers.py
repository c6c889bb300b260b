"""A customer's own browser: the tenant's login page, the second factor, and every redirect on the way, as they see them."""

import html
from typing import Final, cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.auth0.challenges import Answering
from sandbox.auth0.continuing import ASKING, end, page, shown
from sandbox.auth0.effects import Denial
from sandbox.auth0.logins import Login, log_in
from sandbox.auth0.records import name_of
from sandbox.auth0.risk import Confidence, Reason
from sandbox.auth0.tenant import APPLICATION_NAME, Tenant

RISKS: Final[dict[str, tuple[str, Confidence | None, list[Reason] | None]]] = {
    "usual": ("as usual", "high", None),
    "travel": ("from where they cannot be by now", "low", ["impossible_travel"]),
    "device": ("with a device that nobody knows", "low", ["new_device"]),
    "unjudged": ("without anybody judging the risk", None, None),
}
ANSWERS: Final = {
    "passed": "The right code",
    "failed": "A wrong code",
    "rejected": "“That was not me”, on the phone",
}
HERE: Final = "/sandbox/browser"


def browser_routes(tenant: Tenant) -> list[Route]:
    """Make the login page, `GET /sandbox/browser?user_id=…`, and the page of the second factor."""

    async def begin(request: Request) -> Response:
        query = request.query_params
        account = tenant.accounts.get(query.get("user_id", ""))
        if account is None:
            return page("Log in", "There is no such customer.", 404)
        who = html.escape(name_of(account))
        back = f"<input type=hidden name=user_id value='{html.escape(account.user_id, quote=True)}'>"
        choices = "".join(
            f"<option value={name}>{html.escape(words)}</option>" for name, (words, _, _) in RISKS.items()
        )
        form = (
            f"<form method=post action={HERE}>{back}<label>E-mail or phone<input value='{who}' readonly></label>"
            f"<label>They come<select name=risk>{choices}</select></label><button>Continue</button></form>"
        )
        return page("Welcome", f"Log in to {APPLICATION_NAME}.", form=form)

    async def carry_out(request: Request) -> Response:
        form = await _form(request)
        account = tenant.accounts.get(form.get("user_id", ""))
        if account is None or form.get("risk") not in RISKS:
            return page("Log in", "There is no such customer.", 404)
        _, risk, why = RISKS[form["risk"]]
        login = Login(user_id=account.user_id, risk=risk, why=why, mfa="asked")
        outcome = await log_in(tenant, account, login, str(request.base_url).rstrip("/"))
        return shown(tenant, outcome)

    async def ask(request: Request) -> Response:
        state = request.query_params.get("state", "")
        if state not in tenant.asked:
            return page("Something went wrong", "This login is not known, or it has gone on already.", 400)
        back = f"<input type=hidden name=state value='{html.escape(state, quote=True)}'>"
        buttons = "".join(f"<button name=answer value={name}>{words}</button>" for name, words in ANSWERS.items())
        words = "This login needs a second factor. What is given?"
        return page("Verify your identity", words, form=f"<form method=post action={ASKING}>{back}{buttons}</form>")

    async def answer(request: Request) -> Response:
        form = await _form(request)
        held = tenant.asked.pop(form.get("state", ""), None)
        if held is None or form.get("answer") not in ANSWERS:
            return page("Something went wrong", "This login is not known, or it has gone on already.", 400)
        pursuit = held.pursuit
        if tenant.now() - held.since > tenant.settings.continue_seconds:
            pursuit.course.denial = Denial(reason="the login took too long")
        pursuit.answer = cast("Answering", form["answer"])
        pursuit.outcome.redirect = pursuit.outcome.state = None
        end(tenant, pursuit)
        return shown(tenant, pursuit.outcome)

    return [
        Route(HERE, begin, methods=["GET"]),
        Route(HERE, carry_out, methods=["POST"]),
        Route(ASKING, ask, methods=["GET"]),
        Route(ASKING, answer, methods=["POST"]),
    ]


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(errors="replace")))
