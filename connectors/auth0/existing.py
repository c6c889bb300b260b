"""Everybody whom a tenant knows, whole: for back-fills."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from connectors.auth0.client import Tenant, understanding
from connectors.auth0.connector import auth0, permission
from connectors.auth0.exports import FIELDS, begin, exported, records

WHOLE = (*FIELDS, "picture", "multifactor", "identities", "app_metadata", "user_metadata")
IDENTITY = ("connection", "provider", "user_id", "isSocial")
"""What is brought of an account. The tokens of other providers stay where they are."""


async def everybody(client: Tenant) -> AsyncIterator[Mapping[str, Any]]:
    """Bring all users of a tenant, out of an export, however many they are. Raises ConnectorError."""
    name = client.domain.partition("://")[2] or client.domain
    tenant = name.partition(".")[0]
    with understanding("reads"):
        async with permission(client, "export_users"):
            job_id = await begin(client, WHOLE)
            async for _, some in exported(client, job_id, records):
                for user in some:
                    if user.get("user_id"):
                        yield {**user, "identities": _identities(user), "tenant": tenant}


def _identities(user: Mapping[str, Any]) -> list[dict[str, Any]]:
    accounts = user.get("identities")
    return [
        {name: account[name] for name in IDENTITY if name in account}
        for account in (accounts if isinstance(accounts, list) else [])
        if isinstance(account, dict)
    ]


auth0.everybody = everybody
