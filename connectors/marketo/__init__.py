"""Marketo: the people a company writes to, in lists and campaigns."""

from connectors.marketo import (  # their actions and menus register on the connector
    calls,
    campaigns,
    describing,
    folders,
    imports,
    leads,
    lists,
    menus,
)
from connectors.marketo.connector import marketo

__all__ = ["calls", "campaigns", "describing", "folders", "imports", "leads", "lists", "marketo", "menus"]
