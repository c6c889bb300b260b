"""Menus: what can be picked from the connected accounts, asked of them while somebody fills in a form."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from bot.connections import Accounts
from connectors.base import Catalog
from connectors.errors import ConnectorError
from connectors.menus import MOST, Choice, Menu, Sought, fitting
from flows import references
from flows.fields import Fields, PickField

log = structlog.get_logger()

FRESH: Final = 60.0
"""Seconds that what an account has said is believed."""
KEPT: Final = 200
"""Menus that are kept at a time."""
OPENING: Final = 6.0
"""Seconds that a form waits for an account while it is being made."""
NO_ANSWER: Final = "It does not answer in time."

_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a menu has for somebody."""

    choices: Sequence[Choice] = ()
    """Those that fit, the best first."""
    problem: str = ""
    """Why the account did not say, if it did not."""
    all: bool = True
    """Whether there are no others that would fit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """How a field is filled in that is picked from an account."""

    connection: str
    chosen: Sequence[Choice] = ()
    """What is chosen now, by the names that the account knows it by."""
    problem: str = ""
    """Why the account did not say what there is, if it did not: then people have to type."""


class Menus:
    """Asks accounts what there is, and keeps it for a moment. What several people ask at once is asked once."""

    def __init__(self, accounts: Accounts, catalog: Catalog, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._catalog = catalog
        self._clock = clock
        self._kept: dict[_Key, tuple[float, Sequence[Choice]]] = {}
        self._asked: dict[_Key, asyncio.Task[Sequence[Choice]]] = {}

    async def close(self) -> None:
        """Ask nobody any more."""
        asked = list(self._asked.values())
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    async def look(self, field: PickField, connection: str, text: str, *, patience: float) -> Looked:
        """Return what of a menu fits what was typed. An account that is slow is asked on, for the next time."""
        menu = self._catalog.menus[field.from_]
        sought = Sought(text=text.strip() if menu.searched else "", of=field.of or "")
        try:
            found = await self._found(menu, connection, sought, patience)
        except ConnectorError as error:
            log.info("menu_unknown", menu=menu.name, connection=connection, why=error.message)
            return Looked(problem=error.message)
        except TimeoutError:
            log.info("menu_unknown", menu=menu.name, connection=connection, why="slow")
            return Looked(problem=NO_ANSWER)
        return Looked(choices=found if menu.searched else fitting(found, text), all=len(found) < MOST)

    async def picks(
        self, fields: Fields, connections: Mapping[str, Any], current: Mapping[str, Any]
    ) -> Mapping[str, Pick]:
        """Return how each field of a form is filled in that is picked from an account.

        `connections` says which one is meant by each setting that is a connection.
        """
        picked = {name: field for name, field in fields.items() if isinstance(field, PickField)}
        found = await asyncio.gather(
            *(
                self._pick(field, str(connections.get(setting_of(field)) or ""), current.get(name))
                for name, field in picked.items()
            )
        )
        return dict(zip(picked, found, strict=True))

    async def _pick(self, field: PickField, connection: str, current: Any) -> Pick:
        if not connection:
            return Pick(connection="")
        looked = await self.look(field, connection, "", patience=OPENING)
        if looked.problem:
            return Pick(connection=connection, problem=looked.problem)
        values = current if isinstance(current, list) else [current] if current else []
        known = {each.value: each for each in looked.choices}
        for value in values:
            if value not in known:
                more = (await self.look(field, connection, value, patience=OPENING)).choices
                known |= {each.value: each for each in more if each.value == value}
        # What is not there any more is shown as it was typed.
        return Pick(
            connection=connection, chosen=[known.get(value, Choice(value=value, label=value)) for value in values]
        )

    async def _found(self, menu: Menu, connection: str, sought: Sought, patience: float) -> Sequence[Choice]:
        key = (connection, menu.name, sought.of, sought.text)
        at, kept = self._kept.get(key, (-FRESH, ()))
        if self._clock() - at < FRESH:
            return kept
        task = self._asked.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(menu, key, sought))
            self._asked[key] = task
            task.add_done_callback(lambda _done: self._asked.pop(key, None))
        # Whoever has to answer now goes; the account may take its time for the next who asks.
        done, _ = await asyncio.wait([task], timeout=patience)
        if not done:
            raise TimeoutError
        return task.result()

    async def _ask(self, menu: Menu, key: _Key, sought: Sought) -> Sequence[Choice]:
        connection = key[0]
        client = await self._accounts.client(connection)
        found = await menu.find(client, sought)
        while len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (self._clock(), found)
        return found


def setting_of(field: PickField) -> str:
    """Return the setting that says which connection a field is picked from."""
    return (references.only_path(field.using) or "").removeprefix("settings.")
