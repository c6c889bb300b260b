"""The twin of cicflow's post-login Action: where node is absent, it tells cicflow of a login and does what is answered.

Written from the description of that request alone, so that a test can hold the two against each other.
"""

import base64
import binascii
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from sandbox.auth0.twin_answers import MARK, NONSENSE, TroubleError, brought_back, carry_out, replies
from sandbox.auth0.twin_orders import standing
from sandbox.trust import trust

Shape = Mapping[str, Any]

WHOLE: Shape = {}
"""Marks a value that is sent as it is."""

EMPTY = "empty"
"""Marks a field that is always sent as an empty object: its content is not for others, but the event's schema demands it."""

DEVICE = dict.fromkeys(
    ("initial_ip", "initial_asn", "initial_user_agent", "last_ip", "last_asn", "last_user_agent"), WHOLE
)
ASSESSOR: Shape = {
    "confidence": WHOLE,
    "code": WHOLE,
    "details": dict.fromkeys(("device", "useragent", "ip", "matches", "source", "category"), WHOLE),
}
GEOIP = dict.fromkeys(
    (
        "cityName",
        "continentCode",
        "countryCode",
        "countryCode3",
        "countryName",
        "latitude",
        "longitude",
        "subdivisionCode",
        "subdivisionName",
        "timeZone",
    ),
    WHOLE,
)
USER = dict.fromkeys(
    (
        "user_id",
        "email",
        "email_verified",
        "name",
        "nickname",
        "given_name",
        "family_name",
        "username",
        "phone_number",
        "phone_verified",
        "picture",
        "created_at",
        "updated_at",
        "last_password_reset",
        "app_metadata",
        "user_metadata",
        "multifactor",
    ),
    WHOLE,
)
PROJECTION: Shape = {
    "tenant": {"id": WHOLE},
    "stats": {"logins_count": WHOLE},
    "client": {"client_id": WHOLE, "name": WHOLE, "metadata": EMPTY},
    "connection": dict.fromkeys(("id", "name", "strategy"), WHOLE),
    "organization": {"id": WHOLE, "name": WHOLE, "display_name": WHOLE, "metadata": EMPTY},
    "authentication": {
        "methods": [dict.fromkeys(("name", "timestamp", "type"), WHOLE)],
        "riskAssessment": {"confidence": WHOLE, "version": WHOLE, "assessments": {"*": ASSESSOR}},
    },
    "authorization": {"roles": WHOLE},
    "session": {"id": WHOLE, "created_at": WHOLE, "authenticated_at": WHOLE, "device": DEVICE},
    "transaction": {
        **dict.fromkeys(("id", "protocol", "locale", "requested_scopes", "acr_values"), WHOLE),
        "metadata": EMPTY,
    },
    "request": {
        **dict.fromkeys(("ip", "asn", "method", "hostname", "language", "user_agent"), WHOLE),
        "geoip": GEOIP,
        "query": EMPTY,
        "body": EMPTY,
    },
    "resource_server": {"identifier": WHOLE},
    "user": {
        **USER,
        "enrolledFactors": [{"type": WHOLE}],
        "identities": [dict.fromkeys(("connection", "isSocial", "provider", "user_id"), WHOLE)],
    },
}
LEAST_KEY = 24
LARGEST_ANSWER = 65536
"""Bytes."""

TRY_AGAIN = "We could not finish this. Please try again in a few minutes."
NOT_CONFIRMED = "This could not be confirmed. Please start again."
SILENT = "oauth2-refresh-token"


@dataclass(slots=True, kw_only=True)
class Doing:
    """What the twin does in one run: commands to the api, and lines of the log."""

    event: dict[str, Any]
    commands: list[list[Any]]
    logs: list[str]

    @property
    def settings(self) -> dict[str, str]:
        """The secrets of the Action."""
        return dict(self.event["secrets"])

    @property
    def closed(self) -> bool:
        """Whether a login is denied when something fails."""
        return self.settings.get("CICFLOW_ON_FAILURE", "").strip().lower() == "closed"

    def log(self, line: str) -> None:
        """Write a line."""
        self.logs.append(line[:250])

    def deny(self, words: str) -> None:
        """Deny the login."""
        self.commands.append(["access.deny", words])


async def post_login(doing: Doing) -> None:
    """Post the projection of a login, signed, and do what is answered; on failure let it through or deny it."""
    transaction = doing.event.get("transaction")
    if isinstance(transaction, dict) and transaction.get("protocol") == SILENT:
        return
    ordered = standing(doing.event, datetime.now(tz=UTC))
    try:
        given = ordered + replies(await send(doing.settings, project(doing.event, PROJECTION)))
    except TroubleError as trouble:
        doing.log(f"cicflow was not told of a login: {trouble}")
        failed = True
        if ordered:
            carry_out(doing, ordered)
    else:
        failed = bool(given) and carry_out(doing, given)
    if failed and doing.closed:
        doing.deny(TRY_AGAIN)


async def continue_post_login(doing: Doing, state: str) -> None:
    """Do what the person has brought back, signed by cicflow; without that nobody who was held gets in."""
    metadata = (doing.event.get("transaction") or {}).get("metadata") or {}
    held = metadata.get(MARK) != "page"
    try:
        given = brought_back(doing.event, state)
    except TroubleError as trouble:
        doing.log(f"cicflow's way back of a login: {trouble}")
        if held or doing.closed:
            doing.deny(NOT_CONFIRMED if held else TRY_AGAIN)
        return
    if carry_out(doing, given, back=True) and (held or doing.closed):
        doing.deny(NOT_CONFIRMED)


async def send(settings: dict[str, str], event: Any) -> bytes:
    """Make the request; gives what is answered.

    Raises TroubleError when cicflow could not be told.
    """
    encoded = settings.get("CICFLOW_SECRET", "").removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        key = b""
    if len(key) < LEAST_KEY:
        raise TroubleError("CICFLOW_SECRET is not a signing secret")
    body = write({"trigger": "post-login", "event": event}).encode()
    webhook_id = f"evt_{uuid.uuid4().hex}"
    stamp = str(int(datetime.now(tz=UTC).timestamp()))
    signature = hmac.new(key, f"{webhook_id}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "content-type": "application/json",
        "user-agent": "cicflow-action/1",
        "webhook-id": webhook_id,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
    async with httpx.AsyncClient(trust_env=False, verify=trust()) as client:
        try:
            response = await client.post(
                settings["CICFLOW_URL"], content=body, headers=headers, timeout=patience(settings)
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TroubleError(type(error).__name__) from None
    if not response.is_success:
        raise TroubleError(f"cicflow answered {response.status_code}")
    if len(response.content) > LARGEST_ANSWER:
        raise TroubleError(NONSENSE)
    return response.content


def patience(settings: dict[str, str]) -> float:
    """Give the time-out in seconds."""
    text = settings.get("CICFLOW_TIMEOUT_MS", "")
    milliseconds = int(text) if text.isdecimal() else 2000
    return min(milliseconds or 2500, 10_000) / 1000


def project(value: Any, shape: Any) -> Any:
    """Keep what the shape names, in its order; None where nothing is to be kept."""
    match shape:
        case "empty":
            return {}
        case [inner]:
            if not isinstance(value, list):
                return None
            return [kept for item in value if (kept := project(item, inner)) is not None]
        case {"*": inner}:
            if not isinstance(value, dict):
                return None
            every = {name: project(one, inner) for name, one in value.items()}
            return {name: kept for name, kept in every.items() if kept is not None}
        case Mapping() if shape:
            if not isinstance(value, dict):
                return None
            named = {name: project(value.get(name), inner) for name, inner in shape.items()}
            return {name: kept for name, kept in named.items() if kept is not None}
        case _:
            return value


def write(value: Any) -> str:
    """Write JSON as JavaScript does: no spaces, letters as they are, whole numbers without a point."""
    return json.dumps(whole_numbers(value), ensure_ascii=False, separators=(",", ":"))


def whole_numbers(value: Any) -> Any:
    """Turn 52.0 into 52, everywhere inside."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: whole_numbers(one) for name, one in value.items()}
        case list():
            return [whole_numbers(one) for one in value]
        case _:
            return value
