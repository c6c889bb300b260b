"""The outside services' own specifications, where they stand beside the project."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import jsonschema
import referencing
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).parent.parent.parent / "shared" / "specs"
SURFACES = {"modal": "#/$defs/modal_view", "home": "#/$defs/home_view"}


@cache
def block_kit() -> dict[str, Any] | None:
    """Return the schema of Block Kit, or None where there are no specifications."""
    file = FOLDER / "slack" / "slack-block-kit.schema.json"
    return json.loads(file.read_text()) if file.exists() else None


@cache
def _block_kit_of(surface: str) -> Any:
    """Compile Block Kit's schema once: of a message's blocks, or of a view."""
    schema = dict(block_kit() or {})
    if surface in SURFACES:
        schema["$ref"] = SURFACES[surface]
        for name in ("type", "items", "maxItems", "minItems"):
            schema.pop(name, None)
    return jsonschema.validators.validator_for(schema)(schema)


def slack_would_take(calls: Sequence[Mapping[str, Any]]) -> None:
    """Check every message and view that was sent against Slack's schema."""
    if block_kit() is None:
        return
    for call in calls:
        given = call["arguments"] or {}
        if given.get("blocks"):
            _block_kit_of("message").validate(given["blocks"])
        if given.get("view"):
            _block_kit_of(given["view"]["type"]).validate(given["view"])


@cache
def post_login() -> dict[str, Any] | None:
    """Return the schema of a post-login event, or None where there are no specifications."""
    file = FOLDER / "auth0" / "actions-schema.json"
    schemas = json.loads(file.read_text())["components"]["schemas"] if file.exists() else None
    return {"components": {"schemas": schemas}, "$ref": "#/components/schemas/PostLogin"} if schemas else None


Document = dict[str, Any]
Side = Literal["sent", "answered"]

PLACE = "/api/v2"
LOCAL = r"^(https://|http://(127\.0\.0\.1|localhost|\[::1\])[:/]).*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxed:
    """A known fault of Auth0's document: on which side, why it is one, and how the document is read instead."""

    side: Side | None = None
    why: str
    mend: Callable[[Document], None]


def _schemas(document: Document) -> Document:
    found: Document = document["components"]["schemas"]
    return found


def _secret(schema: str, name: str) -> Callable[[Document], None]:
    def mend(document: Document) -> None:
        _schemas(document)[schema]["properties"][name] = {"type": "string", "minLength": 1}
        _schemas(document)[schema]["required"].append(name)

    return mend


def _pattern(schema: str, name: str) -> Callable[[Document], None]:
    def mend(document: Document) -> None:
        _schemas(document)[schema]["properties"][name]["pattern"] = LOCAL

    return mend


def _status(path: str, method: str, said: str, real: str, *, empty: bool = False) -> Callable[[Document], None]:
    def mend(document: Document) -> None:
        responses = document["paths"][path][method]["responses"]
        old = responses.pop(said)
        responses[real] = {"description": old["description"]} if empty else old

    return mend


def _query(path: str, name: str) -> Callable[[Document], None]:
    def mend(document: Document) -> None:
        document["paths"][path]["get"]["parameters"].append({"name": name, "in": "query", "schema": {"type": "string"}})

    return mend


def _any_of(value: Any) -> None:
    """Read every "one of" as "any of", all the way down."""
    match value:
        case dict():
            if isinstance(value.get("oneOf"), list):
                value["anyOf"] = value.pop("oneOf")
            for inner in value.values():
                _any_of(inner)
        case list():
            for inner in value:
                _any_of(inner)


def _deliveries(document: Document) -> None:
    answer = document["paths"]["/event-streams/{id}/deliveries"]["get"]["responses"]["200"]["content"][
        "application/json"
    ]
    properties = {"deliveries": answer["schema"], "next": {"type": "string"}}
    answer["schema"] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["deliveries"],
        "properties": properties,
    }


def _data(document: Document) -> None:
    _schemas(document)["EventStreamCloudEvent"]["properties"]["data"] = {"type": "object"}


RELAXED = (
    Relaxed(
        why="Choices overlap: the last page by checkpoint, which names no next one, is also a page with totals.",
        mend=_any_of,
    ),
    Relaxed(
        why="The official client, made from a later edition, reads deliveries as pages by checkpoint.",
        mend=_deliveries,
    ),
    Relaxed(
        why="The official client, made from a later edition, reads an event's data as an object, not as a text.",
        mend=_data,
    ),
    Relaxed(
        why="Deploying an Action answers 200 in reality.",
        mend=_status("/actions/actions/{id}/deploy", "post", "202", "200"),
    ),
    Relaxed(
        why="Taking permissions from a role answers 204 in reality.",
        mend=_status("/roles/{id}/permissions", "delete", "200", "204", empty=True),
    ),
    Relaxed(
        why="Taking a refresh token away answers 204 in reality.",
        mend=_status("/refresh-tokens/{id}", "delete", "202", "204", empty=True),
    ),
    Relaxed(
        why="The document knows only `search`; the service's own pages on searching logs ask with `q`.",
        mend=_query("/logs", "q"),
    ),
    Relaxed(
        side="sent",
        why="The document shows the answer's side only; real requests carry the bearer token.",
        mend=_secret("EventStreamWebhookBearerAuth", "token"),
    ),
    Relaxed(
        side="sent",
        why="The document shows the answer's side only; real requests carry the password.",
        mend=_secret("EventStreamWebhookBasicAuth", "password"),
    ),
    Relaxed(
        side="sent",
        why="The document shows the answer's side only; real requests carry the header's value.",
        mend=_secret("EventStreamWebhookCustomHeaderAuth", "value"),
    ),
    Relaxed(
        why="No fault of the document: nothing on this machine has a certificate, so its own addresses may be http.",
        mend=_pattern("EventStreamWebhookConfiguration", "webhook_endpoint"),
    ),
    Relaxed(
        why="No fault of the document: nothing on this machine has a certificate, so its own addresses may be http.",
        mend=_pattern("LogStreamHttpSink", "httpEndpoint"),
    ),
)


@cache
def auth0(side: Side = "answered") -> Document | None:
    """Return the document of the Management API, read as its known faults demand, or None where there is none."""
    file = FOLDER / "auth0" / "management-api-oas.json"
    if not file.exists():
        return None
    document: Document = json.loads(file.read_text())
    for relaxed in RELAXED:
        if relaxed.side in {None, side}:
            relaxed.mend(document)
    return document


@cache
def _registry(side: Side) -> Any:
    resource = DRAFT202012.create_resource(auth0(side))
    return referencing.Registry().with_resource(f"urn:auth0:{side}", resource)


@cache
def _schema(side: Side, *steps: str) -> Any:
    """Compile the schema at a place of the document; None where there is none."""
    found: Any = auth0(side)
    for step in steps:
        found = found.get(step) if isinstance(found, dict) else found[int(step)]
        if found is None:
            return None
    place = "/".join(step.replace("~", "~0").replace("/", "~1") for step in steps)
    return jsonschema.Draft202012Validator({"$ref": f"urn:auth0:{side}#/{place}"}, registry=_registry(side))


def auth0_operation(method: str, raw: str) -> tuple[str, dict[str, str]] | None:
    """Find the specified path of a raw one, with the ids in it: the path with the most literal parts."""
    parts = [unquote(part) for part in raw.split("/")]
    found = [
        known
        for known, methods in (auth0() or {"paths": {}})["paths"].items()
        if method in methods
        and len(known.split("/")) == len(parts)
        and all(mine.startswith("{") or mine == theirs for mine, theirs in zip(known.split("/"), parts, strict=True))
    ]
    if not found:
        return None
    path = min(found, key=lambda known: str(known).count("{"))
    pairs = zip(path.split("/"), parts, strict=True)
    return path, {mine.strip("{}"): theirs for mine, theirs in pairs if mine.startswith("{")}


def auth0_conforms(calls: Sequence[Mapping[str, Any]], *, refused: bool = False) -> None:
    """Check calls of the Management API, as the sandbox lists them, against its document.

    What was sent is checked where the sandbox took it (with `refused`, also what it refused for its form), and every
    answer. Raises AssertionError naming the call and every fault of it.
    """
    if auth0() is None:
        return
    for call in calls:
        if call["raw"].startswith(f"{PLACE}/"):
            faults = _faults_of(call, refused=refused)
            assert not faults, f"{call['verb']} {call['raw']} {call['query']} {call['body']}: " + "; ".join(faults)


def _faults_of(call: Mapping[str, Any], *, refused: bool) -> list[str]:
    method, status = call["verb"].lower(), call["status"]
    taken = status is not None and status < 300 and not call["fault"]
    found = auth0_operation(method, call["raw"].removeprefix(PLACE))
    if found is None:
        return ["is not specified"] if taken else []
    path, ids = found
    faults = []
    if taken or (refused and status == 400):
        faults += [*_faults_of_address(path, method, ids, call["query"]), *_faults_of_body(path, method, call)]
    if status is not None and not call["fault"]:
        faults += _faults_of_answer(path, method, call)
    return faults


def _faults_of_address(path: str, method: str, ids: Mapping[str, str], query: Mapping[str, Any]) -> list[str]:
    listed = (auth0("sent") or {})["paths"][path][method].get("parameters", [])
    faults = []
    known = {parameter["name"] for parameter in listed if parameter["in"] == "query"}
    faults += [f"the query's {name} is not specified" for name in query if name not in known]
    for number, parameter in enumerate(listed):
        given = {"query": query, "path": ids}.get(parameter["in"], {})
        name = parameter["name"]
        if name not in given:
            faults += [f"the query lacks {name}"] if parameter.get("required") and parameter["in"] == "query" else []
            continue
        schema = _schema("sent", "paths", path, method, "parameters", str(number), "schema")
        faults += _faults(schema, _as_kind(given[name], parameter["schema"].get("type")), name)
    return faults


def _as_kind(text: Any, kind: str | None) -> Any:
    """Read a text of an address as what the document says it is, where it can be read so."""
    match kind:
        case "array":
            return text if isinstance(text, list) else [text]
        case "integer" | "number" if re.fullmatch(r"-?\d+", str(text)):
            return int(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case _:
            return text


def _faults_of_body(path: str, method: str, call: Mapping[str, Any]) -> list[str]:
    given = (auth0("sent") or {})["paths"][path][method].get("requestBody")
    if given is None:
        return [] if call["body"] in (None, {}) else ["a body is not specified"]
    if "application/json" not in given["content"]:
        return []
    schema = _schema("sent", "paths", path, method, "requestBody", "content", "application/json", "schema")
    if call["body"] is None:
        return ["the body is missing"] if given.get("required") or not schema.is_valid({}) else []
    return _faults(schema, call["body"], "the body")


def _faults_of_answer(path: str, method: str, call: Mapping[str, Any]) -> list[str]:
    status, body = call["status"], call["answer"]
    if status >= 400:
        if not isinstance(body, dict):
            return ["an error without a body"]
        wanted = {"statusCode", "error", "message"}
        fine = wanted <= set(body) <= {*wanted, "errorCode", "attributes"} and body["statusCode"] == status
        return [] if fine else [f"not the usual shape of an error: {body}"]
    responses = (auth0("answered") or {})["paths"][path][method]["responses"]
    if str(status) not in responses:
        return [f"{status} is not among the answers {sorted(responses)}"]
    schema = _schema(
        "answered", "paths", path, method, "responses", str(status), "content", "application/json", "schema"
    )
    if schema is None or status == 204 or (body is None and call["answer_bytes"]):
        return []  # without a schema, without a body, or longer than what is kept
    return _faults(schema, body, "the answer")


def _faults(schema: Any, value: Any, where: str) -> list[str]:
    return [
        f"{where}{''.join(f'[{step!r}]' for step in error.path)}: {_short(error)}"
        for error in schema.iter_errors(value)
    ]


def _short(error: Any) -> str:
    """Say what is wrong, and inside a choice what is wrong with the likeliest one."""
    best = jsonschema.exceptions.best_match([error])
    place = "".join(f"[{step!r}]" for step in best.path)
    return f"{place} {best.message}"[:600]


@cache
def marketo(part: str) -> Document | None:
    """Return one of Marketo's documents (identity, mapi or asset), or None where there are no specifications.

    What an answer must have is left out: real answers lack most of it.
    """
    file = FOLDER / "marketo" / f"swagger-{part}.json"
    if not file.exists():
        return None
    document: Document = json.loads(file.read_text())
    for model in document["definitions"].values():
        model["x-required"] = model.pop("required", [])
    return document


@cache
def _marketo_schema(part: str, reference: str, *, sent: bool) -> Any:
    """Compile a model: of a request with all that it must have, of an answer without."""
    document = marketo(part) or {}
    definitions = {
        name: {**model, "required": model["x-required"]} if sent else model
        for name, model in document["definitions"].items()
    }
    return jsonschema.Draft4Validator({"definitions": definitions, "$ref": reference})


def marketo_operation(method: str, path: str) -> tuple[str, Document] | None:
    """Find the specified operation of a call, and the document that it is in."""
    for part in ("identity", "mapi", "asset"):
        found = [
            (known, methods[method])
            for known, methods in (marketo(part) or {"paths": {}})["paths"].items()
            if method in methods and re.fullmatch(re.sub(r"\\\{\w+\\\}", r"[^/]+", re.escape(known)), path)
        ]
        if found:
            _, operation = min(found, key=lambda one: str(one[0]).count("{"))
            return part, operation
    return None


def marketo_conforms(calls: Sequence[Mapping[str, Any]]) -> None:
    """Check calls of Marketo, as the sandbox lists them, against its documents: what was taken, and every answer.

    Raises AssertionError naming the call and every fault of it.
    """
    if marketo("mapi") is None:
        return
    for call in calls:
        faults = [] if call["fault"] else _faults_of_marketo(call)
        assert not faults, f"{call['verb']} {call['path']} {call['query']}: " + "; ".join(faults)


def _faults_of_marketo(call: Mapping[str, Any]) -> list[str]:
    answer = call["answer"]
    taken = call["status"] == 200 and (answer is None or answer.get("success", True))
    found = marketo_operation(call["method"].lower(), call["path"])
    if found is None:
        return ["is not specified"] if taken else []
    part, operation = found
    faults: list[str] = []
    if taken:
        faults += _faults_of_marketo_request(part, operation, call)
    schema = operation["responses"].get("200", {}).get("schema")
    if answer is not None and call["status"] == 200 and schema:
        faults += _faults(_marketo_schema(part, schema["$ref"], sent=False), answer, "the answer")
    return faults


def _faults_of_marketo_request(part: str, operation: Document, call: Mapping[str, Any]) -> list[str]:
    parameters = operation.get("parameters", [])
    given = [name for name, _ in call["asked"] or call["query"] if name != "_method"]  # how a GET is sent as a POST
    bodies = [each for each in parameters if each["in"] == "body"]
    form = call["kind"].startswith("application/x-www-form-urlencoded")
    known = {each["name"] for each in parameters if each["in"] in {"query", "formData"}}
    if form and bodies:
        # The document calls it a body; what is sent is a form whose fields are those of the model.
        model = (marketo(part) or {})["definitions"][bodies[0]["schema"]["$ref"].rpartition("/")[2]]
        known |= set(model["properties"])
    faults = [f"{name} is not specified" for name in given if name not in known]
    if bodies and not form:
        # The document wants both a body and a query where either will do.
        if call["body"] is None:
            return faults + (["the body is missing"] if "id" not in given and bodies[0].get("required") else [])
        faults += _faults(_marketo_schema(part, bodies[0]["schema"]["$ref"], sent=True), call["body"], "the body")
    elif not call["kind"].startswith("multipart/"):
        needed = {each["name"] for each in parameters if each.get("required") and each["in"] in {"query", "formData"}}
        faults += [f"{name} is missing" for name in needed if name not in given]
    return faults
