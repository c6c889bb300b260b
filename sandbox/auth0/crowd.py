"""Very many people, in little memory: nobody is kept who can be told from a number.

A person of the crowd is made up from their number whenever somebody asks, always in the same way, and becomes an account
like any other as soon as they are asked for by their id (whoever does so may change them).
"""

import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from operator import itemgetter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.auth0.moments import iso, seconds
from sandbox.auth0.query import Span, Test
from sandbox.auth0.tenant import CONNECTIONS, Account

DAY = 86400.0
OLDEST = 5 * 365 * DAY
LATELY = 14 * DAY
GIVEN = "Ada Ben Cleo Dev Edda Finn Gita Hugo Ines Jon Kim Leo Mina Nils Omar Pia Quinn Rosa Sami Tess Uma Vera Wim Yan"
FAMILY = (
    "Abbott Berg Costa Dahl Engel Fischer Gomez Holm Ito Jansen Keller Lopez Meyer Novak Olsen Patel Quist Rossi Silva "
    "Tanaka Ulrich Vogel Weber Young"
)
GIVEN_NAMES, FAMILY_NAMES = GIVEN.split(), FAMILY.split()
SPREAD = (
    *["Username-Password-Authentication"] * 14,
    *["google-oauth2"] * 4,
    "sms",
    "email",
)
"""Where they come from: one in twenty each."""
Cut = Callable[[int, int], list[Account]]
"""Gives those of some accounts who come from one place on to another."""


class Many(BaseModel):
    """How many people come into being at `POST /sandbox/users/many`, and what they are like."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: Annotated[int, Field(ge=0, le=2_000_000)]
    never: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Which part of them never logged in."""
    inactive: Annotated[float, Field(ge=0, le=1)] = 0.25
    """Which part of them logged in once, and not in the last days."""
    days: Annotated[int, Field(ge=1)] = 180
    blocked: Annotated[float, Field(ge=0, le=1)] = 0.01
    lately: Annotated[float, Field(ge=0, le=1)] = 0
    """Which part of them came in the last two weeks."""


def scattered(number: int, salt: int) -> float:
    """Return something from 0 to 1 that looks random, always the same for a number."""
    mixed = (number * 2 + 1) * 0x9E3779B1 + salt * 0x85EBCA77 & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 15) * 0x2C1B3C6D & 0xFFFFFFFF
    mixed = (mixed ^ mixed >> 12) * 0x297A2D39 & 0xFFFFFFFF
    return (mixed ^ mixed >> 15) / 0x100000000


def eighths(moment: float) -> float:
    """Return the eighth of a second before a moment: it is written with milliseconds, and is the same when it is read."""
    return math.floor(moment * 8) / 8


class Crowd:
    """People by number, as they are at one moment. Two arrays of moments for each field that is searched by time."""

    def __init__(self, wanted: Many, now: float) -> None:
        self.wanted = wanted
        self.now = now
        self.created = array("d", map(self._created, range(wanted.count)))
        self.logins = array("d", map(self._login, range(wanted.count)))
        self.by_login = array("L", (number for number in range(wanted.count) if self.logins[number]))
        self.by_login = array("L", sorted(self.by_login, key=self.logins.__getitem__))
        self.login_moments = array("d", map(self.logins.__getitem__, self.by_login))

    def __len__(self) -> int:
        """Return how many they are."""
        return self.wanted.count

    def _created(self, number: int) -> float:
        part, border = (number + scattered(number, 1)) / self.wanted.count, 1 - self.wanted.lately
        if part >= border and self.wanted.lately:
            return eighths(self.now - LATELY + (part - border) / self.wanted.lately * (LATELY - DAY / 8))
        oldest = OLDEST - (LATELY if self.wanted.lately else DAY)
        return eighths(self.now - OLDEST + part / border * oldest)

    def _login(self, number: int) -> float:
        """Return the moment of the last login, 0 if there was none."""
        wanted, kind, when = self.wanted, scattered(number, 2), scattered(number, 3)
        if kind < wanted.never:
            return 0.0
        created, border = self.created[number], self.now - wanted.days * DAY
        old = kind < wanted.never + wanted.inactive and created < border
        low, high = (created, border) if old else (max(created, border), self.now - 60)
        return eighths(low + when * (high - low - 1))

    def number_of(self, user_id: str) -> int | None:
        """Return the number of a person, None if it is not one of them."""
        digits = user_id.partition("|")[2].removeprefix("7c")
        if not re.fullmatch("[0-9a-f]{22}", digits):
            return None
        number = int(digits, 16)
        return number if number < len(self) and self.id_of(number) == user_id else None

    def _connection(self, number: int) -> str:
        return SPREAD[int(scattered(number, 4) * len(SPREAD))]

    def id_of(self, number: int) -> str:
        """Return the id of a person."""
        return f"{CONNECTIONS[self._connection(number)].strategy}|7c{number:022x}"

    def profile(self, number: int) -> dict[str, Any]:
        """Make up the profile of a person."""
        connection = CONNECTIONS[self._connection(number)]
        given = GIVEN_NAMES[int(scattered(number, 5) * len(GIVEN_NAMES))]
        family = FAMILY_NAMES[int(scattered(number, 6) * len(FAMILY_NAMES))]
        local, created, login = f"7c{number:022x}", iso(self.created[number]), self.logins[number]
        identity = {"connection": connection.name, "user_id": local, "provider": connection.strategy}
        profile: dict[str, Any] = {
            "created_at": created,
            "identities": [identity | {"isSocial": connection.social}],
            "name": f"{given} {family}",
            "nickname": f"{given.lower()}.{number}",
            "picture": f"https://example.com/pictures/{number}.png",
            "updated_at": created,
            "user_id": f"{connection.strategy}|{local}",
            "user_metadata": {"language": ("en", "de", "fr", "es")[number % 4]},
            "app_metadata": {"plan": ("standard", "gold")[number % 10 == 0]},
        }
        if connection.strategy == "sms":
            profile |= {"phone_number": f"+49301{number:08d}", "phone_verified": True}
        else:
            email = f"{given.lower()}.{family.lower()}.{number}@example.com"
            profile |= {"email": email, "email_verified": scattered(number, 7) < 0.9}
            profile |= {"given_name": given, "family_name": family}
        if login:
            last = iso(login)
            profile |= {"last_login": last, "updated_at": last, "last_ip": f"198.51.100.{number % 250 + 1}"}
            profile["logins_count"] = 1 + int(scattered(number, 8) * 200)
        if scattered(number, 9) < self.wanted.blocked:
            profile["blocked"] = True
        return profile

    def moments(self, field: str) -> "array[float]":
        """Return the moments of a field by number, 0 for none."""
        return self.created if field == "created_at" else self.logins

    def within(self, spans: Sequence[Span]) -> Sequence[int]:
        """Return the numbers of those who can lie within some spans of time: all who do, and perhaps others."""
        found: Sequence[int] = range(len(self))
        for span in spans:
            ordered = self.created if span.field == "created_at" else self.login_moments
            first, end = bisect_left(ordered, span.low), bisect_right(ordered, span.high)
            if end - first < len(found):
                found = range(first, end) if span.field == "created_at" else self.by_login[first:end]
        return found


class Accounts(MutableMapping[str, Account]):
    """All accounts by their ids: those that are kept, and behind them the crowd."""

    def __init__(self) -> None:
        self.kept: dict[str, Account] = {}
        self._crowd: Crowd | None = None
        self._gone: set[int] = set()
        """Those of the crowd who are kept by now, or deleted."""

    def gather(self, crowd: Crowd) -> None:
        """Let a crowd in, instead of the one before."""
        self._crowd, self._gone = crowd, set()

    def __getitem__(self, user_id: str) -> Account:
        found = self.kept.get(user_id)
        if found is not None:
            return found
        number = self._number(user_id)
        if self._crowd is None or number is None:
            raise KeyError(user_id)
        self._gone.add(number)
        found = self.kept[user_id] = Account(profile=self._crowd.profile(number))
        return found

    def _number(self, user_id: str) -> int | None:
        number = self._crowd.number_of(user_id) if self._crowd else None
        return None if number in self._gone else number

    def __contains__(self, user_id: object) -> bool:
        return user_id in self.kept or (isinstance(user_id, str) and self._number(user_id) is not None)

    def __setitem__(self, user_id: str, account: Account) -> None:
        number = self._number(user_id)
        if number is not None:
            self._gone.add(number)
        self.kept[user_id] = account

    def __delitem__(self, user_id: str) -> None:
        number = self._number(user_id)
        if number is not None:
            self._gone.add(number)
        elif user_id in self.kept:
            del self.kept[user_id]
        else:
            raise KeyError(user_id)

    def __len__(self) -> int:
        return len(self.kept) + (len(self._crowd) - len(self._gone) if self._crowd else 0)

    def __iter__(self) -> Iterator[str]:
        yield from list(self.kept)
        if self._crowd:
            yield from (self._crowd.id_of(number) for number in range(len(self._crowd)) if number not in self._gone)

    def values(self) -> Any:
        """Return the accounts. Those of the crowd are there to be looked at: a change of them is lost."""
        return self.within([])

    def within(self, spans: Sequence[Span]) -> Iterator[Account]:
        """Return the accounts that can lie within some spans of time: all who do, and perhaps others."""
        yield from list(self.kept.values())
        if self._crowd:
            for number in self._crowd.within(spans):
                if number not in self._gone:
                    yield Account(profile=self._crowd.profile(number))

    def profiles(self) -> Iterator[dict[str, Any]]:
        """Return the profiles of all as they are at this moment, to be read later, in another thread too."""
        kept = [dict(account.profile) for account in self.kept.values()]
        crowd, gone = self._crowd, set(self._gone)

        def read() -> Iterator[dict[str, Any]]:
            yield from kept
            if crowd is not None:
                yield from (crowd.profile(number) for number in range(len(crowd)) if number not in gone)

        return read()

    def in_time(self, fits: Test, spans: Sequence[Span]) -> tuple[int, Cut]:
        """Count those who fit, where nothing but spans of one field is asked for; they come in the order of time."""
        field = spans[0].field
        found: list[tuple[float, int | Account]] = []
        if self._crowd:
            moments = self._crowd.moments(field)
            inside = (number for number in self._crowd.within(spans) if number not in self._gone and moments[number])
            found = [(moments[at], at) for at in inside if all(span.holds(moments[at]) for span in spans)]
        for account in self.kept.values():
            if fits(account.profile):
                found.append((seconds(str(account.profile[field])) or 0.0, account))
        found.sort(key=itemgetter(0))

        def cut(start: int, end: int) -> list[Account]:
            some = (one for _, one in found[start:end])
            return [one if isinstance(one, Account) else Account(profile=self._profile(one)) for one in some]

        return len(found), cut

    def _profile(self, number: int) -> dict[str, Any]:
        assert self._crowd is not None
        return self._crowd.profile(number)


def routes(accounts: Accounts, now: Callable[[], float], happened: Callable[[], object]) -> list[Route]:
    """Make the address where a crowd comes into being."""

    async def gather(request: Request) -> JSONResponse:
        try:
            wanted = Many.model_validate_json(await request.body())
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        accounts.gather(Crowd(wanted, now()))
        happened()
        return JSONResponse({"total": len(accounts)}, status_code=201)

    return [Route("/sandbox/users/many", gather, methods=["POST"])]
