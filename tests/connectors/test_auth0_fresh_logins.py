"""Fresh logins: whose a code is, and every token that shows nothing."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from starlette.responses import JSONResponse, Response

from connectors.auth0.client import Settings, connect
from connectors.auth0.fresh_logins import Begun, FreshLogins
from connectors.errors import ConnectorError
from connectors.wire import Wire
from tests.connectors.doubles import Oddity

CLIENT: Final = "application-for-fresh-logins"
BACK: Final = "https://bot.example.com/fresh-login"
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def logins(odd: Oddity, wire: Wire) -> FreshLogins:
    known = {"domain": odd.address, "client_id": "c", "client_secret": "s"}
    own = {"login_client_id": CLIENT, "login_client_secret": "secret"}
    return connect(Settings.model_validate(known | own), wire).fresh


def claims(odd: Oddity, begun: Begun, **other: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {"iss": f"{odd.address}/", "aud": CLIENT, "sub": "auth0|one", "iat": now, "exp": now + 60}
    return {**usual, "nonce": begun.nonce, "auth_time": now, **other}


def keys(key: rsa.RSAPrivateKey = KEY, name: str = "k1") -> Response:
    shown = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return JSONResponse({"keys": [{"kty": "EC", "kid": "odd"}, {**shown, "kid": name, "use": "sig", "alg": "RS256"}]})


def tokens(token: str) -> Response:
    return JSONResponse({"access_token": "a", "id_token": token, "token_type": "Bearer"})


def signed(said: Mapping[str, Any], key: Any = KEY, name: str = "k1", algorithm: str = "RS256") -> str:
    return jwt.encode(dict(said), key, algorithm=algorithm, headers={"kid": name})


def by_the_public_key(said: Mapping[str, Any]) -> str:
    """Sign with what everybody knows, and say that this is how it is done."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    known = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(said)}"
    digest = hmac.digest(known, text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


async def test_who_has_just_logged_in_is_told_and_the_keys_are_looked_at_once(odd: Oddity, wire: Wire) -> None:
    fresh = logins(odd, wire)
    begun = fresh.begin(now=time.time())
    odd.answers = [tokens(signed(claims(odd, begun))), keys(), tokens(signed(claims(odd, begun, sub="auth0|two")))]
    assert await fresh.who(begun, code="c1", back=BACK) == "auth0|one"
    assert await fresh.who(begun, code="c2", back=BACK) == "auth0|two"
    assert [request.url.path for request in odd.received] == ["/oauth/token", "/.well-known/jwks.json", "/oauth/token"]


async def test_the_way_there_asks_for_a_login_now_whoever_is_logged_in(odd: Oddity, wire: Wire) -> None:
    fresh = logins(odd, wire)
    first, second = fresh.begin(now=1.0), fresh.begin(now=1.0)
    assert len({first.state, first.nonce, first.verifier, second.state, second.nonce, second.verifier}) == 6
    query = {name: found[0] for name, found in parse_qs(urlsplit(fresh.where(first, back=BACK)).query).items()}
    assert (query["prompt"], query["max_age"], query["code_challenge_method"]) == ("login", "0", "S256")
    assert (query["state"], query["nonce"], query["redirect_uri"]) == (first.state, first.nonce, BACK)
    assert first.verifier not in str(query)
    assert first.verifier not in repr(first)


@pytest.mark.parametrize(
    "make",
    [
        lambda said: signed(said, OTHER),
        lambda said: signed(said, name="k2"),
        lambda said: signed(said, None, algorithm="none"),
        by_the_public_key,
        lambda said: signed(said)[:-3],
        lambda _said: "nonsense",
        lambda _said: "",
        lambda said: signed({name: value for name, value in said.items() if name != "nonce"}),
        lambda said: signed({name: value for name, value in said.items() if name != "auth_time"}),
        lambda said: signed({**said, "auth_time": said["iat"] - 60}),
        lambda said: signed({**said, "auth_time": "now"}),
        lambda said: signed({**said, "aud": ["another", "c"]}),
        lambda said: signed({**said, "azp": "another"}),
        lambda said: signed({**said, "iss": str(said["iss"]).rstrip("/")}),
        lambda said: signed({**said, "exp": said["iat"] - 60}),
        lambda said: signed({**said, "nonce": "another"}),
    ],
    ids=[
        "another key",
        "unknown key",
        "no signature",
        "the public key as a secret",
        "cut",
        "nonsense",
        "nothing",
        "no nonce",
        "no time of login",
        "an earlier login",
        "a time that is none",
        "for another",
        "made for another",
        "of another issuer",
        "too old",
        "another nonce",
    ],
)
async def test_a_token_that_is_not_right_in_every_way_is_nobodys(odd: Oddity, wire: Wire, make: Any) -> None:
    fresh = logins(odd, wire)
    begun = fresh.begin(now=time.time())
    odd.answers = [tokens(make(claims(odd, begun))), keys()]
    with pytest.raises(ConnectorError) as refused:
        await fresh.who(begun, code="c1", back=BACK)
    assert begun.nonce not in str(refused.value)


@pytest.mark.parametrize(
    "answer",
    [
        JSONResponse({"error": "invalid_grant"}, 403),
        JSONResponse({}),
        Response("<html>"),
        JSONResponse({"id_token": 1}),
        Response("", 500),
    ],
    ids=["refused", "no token", "a page", "a number", "trouble"],
)
async def test_a_code_that_brings_no_token_is_nobodys(odd: Oddity, wire: Wire, answer: Response) -> None:
    fresh = logins(odd, wire)
    odd.answers = [answer, keys()]
    with pytest.raises(ConnectorError):
        await fresh.who(fresh.begin(now=time.time()), code="c1", back=BACK)


async def test_without_an_application_for_it_nobody_can_log_in(odd: Oddity, wire: Wire) -> None:
    settings = Settings.model_validate({"domain": odd.address, "client_id": "c", "client_secret": "s"})
    fresh = connect(settings, wire).fresh
    assert not fresh.possible
    with pytest.raises(ConnectorError):
        await fresh.who(fresh.begin(now=time.time()), code="c1", back=BACK)
    assert odd.received == []
