"""ServiceNow: where a company's incidents and requests are."""

from connectors.servicenow import (  # their actions and menus register on the connector
    attachments,
    calls,
    directory,
    imports,
    incidents,
    menus,
    records,
)
from connectors.servicenow.connector import servicenow

__all__ = ["attachments", "calls", "directory", "imports", "incidents", "menus", "records", "servicenow"]
