"""ServiceNow: where a company's incidents and requests are."""

from connectors.servicenow import directory, incidents  # their actions register on the connector
from connectors.servicenow.connector import servicenow

__all__ = ["directory", "incidents", "servicenow"]
