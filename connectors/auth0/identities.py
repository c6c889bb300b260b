"""Accounts of one person: finding those that belong together, linking them, and taking them apart again."""

from typing import Any, Literal

from pydantic import Field

from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.linking import Conflict, hindrances, in_order, merged, risks, same_email
from connectors.auth0.profiles import NO_SUCH_USER, Account, User, UserId, user_from
from connectors.auth0.users import Text, with_email
from connectors.base import Value
from connectors.errors import Ambiguous, Missing, Refused

TOKENS = "Sessions and tokens that the second account was given before still name it."
LEFT = "Roles, organizations and second factors of the second account are not carried over."
STAYS = "The second account has its profile only; metadata that was carried over stays with the first."
CARRIED = "The accounts are not linked so far; metadata has been carried over already."


class Person(Value):
    """Whose accounts to look for."""

    user_id: UserId
    email: Text | None = Field(
        default=None,
        title="E-mail",
        description="The person's address, if it is known: it finds the person even if they have been linked since.",
    )


class LinkCandidate(Value):
    """An account that might be linked, or why not."""

    primary_id: str = Field(title="Stays", description="Auth0's id of the account that would stay.")
    secondary_id: str = Field(title="Is added", description="Auth0's id of the account that would become part of it.")
    other_id: str = Field(title="Other account", description="Auth0's id of the account that was found.")
    provider: str | None = Field(title="Provider", description="Where that signs in, such as google-oauth2.")
    connection: str | None = Field(title="Connection", description="Auth0's name for its connection.")
    created_at: str | None = Field(title="Created", description="When it was made.")
    last_login: str | None = Field(title="Last login", description="When the person last signed in with it.")
    verdict: Literal["safe", "risky", "refused"] = Field(
        title="Verdict", description="Risky ones are linked only if the step allows it; refused ones never."
    )
    why_not: list[str] = Field(title="Why not", description="What speaks against it.")


class LinkCandidates(Value):
    """Which accounts might be linked."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    email: str | None = Field(title="E-mail", description="The address that was looked for.")
    linked_to: str | None = Field(
        title="Linked to", description="Auth0's id of the account that this one has become part of, if it has."
    )
    candidates: list[LinkCandidate] = Field(title="Candidates", description="Safe ones first, then risky ones.")
    count: int = Field(title="Count", description="How many were found.")
    safe: int = Field(title="Safe", description="How many of them are safe to link.")
    other_id: str | None = Field(
        title="Best", description="Auth0's id of the first one that is safe; empty if there is none."
    )
    why_not: str = Field(title="Why not", description="Why none is safe, in a sentence; empty if one is.")


class LinkPair(Value):
    """Two accounts of one person."""

    user_id: UserId
    other_id: UserId = Field(title="Other account", description="Auth0's id of the other account of the same person.")
    stays: Literal["the older one", "the user", "the other account"] = Field(
        default="the older one",
        title="Stays",
        description="Whose id, profile and sign-in come first. One that has others linked counts as older.",
    )
    allow_risky: bool = Field(
        default=False,
        title="Allow risky pairs",
        description="Link even if the kinds of account do not show that both are the same person. People should be asked.",
    )


class Linked(Value):
    """Two accounts that are one."""

    primary_id: str = Field(title="Stayed", description="Auth0's id of the account that stayed.")
    secondary_id: str = Field(title="Added", description="Auth0's id that the account had which is part of it now.")
    provider: str | None = Field(title="Provider", description="Where the added account signs in.")
    connection: str | None = Field(title="Connection", description="Auth0's name for its connection.")
    already: bool = Field(title="Already", description="Whether they were linked before.")
    user_metadata_added: list[str] = Field(title="User metadata added", description="What was carried over.")
    app_metadata_added: list[str] = Field(title="App metadata added", description="What was carried over.")
    conflicts: list[Conflict] = Field(title="Conflicts", description="What both had; the account that stayed wins.")
    secondary_user_metadata: dict[str, Any] = Field(
        title="User metadata before", description="All that the added account had; it is kept nowhere else."
    )
    secondary_app_metadata: dict[str, Any] = Field(
        title="App metadata before", description="All that the added account had; it is kept nowhere else."
    )
    note: str = Field(title="Note", description="What this does not do.")


class Unlinked(Value):
    """Two accounts that are apart."""

    primary_id: str = Field(title="First", description="Auth0's id of the account that was the main one.")
    secondary_id: str = Field(title="Second", description="Auth0's id of the other account.")
    already: bool = Field(title="Already", description="Whether they were apart before.")
    note: str = Field(title="Note", description="What this does not do.")


@auth0.action("Find accounts to link", effect="reads", repeatable=True)
async def find_link_candidates(client: Tenant, given: Person) -> LinkCandidates:
    """Find other accounts with a person's e-mail address, and say which could be linked and why others could not.

    It changes nothing, so a flow can ask people first. Addresses are looked up, not searched: what was made a moment
    ago is found.
    """
    person = await _user(client, given.user_id)
    email = person.email if person else given.email
    others = [each for each in await with_email(client, email) if each.user_id != given.user_id] if email else []
    if person is None:
        home = next((each for each in others if _holds(each, given.user_id)), None)
        if home is None:
            raise Missing("Auth0 has no such user.", code=NO_SUCH_USER)
        return _candidates(given.user_id, email, [], linked_to=home.user_id)
    found = [_candidate(person, each) for each in others if email and each.email and same_email(each.email, email)]
    return _candidates(given.user_id, email, found)


@auth0.action("Link two accounts", effect="destroys", undo="unlink_users", repeatable=True)
async def link_users(client: Tenant, given: LinkPair) -> Linked:
    """Make two accounts of one person one, which can be signed in to either way.

    Both must have the same e-mail address, both must have verified it, and neither may be blocked. Safe are a database,
    a code by e-mail, Google and Apple with one another. Everything else is risky, and refused unless the step allows
    it: accounts by text message, other social logins, a company's own sign-in, two accounts of one connection. Metadata
    of the second account is carried over first; where both have a name, the first wins. Undoing it takes the accounts
    apart again.
    """
    pair = await _pair(client, given)
    if pair.linked:
        return _linked(*pair.linked)
    one, other = pair.apart
    primary, secondary = in_order(one, other)
    if given.stays != "the older one":
        primary, secondary = (one, other) if given.stays == "the user" else (other, one)
    _refuse(primary, secondary, allow_risky=given.allow_risky)
    user, user_new, user_against = merged(primary.user_metadata, secondary.user_metadata)
    app, app_new, app_against = merged(primary.app_metadata, secondary.app_metadata)
    changed = {name: value for name, value in (("user_metadata", user), ("app_metadata", app)) if value}
    if changed:
        await client.api.users.update(primary.user_id, **changed)
    account = secondary.identities[0]
    linked = Linked(
        primary_id=primary.user_id,
        secondary_id=secondary.user_id,
        provider=account.provider,
        connection=account.connection,
        already=False,
        user_metadata_added=user_new,
        app_metadata_added=app_new,
        conflicts=[
            each.model_copy(update={"name": f"{where}.{each.name}"})
            for where, some in (("user_metadata", user_against), ("app_metadata", app_against))
            for each in some
        ],
        secondary_user_metadata=secondary.user_metadata,
        secondary_app_metadata=secondary.app_metadata,
        note=f"{TOKENS} {LEFT}",
    )
    try:
        await client.api.users.identities.link(primary.user_id, provider=account.provider, user_id=account.user_id)
    except (Ambiguous, Refused, Missing) as error:  # it may be done all the same, by us or by somebody who was faster
        if (await _pair(client, given)).linked:
            return linked
        if not changed:
            raise
        raise error.preceded_by(CARRIED) from error
    return linked


@auth0.action("Take two accounts apart", effect="changes", undo="link_users", repeatable=True)
async def unlink_users(client: Tenant, given: LinkPair) -> Unlinked:
    """Make two accounts of two that were linked, whichever of them is the main one."""
    pair = await _pair(client, given)
    if not pair.linked:
        one, other = pair.apart
        return Unlinked(primary_id=one.user_id, secondary_id=other.user_id, already=True, note=STAYS)
    primary, secondary_id = pair.linked
    account = _account(primary, secondary_id)
    await client.api.users.identities.delete(primary.user_id, account.provider, account.user_id or "")
    return Unlinked(primary_id=primary.user_id, secondary_id=secondary_id, already=False, note=STAYS)


class _Pair:
    """Two accounts as they are: linked (the main one, and the id of the other) or apart."""

    def __init__(self, linked: tuple[User, str] | None, apart: tuple[User, User] | None) -> None:
        self.linked = linked
        self._apart = apart

    @property
    def apart(self) -> tuple[User, User]:
        """Both accounts. Raises Missing when one of them is not there."""
        if self._apart is None:
            raise Missing("Auth0 does not have both accounts.", code=NO_SUCH_USER)
        return self._apart


async def _pair(client: Tenant, given: LinkPair) -> _Pair:
    one, other = await _user(client, given.user_id), await _user(client, given.other_id)
    if one and _holds(one, given.other_id):
        return _Pair((one, given.other_id), None)
    if other and _holds(other, given.user_id):
        return _Pair((other, given.user_id), None)
    return _Pair(None, (one, other) if one and other else None)


async def _user(client: Tenant, user_id: str) -> User | None:
    try:
        return user_from(await client.api.users.get(user_id))
    except Missing as error:
        if error.code != NO_SUCH_USER:
            raise
        return None


def _id_of(account: Account) -> str:
    return f"{account.provider}|{account.user_id}"


def _holds(user: User, other_id: str) -> bool:
    """Tell whether another account has become part of this one."""
    return any(_id_of(each) == other_id for each in user.identities[1:])


def _account(user: User, other_id: str) -> Account:
    return next(each for each in user.identities[1:] if _id_of(each) == other_id)


def _refuse(primary: User, secondary: User, *, allow_risky: bool) -> None:
    """Raise Refused for what must not be linked."""
    if found := hindrances(primary, secondary):
        raise Refused(f"These accounts are not linked: {'; '.join(found)}.")
    if (found := risks(primary, secondary)) and not allow_risky:
        raise Refused(
            f"These accounts are not linked, because that is risky: {'; '.join(found)}. "
            "Ask people first; a step that says `allow_risky: true` links them all the same."
        )


def _linked(primary: User, secondary_id: str) -> Linked:
    account = _account(primary, secondary_id)
    return Linked(
        primary_id=primary.user_id,
        secondary_id=secondary_id,
        provider=account.provider,
        connection=account.connection,
        already=True,
        user_metadata_added=[],
        app_metadata_added=[],
        conflicts=[],
        secondary_user_metadata={},
        secondary_app_metadata={},
        note=f"{TOKENS} {LEFT}",
    )


def _candidate(person: User, other: User) -> LinkCandidate:
    primary, secondary = in_order(person, other)
    against, risky = hindrances(primary, secondary), risks(primary, secondary)
    account = other.identities[0] if other.identities else Account()
    return LinkCandidate(
        primary_id=primary.user_id,
        secondary_id=secondary.user_id,
        other_id=other.user_id,
        provider=account.provider,
        connection=account.connection,
        created_at=other.created_at,
        last_login=other.last_login,
        verdict="refused" if against else "risky" if risky else "safe",
        why_not=[*against, *risky],
    )


def _candidates(
    user_id: str, email: str | None, found: list[LinkCandidate], *, linked_to: str | None = None
) -> LinkCandidates:
    ranks = {"safe": 0, "risky": 1, "refused": 2}
    ranked = sorted(found, key=lambda each: (ranks[each.verdict], each.created_at or "9"))
    safe = [each for each in ranked if each.verdict == "safe"]
    return LinkCandidates(
        user_id=user_id,
        email=email,
        linked_to=linked_to,
        candidates=ranked,
        count=len(ranked),
        safe=len(safe),
        other_id=safe[0].other_id if safe else None,
        why_not="" if safe else _why_not(email, ranked, linked_to),
    )


def _why_not(email: str | None, ranked: list[LinkCandidate], linked_to: str | None) -> str:
    if linked_to:
        return f"It has been linked to {linked_to} already."
    if not email:
        return "The person has no e-mail address."
    if not ranked:
        return "No other account has this e-mail address."
    return f"{ranked[0].other_id}: {'; '.join(ranked[0].why_not)}."
