"""simple-salesforce against the double: made, found, changed, upserted, deleted, paged, refused, and a session that ends."""

import requests
from plain import given, session, told
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)

known = given()
web = session()
form = {"grant_type": "client_credentials", "client_id": known["client_id"], "client_secret": known["client_secret"]}


def connected() -> Salesforce:
    """Get a token, and a client with it."""
    answer = web.post(f"{known['url']}/services/oauth2/token", data=form).json()
    return Salesforce(
        instance=known["url"].split("//")[1], session_id=answer["access_token"], session=web, version="64.0"
    )


org = connected()
made = org.Contact.create({"LastName": "O'Hara", "Email": "o.hara@example.com"})
found = org.query("SELECT Id, LastName FROM Contact WHERE LastName = 'O\\'Hara'")
changed = org.Contact.update(made["id"], {"FirstName": "Maureen"})
read = org.Contact.get(made["id"])
first = org.Contact.upsert("Auth0_Id__c/auth0|1", {"LastName": "Upserted"})
again = org.Contact.upsert("Auth0_Id__c/auth0|1", {"FirstName": "Twice"})
bulk = org.bulk2.Lead.insert(records=[{"LastName": f"Bulk {number}", "Company": "Many"} for number in range(5)])
for number in range(5):
    org.Lead.create({"LastName": f"Page {number}", "Company": "Pages"})
every = org.query_all("SELECT Id FROM Lead WHERE Company = 'Pages'")
walked = sum(1 for _ in org.query_all_iter("SELECT Id FROM Lead WHERE Company = 'Pages'"))
described = {field["name"] for field in org.Contact.describe()["fields"]}
gone = org.Contact.delete(made["id"])
errors = []
for wrong in (lambda: org.Contact.get(made["id"]), lambda: org.Contact.create({"FirstName": "Nobody"})):
    try:
        wrong()
    except (SalesforceResourceNotFound, SalesforceMalformedRequest) as error:
        errors.append([type(error).__name__, error.content[0]["errorCode"]])
requests.post(f"{known['url']}/sandbox/tokens/expire", json={})
try:
    org.query("SELECT Id FROM Lead")
except SalesforceExpiredSession as error:
    errors.append([type(error).__name__, error.content[0]["errorCode"]])
told(
    made=made["success"],
    found=[each["LastName"] for each in found["records"]],
    changed=changed,
    read=[read["FirstName"], read["Email"]],
    upserted=[first, again],
    bulk=[bulk[0]["numberRecordsProcessed"], bulk[0]["numberRecordsFailed"]],
    every=[every["totalSize"], len(every["records"]), walked],
    described=sorted({"LastName", "Auth0_Id__c"} & described),
    gone=gone,
    errors=errors,
    renewed=connected().query("SELECT Id FROM Lead WHERE Company = 'Pages'")["totalSize"],
)
