"""The ServiceNow connector itself; the actions of this folder register on it."""

from typing import Final

from connectors.base import Connector
from connectors.servicenow import client

servicenow: Final = Connector(
    "servicenow", title="ServiceNow", settings=client.Settings, connect=client.connect, check=client.check
)
