"""When two accounts may become one, and what becomes of their metadata.

Whoever can sign in to one of two linked accounts has both. So equal e-mail addresses are not enough: each account must
show that the address belongs to the person who signs in with it. These pairs do; every other pair is risky.

| One | The other | Why it is safe |
|---|---|---|
| database | database, code by e-mail, Google or Apple | the person has opened a message at the address |
| code by e-mail | Google or Apple | the same, at every login |
| Google or Apple | the other of the two | both check the address themselves before they say that it is verified |

Risky are accounts by text message (the address is only noted there), other social logins (not all of them check
addresses), companies' own sign-in (the company says which addresses its people have, also addresses of others), whatever
is not known, and two accounts of one connection.
"""

from collections.abc import Mapping
from itertools import combinations_with_replacement
from typing import Any, Final, Literal

from pydantic import Field

from connectors.auth0.profiles import Account, User
from connectors.base import Value

Kind = Literal["database", "code by e-mail", "text message", "checking social", "social", "enterprise", "unknown"]

PROVIDERS: Final[Mapping[str, Kind]] = {
    "auth0": "database",
    "email": "code by e-mail",
    "sms": "text message",
    "google-oauth2": "checking social",
    "apple": "checking social",
    **dict.fromkeys(
        (
            "ad",
            "adfs",
            "auth0-adldap",
            "auth0-oidc",
            "google-apps",
            "ip",
            "office365",
            "oidc",
            "okta",
            "pingfederate",
            "samlp",
            "sharepoint",
            "waad",
        ),
        "enterprise",
    ),
}
SAFE: Final = frozenset(
    frozenset(pair) for pair in combinations_with_replacement(("database", "code by e-mail", "checking social"), 2)
)
"""The table above. A pair of one kind twice is of two connections: two of the same are risky anyway."""
RISKS: Final[Mapping[Kind, str]] = {
    "text message": "an account by text message does not show that the e-mail address is the person's",
    "social": "it is not known that this social login checks e-mail addresses",
    "enterprise": "a company's own sign-in can report any e-mail address",
    "unknown": "this kind of account is not known",
}


class Conflict(Value):
    """A name that both accounts have in their metadata, with different values."""

    name: str = Field(title="Name", description="Where it stands, with dots for what is inside.")
    kept: Any = Field(title="Kept", description="The value of the account that stays.")
    dropped: Any = Field(title="Dropped", description="The value of the other account.")


def kind_of(account: Account) -> Kind:
    """Tell which kind of account it is."""
    known = PROVIDERS.get(account.provider or "")
    return known or ("social" if account.social else "unknown")


def same_email(one: str, other: str) -> bool:
    """Compare addresses; only plain letters may differ in size.

    Some foreign letters become plain ones when they are made small, and another person's address would fit.
    """
    return _small(one) == _small(other)


def _small(text: str) -> str:
    return "".join(each.lower() if each.isascii() else each for each in text)


def hindrances(primary: User, secondary: User) -> list[str]:
    """Say what forbids linking, whatever a flow wants."""
    found: list[str] = []
    if primary.user_id == secondary.user_id:
        return ["it is the same account"]
    if not primary.email or not secondary.email:
        found.append("one of the accounts has no e-mail address")
    elif not same_email(primary.email, secondary.email):
        found.append("the accounts have different e-mail addresses")
    found += [
        f"the e-mail address of {each.user_id} is not verified"
        for each in (primary, secondary)
        if not each.email_verified
    ]
    found += [f"{each.user_id} is blocked" for each in (primary, secondary) if each.blocked]
    if not primary.identities or not secondary.identities:
        found.append("Auth0 does not say how one of them signs in")
    if len(secondary.identities) > 1:
        found.append(f"{secondary.user_id} has linked accounts of its own")
    return found


def risks(primary: User, secondary: User) -> list[str]:
    """Say what makes linking risky: whoever has one of the accounts might not be who has the other."""
    mine, theirs = primary.identities[:1], secondary.identities[:1]
    if not mine or not theirs:
        return []
    kinds = kind_of(mine[0]), kind_of(theirs[0])
    found = [RISKS[kind] for kind in dict.fromkeys(kinds) if kind in RISKS]
    if mine[0].connection is not None and mine[0].connection == theirs[0].connection:
        found.append("both are of the same connection")
    if not found and frozenset(kinds) not in SAFE:
        found.append("this pair of connections is not known to be safe")
    return found


def in_order(one: User, other: User) -> tuple[User, User]:
    """Say which account stays and which becomes part of it: one that has others linked stays, or else the older one."""
    first, second = sorted((one, other), key=lambda each: (-len(each.identities), each.created_at or "9", each.user_id))
    return first, second


def merged(kept: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[dict[str, Any], list[str], list[Conflict]]:
    """Put what only the other has into what is kept.

    Gives what to write (the names of the first level that change, whole), what is new, and what was in the way.
    """
    change: dict[str, Any] = {}
    new: list[str] = []
    conflicts: list[Conflict] = []
    for name, value in other.items():
        if name not in kept:
            change[name] = value
            new.append(name)
        elif isinstance(kept[name], dict) and isinstance(value, dict):
            inner, inside, against = merged(kept[name], value)
            if inner:
                change[name] = {**kept[name], **inner}
            new += [f"{name}.{each}" for each in inside]
            conflicts += [each.model_copy(update={"name": f"{name}.{each.name}"}) for each in against]
        elif kept[name] != value:
            conflicts.append(Conflict(name=name, kept=kept[name], dropped=value))
    return change, new, conflicts
