"""A small world for checking flows: a shop, a help desk, lists, texts and rows, none of which ever does anything."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal

from pydantic import Field

from connectors.base import Catalog, Connector, Declaring, Lenient, Source, Value
from connectors.menus import Choice, Sought
from flows.conditions import Tests


class Nothing(Value):
    """No settings, nothing given, nothing back."""


class Customer(Lenient):
    email: str | None = None
    vip: bool | None = None
    tags: list[str] | None = None
    age: int | None = None
    notes: dict[str, Any] | None = None


class Ordered(Lenient):
    id: str
    level: Literal["low", "high"]
    total: float
    at: str
    customer: Customer | None = None


class Returned(Lenient):
    id: str
    reason: str


class OrderRef(Value):
    order: str = Field(min_length=2, description="Which order.")


class Order(Value):
    id: str
    total: float
    lines: list[str]
    customer: Customer


class Refund(OrderRef):
    amount: int = Field(ge=1, description="How much.")
    why: Literal["late", "broken"] = "late"
    told: bool = False
    tags: list[str] = Field(default=[])
    notes: dict[str, int] = Field(default={})


class Filter(Value):
    items: list[Any] = Field(description="What to choose from.")
    where: Tests = Field(json_schema_extra={"conditions": True}, description="What must hold.")


class Filtered(Value):
    items: list[Any]
    count: int


class Text(Value):
    text: str


class Cells(Value):
    table: str
    row: dict[str, Any]


class Key(Value):
    table: str
    key: dict[str, Any]


class Got(Value):
    row: dict[str, Any] | None


class Count(Key):
    column: str
    by: float = 1


class Search(Value):
    table: str
    where: Tests | None = Field(default=None, json_schema_extra={"conditions": True})
    sort: list[Any] = Field(default=[])


class Found(Value):
    rows: list[dict[str, Any]]
    count: int


async def _check(_client: None) -> str:
    return "fine"


def catalog() -> Catalog:
    """Make the catalog of this world."""
    shop = Connector(
        "shop",
        title="Shop",
        settings=Nothing,
        connect=lambda _settings, _wire: None,
        check=_check,
        sources=[
            Source(name="shop.ordered", title="Ordered", about="", event=Ordered, answered=True),
            Source(name="shop.returned", title="Returned", about="", event=Returned),
        ],
    )
    desk = Connector(
        "desk", title="Desk", settings=Nothing, connect=lambda _settings, _wire: None, check=_check, sources=[]
    )
    lists, text, rows = Declaring("lists", title="Lists"), Declaring("text", title="Texts"), Declaring("rows", title="")

    @shop.menu("Shelves")
    async def shelves(client: None, sought: Sought) -> Sequence[Choice]:
        raise NotImplementedError

    @shop.menu("Items", of="a shelf, such as A1")
    async def items(client: None, sought: Sought) -> Sequence[Choice]:
        raise NotImplementedError

    @shop.action("Look", effect="reads")
    async def look(client: None, given: OrderRef) -> Order:
        raise NotImplementedError

    @shop.action("Refund", effect="changes")
    async def refund(client: None, given: Refund) -> Order:
        raise NotImplementedError

    @shop.action("Delete", effect="destroys")
    async def delete(client: None, given: OrderRef) -> Nothing:
        raise NotImplementedError

    @shop.action("All orders", effect="reads")
    async def orders(client: None, given: Nothing) -> AsyncIterator[Order]:
        for order in list[Order]():
            yield order

    @lists.action("Filter", effect="reads")
    def filter(given: Filter) -> Filtered:  # noqa: A001  # a flow says lists.filter
        raise NotImplementedError

    @text.action("Upper", effect="reads")
    def upper(given: Text) -> Text:
        raise NotImplementedError

    @rows.action("Insert", effect="changes", stores=True)
    def insert(client: None, given: Cells) -> Got:
        raise NotImplementedError

    @rows.action("Get", effect="reads", stores=True)
    def get(client: None, given: Key) -> Got:
        raise NotImplementedError

    @rows.action("Count on", effect="changes", stores=True)
    def increment(client: None, given: Count) -> Got:
        raise NotImplementedError

    @rows.action("Find", effect="reads", stores=True)
    def find(client: None, given: Search) -> Found:
        raise NotImplementedError

    return Catalog([shop, desk], builtins=[lists, text, rows])


HEAD = """
template: tidy-orders
version: 1
title: Tidy orders
about: Looks after the orders of a shop.
settings:
  account: {connection: shop, title: Shop}
  help: {connection: desk, title: Desk}
  room: {type: channel, title: Where}
  greeting: {type: text, title: Greeting, optional: true}
  most: {type: number, min: 0, max: 100, default: 10, title: At most}
  loud: {type: yes or no, title: Loud}
  levels: {type: choices, of: [low, high], default: [low], title: Levels}
  colours: {type: choices, of: [red, green], title: Colours}
  patience: {type: duration, min: 5m, max: 7d, default: 30m, title: Patience}
"""
TABLES = """
tables:
  people: {columns: {email: text, visits: number, vip: boolean, seen: time, more: json}, key: [email]}
"""
WHEN = """
when: {event: shop.ordered, from: "{{ settings.account }}"}
"""
LIMITS = """
limits: {destroys: {per run: 1, per day: 50}}
"""


ACCOUNT = '"{{ settings.account }}"'
LOOK = "{id: order, do: shop.look, using: $ACCOUNT, with: {order: '{{ event.id }}'}}"


def flow(steps: str = "[{stop: done, say: x}]", *, when: str = WHEN, more: str = "", head: str = HEAD) -> str:
    """Write a flow of this world. $LOOK stands for a step that looks at the order, $ACCOUNT for its connection."""
    text = f"{head}\n{more}\n{when}\nsteps: {steps}\n"
    return text.replace("$LOOK", LOOK).replace("$ACCOUNT", ACCOUNT)
