"""Ids of things in a tenant. Each is one part of an address, and can never be more than that."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints


def _one_part(text: str) -> str:
    """Refuse what could not be one part of an address. The library escapes the rest, but a dot stays a dot."""
    if text in {".", ".."} or any(unicodedata.category(each) in {"Cc", "Cs"} for each in text):
        raise ValueError("This is not an id. An id of a user looks like auth0|5f7c8ec7c33c6c004bbafe82.")
    return text


OnePart = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_one_part)]

SessionId = Annotated[OnePart, Field(title="Session", description="Auth0's id of the session.")]
RefreshTokenId = Annotated[
    OnePart, Field(title="Refresh token", description="Auth0's id of the refresh token (not the token itself).")
]
RoleId = Annotated[OnePart, Field(title="Role", description="Auth0's id of the role, such as rol_0123456789abcdef.")]
RoleIds = Annotated[
    list[OnePart],
    Field(min_length=1, max_length=50, title="Roles", description="Auth0's ids, such as rol_0123456789abcdef."),
]
OrganizationId = Annotated[
    OnePart,
    Field(title="Organization", description="Auth0's id of the organization, such as org_0123456789abcdef."),
]
MethodId = Annotated[
    OnePart, Field(title="Authentication method", description="Auth0's id of it, from the list of a person's.")
]
LogId = Annotated[OnePart, Field(title="Log record", description="Auth0's id of the record.")]
JobId = Annotated[OnePart, Field(title="Job", description="Auth0's id of the job, such as job_0123456789abcdef.")]
