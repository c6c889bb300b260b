"""marketorestpython against the double: leads, lists, campaigns, bulk import, refused, and a token that ends."""

import tempfile
from pathlib import Path

import requests
from marketorestpython.client import MarketoClient
from plain import given, told

known = given()
client = MarketoClient("000-AAA-000", known["client_id"], known["client_secret"])
client.host = known["url"]


def ask(method: str, **more: object) -> object:
    """Ask for something."""
    return client.execute(method=method, **more)


made = ask(
    "create_update_leads",
    leads=[{"email": "py@example.com", "firstName": "Py"}],
    action="createOnly",
    lookupField="email",
)
lead = made[0]["id"]
changed = ask("create_update_leads", leads=[{"email": "py@example.com", "lastName": "Thon"}], lookupField="email")
found = ask(
    "get_multiple_leads_by_filter_type",
    filterType="email",
    filterValues=["py@example.com"],
    fields=["email", "firstName", "lastName"],
    batchSize=None,
)
by_id = ask("get_lead_by_id", id=lead, fields=["email"])
added = ask("add_leads_to_list", listId=1021, id=[lead])
members = ask("get_multiple_leads_by_list_id", listId=1021, fields=["email"], batchSize=None)
inside = ask("member_of_list", listId=1021, id=[lead])
removed = ask("remove_leads_from_list", listId=1021, id=[lead])
asked = ask("request_campaign", id=3001, leads=[lead], tokens={"my.reason": "test"})
fields = {field["rest"]["name"] for field in ask("describe")}
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "leads.csv"
    file.write_text("email,firstName\none@example.com,One\ntwo@example.com,Two\n")
    imported = ask("import_lead", file=str(file), format="csv", lookupField="email", listId=None, partitionName=None)
state = ask("get_import_lead_status", id=imported[0]["batchId"])
errors = []
try:
    ask("request_campaign", id=3003, leads=[lead], tokens={})
except Exception as error:  # noqa: BLE001 - the client itself makes nothing more exact of its own
    errors.append([type(error.__context__).__name__, error.args[0]["code"]])
requests.post(f"{known['url']}/sandbox/tokens/expire", json={})
client.valid_until = None  # as after an hour: it goes by what it was told, and asks no earlier for another
renewed = ask("get_lead_by_id", id=lead, fields=["email"])
gone = ask("delete_lead", id=[lead])
told(
    made=made[0]["status"],
    changed=changed[0]["status"],
    found=[[each["firstName"], each["lastName"]] for each in found],
    by_id=by_id[0]["email"],
    added=added[0]["status"],
    members=sorted(each["email"] for each in members),
    inside=inside[0]["status"],
    removed=removed[0]["status"],
    asked=asked,
    fields=sorted({"email", "auth0Id"} & fields),
    imported=[imported[0]["status"], state[0]["status"], state[0]["numOfLeadsProcessed"]],
    errors=errors,
    renewed=renewed[0]["email"],
    gone=gone[0]["status"],
)
