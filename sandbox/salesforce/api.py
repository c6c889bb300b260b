"""The REST API: records, queries, collections, describe, composite."""

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.responses import JSONResponse, Response

from sandbox.salesforce import bulk
from sandbox.salesforce.errors import Refusal
from sandbox.salesforce.org import ORG_ID, Org, Record
from sandbox.salesforce.schema import KINDS, Kind
from sandbox.salesforce.soql import Reader, comparable

MOST_IN_COLLECTION = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, with a token that is good."""

    method: str
    version: str
    parts: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes

    @property
    def root(self) -> str:
        """Where the addresses of this version begin."""
        return f"/services/data/v{self.version}"

    @property
    def allows_save(self) -> bool:
        """Tell whether duplicates are to be saved where a rule leaves that open."""
        return "allowsave=true" in self.headers.get("sforce-duplicate-rule-header", "").lower().replace(" ", "")

    def json(self) -> Any:
        """Read the body."""
        if not self.headers.get("content-type", "").startswith("application/json"):
            raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "Content-Type is not supported: send application/json")
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise Refusal(400, "JSON_PARSER_ERROR", f"Unexpected character: {error}") from None


def writes(call: Call) -> bool:
    """Tell whether a call would change something."""
    return call.method != "GET" and call.parts[:2] != ["composite", "sobjects", "read"]


def answer(org: Org, call: Call) -> Response:
    """Answer one call."""
    match call.method, call.parts:
        case "GET", []:
            return JSONResponse({"sobjects": f"{call.root}/sobjects", "query": f"{call.root}/query"})
        case "GET", ["limits"]:
            left = max(0, org.settings.daily_limit - org.used)
            return JSONResponse({"DailyApiRequests": {"Max": org.settings.daily_limit, "Remaining": left}})
        case "GET", ["query"] | ["queryAll"]:
            return query(org, call)
        case "GET", ["query", locator] | ["queryAll", locator]:
            return page(org, call, locator, [])
        case "GET", ["sobjects"]:
            shown = [described(kind, whole=False) for kind in KINDS.values()]
            return JSONResponse({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": shown})
        case "GET", ["sobjects", name, "describe"]:
            return JSONResponse(described(org.kind(name), whole=True))
        case "GET", ["sobjects", name]:
            return JSONResponse({"objectDescribe": described(org.kind(name), whole=False), "recentItems": []})
        case "POST", ["sobjects", name]:
            kind = org.kind(name)
            record = org.create(kind, call.json(), allow_save=call.allows_save)
            location = f"{call.root}/sobjects/{kind.name}/{record['Id']}"
            return JSONResponse(made(record), status_code=201, headers={"Location": location})
        case method, ["sobjects", name, id_]:
            return of_record(org, call, method, org.kind(name), id_)
        case method, ["sobjects", name, field, *rest] if rest:
            return by_external_id(org, call, method, org.kind(name), field, "/".join(rest))
        case method, ["composite", "sobjects", *rest]:
            return collection(org, call, method, rest)
        case _, ["jobs", "ingest", *rest]:
            return bulk.answer(org, call.method, rest, call.root, call.query, call.content, call.headers)
        case "POST", ["actions", "standard", "convertLead"]:
            return convert(org, call)
        case _:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")


def made(record: Record) -> dict[str, Any]:
    """Say that a record was made."""
    return {"id": record["Id"], "success": True, "errors": []}


def shown(org: Org, call: Call, kind: Kind, record: Record, fields: list[str]) -> dict[str, Any]:
    """Show a record with some of its fields."""
    found: dict[str, Any] = {
        "attributes": {"type": kind.name, "url": f"{call.root}/sobjects/{kind.name}/{record['Id']}"}
    }
    for name in fields:
        parent, _, rest = name.partition(".")
        if not rest:
            found[name] = record.get(name)
        elif record.get(f"{parent}Id") is None:
            found[parent] = None
        else:
            above = kind.fields[f"{parent}Id"].refers_to[0]
            shown_above = found.setdefault(parent, {"attributes": {"type": above}})
            shown_above[rest] = org.value(record, name)
    return found


def of_record(org: Org, call: Call, method: str, kind: Kind, id_: str) -> Response:
    """Answer what is asked of one record."""
    match method:
        case "GET":
            record = org.find(kind, id_)
            wanted = [name for name in call.query.get("fields", "").split(",") if name] or list(kind.fields)
            unknown = [name for name in wanted if kind.field(name) is None]
            if unknown:
                raise Refusal(400, "INVALID_FIELD", f"No such column '{unknown[0]}' on entity '{kind.name}'.")
            return JSONResponse(shown(org, call, kind, record, wanted))
        case "PATCH":
            org.update(kind, id_, call.json(), allow_save=call.allows_save)
            return Response(status_code=204)
        case "DELETE":
            org.delete(kind, id_)
            return Response(status_code=204)
        case _:
            raise Refusal(405, "METHOD_NOT_ALLOWED", "HTTP Method not allowed. Allowed are HEAD,GET,PATCH,DELETE")


def by_external_id(org: Org, call: Call, method: str, kind: Kind, field: str, value: str) -> Response:
    """Answer what is asked of the record with an external id."""
    known = kind.field(field)
    if method == "PATCH":
        only = call.query.get("updateOnly") == "true"
        body = call.json()
        record, new = org.upsert(kind, field, value, body, update_only=only, allow_save=call.allows_save)
        if not new and float(call.version) < 46:
            return Response(status_code=204)
        return JSONResponse(made(record) | {"created": new}, status_code=201 if new else 200)
    if known is None or not known.external_id or method not in {"GET", "DELETE"}:
        raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")
    same = [each for each in org.records[kind.name].values() if comparable(each.get(known.name)) == comparable(value)]
    if len(same) != 1:
        raise Refusal(404 if not same else 300, "NOT_FOUND", "The requested resource does not exist")
    return of_record(org, call, method, kind, same[0]["Id"])


def query(org: Org, call: Call) -> Response:
    """Answer a query."""
    text = call.query.get("q", "")
    asked = Reader(text, now=org.now(), value=org.value).read()
    found = [record for record in org.records[asked.kind.name].values() if asked.test(record)]
    for by, down in reversed(asked.order):
        empty = [each for each in found if org.value(each, by) is None]
        known = [each for each in found if org.value(each, by) is not None]
        known.sort(key=lambda each, by=by: comparable(org.value(each, by)), reverse=down)  # type: ignore[misc] # bound
        found = known + empty if down else empty + known
    found = found[asked.offset : asked.offset + asked.limit]
    if asked.counts:
        return JSONResponse({"totalSize": len(found), "done": True, "records": []})
    records = [shown(org, call, asked.kind, record, list(asked.fields)) for record in found]
    return page(org, call, None, records)


def page(org: Org, call: Call, locator: str | None, records: list[Record]) -> Response:
    """Give one page of what was found, and where the next one is."""
    at = 0
    if locator is not None:
        key, _, number = locator.rpartition("-")
        if key not in org.cursors:
            raise Refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        records, at = org.cursors[key], int(number)
    else:
        key = f"0r8{secrets.token_hex(8)}"
    size = org.settings.page_size
    if org.settings.short_pages and at == 0 and len(records) > 1:
        size = min(size, len(records)) - 1
    end = at + max(1, size)
    body: dict[str, Any] = {"totalSize": len(records), "done": end >= len(records), "records": records[at:end]}
    if end < len(records):
        org.cursors[key] = records
        body["nextRecordsUrl"] = f"{call.root}/query/{key}-{end}"
    return JSONResponse(body)


def collection(org: Org, call: Call, method: str, rest: list[str]) -> Response:
    """Answer what is asked of up to 200 records: each has its own outcome, and the status is 200."""
    if method == "DELETE":
        ids = [each for each in call.query.get("ids", "").split(",") if each]
        refuse_many(len(ids))
        body: Any = {"allOrNone": call.query.get("allOrNone") == "true"}
        items: list[Any] = ids
    else:
        body = call.json()
        if not isinstance(body, dict) or not isinstance(body.get("records"), list):
            raise Refusal(400, "INVALID_REQUEST", "records is missing")
        items = body["records"]
        refuse_many(len(items))
        refuse_chunks(items)
    before = {name: {key: dict(one) for key, one in records.items()} for name, records in org.records.items()}
    answers = [one_of_collection(org, call, method, rest, item) for item in items]
    if body.get("allOrNone") is True and not all(each["success"] for each in answers):
        org.records = before
        text = "Record rolled back because not all records were valid and the request was using AllOrNone header"
        rolled = {"success": False, "errors": [Refusal(400, "ALL_OR_NONE_OPERATION_ROLLED_BACK", text).in_collection()]}
        answers = [rolled if each["success"] else each for each in answers]
    return JSONResponse(answers)


def refuse_many(number: int) -> None:
    """Refuse more than 200."""
    if number > MOST_IN_COLLECTION:
        raise Refusal(400, "EXCEEDED_MAX_SIZE_REQUEST", "record limit reached. cannot submit more than 200 records")


def refuse_chunks(items: list[Any]) -> None:
    """Refuse records of objects that change more often than ten times."""
    types = [item.get("attributes", {}).get("type") if isinstance(item, dict) else None for item in items]
    chunks = sum(1 for at, each in enumerate(types) if at == 0 or each != types[at - 1])
    if chunks > 10:
        raise Refusal(400, "INVALID_REQUEST", "Cannot have more than 10 chunks in a single operation")


def one_of_collection(org: Org, call: Call, method: str, rest: list[str], item: Any) -> dict[str, Any]:
    """Do it for one record."""
    try:
        return _done(org, call, method, rest, item)
    except Refusal as refusal:
        return {"success": False, "errors": [refusal.in_collection()]}


def _done(org: Org, call: Call, method: str, rest: list[str], item: Any) -> dict[str, Any]:
    if method == "DELETE":
        kind = next((each for each in KINDS.values() if item.startswith(each.prefix)), None)
        if kind is None:
            raise Refusal(400, "MALFORMED_ID", "malformed id " + item)
        id_ = org.find(kind, item)["Id"]
        org.delete(kind, item)
        return {"id": id_, "success": True, "errors": []}
    kind = org.kind(str(item.get("attributes", {}).get("type", "")))
    values = {name: value for name, value in item.items() if name not in {"attributes", "id", "Id"}}
    match method, rest:
        case "POST", []:
            return made(org.create(kind, values, allow_save=call.allows_save))
        case "PATCH", []:
            return made(org.update(kind, str(item.get("id") or item.get("Id")), values))
        case "PATCH", [name, field]:
            if org.kind(name) is not kind:
                raise Refusal(400, "INVALID_TYPE", "all records must be of the same type")
            value = str(values.pop(field, "") or item.get(field, ""))
            record, new = org.upsert(kind, field, value, values, allow_save=call.allows_save)
            return made(record) | {"created": new}
        case _:
            raise Refusal(404, "NOT_FOUND", "The requested resource does not exist")


def described(kind: Kind, *, whole: bool) -> dict[str, Any]:
    """Describe an object."""
    about: dict[str, Any] = {
        "name": kind.name,
        "label": kind.label,
        "labelPlural": kind.plural,
        "keyPrefix": kind.prefix,
        "createable": True,
        "updateable": True,
        "deletable": True,
        "queryable": True,
        "custom": kind.name.endswith("__c"),
    }
    if not whole:
        return about
    fields = [each.shown() for each in kind.fields.values()]
    return about | {"fields": fields, "recordTypeInfos": record_types(kind)}


def record_types(kind: Kind) -> list[dict[str, Any]]:
    """Describe the record types of an object: its own, and the master that every object has."""
    return [
        {
            "active": True,
            "available": True,
            "defaultRecordTypeMapping": place == 0,
            "developerName": name.replace(" ", "_"),
            "master": name == "Master",
            "name": name,
            "recordTypeId": f"012{place:012d}{'AAA' if name == 'Master' else 'QAQ'}",
        }
        for place, name in enumerate((*kind.types, "Master"), 1)
    ]


def convert(org: Org, call: Call) -> Response:
    """Make account and contact of a lead, and an opportunity unless that is not wanted."""
    inputs = call.json().get("inputs", [])
    answers = []
    for given in inputs:
        try:
            answers.append({"actionName": "convertLead", "isSuccess": True, "errors": None} | converted(org, given))
        except Refusal as refusal:
            errors = [{"statusCode": refusal.code, "message": refusal.message, "fields": []}]
            answers.append({"actionName": "convertLead", "isSuccess": False, "errors": errors, "outputValues": None})
    good = all(each["isSuccess"] for each in answers)
    return JSONResponse(answers, status_code=200 if good else 400)


def converted(org: Org, given: Mapping[str, Any]) -> dict[str, Any]:
    """Convert one lead."""
    lead = org.find(org.kind("Lead"), str(given.get("leadId", "")))
    if lead["IsConverted"]:
        raise Refusal(400, "CANNOT_UPDATE_CONVERTED_LEAD", "This lead has already been converted.")
    if given.get("convertedStatus") != "Closed - Converted":
        raise Refusal(400, "INVALID_STATUS", "invalid convertedStatus: " + str(given.get("convertedStatus")))
    if given.get("contactId"):
        contact_there = org.find(org.kind("Contact"), str(given["contactId"]))
        if not given.get("accountId") or contact_there["AccountId"] != given["accountId"]:
            raise Refusal(400, "INVALID_ID_FIELD", "the contact must be of the account that is given")
    account = given.get("accountId") or org.create(org.kind("Account"), {"Name": lead["Company"]})["Id"]
    values = {name: lead[name] for name in ("FirstName", "LastName", "Email", "Phone", "Title") if lead[name]}
    contact = given.get("contactId") or org.create(org.kind("Contact"), values | {"AccountId": account})["Id"]
    opportunity = None
    if given.get("createOpportunity") is not False:
        name = given.get("opportunityName") or lead["Company"]
        body = {
            "Name": name,
            "StageName": "Prospecting",
            "CloseDate": org.now().date().isoformat(),
            "AccountId": account,
        }
        opportunity = org.create(org.kind("Opportunity"), body)["Id"]
    lead |= {
        "IsConverted": True,
        "Status": "Closed - Converted",
        "ConvertedAccountId": account,
        "ConvertedContactId": contact,
        "ConvertedOpportunityId": opportunity,
    }
    org.changes.happened()
    ids = {"leadId": lead["Id"], "accountId": account, "contactId": contact, "opportunityId": opportunity}
    return {"outputValues": ids}


def parts_of(path: str) -> tuple[str, list[str]] | None:
    """Split a path into the version and what follows; each part is decoded after it was split."""
    found = re.fullmatch(r"/services/data/v(\d\d\.0)(/.*)?", path)
    if not found:
        return None
    return found[1], [unquote(part) for part in (found[2] or "").split("/") if part]


__all__ = ["ORG_ID", "Call", "answer", "parts_of", "writes"]
