"""What the tests of connectors stand on."""

from collections.abc import AsyncIterator

import pytest

from connectors.auth0.client import Tenant, connect
from connectors.wire import Wire
from tests.connectors.doubles import Auth0, Oddity, answering, simulated
from tests.specs import auth0_conforms


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    async with Wire.open() as opened:
        yield opened


@pytest.fixture
async def auth0() -> AsyncIterator[Auth0]:
    async with simulated() as opened:
        yield opened
        auth0_conforms(opened.double.calls)


@pytest.fixture
async def tenant(auth0: Auth0, wire: Wire) -> Tenant:
    return connect(auth0.settings(), wire)


@pytest.fixture
async def odd() -> AsyncIterator[Oddity]:
    async with answering() as opened:
        yield opened
