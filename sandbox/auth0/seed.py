"""The people who are in the tenant from the start, always with the same ids."""

from typing import Any

from sandbox.auth0.control import NewUser, add_user
from sandbox.auth0.moments import iso
from sandbox.auth0.tenant import Tenant

DAY = 86400.0
ROLES = {"rol_Customer00000001": "Customer", "rol_Billing000000001": "Billing contact"}


def local_id(number: int) -> str:
    """Give the fixed id of a person."""
    return f"6500000000000000000000{number:02d}"


def customer(number: int, **more: Any) -> dict[str, Any]:
    """Describe a customer of the database connection."""
    return {
        "user_id": f"auth0|{local_id(number)}",
        "password": f"sandbox-password-{number}",
        "email": f"customer.{number}@example.com",
        "email_verified": True,
        "name": f"Customer {number}",
        "given_name": "Customer",
        "family_name": str(number),
        "nickname": f"customer.{number}",
        "picture": f"https://example.com/pictures/customer-{number}.png",
        "user_metadata": {"language": "en"},
        "app_metadata": {"plan": "standard"},
        **more,
    }


def social(number: int) -> dict[str, Any]:
    """Describe a customer who comes through Google."""
    return customer(
        number,
        connection="google-oauth2",
        user_id=f"google-oauth2|1000000000000000000{number:02d}",
        password=None,
    )


PEOPLE: list[dict[str, Any]] = [
    customer(1, sessions=2, refresh_tokens=2, app_metadata={"plan": "gold"}),
    customer(2),
    customer(3, multifactor=["guardian"]),
    social(4),
    social(5),
    customer(6, email_verified=False),
    {
        "connection": "sms",
        "user_id": f"sms|{local_id(7)}",
        "phone_number": "+4930901820007",
        "phone_verified": True,
        "name": "Customer 7",
        "nickname": "customer 7",
    },
    customer(8, name="<!channel> & <script>alert(1)</script>", given_name="<!channel>", family_name="& <script>"),
    customer(9, blocked=True, sessions=0, refresh_tokens=0),
    customer(10, sessions=0, refresh_tokens=0),
    customer(11, idle_days=150, sessions=0, refresh_tokens=1),
    customer(12, idle_days=420, sessions=0, refresh_tokens=0),
]
NEVER_LOGGED_IN = f"auth0|{local_id(10)}"


def plant(tenant: Tenant) -> None:
    """Put the first people into a tenant."""
    now = tenant.now()
    tenant.roles.update({role_id: {"id": role_id, "name": name} for role_id, name in ROLES.items()})
    for number, person in enumerate(PEOPLE, start=1):
        given = {name: value for name, value in person.items() if name != "idle_days"}
        idle = float(person.get("idle_days", number))
        history: dict[str, Any] = {"created_at": iso(now - (idle + 200) * DAY)}
        if person["user_id"] != NEVER_LOGGED_IN:
            moment = iso(now - idle * DAY)
            history |= {
                "last_login": moment,
                "updated_at": moment,
                "last_ip": "203.0.113.17",
                "logins_count": 40 - number,
            }
        account = add_user(tenant, NewUser.model_validate({**given, **history}))
        account.roles.append(next(iter(ROLES)))
