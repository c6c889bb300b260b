"""Effects: what the Actions of one trigger asked for, gathered till the end, where it is done once."""

import json
from dataclasses import dataclass, field
from typing import Any

from sandbox.auth0.profiles import merge
from sandbox.auth0.tenant import Account

CODED = {"credentials-exchange", "custom-token-exchange"}
"""Triggers whose refusals begin with a code."""

LARGEST_METADATA = 32 * 1024
"""Bytes of each kind, in one login."""

USUAL_CODES = {"custom-token-exchange": "invalid_request", "credentials-exchange": "invalid_request"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A refusal: why, what the person is told, and the code of an OAuth answer."""

    reason: str
    message: str | None = None
    code: str = "access_denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    """A page that the person is sent to in the middle of it."""

    url: str
    query: dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Effects:
    """Everything that was asked for so far."""

    id_token: dict[str, Any] = field(default_factory=dict)
    access_token: dict[str, Any] = field(default_factory=dict)
    added_scopes: list[str] = field(default_factory=list)
    removed_scopes: list[str] = field(default_factory=list)
    user_metadata: dict[str, Any] = field(default_factory=dict)
    app_metadata: dict[str, Any] = field(default_factory=dict)
    challenges: list[dict[str, Any]] = field(default_factory=list)
    subject: dict[str, Any] | None = None
    organization: str | None = None
    actor: Any = None
    primary_user: str | None = None
    result_url: str | None = None
    session_revoked: bool = False
    keep_refresh_tokens: bool = False
    refresh_token_revoked: bool = False
    session_metadata: dict[str, Any] = field(default_factory=dict)
    transaction_metadata: dict[str, Any] = field(default_factory=dict)
    rendered: list[Any] = field(default_factory=list)

    def take(self, trigger: str, commands: list[list[Any]]) -> tuple[Denial | None, Redirect | None]:
        """Take in what one Action asked for; gives its refusal and its redirect. A refusal wins over everything else."""
        denial: Denial | None = None
        redirect: Redirect | None = None
        for name, *arguments in commands:
            denial = denial or self._refusal(trigger, name, arguments)
            match name, arguments:
                case "redirect.sendUserTo", [str(url), *rest]:
                    options = rest[0] if rest and isinstance(rest[0], dict) else {}
                    redirect = Redirect(url=url, query=dict(options.get("query") or {}))
                case _:
                    self._take_one(name, arguments)
        return denial, redirect

    def _refusal(self, trigger: str, name: str, arguments: list[Any]) -> Denial | None:
        texts = [str(one) for one in arguments if isinstance(one, str)]
        first, second = [*texts, "", ""][:2]
        match name:
            case "access.deny" if trigger in CODED:
                return Denial(reason=second or first or "access denied", code=first or USUAL_CODES[trigger])
            case "access.deny":
                return Denial(reason=first or "access denied", message=second or None)
            case "access.rejectInvalidSubjectToken":
                return Denial(reason=first or "invalid subject token", code="invalid_request")
            case "validation.error":
                return Denial(reason=second or first, message=second or None, code=first or "access_denied")
            case "session.revoke" | "refreshToken.revoke":
                return Denial(reason=first or "revoked")
        return None

    def _take_one(self, name: str, arguments: list[Any]) -> None:
        match name, arguments:
            case "idToken.setCustomClaim", [str(claim), value, *_]:
                self.id_token[claim] = value
            case "accessToken.setCustomClaim", [str(claim), value, *_]:
                self.access_token[claim] = value
            case (("accessToken.addScope" | "transaction.addTargetScope"), [str(scope), *_]):
                self.added_scopes.append(scope)
            case (("accessToken.removeScope" | "transaction.removeTargetScope"), [str(scope), *_]):
                self.removed_scopes.append(scope)
            case "user.setUserMetadata", [str(key), value, *_]:
                self.user_metadata[key] = value
            case "user.setAppMetadata", [str(key), value, *_]:
                self.app_metadata[key] = value
            case "session.revoke", [_, *rest]:
                self.session_revoked = True
                self.keep_refresh_tokens = bool(
                    rest and isinstance(rest[0], dict) and rest[0].get("preserveRefreshTokens")
                )
            case "refreshToken.revoke", _:
                self.refresh_token_revoked = True
            case "session.setMetadata", [str(key), value, *_]:
                self.session_metadata[key] = value
            case "transaction.setMetadata", [str(key), value, *_]:
                self.transaction_metadata[key] = value
            case "transaction.setResultUrl", [str(url), *_]:
                self.result_url = url
            case "authentication.setPrimaryUser", [str(user_id), *_]:
                self.primary_user = user_id
            case "authentication.setUserById", [str(user_id), *_]:
                self.subject = {"user_id": user_id}
            case "authentication.setUserByConnection", [str(connection), dict(profile), *rest]:
                options = rest[0] if rest and isinstance(rest[0], dict) else {}
                self.subject = {"connection": connection, "profile": profile, "options": options}
            case "authentication.setOrganization", [str(organization), *_]:
                self.organization = organization
            case "authentication.setActor", [actor, *_]:
                self.actor = actor
            case "prompt.render", _:
                self.rendered.append(arguments)
            case _:
                self._challenge(name, arguments)

    def _challenge(self, name: str, arguments: list[Any]) -> None:
        match name, arguments:
            case "multifactor.enable", [str(provider), *rest]:
                options = rest[0] if rest and isinstance(rest[0], dict) else {}
                self.challenges.append({"by": name, "factors": [provider], "options": options})
            case (("authentication.challengeWith" | "authentication.enrollWith"), [dict(factor), *rest]):
                options = rest[0] if rest and isinstance(rest[0], dict) else {}
                self.challenges.append({"by": name, "factors": _types([factor]), "options": options})
            case (("authentication.challengeWithAny" | "authentication.enrollWithAny"), [list(factors), *_]):
                self.challenges.append({"by": name, "factors": _types(factors), "options": {}})

    def scopes(self, requested: list[str]) -> list[str]:
        """Give the scopes of the access token."""
        wanted = [*requested, *(one for one in self.added_scopes if one not in requested)]
        return [one for one in wanted if one not in self.removed_scopes]

    def too_large(self) -> str | None:
        """Name the metadata that is more than the service writes in one go, if any is."""
        for name, values in (("user_metadata", self.user_metadata), ("app_metadata", self.app_metadata)):
            if len(json.dumps(values, ensure_ascii=False).encode()) > LARGEST_METADATA:
                return name
        return None

    def write_metadata(self, account: Account) -> bool:
        """Write the metadata, once; says whether there was any."""
        if self.user_metadata:
            merge(account.profile, "user_metadata", self.user_metadata)
        if self.app_metadata:
            merge(account.profile, "app_metadata", self.app_metadata)
        return bool(self.user_metadata or self.app_metadata)


def _types(factors: list[Any]) -> list[str]:
    return [str(one.get("type", "")) for one in factors if isinstance(one, dict)]
