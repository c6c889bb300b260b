"""The Salesforce connector itself; the actions of this folder register on it."""

from connectors.base import Connector
from connectors.salesforce import client

salesforce: Connector[client.Settings, client.Org] = Connector(
    "salesforce",
    title="Salesforce",
    settings=client.Settings,
    connect=client.connect,
    check=client.check,
    understanding=client.understanding,
)
