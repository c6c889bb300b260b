"""The application of the customer's own: the calls that it got."""

import json
from collections.abc import Mapping
from typing import Any

from sandbox.page.tabs.tab import Group, Mark, Record, Tab, facts, rows


def tab(state: Mapping[str, Any]) -> Tab:
    """Choose what the page shows."""
    calls = [_call(one) for one in reversed(rows(state, "calls"))]
    return Tab(
        side="downstream",
        title="Your app",
        sequence=int(state.get("sequence") or 0),
        arrived=int(state.get("called") or 0),
        groups=(Group.of("Calls", calls, "It has not been called yet."),),
    )


def _call(one: Mapping[str, Any]) -> Record:
    body, query = one.get("body"), one.get("query") or {}
    return Record(
        key=f"call-{one.get('n')}",
        title=str(one.get("path")),
        at=one.get("at"),
        marks=(Mark(words=str(one.get("verb")), tone="danger" if one.get("verb") == "DELETE" else "good"),),
        facts=facts(query.items() if isinstance(query, Mapping) else []),
        text=body if isinstance(body, str) else "" if body is None else json.dumps(body, indent=2, ensure_ascii=False),
    )
