"""What a connector is made of: actions, sources, and the catalog that lists them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import wraps
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict

from connectors.wire import Wire

Effect = Literal["reads", "changes", "destroys"]
S = TypeVar("S", bound=BaseModel)
C = TypeVar("C")
G = TypeVar("G", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


class Value(BaseModel):
    """What crosses an edge in our own words: what an action is given and gives, and settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Lenient(BaseModel):
    """What comes from outside: more is kept, less is fine where the field has a default."""

    model_config = ConfigDict(frozen=True, extra="allow", coerce_numbers_to_str=True, hide_input_in_errors=True)


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
    carry_out: Callable[[Any, Any], Awaitable[BaseModel]]
    """Takes the connector's client and a `given`; raises ConnectorError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One kind of event that a service can send us."""

    name: str
    title: str
    about: str
    event: type[BaseModel]


class Connector(Generic[S, C]):
    """A service we can talk to. `action` declares what can be done there."""

    def __init__(
        self,
        name: str,
        *,
        title: str,
        settings: type[S],
        connect: Callable[[S, Wire], C],
        check: Callable[[C], Awaitable[str]],
        sources: Iterable[Source] = (),
        understanding: Callable[[Effect], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.name = name
        self.title = title
        self.settings = settings
        self.connect = connect
        """Make the client of one connection; nothing is sent yet."""
        self.check = check
        """Make one harmless call and say in a sentence how it went; raises ConnectorError."""
        self.sources: Mapping[str, Source] = MappingProxyType({source.name: source for source in sources})
        self._understanding = understanding
        """Turns what the vendor's own library raises over an odd answer into a ConnectorError."""
        self._actions: dict[str, Action] = {}
        self.actions: Mapping[str, Action] = MappingProxyType(self._actions)

    def action(
        self, title: str, *, effect: Effect, undo: str | None = None, repeatable: bool = False
    ) -> Callable[[Callable[[C, G], Awaitable[R]]], Callable[[C, G], Awaitable[R]]]:
        """Declare a function `(client, given) -> gives` as an action; its types and docstring describe it."""

        def declare(function: Callable[[C, G], Awaitable[R]]) -> Callable[[C, G], Awaitable[R]]:
            @wraps(function)
            async def carry_out(client: C, given: G) -> R:
                with self._understanding(effect):
                    return await function(client, given)

            name = f"{self.name}.{function.__name__}"
            _client, given, gives = get_type_hints(function).values()
            self._actions[name] = Action(
                name=name,
                title=title,
                about=(function.__doc__ or "").strip(),
                effect=effect,
                undo=undo and f"{self.name}.{undo}",
                repeatable=repeatable,
                given=given,
                gives=gives,
                carry_out=carry_out,
            )
            return function

        return declare


class Catalog:
    """All connectors with their actions and sources, found by full name."""

    def __init__(self, connectors: Iterable[Connector[Any, Any]]) -> None:
        self.connectors: Mapping[str, Connector[Any, Any]] = {each.name: each for each in connectors}
        self.actions: Mapping[str, Action] = {
            name: action for each in self.connectors.values() for name, action in each.actions.items()
        }
        self.sources: Mapping[str, Source] = {
            name: source for each in self.connectors.values() for name, source in each.sources.items()
        }

    def action(self, name: str) -> Action | None:
        """Find an action by its full name, such as "auth0.block_user"."""
        return self.actions.get(name)

    def source(self, name: str) -> Source | None:
        """Find a source by its full name, such as "auth0.post_login"."""
        return self.sources.get(name)
