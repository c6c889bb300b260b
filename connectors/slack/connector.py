"""The Slack connector itself; the actions of this folder register on it."""

from typing import Final

from connectors.base import Connector
from connectors.slack import client

slack: Final = Connector("slack", title="Slack", settings=client.Settings, connect=client.connect, check=client.check)
