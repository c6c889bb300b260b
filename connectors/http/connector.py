"""The HTTP connector itself; the actions of this folder register on it."""

from connectors.base import Connector
from connectors.http import client

http = Connector("http", title="HTTP", settings=client.Settings, connect=client.connect, check=client.check)
