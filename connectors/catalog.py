"""The list of everything that cicflow can talk to."""

from collections.abc import Iterable

from connectors.auth0 import auth0
from connectors.base import Catalog, Declaring
from connectors.http import http
from connectors.mail import mail
from connectors.marketo import marketo
from connectors.salesforce import salesforce
from connectors.servicenow import servicenow
from connectors.slack import slack


def catalog(builtins: Iterable[Declaring] = ()) -> Catalog:
    """List all connectors; a new one is one line here. `builtins` are the actions that need no connection."""
    return Catalog([auth0, slack, marketo, salesforce, servicenow, mail, http], builtins=builtins)
