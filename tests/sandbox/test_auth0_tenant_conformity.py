"""Every address of the simulated tenant, asked once in the way of its document: what it takes and what it answers fits."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from sandbox.auth0.app import ROUTES
from sandbox.auth0.streams import new_event
from tests import specs
from tests.sandbox.auth0_tenancy import CUSTOMER, DATABASE, OTHER, SOCIAL, Tenancy, tenancy

Maker = Callable[[Tenancy], Awaitable[str]]

EMAIL = "customer.1@example.com"
CUSTOMERS = "rol_Customer00000001"
ADDRESS = "203.0.113.99"
HOOK = "https://bot.example.com/in/key"
PERMISSIONS = {
    "permissions": [{"resource_server_identifier": "https://api.example.com/", "permission_name": "read:orders"}]
}
PHONE_METHOD = {"type": "phone", "phone_number": "+4930901820099", "preferred_authentication_method": "voice"}
LOG_STREAM = {"name": "log", "type": "http", "sink": {"httpEndpoint": f"{HOOK}/logs", "httpAuthorization": "a token"}}
EVENT_STREAM = {
    "name": "events",
    "subscriptions": [{"event_type": "user.created"}],
    "destination": {
        "type": "webhook",
        "configuration": {
            "webhook_endpoint": f"{HOOK}/events",
            "webhook_authorization": {"method": "bearer", "token": "another"},
        },
    },
}
ACTION = {"name": "an action", "supported_triggers": [{"id": "post-login", "version": "v3"}], "code": "exports.a = 1"}


def made_by(path: str, body: dict[str, Any]) -> Maker:
    """Make a thing by its own address; gives its id."""

    async def make(tenant: Tenancy) -> str:
        return str((await tenant.api("POST", path, json=body)).json()["id"])

    return make


organization = made_by("/organizations", {"name": "acme", "enabled_connections": [{"connection_id": DATABASE}]})
method = made_by(f"/users/{CUSTOMER}/authentication-methods", PHONE_METHOD)
log_stream = made_by("/log-streams", LOG_STREAM)
event_stream = made_by("/event-streams", EVENT_STREAM)
role = made_by("/roles", {"name": "Auditor"})
export = made_by("/jobs/users-exports", {})


async def member(tenant: Tenancy) -> str:
    organization_id = await organization(tenant)
    await tenant.api("POST", f"/organizations/{organization_id}/members", json={"members": [CUSTOMER]})
    await tenant.api("POST", f"/organizations/{organization_id}/members/{CUSTOMER}/roles", json={"roles": [CUSTOMERS]})
    return organization_id


async def enrolment(tenant: Tenancy) -> str:
    return (await method(tenant)).partition("|")[2]


async def session(tenant: Tenancy) -> str:
    return str((await tenant.user(CUSTOMER))["sessions"][0]["id"])


async def refresh_token(tenant: Tenancy) -> str:
    return str((await tenant.user(CUSTOMER))["refresh_tokens"][0]["id"])


async def log(tenant: Tenancy) -> str:
    await tenant.login(CUSTOMER)
    return str((await tenant.api("GET", "/logs")).json()[0]["log_id"])


async def action(tenant: Tenancy) -> str:
    await tenant.control("PUT", "settings", {"build_seconds": 0, "runner": "twin"})
    return await made_by("/actions/actions", ACTION)(tenant)


async def deployed(tenant: Tenancy) -> str:
    action_id = await action(tenant)
    await tenant.api("POST", f"/actions/actions/{action_id}/deploy")
    return action_id


async def linked(tenant: Tenancy) -> str:
    given = {"provider": "google-oauth2", "user_id": SOCIAL}
    await tenant.api("POST", f"/users/{CUSTOMER}/identities", json=given)
    return SOCIAL.partition("|")[2]


async def blocked(tenant: Tenancy) -> str:
    await tenant.control("PUT", "blocked-addresses", [ADDRESS])
    return ADDRESS


async def bruteforced(tenant: Tenancy) -> str:
    await tenant.control("POST", f"blocks?user_id={CUSTOMER}")
    return CUSTOMER


async def version(tenant: Tenancy) -> str:
    (only,) = tenant.inside.actions.values()
    return only.versions[0].id


async def failure(tenant: Tenancy) -> str:
    (only,) = tenant.inside.event_streams.values()
    event = new_event(tenant.inside, "user.created", {"object": {"user_id": CUSTOMER}}, stream=only.id)
    delivery = only.put(event, tenant.inside.now())
    only.due.clear()
    delivery.status = "failed"
    delivery.attempts.append({"status": "failed", "timestamp": event["time"], "error_message": "No answer"})
    return delivery.id


async def named(tenant: Tenancy) -> str:
    await organization(tenant)
    return "acme"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One plausible request: the ids of its address in their order, its query and its body."""

    ids: tuple[str | Maker, ...] = ()
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    file: bytes = b""


PAGE = {"page": 0, "per_page": 2, "include_totals": "true"}
TAKE = {"take": 2}
ME = Example(ids=(CUSTOMER,))

EXAMPLES: dict[str, Example] = {
    "GET /users": Example(query={**PAGE, "q": "blocked:true", "sort": "created_at:1", "search_engine": "v3"}),
    "POST /users": Example(
        body={"connection": "Username-Password-Authentication", "email": "new@example.com", "password": "long enough"}
    ),
    "GET /users/{id}": Example(ids=(CUSTOMER,), query={"fields": "user_id,email", "include_fields": "true"}),
    "PATCH /users/{id}": Example(ids=(CUSTOMER,), body={"blocked": True, "app_metadata": {"plan": None}}),
    "DELETE /users/{id}": ME,
    "GET /users-by-email": Example(query={"email": EMAIL}),
    "GET /user-blocks/{id}": Example(ids=(bruteforced,)),
    "DELETE /user-blocks/{id}": ME,
    "GET /user-blocks": Example(query={"identifier": EMAIL}),
    "DELETE /user-blocks": Example(query={"identifier": EMAIL}),
    "POST /users/{id}/risk-assessments/clear": Example(
        ids=(CUSTOMER,), body={"connection": "Username-Password-Authentication", "assessors": ["new-device"]}
    ),
    "GET /users/{id}/sessions": Example(ids=(CUSTOMER,), query={"take": 1}),
    "DELETE /users/{id}/sessions": ME,
    "GET /users/{id}/refresh-tokens": Example(ids=(CUSTOMER,), query={"take": 1}),
    "DELETE /users/{id}/refresh-tokens": ME,
    "POST /users/{id}/revoke-access": Example(ids=(CUSTOMER,), body={"preserve_refresh_tokens": True}),
    "GET /sessions/{id}": Example(ids=(session,)),
    "DELETE /sessions/{id}": Example(ids=(session,)),
    "POST /sessions/{id}/revoke": Example(ids=(session,)),
    "GET /refresh-tokens/{id}": Example(ids=(refresh_token,)),
    "DELETE /refresh-tokens/{id}": Example(ids=(refresh_token,)),
    "POST /actions/actions": Example(body={**ACTION, "runtime": "node22", "secrets": [{"name": "a", "value": "b"}]}),
    "GET /actions/actions": Example(query={"triggerId": "post-login", "page": 0, "per_page": 2}),
    "GET /actions/actions/{id}": Example(ids=(action,)),
    "PATCH /actions/actions/{id}": Example(ids=(action,), body={"code": "exports.b = 2"}),
    "DELETE /actions/actions/{id}": Example(ids=(action,), query={"force": "true"}),
    "POST /actions/actions/{id}/deploy": Example(ids=(action,)),
    "GET /actions/actions/{id}/versions": Example(ids=(deployed,)),
    "GET /actions/actions/{id}/versions/{version}": Example(ids=(deployed, version)),
    "POST /actions/actions/{id}/versions/{version}/deploy": Example(ids=(deployed, version), body={}),
    "POST /actions/actions/{id}/test": Example(ids=(action,), body={"payload": {"event": {"secrets": {}}}}),
    "GET /actions/triggers": Example(),
    "GET /actions/triggers/{trigger}/bindings": Example(ids=("post-login",), query={"page": 0, "per_page": 5}),
    "PATCH /actions/triggers/{trigger}/bindings": Example(ids=("post-login",), body={"bindings": []}),
    "GET /logs": Example(query={**PAGE, "sort": "date:-1", "search": "type:s"}),
    "GET /logs/{id}": Example(ids=(log,)),
    "GET /users/{id}/logs": Example(ids=(CUSTOMER,), query={**PAGE, "sort": "date:1"}),
    "POST /users/{id}/identities": Example(ids=(CUSTOMER,), body={"provider": "google-oauth2", "user_id": SOCIAL}),
    "DELETE /users/{id}/identities/{provider}/{user_id}": Example(ids=(CUSTOMER, "google-oauth2", linked)),
    "GET /roles": Example(query={**PAGE, "name_filter": "cust"}),
    "POST /roles": Example(body={"name": "Auditor", "description": "Reads"}),
    "GET /roles/{id}": Example(ids=(CUSTOMERS,)),
    "PATCH /roles/{id}": Example(ids=(CUSTOMERS,), body={"description": "Whoever buys"}),
    "DELETE /roles/{id}": Example(ids=(role,)),
    "GET /roles/{id}/users": Example(ids=(CUSTOMERS,), query=TAKE),
    "POST /roles/{id}/users": Example(ids=(role,), body={"users": [CUSTOMER, OTHER]}),
    "GET /users/{id}/roles": Example(ids=(CUSTOMER,), query=PAGE),
    "POST /users/{id}/roles": Example(ids=(CUSTOMER,), body={"roles": [CUSTOMERS]}),
    "DELETE /users/{id}/roles": Example(ids=(CUSTOMER,), body={"roles": [CUSTOMERS]}),
    "GET /roles/{id}/permissions": Example(ids=(CUSTOMERS,), query=PAGE),
    "POST /roles/{id}/permissions": Example(ids=(CUSTOMERS,), body=PERMISSIONS),
    "DELETE /roles/{id}/permissions": Example(ids=(CUSTOMERS,), body=PERMISSIONS),
    "GET /users/{id}/permissions": Example(ids=(CUSTOMER,), query=PAGE),
    "POST /users/{id}/permissions": Example(ids=(CUSTOMER,), body=PERMISSIONS),
    "DELETE /users/{id}/permissions": Example(ids=(CUSTOMER,), body=PERMISSIONS),
    "GET /organizations": Example(query={**PAGE, "sort": "name:1"}),
    "POST /organizations": Example(
        body={
            "name": "acme",
            "branding": {"colors": {"primary": "#112233", "page_background": "#ffffff"}},
            "enabled_connections": [{"connection_id": DATABASE, "is_signup_enabled": True}],
        }
    ),
    "GET /organizations/name/{name}": Example(ids=(named,)),
    "GET /organizations/{id}": Example(ids=(organization,)),
    "PATCH /organizations/{id}": Example(ids=(organization,), body={"display_name": "Acme", "metadata": {"a": "b"}}),
    "DELETE /organizations/{id}": Example(ids=(organization,)),
    "GET /organizations/{id}/members": Example(ids=(member,), query={**TAKE, "fields": "user_id,roles"}),
    "POST /organizations/{id}/members": Example(ids=(organization,), body={"members": [CUSTOMER]}),
    "DELETE /organizations/{id}/members": Example(ids=(member,), body={"members": [CUSTOMER]}),
    "GET /organizations/{id}/members/{user_id}/roles": Example(ids=(member, CUSTOMER), query=PAGE),
    "POST /organizations/{id}/members/{user_id}/roles": Example(ids=(member, CUSTOMER), body={"roles": [CUSTOMERS]}),
    "DELETE /organizations/{id}/members/{user_id}/roles": Example(ids=(member, CUSTOMER), body={"roles": [CUSTOMERS]}),
    "GET /organizations/{id}/enabled_connections": Example(ids=(organization,), query=PAGE),
    "POST /organizations/{id}/enabled_connections": Example(
        ids=(organization,), body={"connection_id": "con_GoogleSocial0001", "show_as_button": True}
    ),
    "GET /organizations/{id}/enabled_connections/{connection}": Example(ids=(organization, DATABASE)),
    "PATCH /organizations/{id}/enabled_connections/{connection}": Example(
        ids=(organization, DATABASE), body={"show_as_button": False}
    ),
    "DELETE /organizations/{id}/enabled_connections/{connection}": Example(ids=(organization, DATABASE)),
    "GET /users/{id}/organizations": Example(ids=(CUSTOMER,), query=PAGE),
    "GET /users/{id}/authentication-methods": Example(ids=(CUSTOMER,), query=PAGE),
    "POST /users/{id}/authentication-methods": Example(ids=(CUSTOMER,), body=PHONE_METHOD),
    "PUT /users/{id}/authentication-methods": Example(
        ids=(CUSTOMER,), body=[PHONE_METHOD, {"type": "totp", "totp_secret": "JBSWY3DPEHPK3PXP"}]
    ),
    "DELETE /users/{id}/authentication-methods": ME,
    "GET /users/{id}/authentication-methods/{method}": Example(ids=(CUSTOMER, method)),
    "PATCH /users/{id}/authentication-methods/{method}": Example(ids=(CUSTOMER, method), body={"name": "work"}),
    "DELETE /users/{id}/authentication-methods/{method}": Example(ids=(CUSTOMER, method)),
    "GET /users/{id}/enrollments": ME,
    "GET /guardian/enrollments/{id}": Example(ids=(enrolment,)),
    "DELETE /guardian/enrollments/{id}": Example(ids=(enrolment,)),
    "POST /guardian/enrollments/ticket": Example(body={"user_id": CUSTOMER, "send_mail": True, "factor": "otp"}),
    "POST /users/{id}/multifactor/actions/invalidate-remember-browser": ME,
    "DELETE /users/{id}/multifactor/{provider}": Example(ids=(CUSTOMER, "duo")),
    "POST /tickets/password-change": Example(body={"user_id": CUSTOMER, "ttl_sec": 60, "mark_email_as_verified": True}),
    "POST /tickets/email-verification": Example(body={"user_id": CUSTOMER, "result_url": "https://app.example.com/"}),
    "POST /jobs/verification-email": Example(body={"user_id": CUSTOMER}),
    "GET /anomaly/blocks/ips/{id}": Example(ids=(blocked,)),
    "DELETE /anomaly/blocks/ips/{id}": Example(ids=("2001:db8::1",)),
    "GET /attack-protection/suspicious-ip-throttling": Example(),
    "PATCH /attack-protection/suspicious-ip-throttling": Example(body={"allowlist": [ADDRESS], "shields": ["block"]}),
    "GET /risk-assessments/settings": Example(),
    "PATCH /risk-assessments/settings": Example(body={"enabled": True}),
    "GET /risk-assessments/settings/new-device": Example(),
    "PATCH /risk-assessments/settings/new-device": Example(body={"remember_for": 14}),
    "GET /connections": Example(query={**PAGE, "strategy": ["auth0", "sms"]}),
    "GET /connections/{id}": Example(ids=(DATABASE,)),
    "GET /clients": Example(query={**PAGE, "is_global": "false", "app_type": "regular_web"}),
    "GET /clients/{id}": Example(ids=("sandboxCustomerApplication00001C",), query={"fields": "name,client_id"}),
    "GET /stats/active-users": Example(),
    "GET /stats/daily": Example(query={"from": "20200101", "to": "20990101"}),
    "GET /tenants/settings": Example(),
    "GET /log-streams": Example(),
    "POST /log-streams": Example(body={**LOG_STREAM, "filters": [{"type": "category", "name": "user.fail"}]}),
    "GET /log-streams/{id}": Example(ids=(log_stream,)),
    "PATCH /log-streams/{id}": Example(ids=(log_stream,), body={"status": "paused", "sink": LOG_STREAM["sink"]}),
    "DELETE /log-streams/{id}": Example(ids=(log_stream,)),
    "GET /event-streams": Example(query=TAKE),
    "POST /event-streams": Example(body=EVENT_STREAM),
    "GET /event-streams/{id}": Example(ids=(event_stream,)),
    "PATCH /event-streams/{id}": Example(
        ids=(event_stream,), body={"status": "disabled", "destination": EVENT_STREAM["destination"]}
    ),
    "DELETE /event-streams/{id}": Example(ids=(event_stream,)),
    "GET /event-streams/{id}/deliveries": Example(
        ids=(event_stream,), query={"statuses": "failed", "date_from": "2026-01-01T00:00:00Z", **TAKE}
    ),
    "GET /event-streams/{id}/deliveries/{event}": Example(ids=(event_stream, failure)),
    "POST /event-streams/{id}/redeliver": Example(
        ids=(event_stream,), body={"statuses": ["failed"], "event_types": ["user.created"]}
    ),
    "POST /event-streams/{id}/redeliver/{event}": Example(ids=(event_stream, failure)),
    "POST /event-streams/{id}/test": Example(ids=(event_stream,), body={"event_type": "organization.member.added"}),
    "POST /jobs/users-exports": Example(body={"format": "csv", "limit": 5, "fields": [{"name": "email"}]}),
    "POST /jobs/users-imports": Example(body={"connection_id": DATABASE}, file=b'[{"email": "new@example.com"}]'),
    "GET /jobs/{id}": Example(ids=(export,)),
    "GET /jobs/{id}/errors": Example(ids=(export,)),
}
SERVED = {f"{route.method} /{'/'.join(route.parts[2:])}": route for route in ROUTES if route.parts[:2] == ("api", "v2")}

needs_document = pytest.mark.skipif(specs.auth0() is None, reason="Auth0's document is not beside the project")
"""The document is not part of the project."""


def test_every_address_has_an_example() -> None:
    assert set(EXAMPLES) == set(SERVED)


@needs_document
@pytest.mark.parametrize("name", list(SERVED))
def test_an_address_asks_for_scopes_of_its_document(name: str) -> None:
    verb, _, path = name.partition(" ")
    found = specs.auth0_operation(verb.lower(), path)
    assert found is not None, f"{name} is not specified"
    security = (specs.auth0() or {})["paths"][found[0]][verb.lower()]["security"]
    known = {scope for way in security for scopes in way.values() for scope in scopes}
    route = SERVED[name]
    assert {*route.any_of, *route.all_of} <= known


@needs_document
@pytest.mark.parametrize("name", list(SERVED))
async def test_an_address_takes_and_answers_what_its_document_says(name: str) -> None:
    example = EXAMPLES[name]
    verb, _, path = name.partition(" ")
    async with tenancy() as tenant:
        for given in example.ids:
            value = given if isinstance(given, str) else await given(tenant)
            path = re.sub(r"\{\w+\}", lambda _, value=value: quote(value, safe=""), path, count=1)  # type: ignore[misc]  # mypy reads no default
        more: dict[str, Any] = {"params": example.query}
        if example.file:
            more |= {"data": example.body, "files": {"users": example.file}}
        elif example.body is not None:
            more["json"] = example.body
        answer = await tenant.api(verb, path, **more)
        assert answer.is_success, answer.text
        specs.auth0_conforms(await tenant.control("GET", "calls"))


def call(verb: str, path: str, **more: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"query": {}, "body": None, "status": 200, "answer": None, "answer_bytes": 0, "fault": None}
    return {"verb": verb, "raw": f"/api/v2{path}", **usual, **more}


@needs_document
@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (call("GET", "/horoscopes", answer=[]), "is not specified"),
        (call("GET", "/roles", query={"colour": "red"}, answer=[]), "the query's colour is not specified"),
        (call("GET", "/roles", query={"per_page": "101"}, answer=[]), "per_page:  101 is greater than"),
        (call("GET", "/users-by-email", answer=[]), "the query lacks email"),
        (call("GET", "/event-streams/short", answer={}), "id:  'short' is too short"),
        (call("POST", "/roles", answer={}), "the body is missing"),
        (call("POST", "/roles", body={"title": "x"}, answer={}), "'name' is a required property"),
        (call("DELETE", "/users/x", body={"sure": True}, status=204), "a body is not specified"),
        (call("DELETE", "/users/x", status=200), "200 is not among the answers"),
        (call("GET", "/roles/x", answer={"id": 5}), "5 is not of type 'string'"),
        (call("GET", "/roles/x", status=404, answer={"error": "gone"}), "not the usual shape of an error"),
        (
            call("POST", "/event-streams", body=EVENT_STREAM, status=201, answer=EVENT_STREAM),
            "'token': 'another'} is not valid",
        ),
    ],
)
def test_what_does_not_conform_is_noticed(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(why)):
        specs.auth0_conforms([wrong])


@needs_document
def test_a_request_that_was_refused_for_its_form_counts_only_where_that_is_asked() -> None:
    error = {"statusCode": 400, "error": "Bad Request", "message": "Payload validation error"}
    wrong = call("POST", "/roles", body={}, status=400, answer=error)
    specs.auth0_conforms([wrong])
    with pytest.raises(AssertionError, match="'name' is a required property"):
        specs.auth0_conforms([wrong], refused=True)


@needs_document
def test_answers_that_were_made_up_for_a_fault_are_not_checked() -> None:
    specs.auth0_conforms([call("GET", "/roles/x", answer={"id": 5}, fault={"status": 200})])
