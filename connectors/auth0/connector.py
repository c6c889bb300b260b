"""The Auth0 connector itself; the actions of this folder register on it."""

from connectors.auth0 import client, events
from connectors.base import Connector

auth0 = Connector(
    "auth0",
    title="Auth0",
    settings=client.Settings,
    connect=client.connect,
    check=client.check,
    sources=[events.POST_LOGIN],
    understanding=client.understanding,
)
