"""pysnow against the double: made, found, changed, deleted, paged, refused, attached, and a token that ends."""

import os
import tempfile
from pathlib import Path

import requests
from plain import given, told

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

import pysnow
from pysnow.exceptions import NoResults, ResponseError

known = given()
host = known["url"].split("//")[1]
client = pysnow.Client(host=host, user=known["username"], password=known["password"], use_ssl=False)
incidents = client.resource(api_path="/table/incident")
made = incidents.create(payload={"short_description": "Made by pysnow", "urgency": "1"}).one()
number = made["number"]
found = incidents.get(query={"number": number}).one()
built = pysnow.QueryBuilder().field("short_description").starts_with("Made by").AND().field("urgency").equals("1")
by_builder = [row["number"] for row in incidents.get(query=built).all()]
changed = incidents.update(query={"number": number}, payload={"work_notes": "Looked at", "state": "2"}).one()
pages = [len(incidents.get(query={}, limit=2, offset=offset, stream=False).all()) for offset in (0, 2, 4)]
streamed = sum(1 for _ in incidents.get(query={}, stream=True).all())
with tempfile.TemporaryDirectory() as folder:
    file = Path(folder) / "note.txt"
    file.write_text("noted")
    attached = incidents.attachments.upload(sys_id=made["sys_id"], file_path=str(file))["file_name"]
gone = incidents.delete(query={"number": number})
errors = []
try:
    incidents.get(query={"number": number}).one()
except NoResults as error:
    errors.append([type(error).__name__])
try:
    client.resource(api_path="/table/no_such_table").get(query={}).all()
except requests.HTTPError as error:
    errors.append([type(error).__name__, error.response.json()["error"]["message"]])
try:
    pysnow.Client(host=host, user=known["username"], password="wrong", use_ssl=False).resource(
        api_path="/table/incident"
    ).get(query={}).all()
except (requests.HTTPError, ResponseError) as error:
    errors.append([type(error).__name__])

tokens = []
oauth = pysnow.OAuthClient(
    client_id=known["client_id"],
    client_secret=known["client_secret"],
    token_updater=tokens.append,
    host=host,
    use_ssl=False,
)
oauth.set_token(oauth.generate_token(known["username"], known["password"]))
before = len(oauth.resource(api_path="/table/sys_user_group").get(query={}).all())
old = oauth.token["access_token"]

requests.post(f"{known['url']}/sandbox/tokens/expire", json={})
oauth.set_token({**oauth.token, "expires_at": 1, "expires_in": -1})  # as after half an hour
after = len(oauth.resource(api_path="/table/sys_user_group").get(query={}).all())
told(
    made=made["short_description"],
    found=found["sys_id"] == made["sys_id"],
    by_builder=by_builder == [number],
    changed=changed["state"],
    pages=pages,
    streamed=streamed,
    attached=attached,
    gone=gone,
    errors=errors,
    tokens=[before == after, len(tokens), tokens[-1]["access_token"] != old if tokens else None],
)
