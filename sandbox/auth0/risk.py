"""The risk assessment of a login, as Adaptive MFA would have made it.

Confidence is confidence that it is the user: `low` is the risky one.
"""

from typing import Any, Literal

Confidence = Literal["low", "medium", "high"]
Reason = Literal["impossible_travel", "new_device", "untrusted_ip"]

DEFAULT_REASONS: dict[Confidence, list[Reason]] = {
    "low": ["impossible_travel", "new_device"],
    "medium": ["new_device"],
    "high": [],
}


def assess(
    confidence: Confidence, why: list[Reason], *, ip: str, first: bool, moved: bool, devices: bool
) -> dict[str, Any]:
    """Make an assessment whose parts explain its verdict."""
    return {
        "confidence": confidence,
        "version": "1",
        "assessments": {
            "ImpossibleTravel": travel(confidence, first=first, moved=moved, suspected="impossible_travel" in why),
            "NewDevice": device(confidence, first=first, known=devices, suspected="new_device" in why),
            "UntrustedIP": address(confidence, ip, suspected="untrusted_ip" in why),
        },
    }


def travel(confidence: Confidence, *, first: bool, moved: bool, suspected: bool) -> dict[str, Any]:
    """Judge the way from the last login to this one."""
    if suspected and confidence == "low":
        return {"confidence": "low", "code": "impossible_travel_from_last_login"}
    if suspected:
        return {"confidence": confidence, "code": "substantial_travel_from_last_login"}
    if first:
        return {"confidence": "neutral", "code": "initial_login"}
    return {"confidence": "high", "code": "travel_from_last_login" if moved else "minimal_travel_from_last_login"}


def device(confidence: Confidence, *, first: bool, known: bool, suspected: bool) -> dict[str, Any]:
    """Judge the browser."""
    if suspected and confidence == "low":
        return {"confidence": "low", "code": "no_match", "details": {"device": "unknown", "useragent": "unknown"}}
    if suspected:
        return {
            "confidence": confidence,
            "code": "partial_match",
            "details": {"device": "unknown", "useragent": "known"},
        }
    if first:
        return {"confidence": "neutral", "code": "initial_login"}
    if not known:
        return {"confidence": "neutral", "code": "no_device_history"}
    return {"confidence": "high", "code": "match", "details": {"device": "known", "useragent": "known"}}


def address(confidence: Confidence, ip: str, *, suspected: bool) -> dict[str, Any]:
    """Judge the IP address."""
    if not suspected:
        return {"confidence": "high", "code": "not_found_on_deny_list"}
    details = {"ip": ip, "matches": f"{ip}/32", "source": "STOPFORUMSPAM-1", "category": "abuse"}
    return {"confidence": confidence, "code": "found_on_deny_list", "details": details}
