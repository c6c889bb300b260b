"""Finding people who have not been there for long, however many there are."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal, get_args

import httpx
from pydantic import AwareDatetime, Field, ValidationError, model_validator

from connectors.auth0.client import SERVICE, Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.exports import begin, connection_of, exported, finished, record
from connectors.auth0.profiles import NO_SUCH_USER
from connectors.auth0.signs_of_life import SIGNS, Sign, Signal, Signs, last_of, moment_of
from connectors.base import Lenient, Summary, Value
from connectors.errors import Missing, Refused, TryLater
from connectors.limits import patiently

Known = Literal[
    "email",
    "email_verified",
    "name",
    "given_name",
    "family_name",
    "phone_number",
    "username",
    "connection",
    "blocked",
    "created_at",
    "last_login",
    "logins_count",
]
NEEDED: Final = ("last_login", "user_id", "created_at")
"""What must be known of everybody. The first comes first in an export, where it is looked for first."""
MOST: Final = 1000
"""Auth0 shows no more results of a search, and counts no further."""
PAGE: Final = 100
AGAIN: Final = 3
"""How often a slice of a search is read whose people move while it is read."""
AT_ONCE: Final = 8
EARLIEST: Final = datetime(2010, 1, 1, tzinfo=UTC)
NEVER_GONE: Final = datetime.min.replace(tzinfo=UTC)
NARROWEST: Final = timedelta(milliseconds=1)
NEVER: Final = "(NOT _exists_:logins_count OR logins_count:0)"
BEGIN: Final = b'{"last_login":"'
"""How a line begins where the fields come in the order in which they were asked for."""
MOMENT: Final = len("2030-01-01T00:00:00.000Z")
_ONLY_LOGIN: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_LOGIN: Final = re.compile(rb'"last_login" ?: ?"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"')


class Inactive(Value):
    """Who counts as inactive, and how to look."""

    days: int | None = Field(
        default=None, ge=1, le=36_500, title="Days", description="Inactive for so many days. Either this or Before."
    )
    before: AwareDatetime | None = Field(
        default=None, title="Before", description="Inactive since before this moment. Either this or Days."
    )
    gone_before: AwareDatetime | None = Field(
        default=None,
        title="Gone before",
        description="Leave out people who were last there before this moment: they are gone for good.",
    )
    who: Literal["all", "signed in before", "never signed in"] = Field(
        default="all",
        title="Who",
        description="People who once signed in, people who never did and whose account is as old, or both.",
    )
    connection: str | None = Field(
        default=None,
        min_length=1,
        max_length=128,
        title="Connection",
        description="Auth0's name for a connection; only people whose main account is from there.",
    )
    without_blocked: bool = Field(
        default=False, title="Without blocked", description="Leave out people whom an administrator blocked."
    )
    how: Literal["any", "export", "search"] = Field(
        default="any",
        title="How",
        description="By an export of all users, or by many searches. Any: searches only where there can be no export.",
    )
    confirm_with: Signs | Literal["none"] = Field(
        default="none",
        title="Confirm with",
        description="Silent logins and refresh tokens do not count as a login. What to look at for each person found, "
        "a call or more each: sessions and refresh tokens are not in every plan, and logs go back some days only.",
    )
    confirmed: Literal["leave out", "mark"] = Field(
        default="leave out",
        title="Who is active after all",
        description="What to do with people who were there later, by what they were confirmed with.",
    )
    fields: list[Known] | None = Field(
        default=None, min_length=1, title="Fields", description="What to bring of each person; empty for all."
    )
    limit: int | None = Field(default=None, ge=1, title="At most", description="How many to bring; empty for all.")

    @model_validator(mode="after")
    def _onemoment_of(self) -> "Inactive":
        if (self.days is None) == (self.before is None):
            raise ValueError("Say either how many days, or before which moment.")
        if self.before is not None and self.gone_before is not None and self.gone_before >= self.before:
            raise ValueError("Gone before has to be earlier than Before: nobody could be found.")
        return self

    @property
    def everybody(self) -> bool:
        """Whether whoever signed in long ago is wanted, whatever else is known of them, with all that is known."""
        return self.who != "never signed in" and not (self.connection or self.without_blocked or self.fields)

    @property
    def known(self) -> Sequence[str]:
        """What is to be brought of each person."""
        return self.fields or get_args(Known)


class InactiveUser(Value):
    """A person who has not been there."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    signal: Signal = Field(
        title="Signal", description="What shows when the person was there last; never: only the account's age is known."
    )
    seen_at: str | None = Field(
        default=None, title="Seen", description="When the person was there last, by the signal; empty if never."
    )
    inactive_days: int = Field(title="Days", description="Whole days since then, or since the account was made.")
    active: bool = Field(default=False, title="Active", description="There after all, by what was confirmed with.")
    email: str | None = Field(default=None, title="E-mail", description="The person's e-mail address.")
    email_verified: bool | None = Field(
        default=None, title="E-mail verified", description="Whether the person has shown that the address is theirs."
    )
    name: str | None = Field(default=None, title="Name", description="The full name.")
    given_name: str | None = Field(default=None, title="Given name", description="The first name.")
    family_name: str | None = Field(default=None, title="Family name", description="The last name.")
    phone_number: str | None = Field(default=None, title="Phone", description="The person's phone number.")
    username: str | None = Field(default=None, title="User name", description="The name used to sign in.")
    connection: str | None = Field(default=None, title="Connection", description="That of the main account.")
    blocked: bool | None = Field(default=None, title="Blocked", description="Whether an administrator blocked them.")
    created_at: str | None = Field(default=None, title="Created", description="When the account was made.")
    last_login: str | None = Field(default=None, title="Last login", description="When the person last signed in.")
    logins_count: int | None = Field(default=None, title="Logins", description="How often the person has signed in.")


class Looked(Summary):
    """How the inactive were looked for."""

    complete: bool = Field(title="Complete", description="Whether nobody can have been missed.")
    how: Literal["export", "search"] = Field(title="How", description="By an export, or by searches.")
    note: str = Field(title="Note", description="How complete it is, in words.")
    before: str = Field(title="Before", description="Who was last there before this moment is inactive.")
    seen: int = Field(title="Seen", description="How many people were looked at.")
    found: int = Field(title="Found", description="How many of them are brought.")
    active: int = Field(title="Active", description="How many turned out to be active after all.")
    signals: dict[str, int] = Field(title="Signals", description="Of those who are brought, how many by which signal.")


@dataclass(slots=True, kw_only=True)
class _Look:
    """One look: what is wanted, and what has been seen so far."""

    given: Inactive
    now: datetime
    before: datetime
    gone: datetime
    """Whoever was last there before this is gone for good."""
    known: Sequence[str]
    plain: bool
    seen: int = 0
    active: int = 0
    missed: str = ""
    """Why it is not complete."""

    @classmethod
    def at(cls, given: Inactive, now: datetime) -> "_Look":
        before = given.before or now - timedelta(days=given.days or 0)
        return cls(
            given=given,
            now=now,
            before=_rounded(before.astimezone(UTC)),
            gone=_rounded(given.gone_before.astimezone(UTC)) if given.gone_before else NEVER_GONE,
            known=given.known,
            plain=given.everybody,
        )

    def lines(self, first: int, lines: Sequence[bytes]) -> list[InactiveUser]:
        """Pick from lines of an export. Most people are active, which is seen without reading the line as a whole."""
        before, gone = _text(self.before).encode(), _text(self.gone).encode()
        begin, at, end = BEGIN, len(BEGIN), len(BEGIN) + MOMENT
        old = [
            (number, line)
            for number, line in enumerate(lines, first)
            if line[:at] != begin or gone <= line[at:end] < before or line[end : end + 1] != b'"' or line[-1:] != b"}"
        ]
        found = []
        for number, line in old:
            user = self._whole(line, before) if line[:at] == begin else None
            if user is None and line.strip() and not self._active(line, before):
                user = self.pick(record(number, line))
            if user is not None:
                found.append(user)
        return found

    def _whole(self, line: bytes, before: bytes) -> InactiveUser | None:
        """Read the line of somebody who signed in long ago, where nothing more is asked for. None: look closer."""
        login = line[len(BEGIN) : len(BEGIN) + MOMENT]
        if not self.plain or login >= before or not _ONLY_LOGIN.fullmatch(login):
            return None
        days = (self.now - datetime.fromisoformat(login.decode())).days
        added = b'{"signal":"last_login","seen_at":"%b","inactive_days":%d,' % (login, days)
        try:
            return InactiveUser.model_validate_json(added + line[1:])
        except ValidationError:
            return None

    def _active(self, line: bytes, before: bytes) -> bool:
        """Tell whether the fields come in another order, and yet a login can be seen that is not long ago."""
        login = _LOGIN.search(line) if b'"last_login"' in line else None
        return login is not None and login[1] >= before and line[-1:] == b"}"

    def pick(self, user: Mapping[str, Any]) -> InactiveUser | None:
        """Return a person who fits, None if they do not. Raises Refused if it is nobody."""
        given, login = self.given, user.get("last_login")
        if given.who == ("signed in before" if login is None else "never signed in"):
            return None
        since = moment_of(user.get("created_at") if login is None else login)
        if since is None or not self.gone <= since < self.before:
            return None
        if given.without_blocked and user.get("blocked"):
            return None
        connection = user.get("connection") or connection_of(user)
        if given.connection is not None and given.connection != connection:
            return None
        known = {name: user[name] for name in self.known if name in user}
        known["connection"] = connection if "connection" in self.known else None
        known["user_id"] = user.get("user_id")
        known["inactive_days"] = (self.now - since).days
        known["seen_at"] = login
        known["signal"] = "never" if login is None else "last_login"
        try:
            return InactiveUser.model_validate(known)
        except ValidationError:
            raise Refused(f"{SERVICE} told of somebody who is not a user.") from None

    def summary(self, how: Literal["export", "search"], signals: Counter[str]) -> Looked:
        notes = {
            "export": f"Everybody is in it who was in the export, {self.seen:,} people; later changes are not.",
            "search": "Everybody is in it whom searches show; changes of the last seconds may be missing.",
        }
        return Looked(
            complete=not self.missed,
            how=how,
            note=self.missed or notes[how],
            before=_text(self.before),
            seen=self.seen,
            found=signals.total(),
            active=self.active,
            signals=dict(signals),
        )


@auth0.action("Find inactive users", effect="reads", repeatable=True)
async def find_inactive_users(client: Tenant, given: Inactive) -> AsyncIterator[InactiveUser | Looked]:
    """Find people who have not signed in for long, however many there are, also those who never did.

    It reads an export of all users, or where there can be none, searches in slices of time. A blocked person's attempt
    to sign in counts as a login. Summary: complete, how, note, before, seen, found, active, signals.
    """
    look, signals = _Look.at(given, datetime.now(UTC)), Counter[str]()
    job_id = None if given.how == "search" else await _export(client, look)
    found = _searched(client, look) if job_id is None else _exported(client, look, job_id)
    if given.confirm_with != "none":
        found = _confirmed(client, look, found, SIGNS[given.confirm_with])
    async with aclosing(found):
        async for some in found:
            brought = some if given.limit is None else some[: given.limit - signals.total()]
            signals.update(user.signal for user in brought)
            for user in brought:
                yield user
            if signals.total() == given.limit:
                look.missed = f"No more than {given.limit:,} were wanted: there may be others."
                break
    yield look.summary("search" if job_id is None else "export", signals)


async def _export(client: Tenant, look: _Look) -> str | None:
    """Have an export made. Returns its job, or None where there can be none and it need not be one."""
    wanted = dict.fromkeys([*NEEDED, *look.given.known, "connection", *(["blocked"] * look.given.without_blocked)])
    if look.given.connection is None and "connection" not in look.given.known:
        del wanted["connection"]
    try:
        job_id = await begin(client, [*wanted])
        await finished(client, job_id)
    except (Refused, Missing):
        if look.given.how == "export":
            raise
        return None
    return job_id


async def _exported(client: Tenant, look: _Look, job_id: str) -> AsyncGenerator[list[InactiveUser], None]:
    async for reached, some in exported(client, job_id, look.lines):
        look.seen = reached
        yield some


async def _searched(client: Tenant, look: _Look) -> AsyncGenerator[list[InactiveUser], None]:
    """Search in slices of time, each of so few people that the search shows all of them."""
    given = look.given
    more = [] if given.connection is None else [f'identities.connection:"{_escaped(given.connection)}"']
    more += ["(NOT blocked:true)"] if given.without_blocked else []
    kinds = {"last_login": [*more], "created_at": [NEVER, *more]}
    if given.who != "all":
        del kinds["created_at" if given.who == "signed in before" else "last_login"]
    for name, terms in kinds.items():
        async for slice_ in _slices(client, look, name, terms):
            # What is counted and what is known of the last login may differ: nobody comes twice.
            users = [user for user in slice_ if (user.get("last_login") is None) == (name == "created_at")]
            look.seen += len(users)
            yield [picked for picked in map(look.pick, users) if picked is not None]


async def _slices(
    client: Tenant, look: _Look, name: str, terms: Sequence[str]
) -> AsyncIterator[Sequence[Mapping[str, Any]]]:
    left = [(max(look.gone, EARLIEST), look.before)]
    while left:
        low, high = left.pop()
        query = " AND ".join([f"{name}:[{_text(low)} TO {_text(high)}}}", *terms])
        page = await _page(client, look, query, name, 0, last=high - low <= NARROWEST)
        if page is not None and page.total < MOST:
            yield await _slice(client, look, query, name, page)
            continue
        if high - low <= NARROWEST:
            look.missed = f"More than {MOST:,} people have the same {name}, {_text(low)}: not all of them were found."
            yield [] if page is None else await _slice(client, look, query, name, page)
            continue
        # They come in order: before the first there is nobody.
        first = moment_of(page.users[0].get(name)) if page is not None and page.users else None
        low = max(low, first) if first is not None and first < high else low
        middle = _rounded(low + (high - low) / 2)
        left += [(middle, high), (low, middle)] if low < middle else [(low, high)]


class _Page(Lenient):
    users: list[dict[str, Any]]
    total: int


async def _page(client: Tenant, look: _Look, query: str, name: str, page: int, *, last: bool) -> _Page | None:
    """Read a page of a search. Returns None where the search is too much for Auth0, unless it is the last resort."""
    fields = dict.fromkeys([*NEEDED, *look.given.known, "identities", "blocked"])
    fields.pop("connection", None)
    wanted: dict[str, str | int] = {
        "q": query,
        "page": page,
        "per_page": PAGE,
        "include_totals": "true",
        "sort": f"{name}:1",
        "fields": ",".join(fields),
        "include_fields": "true",
        "search_engine": "v3",
    }
    try:
        answer = await patiently(lambda: client.http.get("/api/v2/users", params=wanted), attempts=3)
        return _Page.model_validate_json(answer.content)
    except ValidationError:
        raise Refused(f"{SERVICE} answered a search with something that cannot be understood.") from None
    except TryLater as error:
        if error.status != httpx.codes.SERVICE_UNAVAILABLE or last:
            raise
        return None


async def _slice(client: Tenant, look: _Look, query: str, name: str, page: _Page) -> Sequence[Mapping[str, Any]]:
    """Read all pages of a slice; again, if people came or went meanwhile and one of them may have slipped through."""
    users: dict[str, Mapping[str, Any]] = {}
    total = min(page.total, MOST)
    for _ in range(AGAIN):
        users |= {str(user.get("user_id")): user for user in page.users}
        for number in range(1, (total + PAGE - 1) // PAGE):
            more = await _page(client, look, query, name, number, last=True)
            if more is not None:
                total = min(more.total, MOST)
                users |= {str(user.get("user_id")): user for user in more.users}
        if len(users) >= total:
            break
        page = await _page(client, look, query, name, 0, last=True) or page
    else:
        look.missed = "People came and went while they were searched for: somebody may be missing."
    return list(users.values())


async def _confirmed(
    client: Tenant, look: _Look, found: AsyncGenerator[list[InactiveUser], None], signs: Sequence[Sign]
) -> AsyncGenerator[list[InactiveUser], None]:
    """Look for a later sign of life of each person."""
    async with aclosing(found):
        async for some in found:
            for start in range(0, len(some), AT_ONCE):
                several = some[start : start + AT_ONCE]
                looked = await asyncio.gather(*(_confirm(client, look, user, signs) for user in several))
                yield [user for user in looked if user is not None]


async def _confirm(client: Tenant, look: _Look, user: InactiveUser, signs: Sequence[Sign]) -> InactiveUser | None:
    """Return the person as they are known now, None if they are to be left out, or are not there any more."""
    since = moment_of(user.seen_at)
    try:
        seen = await last_of(client, user.user_id, signs)
    except Missing as error:
        if error.code == NO_SUCH_USER:
            return None
        raise
    if seen is None or (since is not None and since >= seen.at):
        return user
    active = seen.at >= look.before
    look.active += active
    if active and look.given.confirmed == "leave out":
        return None
    known = {"signal": seen.signal, "seen_at": _text(seen.at), "inactive_days": (look.now - seen.at).days}
    return user.model_copy(update={**known, "active": active})


def _text(moment: datetime) -> str:
    """Write a moment as Auth0 does."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _rounded(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
