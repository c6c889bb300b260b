"""Marketo: the people a company writes to, in lists and campaigns."""

from connectors.marketo import describing, leads  # their actions register on the connector
from connectors.marketo.connector import marketo

__all__ = ["describing", "leads", "marketo"]
