"""Smart campaigns that other systems may ask for, and sending leads through one."""

import asyncio
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StringConstraints

from connectors.base import Value
from connectors.errors import Ambiguous
from connectors.marketo.client import Instance
from connectors.marketo.connector import marketo
from connectors.marketo.describing import Everything
from connectors.marketo.leads import LeadId

CAMPAIGNS: Final = "/rest/v1/campaigns"
TokenName = Annotated[str, StringConstraints(pattern=r"^(\{\{)?my\.[^{}\x00-\x1f]{1,100}(\}\})?$")]


class Request(Value):
    """A campaign, and who is sent through it."""

    campaign_id: int = Field(
        ge=1,
        title="Campaign",
        description="Marketo's id of an active campaign with the trigger Campaign is Requested.",
        json_schema_extra={"choices_of": "marketo.campaigns"},
    )
    lead_ids: list[LeadId] = Field(
        min_length=1, max_length=100, title="Leads", description="Marketo's ids of the leads, 100 at most."
    )
    tokens: dict[TokenName, str] = Field(
        default_factory=dict,
        max_length=100,
        title="Tokens",
        description="Values for My Tokens of the campaign's programme, by names such as my.reason.",
    )
    delivery: Literal["at most once", "at least once"] = Field(
        default="at most once",
        title="Delivery",
        description="What to do when the connection breaks: stop and say so, or send again and maybe twice.",
    )


class Requested(Value):
    """Who was sent through a campaign."""

    campaign_id: int = Field(title="Campaign", description="Marketo's id of it.")
    lead_ids: list[int] = Field(title="Leads", description="Marketo's ids of the leads.")


class Campaign(Value):
    """A campaign that other systems may ask for."""

    id: int = Field(title="Campaign", description="Marketo's id of it.")
    name: str = Field(title="Name", description="What it is called.")
    programme: str | None = Field(default=None, title="Programme", description="The programme that it is in.")


class Campaigns(Value):
    """Campaigns that other systems may ask for."""

    campaigns: list[Campaign] = Field(title="Campaigns", description="Each of them.")


def _leads(given: Request) -> int:
    return len(set(given.lead_ids))


@marketo.action("Trigger a campaign", effect="changes", counts=_leads)
async def trigger_campaign(client: Instance, given: Request) -> Requested:
    """Send leads through a campaign. Unless you say otherwise they are sent at most once: if the connection breaks, nobody knows whether they were, and the step says so."""
    ids = list(dict.fromkeys(given.lead_ids))
    tokens = [{"name": _token(name), "value": value} for name, value in given.tokens.items()]
    asked: dict[str, Any] = {"leads": [{"id": each} for each in ids], **({"tokens": tokens} if tokens else {})}
    path, body = f"{CAMPAIGNS}/{given.campaign_id}/trigger.json", {"input": asked}
    if given.delivery == "at least once":
        for pause in client.pauses:
            try:
                await client.change(path, body)
            except Ambiguous:
                await asyncio.sleep(pause)
            else:
                return Requested(campaign_id=given.campaign_id, lead_ids=ids)
    await client.change(path, body)
    return Requested(campaign_id=given.campaign_id, lead_ids=ids)


@marketo.action("List campaigns to trigger", effect="reads", repeatable=True)
async def list_campaigns(client: Instance, given: Everything) -> Campaigns:  # noqa: ARG001 - there is nothing to choose
    """List the active campaigns that other systems may ask for."""
    return Campaigns(campaigns=await requestable(client))


async def requestable(client: Instance) -> list[Campaign]:
    """Find the active campaigns that other systems may ask for."""
    return [
        Campaign(id=each["id"], name=each["name"], programme=each.get("programName"))
        async for page in client.pages(f"{CAMPAIGNS}.json", {"isTriggerable": "true"})
        for each in page
        if each.get("active") is not False
    ]


def _token(name: str) -> str:
    return f"{{{{{name.strip('{}')}}}}}"
