"""A simulated Salesforce org: token endpoint, REST API, SOQL, collections and Bulk API 2.0."""

from sandbox.salesforce.app import application
from sandbox.salesforce.org import Org
from sandbox.salesforce.seed import plant

__all__ = ["Org", "create"]


def create() -> Org:
    """Make an org with its first records in it; its web application is `.app`."""
    org = Org()
    plant(org)
    org.app = application(org)
    return org
