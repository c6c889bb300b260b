"""Making a customer of a lead."""

from typing import Any

from pydantic import Field

from connectors.base import Lenient, Value
from connectors.errors import Ambiguous, ConnectorError, Refused
from connectors.salesforce import making
from connectors.salesforce.client import SERVICE, Org, Said, named
from connectors.salesforce.connector import salesforce
from connectors.salesforce.soql import RecordId


class Conversion(Value):
    """A lead that is to become a customer."""

    id: RecordId = Field(title="Lead id", description="15 or 18 letters.")
    status: str = Field(
        default="Closed - Converted",
        min_length=1,
        max_length=255,
        title="Status",
        description="The lead's from then on.",
    )
    account_id: RecordId | None = Field(default=None, title="Account id", description="Empty makes a new account.")
    contact_id: RecordId | None = Field(default=None, title="Contact id", description="Empty makes a new contact.")
    opportunity: bool = Field(default=False, title="Opportunity", description="Also make an opportunity.")


class Converted(Value):
    """What became of a lead."""

    account_id: str = Field(title="Account id", description="The account of the customer.")
    contact_id: str = Field(title="Contact id", description="The person.")
    opportunity_id: str | None = Field(title="Opportunity id", description="Empty where none was made.")
    converted_now: bool = Field(title="Converted now", description="False when it had been converted before.")


class _Lead(Lenient):
    IsConverted: bool = False
    ConvertedAccountId: str | None = None
    ConvertedContactId: str | None = None
    ConvertedOpportunityId: str | None = None


@salesforce.action("Convert a lead", effect="changes", repeatable=True)
async def convert_lead(client: Org, given: Conversion) -> Converted:
    """Make an account and a contact of a lead. One that has been converted already stays as it is."""
    done = await _converted(client, given.id, now=False)
    if done:
        return done
    wanted: dict[str, Any] = {
        "leadId": given.id,
        "convertedStatus": given.status,
        "createOpportunity": given.opportunity,
    }
    wanted |= {"accountId": given.account_id} if given.account_id else {}
    wanted |= {"contactId": given.contact_id} if given.contact_id else {}
    problem: ConnectorError | None = None
    try:  # the lead itself says whether it was done
        await client.http.post(f"{client.root}/actions/standard/convertLead", json={"inputs": [wanted]})
    except Refused as error:
        raise _named(error) from error
    except Ambiguous as error:
        problem = error
    done = await _converted(client, given.id, now=True)
    if done:
        return done
    raise problem or Ambiguous(f"{SERVICE} says that the lead was converted, and the lead does not say so.")


def _named(error: Refused) -> ConnectorError:
    return named(Said(errorCode=error.code or ""), status=error.status) or error


async def _converted(client: Org, id_: str, *, now: bool) -> Converted | None:
    record = await making.get(client, "Lead", id_, list(_Lead.model_fields))
    lead = _Lead.model_validate(record)
    if not lead.IsConverted or not lead.ConvertedAccountId or not lead.ConvertedContactId:
        return None
    return Converted(
        account_id=lead.ConvertedAccountId,
        contact_id=lead.ConvertedContactId,
        opportunity_id=lead.ConvertedOpportunityId,
        converted_now=now,
    )
