"""What the page shows of the services beside Slack and the tenant: a tab for each, with what has arrived there."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sandbox.page.controls import Side
from sandbox.page.tabs import downstream, mail, marketo, salesforce, servicenow
from sandbox.page.tabs.tab import Tab

TABS: Final[Mapping[Side, tuple[str, Callable[[Mapping[str, Any]], Tab]]]] = {
    "servicenow": ("ServiceNow", servicenow.tab),
    "salesforce": ("Salesforce", salesforce.tab),
    "marketo": ("Marketo", marketo.tab),
    "mail": ("Mail", mail.tab),
    "downstream": ("Your app", downstream.tab),
}


def tabs(states: Mapping[Side, Mapping[str, Any] | None]) -> list[Tab]:
    """Make the tabs of the services that the page knows of, with those that do not answer."""
    return [
        tab_of(state) if (state := states[side]) is not None else Tab(side=side, title=title, there=False)
        for side, (title, tab_of) in TABS.items()
        if side in states
    ]
