"""ServiceNow: where a company's incidents and requests are."""

from connectors.servicenow import (  # their actions register on the connector
    attachments,
    calls,
    directory,
    imports,
    incidents,
    records,
)
from connectors.servicenow.connector import servicenow

__all__ = ["attachments", "calls", "directory", "imports", "incidents", "records", "servicenow"]
