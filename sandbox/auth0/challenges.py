"""Challenges: a second factor that an Action asks for in a login, and how the person answers."""

from typing import Any, Literal

from sandbox.auth0.continuing import Pursuit, note
from sandbox.auth0.effects import Denial
from sandbox.auth0.events import Visit
from sandbox.auth0.moments import iso
from sandbox.auth0.tenant import Tenant

Answering = Literal["passed", "failed", "rejected"]
"""What the person does when asked for a second factor: gives it, gives a wrong code, or says on the phone that it was not them."""


def challenge(tenant: Tenant, pursuit: Pursuit, answer: Answering) -> Denial | None:
    """Ask for a second factor where an Action wants one; gives the refusal when the person does not give it.

    The real service asks as soon as the Action that wants it has ended, here it is the last thing before the end.
    """
    challenges = pursuit.course.effects.challenges
    if not challenges:
        return None
    factors = list(dict.fromkeys(factor for one in challenges for factor in one["factors"]))
    enrol = all(one["by"].startswith("authentication.enroll") for one in challenges)
    pursuit.outcome.mfa = {"required": True, "factors": factors, "enroll": enrol, "asked": challenges, "result": answer}
    about: dict[str, Any] = {"authenticator": {"id": None, "type": factors[0] if factors else "any"}}
    note(tenant, pursuit, "gd_start_auth", "Second factor authentication started", about)
    if answer == "failed":
        note(tenant, pursuit, "gd_auth_failed", "Second factor authentication failed", wrong_code(pursuit.visit))
        return Denial(reason="the second factor was wrong")
    if answer == "rejected":
        note(tenant, pursuit, "gd_auth_rejected", "The user rejected the second factor", about)
        return Denial(reason="the second factor was rejected")
    methods = pursuit.course.event.get("authentication", {}).get("methods", [])
    pursuit.outcome.mfa["methods"] = [*methods, {"name": "mfa", "timestamp": iso(tenant.now())}]
    note(tenant, pursuit, "gd_auth_succeed", "Second factor authentication succeeded", about)
    return None


def wrong_code(visit: Visit) -> dict[str, Any]:
    """Write the details of a wrong code; the code itself is masked."""
    return {
        "request": {
            "auth": {"scopes": [], "strategy": "jwt_mfa"},
            "body": {"code": "******"},
            "ip": visit.ip,
            "method": "POST",
            "path": "/api/verify-otp",
            "query": "",
            "userAgent": visit.user_agent,
        },
        "response": {},
        "failure_details": {"errorCode": "invalid_otp", "message": "Invalid OTP."},
    }
