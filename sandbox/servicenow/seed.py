"""The people, groups and incidents that an instance begins with."""

import hashlib

from sandbox.servicenow.instance import USER_NAME, Instance

PEOPLE = (
    (USER_NAME, "cicflow", "Integration", "integration@example.com", "Integration user"),
    ("abel.tuter", "Abel", "Tuter", "abel.tuter@example.com", "Security analyst"),
    ("beth.anglin", "Beth", "Anglin", "beth.anglin@example.com", "Service desk lead"),
    ("david.loo", "David", "Loo", "david.loo@example.com", "Identity engineer"),
    ("luke.wilson", "Luke", "Wilson", "luke.wilson@example.com", "Former contractor"),
    ("mara.conti", "Mara", "Conti", "mara.conti@example.com", "Customer success manager"),
)
GROUPS = (
    ("Security Operations", "Watches over logins and accounts.", ("abel.tuter", "david.loo")),
    ("Service Desk", "The first to be asked.", ("beth.anglin",)),
    ("Identity Team", "Runs the login of the customers.", ("david.loo", "mara.conti")),
)
INCIDENTS = (
    ("Customer cannot sign in after changing phone", "mara.conti", "Service Desk", "2", "inquiry"),
    ("Many failed logins for one account", "abel.tuter", "Security Operations", "1", "software"),
    ("Password e-mail arrives late", "beth.anglin", "Identity Team", "1", "software"),
    ("Suspicious sign-up from a disposable address", "david.loo", "Security Operations", "6", "software"),
)
CHOICES = {
    "state": {"1": "New", "2": "In Progress", "3": "On Hold", "6": "Resolved", "7": "Closed", "8": "Canceled"},
    "close_code": {
        "Duplicate": "Duplicate",
        "Known error": "Known error",
        "No resolution provided": "No resolution provided",
        "Resolved by caller": "Resolved by caller",
        "Solution provided": "Solution provided",
        "User error": "User error",
        "Workaround provided": "Workaround provided",
    },
    "category": {"inquiry": "Inquiry / Help", "software": "Software", "hardware": "Hardware", "network": "Network"},
    "urgency": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "impact": {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"},
    "priority": {"1": "1 - Critical", "2": "2 - High", "3": "3 - Moderate", "4": "4 - Low", "5": "5 - Planning"},
}
"""What the choice fields of incidents may hold, and how it is shown."""


def fixed_id(name: str) -> str:
    """Give something that is there from the beginning the same sys_id each time."""
    return hashlib.md5(name.encode()).hexdigest()


def plant(instance: Instance) -> None:
    """Put the first records into an instance."""
    for user_name, first, last, email, title in PEOPLE:
        person = {"user_name": user_name, "first_name": first, "last_name": last, "name": f"{first} {last}"}
        active = "false" if user_name == "luke.wilson" else "true"
        person |= {"email": email, "title": title, "active": active, "locked_out": "false"}
        instance.put("sys_user", {**person, "sys_id": fixed_id(user_name)})
    for name, about, members in GROUPS:
        instance.put("sys_user_group", {"name": name, "description": about, "sys_id": fixed_id(name)})
        for member in members:
            both = {"user": fixed_id(member), "group": fixed_id(name)}
            instance.put("sys_user_grmember", {**both, "sys_id": fixed_id(f"{member} in {name}")})
    for number, (text, caller, group, state, category) in enumerate(INCIDENTS, 1):
        people = {"caller_id": fixed_id(caller), "assignment_group": fixed_id(group), "opened_by": fixed_id(caller)}
        what = {
            "short_description": text,
            "state": state,
            "category": category,
            "sys_id": fixed_id(f"incident {number}"),
        }
        instance.put("incident", people | what)
    for element, options in CHOICES.items():
        for place, (value, label) in enumerate(options.items()):
            choice = {"name": "incident", "element": element, "value": value, "label": label, "inactive": "false"}
            instance.put("sys_choice", {**choice, "sequence": str(place), "sys_id": fixed_id(f"{element} {value}")})
