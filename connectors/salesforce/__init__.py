"""Salesforce: what a company knows of its customers."""

from connectors.salesforce import (  # their actions and menus register on the connector
    accounts,
    batches,
    calls,
    cases,
    contacts,
    converting,
    describing,
    leads,
    menus,
    records,
)
from connectors.salesforce.connector import salesforce

__all__ = [
    "accounts",
    "batches",
    "calls",
    "cases",
    "contacts",
    "converting",
    "describing",
    "leads",
    "menus",
    "records",
    "salesforce",
]
