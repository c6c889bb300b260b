"""Salesforce: what a company knows of its customers."""

from connectors.salesforce import accounts, cases, contacts, leads, records  # their actions register on the connector
from connectors.salesforce.connector import salesforce

__all__ = ["accounts", "cases", "contacts", "leads", "records", "salesforce"]
