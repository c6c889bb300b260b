"""The Marketo connector itself; the actions of this folder register on it."""

from typing import Final

from connectors.base import Connector
from connectors.marketo import client

marketo: Final = Connector(
    "marketo",
    title="Marketo",
    settings=client.Settings,
    connect=client.connect,
    check=client.check,
    understanding=client.understanding,
)
