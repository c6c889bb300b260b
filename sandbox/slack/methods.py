"""The table of Web API methods, and how a call is checked before its method sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sandbox.slack.arguments import Arguments
from sandbox.slack.refusals import Refusal

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]
TokenKind = Literal["bot", "app"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of one method, allowed so far."""

    workspace: "Workspace"
    arguments: Arguments
    address: str
    """Where the workspace is reached, as the caller sees it."""
    scopes: frozenset[str]


Body = Callable[[Call], Json | Awaitable[Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method: what it needs, and what it does."""

    name: str
    scopes: tuple[str, ...]
    token: TokenKind | None
    tier: int | None
    body: Body
    writes: bool
    """Whether it changes what anybody sees, or opens something. Refused while the workspace is read-only."""


METHODS: dict[str, Method] = {}


READING = frozenset(
    {"info", "list", "history", "replies", "members", "test", "validate", "getPermalink", "lookupByEmail"}
)
"""The last words of the methods that only look. Any other word writes, so that a new method is refused unless it is named."""


def method(name: str, *scopes: str, tier: int | None = None, token: TokenKind | None = "bot") -> Callable[[Body], Body]:
    """Put a function into the table. It may be called with any of the scopes; without a tier it has limits of its own."""
    # A Socket Mode connection is how the bot listens; it changes nothing.
    writes = name.rpartition(".")[2] not in READING and name != "apps.connections.open"

    def register(body: Body) -> Body:
        METHODS[name] = Method(name=name, scopes=scopes, token=token, tier=tier, body=body, writes=writes)
        return body

    return register


def allow(wanted: Method, token: str, workspace: "Workspace") -> frozenset[str]:
    """Check the token of a call and its scopes; gives the scopes. Raises Refusal."""
    if wanted.token is None:
        return frozenset()
    if not token:
        raise Refusal("not_authed")
    kinds: dict[str, TokenKind] = {workspace.bot_token: "bot", workspace.app_token: "app"}
    kind = kinds.get(token)
    if kind is None:
        raise Refusal("invalid_auth")
    # auth.test is for every kind of token: it tells which one it is.
    if kind != wanted.token and wanted.name != "auth.test":
        raise Refusal("not_allowed_token_type")
    scopes = workspace.settings.scopes if kind == "bot" else workspace.settings.app_scopes
    if wanted.scopes and not scopes.intersection(wanted.scopes):
        provided = ",".join(sorted(scopes))
        raise Refusal("missing_scope", needed=wanted.scopes[0], provided=provided)
    return frozenset(scopes)
