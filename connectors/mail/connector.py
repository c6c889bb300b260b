"""The e-mail connector itself; the actions of this folder register on it."""

from connectors.base import Connector
from connectors.mail import client

mail = Connector("mail", title="E-mail", settings=client.Settings, connect=client.connect, check=client.check)
