"""Events as they arrive at the bot, signed as our Auth0 Action signs them."""

import time
from datetime import UTC, datetime
from typing import Any

from standardwebhooks.webhooks import Webhook

from tests.worlds import Stage


def event(user_id: str = "auth0|one", *, confidence: str = "low", **more: Any) -> dict[str, Any]:
    risk = {"confidence": confidence, "version": "1", "assessments": {}}
    return {
        "tenant": {"id": "example-tenant"},
        "user": {"user_id": user_id, "email": "one@example.com", "email_verified": True},
        "request": {"ip": "203.0.113.7"},
        "authentication": {"methods": [], "riskAssessment": risk},
        **more,
    }


def signed(stage: Stage, body: str, *, event_id: str = "evt_1", at: float | None = None) -> dict[str, str]:
    moment = datetime.fromtimestamp(at or time.time(), UTC)
    signature = Webhook(stage.secret).sign(event_id, moment, body)
    return {"webhook-id": event_id, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}


async def send(stage: Stage, body: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    answer = await stage.http.post(f"{stage.bot}/in/{stage.key}", content=body.encode(), headers=headers)
    return answer.status_code, answer.json()
