"""What the twin of cicflow's post-login Action does about an answer: the same commands, in the same order."""

import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any, Protocol
from urllib.parse import urlsplit

MARK = "cicflow_redirect"
NONSENSE = "cicflow answered nonsense"
NO_TOKEN = "there is no valid answer from cicflow"
DENIED = "This was not allowed."
LONGEST_TEXT, LONGEST_CLAIM, LONGEST_NAME, LONGEST_ADDRESS = 500, 200, 100, 2000
USUAL_HOLD, LONGEST_HOLD = 900, 86_400
FACTORS = ("otp", "push-notification", "phone", "email", "webauthn-roaming", "webauthn-platform", "recovery-code")
CONTROL = re.compile("[\u0000-\u001f\u007f\u2028\u2029]+")
RESERVED = frozenset(
    [
        "acr",
        "act",
        "active",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "authorization_details",
        "azp",
        "c_hash",
        "client_id",
        "cnf",
        "entitlements",
        "events",
        "exp",
        "groups",
        "gty",
        "iat",
        "iss",
        "jti",
        "may_act",
        "nbf",
        "nonce",
        "org_id",
        "org_name",
        "permissions",
        "roles",
        "s_hash",
        "scope",
        "sid",
        "sub",
        "txn",
        "typ",
        "uuid",
    ]
)
AUTH0_OWN = re.compile(r"https?://([^/]*\.)?(auth0\.com|webtask\.(io|run))(/|$)", re.IGNORECASE)
KNOWN = {"deny", "require mfa", "claims", "user metadata", "app metadata", "redirect", "revoke session", "hold"}
SETTERS = {
    "user metadata": "user.setUserMetadata",
    "app metadata": "user.setAppMetadata",
    "id token": "idToken.setCustomClaim",
    "access token": "accessToken.setCustomClaim",
}
LOCAL = {"localhost", "127.0.0.1", "::1"}
NOT_INTERACTIVE = {"oauth2-refresh-token", "oauth2-token-exchange", "oauth2-password", "oauth2-resource-owner"}


class TroubleError(Exception):
    """Something that keeps the twin from asking or from obeying; its text is one for the log."""


class Doing(Protocol):
    """What the twin is doing."""

    event: dict[str, Any]
    commands: list[list[Any]]

    def log(self, line: str) -> None:
        """Write a line."""


def replies(content: bytes) -> list[Any]:
    """Read the replies of an answer; none where it says nothing.

    Raises TroubleError when it cannot be read.
    """
    if not content.strip():
        return []
    try:
        answer = json.loads(content)
    except ValueError:
        raise TroubleError(NONSENSE) from None
    given = answer.get("answers") if isinstance(answer, dict) else NONSENSE
    if given is None:
        return []
    if not isinstance(given, list):
        raise TroubleError(NONSENSE)
    return given


def carry_out(doing: Doing, given: list[Any], *, back: bool = False) -> bool:
    """Do what the replies say; says whether the login must not simply go on."""
    odd: list[str] = []
    if any(not isinstance(one, dict) for one in given):
        odd.append("a reply")
    said = [one for one in given if isinstance(one, dict)]
    if any(set(one) - KNOWN for one in said):
        odd.append("something unknown")
    texts = {name: first_text(said, name, odd) for name in ("deny", "revoke session")}
    claims = [{} if one.get("claims") is None else one["claims"] for one in said]
    odd += ["claims" for one in claims if not isinstance(one, dict)]
    sets = {name: named_values(said, name, is_field, odd) for name in ("user metadata", "app metadata")}
    sets |= {name: named_values(claims, name, is_claim, odd) for name in ("id token", "access token")}
    write_set(doing, sets, "user metadata", "app metadata")
    failed = False
    if texts["deny"] is not None:
        doing.commands.append(["access.deny", texts["deny"]])
    elif texts["revoke session"] is not None:
        doing.commands.append(["session.revoke", texts["revoke session"]])
    else:
        write_set(doing, sets, "id token", "access token")
        ask_for_factor(doing, said, odd)
        failed = go_elsewhere(doing, said, odd, back=back)
    if odd:
        doing.log(f"cicflow's answer, not understood: {', '.join(dict.fromkeys(odd))}")
    if failed:
        doing.log(f"cicflow's answer, refused: {place_of(said)}")
    return failed


def first_text(said: list[dict[str, Any]], name: str, odd: list[str]) -> str | None:
    """Give the first refusal of a kind; one that cannot be understood is one all the same."""
    found: str | None = None
    for one in said:
        value = one.get(name)
        if value is None or value is False:
            continue
        words = CONTROL.sub(" ", value).strip()[:LONGEST_TEXT] if isinstance(value, str) else ""
        if not words:
            odd.append(name)
        found = found or words or DENIED
    return found


def is_claim(name: str) -> bool:
    """Tell whether a token may have a claim of this name."""
    fits = bool(name) and len(name) <= LONGEST_CLAIM and not CONTROL.search(name)
    return fits and name not in RESERVED and not AUTH0_OWN.match(name)


def is_field(name: str) -> bool:
    """Tell whether metadata may have a field of this name."""
    fits = bool(name) and len(name) <= LONGEST_NAME and not CONTROL.search(name)
    return fits and "." not in name and not name.startswith("$") and name != "__proto__"


def named_values(said: list[Any], name: str, fits: Any, odd: list[str]) -> dict[str, Any]:
    """Put together what is set under names; of the same name, the later value."""
    found: dict[str, Any] = {}
    for one in said:
        values = one.get(name) if isinstance(one, dict) else None
        if values is None:
            continue
        if not isinstance(values, dict):
            odd.append(name)
            continue
        odd += [name for key in values if not fits(key)][:1]
        found |= {key: value for key, value in values.items() if fits(key)}
    return found


def write_set(doing: Doing, sets: dict[str, dict[str, Any]], *names: str) -> None:
    """Set what is to be set."""
    doing.commands += [[SETTERS[name], key, value] for name in names for key, value in sets[name].items()]


def ask_for_factor(doing: Doing, said: list[dict[str, Any]], odd: list[str]) -> None:
    """Ask for a second factor: any, or one of those that are named."""
    wanted = [one["require mfa"] for one in said if one.get("require mfa") not in (None, False, [])]
    if not wanted:
        return
    named = [factor for one in wanted if isinstance(one, list) for factor in one]
    factors = list(dict.fromkeys(one for one in named if one in FACTORS))
    if len(named) != len([one for one in named if one in FACTORS]) or any(
        one is not True and not isinstance(one, list) for one in wanted
    ):
        odd.append("require mfa")
    if not factors:
        doing.commands.append(["multifactor.enable", "any", {"allowRememberBrowser": False}])
        return
    enrolled = [one.get("type") for one in doing.event.get("user", {}).get("enrolledFactors") or []]
    present = [one for one in FACTORS if one in enrolled]
    fitting = [one for one in factors if one in present]
    possible = [one for one in factors if one != "email"]
    if fitting or not possible:
        doing.commands.append(["authentication.challengeWithAny", as_factors(fitting or factors)])
        return
    if present:
        doing.commands.append(["authentication.challengeWithAny", as_factors(present)])
    doing.commands.append(["authentication.enrollWithAny", as_factors(possible)])


def as_factors(types: list[str]) -> list[dict[str, str]]:
    """Write factors as the api takes them."""
    return [{"type": one} for one in types]


def address(value: Any) -> str | None:
    """Give an address that a browser may be sent to."""
    if not isinstance(value, str) or len(value) > LONGEST_ADDRESS:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    web = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOCAL)
    return value if web and parts.hostname and not parts.username and not parts.password else None


def place_of(said: list[dict[str, Any]]) -> str:
    """Name the way in which the person is to be sent away, if at all: to be held comes first."""
    return "hold" if any(one.get("hold") not in (None, False) for one in said) else "redirect"


def understood(kind: str, wanted: Any) -> tuple[str, dict[str, Any], int] | None:
    """Read where to send a person, with which payload and for how long; None where that makes no sense."""
    if kind == "redirect":
        page = address(wanted)
        return (page, {}, 0) if page else None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("token"), dict):
        return None
    page, within = address(wanted.get("page")), wanted.get("within")
    seconds = int(within) if isinstance(within, int | float) and within >= 1 else USUAL_HOLD
    return (page, wanted["token"], min(seconds, LONGEST_HOLD)) if page else None


def go_elsewhere(doing: Doing, said: list[dict[str, Any]], odd: list[str], *, back: bool) -> bool:
    """Hold the login or send the person to a page; says whether that was wanted and cannot be done."""
    kind = place_of(said)
    wanted = [one[kind] for one in said if one.get(kind) not in (None, False)]
    if not wanted:
        return False
    places = [understood(kind, one) for one in wanted]
    odd += [kind for place in places if place is None]
    chosen = next((place for place in places if place is not None), None)
    protocol = (doing.event.get("transaction") or {}).get("protocol")
    if chosen is None or back or protocol in NOT_INTERACTIVE:
        return True
    page, payload, seconds = chosen
    if kind == "redirect":
        doing.commands += [["transaction.setMetadata", MARK, "page"], ["redirect.sendUserTo", page]]
        return False
    query = {"session_token": encoded_token(doing.event, payload, seconds)}
    doing.commands += [["transaction.setMetadata", MARK, "hold"], ["redirect.sendUserTo", page, {"query": query}]]
    return False


# ---- tokens, as the api of an Action makes and reads them ----


def encoded_token(event: dict[str, Any], payload: dict[str, Any], seconds: int) -> str:
    """Write the token that goes with a person who is sent away."""
    now = int(time.time())
    request = event.get("request") or {}
    own = {"iat": now, "iss": request.get("hostname"), "sub": event["user"]["user_id"], "exp": now + seconds}
    claims = {**payload, **own, "ip": request.get("ip")}
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{encoded(claims)}"
    return f"{text}.{signature(text, event['secrets']['CICFLOW_SECRET'])}"


def brought_back(event: dict[str, Any], state: str) -> list[Any]:
    """Read the replies that a person brings back.

    Raises TroubleError unless cicflow has signed them for this person and this login, and for now.
    """
    request = event.get("request") or {}
    token = (request.get("query") or {}).get("cicflow_token") or (request.get("body") or {}).get("cicflow_token")
    try:
        head, body, given = str(token).split(".")
        header, claims = decoded(head), decoded(body)
    except ValueError:
        raise TroubleError(NO_TOKEN) from None
    expected = signature(f"{head}.{body}", event["secrets"].get("CICFLOW_SECRET", ""))
    right = (
        header.get("alg") == "HS256"
        and hmac.compare_digest(expected.encode(), given.encode())
        and isinstance(claims.get("exp"), int | float)
        and claims["exp"] > time.time()
        and bool(claims.get("iss"))
        and claims.get("sub") == event["user"]["user_id"]
        and claims.get("state") == state
        and isinstance(claims.get("answers"), list)
    )
    if not right:
        raise TroubleError(NO_TOKEN)
    return list(claims["answers"])


def encoded(value: dict[str, Any]) -> str:
    """Write one part of a token."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decoded(part: str) -> dict[str, Any]:
    """Read one part of a token.

    Raises ValueError when it is none.
    """
    match json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))):
        case dict() as value:
            return value
    raise ValueError("not an object")


def signature(text: str, secret: str) -> str:
    """Sign the first two parts of a token."""
    digest = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
