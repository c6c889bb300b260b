"""Leads: created, updated, found and deleted."""

from collections.abc import AsyncIterator

import pytest

from connectors.marketo.client import Instance
from connectors.wire import Wire
from tests.connectors.marketo_double import ANA, Marketo, connected, do, simulated
from tests.specs import marketo_conforms


@pytest.fixture
async def service() -> AsyncIterator[Marketo]:
    async with simulated() as opened:
        yield opened
        marketo_conforms(opened.double.calls)


@pytest.fixture
def client(service: Marketo, wire: Wire) -> Instance:
    return connected(service, wire)


async def test_a_lead_is_created_and_then_updated(service: Marketo, client: Instance) -> None:
    made = await do(client, "upsert_lead", key_value="new@example.com", attributes={"firstName": "Nia"})
    again = await do(client, "upsert_lead", key_value="NEW@example.com", attributes={"lastName": "Ode"})
    assert (made.status, again.status, again.id) == ("created", "updated", made.id)
    (lead,) = service.with_email("new@example.com")
    assert (lead["firstName"], lead["lastName"]) == ("Nia", "Ode")


async def test_a_lead_is_found_with_more_fields(client: Instance) -> None:
    found = await do(client, "find_lead", value="Ana.Keller@example.com", fields=["company", "phone"])
    assert (found.id, found.first_name, found.fields["company"], found.fields["phone"]) == (
        ANA,
        "Ana",
        "Northwind Traders",
        None,
    )
