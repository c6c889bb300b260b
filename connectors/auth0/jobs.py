"""Jobs: what Auth0 does in the background, such as imports, exports and e-mails."""

from typing import Any
from urllib.parse import quote

from pydantic import Field, TypeAdapter

from connectors.auth0.answers import picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import JobId
from connectors.base import Lenient, Value


class _Wrong(Lenient):
    code: str | None = None
    message: str | None = None


class _Person(Lenient):
    user: dict[str, Any] = Field(default_factory=dict)
    errors: list[_Wrong] = Field(default_factory=list)


class _Failed(Lenient):
    """A job that failed as a whole: instead of a list of people, it is shown itself."""

    status_details: str = "Auth0 does not say why."


_ERRORS: TypeAdapter[list[_Person] | _Failed] = TypeAdapter(list[_Person] | _Failed)


class JobRef(Value):
    """Which job is meant."""

    job_id: JobId


class JobState(Value):
    """How far a job is. The address of an export's file is not among it: it would let anybody read the file."""

    id: str = Field(title="Job", description="Auth0's id of the job.")
    type: str = Field(title="Type", description="Such as users_import, users_export or verification_email.")
    status: str = Field(title="Status", description="pending, processing, completed or failed.")
    finished: bool = Field(title="Finished", description="Whether it is completed or failed.")
    created_at: str | None = Field(default=None, title="Created", description="When it began.")
    percentage_done: int | None = Field(default=None, title="Per cent", description="How much of it is done.")
    time_left_seconds: int | None = Field(default=None, title="Seconds left", description="As far as Auth0 knows.")
    status_details: str | None = Field(default=None, title="Details", description="Why it failed, if it did.")
    summary: dict[str, Any] = Field(
        default_factory=dict, title="Summary", description="How many were new, changed or wrong, for an import."
    )


class JobError(Value):
    """What was wrong with one person of an import."""

    user: dict[str, Any] = Field(title="User", description="The person, as in the file.")
    codes: list[str] = Field(title="Codes", description="Auth0's short names for what is wrong.")
    messages: list[str] = Field(title="Messages", description="What is wrong, in words.")


class JobErrors(Value):
    """What was wrong in a job."""

    errors: list[JobError] = Field(title="Errors", description="Person by person.")
    count: int = Field(title="Count", description="How many people had errors.")
    failure: str | None = Field(title="Failure", description="Why the job failed as a whole, if it did.")


@auth0.action("Get a job", effect="reads", repeatable=True)
async def get_job(client: Tenant, given: JobRef) -> JobState:
    """Look up how far a job is. Auth0 forgets jobs after a day."""
    data = (await client.api.jobs.get(given.job_id)).model_dump(mode="json")
    return picked(JobState, data, finished=data.get("status") in {"completed", "failed"})


@auth0.action("List the errors of a job", effect="reads", repeatable=True)
async def list_job_errors(client: Tenant, given: JobRef) -> JobErrors:
    """List what was wrong in an import, person by person."""
    response = await client.http.get(f"/api/v2/jobs/{quote(given.job_id, safe='')}/errors")
    match _ERRORS.validate_json(response.content or "[]"):
        case _Failed(status_details=why):
            return JobErrors(errors=[], count=0, failure=why)
        case people:
            errors = [_error(each) for each in people]
            return JobErrors(errors=errors, count=len(errors), failure=None)


def _error(person: _Person) -> JobError:
    return JobError(
        user=person.user,
        codes=[each.code for each in person.errors if each.code],
        messages=[each.message for each in person.errors if each.message],
    )
