"""What can be done: actions and sources, the connectors that have them, and the catalog that lists all."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, assert_never, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from connectors.menus import Choice, Menu, Sought
from connectors.wire import Wire

Effect = Literal["reads", "changes", "destroys"]
Way = Literal["calls", "streams", "stores", "computes"]
"""How an action works: it calls something outside of a run; it yields very many items from there, one by one; it
changes our own database, together with the run's journal; or it only computes, from what it is given to what it gives."""
S = TypeVar("S", bound=BaseModel)
C = TypeVar("C")
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
Remembered: TypeAlias = Mapping[str, Any] | None
"""What is remembered under a key: a JSON object, or nothing."""


class Value(BaseModel):
    """What crosses an edge in our own words: what an action is given and gives, and settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)


class Dataset(Value):
    """A stored collection of very many items."""

    id: str = Field(title="Dataset", description="Its name, for `each` to walk through.")
    count: int = Field(title="Count", description="How many items it has.")
    fields: list[str] = Field(title="Fields", description="What is known of an item.")
    summary: dict[str, Any] = Field(
        default_factory=dict, title="Summary", description="What is said of all items, by the action that found them."
    )


class Summary(Value):
    """What an action that streams says of all its items together: the last that it yields, if it says anything."""


@dataclass(frozen=True, slots=True)
class Filling:
    """Says of a field, among its annotations, how texts that a flow fills into it are written.

    What comes from outside is then taken for nothing else than text, however the author's own text is read.
    """

    write: Callable[[str], str]


def filling(field: FieldInfo | None) -> Filling | None:
    """Return how texts are written that a flow fills into a field, if it says so: also one that may be left out."""
    if field is None:
        return None
    said = [*field.metadata, *(one for option in get_args(field.annotation) for one in get_args(option)[1:])]
    return next((one for one in said if isinstance(one, Filling)), None)


class Lenient(BaseModel):
    """What comes from outside: more is kept, less is fine where the field has a default."""

    model_config = ConfigDict(
        frozen=True, extra="allow", coerce_numbers_to_str=True, hide_input_in_errors=True, defer_build=True
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing a flow can do in a service."""

    name: str
    title: str
    about: str
    effect: Effect
    undo: str | None
    repeatable: bool
    """Carrying it out twice is the same as once, so an ambiguous outcome may simply be repeated."""
    given: type[BaseModel]
    gives: type[BaseModel]
    """For one that streams: `Dataset`."""
    item: type[BaseModel] | None
    """What one that streams yields."""
    summary: type[BaseModel] | None = None
    """What one that streams says of all its items, if it does."""
    way: Way
    connected: bool
    """It works on one of the connected accounts, which the flow names with `using`."""
    counts: Callable[[Any], int]
    """How many things a `given` changes or destroys: what the caps of a flow count."""
    carry_out: Callable[[Any, Any], Any]
    """Takes a client and a `given`, and returns what the way says: for `calls` an awaitable of a `gives`, for `streams`
    an asynchronous iterator of items, otherwise a `gives`. Raises ConnectorError. The client is the connector's own;
    for `stores` it is an open database connection; for `computes` None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Why a network address is not trusted."""

    network: str
    reason: str


class Memory(Protocol):
    """What is remembered of the events of one connection, and which network addresses are not trusted there."""

    async def change(
        self, keys: Sequence[str], work: Callable[[Sequence[Remembered]], tuple[Sequence[Remembered], T]]
    ) -> T:
        """Look some keys up, and remember something else under them. It is kept a moment later.

        Nothing else happens between the two, so that of many events that come at once, none is overlooked.
        """
        ...

    async def denied(self, address: str) -> Listed | None:
        """Return why an address is not trusted, if somebody has said so."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of event that a service can send us."""

    name: str
    title: str
    about: str
    event: type[BaseModel]
    answered: bool = False
    """Whoever sends it waits for what flows say."""
    held: bool = False
    """Whoever it is about can be kept waiting for what people say."""
    enrich: Callable[[Memory, Mapping[str, Any], float], Awaitable[Mapping[str, Any]]] | None = None
    """Adds to an event what follows from earlier ones, and remembers this one. The number is the time."""
    complete: Callable[[Mapping[str, Any]], bool] | None = None
    """Tells of an event to which nothing is to be added, and of which nothing is remembered: that has to be quick."""
    person: str = ""
    """Where in an event the id of the person stands whom it is about, such as ``user.user_id``."""
    existing: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    """Shows somebody whom the service knew before as this event: that is what a back-fill offers to flows.

    None for those to whom it has not happened: they will wake flows when it does. Needs `person`.
    """
    logged: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] | None = None
    """Shows a line of the service's own log as this event, as far as the log tells. None if it is no such event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One event, as it came out of what was sent."""

    source: str
    id: str | None
    """The service's own id of it, by which a second delivery is recognised. None: what was sent is its id."""
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inlet:
    """One way in which a service sends us events: an address below that of the connection."""

    name: str
    """The last part of its address."""
    read: Callable[[bytes], Sequence[Arrival]]
    """Return the events of a body. Raises ValueError, which says what is wrong with it."""


def _one(_given: Any) -> int:
    return 1


class Declaring:
    """A named collection of actions. `action` declares one."""

    def __init__(
        self,
        name: str,
        *,
        title: str,
        connected: bool = False,
        understanding: Callable[[Effect], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.name = name
        self.title = title
        self._connected = connected
        self._understanding = understanding
        """Turns what a vendor's own library raises over an odd answer into a ConnectorError."""
        self._actions: dict[str, Action] = {}
        self.actions: Mapping[str, Action] = MappingProxyType(self._actions)

    def action(
        self,
        title: str,
        *,
        effect: Effect,
        undo: str | None = None,
        repeatable: bool = False,
        stores: bool = False,
        counts: Callable[[Any], int] = _one,
    ) -> Callable[[F], F]:
        """Declare a function as an action; its types and docstring describe it.

        `async (client, given) -> gives` calls, `async (client, given) -> AsyncIterator[item]` streams,
        `(given) -> gives` computes, and `(connection, given) -> gives` with `stores=True` stores. What streams may
        yield a summary last: `AsyncIterator[item | summary]`.
        """

        def declare(function: F) -> F:
            name = f"{self.name}.{function.__name__}"
            *client, given, gives = get_type_hints(function).values()
            way = _way(function, stores=stores)
            if (way == "computes") == bool(client):
                raise TypeError(f"{name}: the parameters do not fit an action that {way}")
            item, summary = _streamed(gives) if way == "streams" else (None, None)
            self._actions[name] = Action(
                name=name,
                title=title,
                about=(function.__doc__ or "").strip(),
                effect=effect,
                undo=undo and f"{self.name}.{undo}",
                repeatable=repeatable,
                given=given,
                gives=Dataset if way == "streams" else gives,
                item=item,
                summary=summary,
                way=way,
                connected=self._connected and way in {"calls", "streams"},
                counts=counts,
                carry_out=self._understood(function, way, effect),
            )
            return function

        return declare

    def _understood(self, function: Callable[..., Any], way: Way, effect: Effect) -> Callable[[Any, Any], Any]:
        match way:
            case "calls":

                @wraps(function)
                async def call(client: Any, given: Any) -> Any:
                    with self._understanding(effect):
                        return await function(client, given)

                return call
            case "streams":

                @wraps(function)
                async def stream(client: Any, given: Any) -> AsyncIterator[Any]:
                    with self._understanding(effect):
                        async for item in function(client, given):
                            yield item

                return stream
            case "computes":
                return lambda _client, given: function(given)
            case "stores":
                return function
            case _:
                assert_never(way)


def _streamed(gives: Any) -> tuple[type[BaseModel], type[BaseModel] | None]:
    """Return the model of the items that come, and of the summary at their end."""
    (yielded,) = get_args(gives)
    options = get_args(yielded) or (yielded,)
    (item,) = (option for option in options if not issubclass(option, Summary))
    return item, next((option for option in options if issubclass(option, Summary)), None)


def _way(function: Callable[..., Any], *, stores: bool) -> Way:
    if isasyncgenfunction(function):
        return "streams"
    if iscoroutinefunction(function):
        return "calls"
    return "stores" if stores else "computes"


class Connector(Declaring, Generic[S, C]):
    """A service we can talk to."""

    def __init__(
        self,
        name: str,
        *,
        title: str,
        settings: type[S],
        connect: Callable[[S, Wire], C],
        check: Callable[[C], Awaitable[str]],
        sources: Iterable[Source] = (),
        inlets: Iterable[Inlet] = (),
        understanding: Callable[[Effect], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        super().__init__(name, title=title, connected=True, understanding=understanding)
        self.settings = settings
        self.connect = connect
        """Make the client of one connection; nothing is sent yet."""
        self.check = check
        """Make one harmless call and say in a sentence how it went; raises ConnectorError."""
        self.everybody: Callable[[C], AsyncIterator[Mapping[str, Any]]] | None = None
        """Bring everybody whom the service knows, however many, as `Source.existing` takes them. Raises ConnectorError."""
        self.log: Callable[[C, float], AsyncIterator[tuple[float, Mapping[str, Any]]]] | None = None
        """Bring the lines of the service's own log since a time, the oldest first, each with its time, as `Source.logged`
        takes them. Raises ConnectorError."""
        self.sources: Mapping[str, Source] = MappingProxyType({source.name: source for source in sources})
        self.inlets: Mapping[str, Inlet] = MappingProxyType({inlet.name: inlet for inlet in inlets})
        self._menus: dict[str, Menu] = {}
        self.menus: Mapping[str, Menu] = MappingProxyType(self._menus)

    def menu(
        self, title: str, *, of: str = "", searched: bool = False
    ) -> Callable[[Callable[[C, Sought], Awaitable[Sequence[Choice]]]], Callable[..., Awaitable[Sequence[Choice]]]]:
        """Declare what can be chosen from an account: an `async (client, sought) -> choices`, named as it is."""

        def declare(find: Callable[[C, Sought], Awaitable[Sequence[Choice]]]) -> Callable[..., Any]:
            async def understood(client: C, sought: Sought) -> Sequence[Choice]:
                with self._understanding("reads"):
                    return await find(client, sought)

            name = f"{self.name}.{find.__name__}"
            self._menus[name] = Menu(name=name, title=title, of=of, searched=searched, find=understood)
            return find

        return declare


class Catalog:
    """All connectors with their actions and sources, and the actions that need no connection, found by full name."""

    def __init__(self, connectors: Iterable[Connector[Any, Any]], *, builtins: Iterable[Declaring] = ()) -> None:
        self.connectors: Mapping[str, Connector[Any, Any]] = {each.name: each for each in connectors}
        self.builtins: Mapping[str, Declaring] = {each.name: each for each in builtins}
        self.actions: Mapping[str, Action] = {
            name: action
            for each in (*self.connectors.values(), *self.builtins.values())
            for name, action in each.actions.items()
        }
        self.sources: Mapping[str, Source] = {
            name: source for each in self.connectors.values() for name, source in each.sources.items()
        }
        self.menus: Mapping[str, Menu] = {
            name: menu for each in self.connectors.values() for name, menu in each.menus.items()
        }

    def action(self, name: str) -> Action | None:
        """Find an action by its full name, such as "auth0.block_user"."""
        return self.actions.get(name)

    def source(self, name: str) -> Source | None:
        """Find a source by its full name, such as "auth0.post_login"."""
        return self.sources.get(name)
