"""Days that pass: what is in the log becomes older, for those who want to look back on it."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from sandbox.auth0.moments import iso
from sandbox.auth0.tenant import Tenant


class Passing(BaseModel):
    """What is asked for at `POST /sandbox/days`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[float, Field(gt=0, le=1000)]


def pass_by(tenant: Tenant, passing: Passing) -> int:
    """Let days pass since all that is in the log; gives how many records there are."""
    for record in tenant.logs:
        moment = datetime.fromisoformat(record["date"]) - timedelta(days=passing.days)
        record["date"] = iso(moment.timestamp())
    tenant.changes.happened()
    return len(tenant.logs)
