"""What an Auth0 tenant tells us of: logins and the like (Actions), its log (log streams), changes (event streams)."""

from connectors.auth0.sources.changes import CHANGES
from connectors.auth0.sources.log import LOG
from connectors.auth0.sources.triggers import TRIGGERS

SOURCES = (*TRIGGERS, LOG, *CHANGES)
