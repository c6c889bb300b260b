"""Events as a tenant sends them: about 4 kB, numbered, signed."""

import base64
import hmac
import json
from hashlib import sha256
from typing import Any, Final

NUMBER: Final = "@number@"
TENANT: Final = "@tenant@"
SIZE: Final = 4096
"""Bytes."""


def post_login(*, risk: str) -> str:
    """Return the body of a login with a confidence, in which the number and the tenant are still to be filled in."""
    event: dict[str, Any] = {
        "tenant": {"id": f"tenant-{TENANT}"},
        "stats": {"logins_count": 42},
        "client": {"client_id": "bench", "name": "Shop", "metadata": {}},
        "connection": {"id": "con_1", "name": "Username-Password-Authentication", "strategy": "auth0"},
        "authentication": {
            "methods": [{"name": "pwd", "timestamp": "2030-01-01T00:00:00.000Z"}],
            "riskAssessment": {
                "confidence": risk,
                "version": "1",
                "assessments": {
                    "ImpossibleTravel": {"confidence": risk, "code": "minimal_travel_from_last_login"},
                    "UntrustedIP": {"confidence": risk, "code": "not_found_on_deny_list"},
                    "NewDevice": {"confidence": risk, "code": "match", "details": {"device": "known"}},
                    "PhoneNumber": {"confidence": risk, "code": "assessment_not_available"},
                },
            },
        },
        "request": {
            "ip": "203.0.113.7",
            "method": "POST",
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0",
            "geoip": {"cityName": "Lisbon", "countryCode": "PT", "latitude": 38.7, "longitude": -9.1},
        },
        "user": {
            "user_id": f"auth0|bench-{NUMBER}",
            "email": f"bench-{NUMBER}@example.com",
            "email_verified": True,
            "name": "A. Person",
            "created_at": "2029-01-01T00:00:00.000Z",
            "identities": [{"provider": "auth0", "user_id": f"bench-{NUMBER}", "isSocial": False}],
            "app_metadata": {},
            "user_metadata": {},
        },
    }
    rows = event["user"]["user_metadata"]
    while len(json.dumps({"trigger": "post-login", "event": event})) < SIZE:
        rows[f"preference_{len(rows)}"] = {"value": "a few words of text", "since": 1893456000 + len(rows)}
    return json.dumps({"trigger": "post-login", "event": event})


def key_of(secret: str) -> bytes:
    """Return the bytes of a Standard Webhooks secret."""
    return base64.b64decode(secret.removeprefix("whsec_"))


def signature(key: bytes, event_id: str, moment: int, body: bytes) -> str:
    """Return the Standard Webhooks signature of a body."""
    digest = hmac.digest(key, f"{event_id}.{moment}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def slack_signature(secret: str, moment: int, body: bytes) -> str:
    """Return Slack's signature of a request."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{moment}:".encode() + body, sha256).hexdigest()
