"""The flows that are measured."""

from typing import Any, Final

_SETTINGS: Final[dict[str, Any]] = {
    "tenant": {"connection": "auth0", "title": "Tenant"},
    "channel": {"type": "channel", "title": "Where to ask"},
    "risk": {"type": "choices", "of": ["low", "medium"], "default": ["low"], "title": "Confidence"},
}
_WHEN: Final[dict[str, Any]] = {
    "event": "auth0.post_login",
    "from": "{{ settings.tenant }}",
    "only if": [
        {"left": "{{ event.authentication.riskAssessment.confidence }}", "is one of": "{{ settings.risk }}"},
    ],
}
# The calls go to many tenants, so that it is not the pace of one tenant's limits that is measured.
_TENANT: Final = "{{ event.tenant.id }}"
_MARK: Final[dict[str, Any]] = {
    "id": "marked",
    "do": "auth0.set_app_metadata",
    "using": _TENANT,
    "with": {"user_id": "{{ event.user.user_id }}", "app_metadata": {"seen": "yes"}},
}


def _flow(name: str, title: str, steps: list[dict[str, Any]], **when: Any) -> dict[str, Any]:
    return {
        "template": name,
        "version": 1,
        "title": title,
        "about": "Measured.",
        "settings": _SETTINGS,
        "when": {**_WHEN, **when},
        "steps": steps,
    }


def two_calls(name: str = "two-calls") -> dict[str, Any]:
    """Return a flow with a guard and two calls to the tenant: one reads, one changes."""
    person = {"user_id": "{{ event.user.user_id }}"}
    return _flow(name, "Two calls", [{"id": "person", "do": "auth0.get_user", "using": _TENANT, "with": person}, _MARK])


def answer(name: str = "answer") -> dict[str, Any]:
    """Return a flow with a guard that answers within the login: a second factor where the risk is high, else nothing."""
    risky = [{"left": "{{ event.authentication.riskAssessment.confidence }}", "is": "low"}]
    steps = [{"if": risky, "then": [{"answer": {"require mfa": True}}], "else": [{"answer": "allow"}]}]
    return _flow(name, "Answer", steps, answers={"within": "2s"})


def export(name: str = "export", *, days: int) -> dict[str, Any]:
    """Return a flow that brings everybody who has not signed in for so many days."""
    return _flow(
        name,
        "Export",
        [
            {
                "id": "people",
                "do": "auth0.find_inactive_users",
                "using": _TENANT,
                "with": {"days": days, "how": "export"},
            }
        ],
    )


def question(name: str = "question") -> dict[str, Any]:
    """Return a flow with a guard that asks people, and changes the account if they say so."""
    asked = {
        "id": "verdict",
        "ask": "Block {{ event.user.email }}?",
        "title": "Risky login",
        "in": "{{ settings.channel }}",
        "details": {"Who": "{{ event.user.email }}", "Where": "{{ event.request.ip }}"},
        "choices": {"approve": {"title": "Approve"}, "block": {"title": "Block", "style": "danger"}},
        "within": "7d",
        "otherwise": "approve",
    }
    decided = {"if": [{"left": "{{ steps.verdict.choice }}", "is": "block"}], "then": [_MARK]}
    return _flow(
        name,
        "Question",
        [asked, decided],
        **{"once per": {"key": "{{ event.user.user_id }}", "within": "1h"}},
    )
