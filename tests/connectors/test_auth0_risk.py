"""A login in plain words."""

from typing import Any

import pytest
from pydantic import ValidationError

from connectors.auth0.client import Tenant
from connectors.auth0.devices import device_words
from connectors.auth0.risk import Described, Login, describe_login
from connectors.auth0.sources.triggers import PostLogin
from connectors.catalog import catalog
from tests.connectors.doubles import Auth0

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)


def login(**parts: Any) -> PostLogin:
    return PostLogin.model_validate({"tenant": {"id": "example"}, "user": {"user_id": "auth0|1"}} | parts)


def assessed(confidence: str | None, **assessments: Any) -> dict[str, Any]:
    risk = {"confidence": confidence, "version": "1", "assessments": assessments}
    return {"authentication": {"methods": [], "riskAssessment": risk}}


async def described(tenant: Tenant, **parts: Any) -> Described:
    return await describe_login(tenant, Login(login=login(**parts)))


async def test_a_login_with_everything_is_described(tenant: Tenant) -> None:
    words = await described(
        tenant,
        user={"user_id": "auth0|1", "name": "Customer 1", "email": "customer.1@example.com"},
        request={
            "ip": "192.0.2.7",
            "user_agent": CHROME,
            "geoip": {"cityName": "Lisbon", "countryName": "Portugal", "countryCode": "PT"},
        },
        authentication={
            "methods": [
                {"name": "pwd", "timestamp": "2026-01-02T03:04:05.678Z"},
                {"name": "mfa", "timestamp": "2026-01-02T04:05:06+01:00"},
            ],
            "riskAssessment": {
                "confidence": "low",
                "version": "1",
                "assessments": {
                    "NewDevice": {"confidence": "medium", "code": "partial_match", "details": {"device": "unknown"}},
                    "UntrustedIP": {"confidence": "high", "code": "not_found_on_deny_list"},
                    "ImpossibleTravel": {"confidence": "low", "code": "impossible_travel_from_last_login"},
                },
            },
        },
    )
    assert words == Described(
        who="Customer 1 (customer.1@example.com)",
        when="2026-01-02T03:05:06Z",
        where="Lisbon, Portugal (192.0.2.7)",
        device="Chrome on Windows",
        user_agent=CHROME,
        level="high",
        risk="High: Auth0 has little confidence that this is the person.",
        why=[
            "Impossible travel: nobody gets here from the place of the last login in that time.",
            "The device is like one the person has used, but not the same.",
        ],
    )


async def test_a_login_of_which_nothing_is_known_is_described_all_the_same(tenant: Tenant) -> None:
    words = await described(tenant)
    assert words == Described(
        who="auth0|1",
        when=None,
        where="an unknown place",
        device="an unknown device",
        user_agent="",
        level="unknown",
        risk="Unknown: Auth0 did not assess this login.",
        why=[],
    )


@pytest.mark.parametrize(
    ("user", "who"),
    [
        ({"name": "customer.1@example.com", "email": "customer.1@example.com"}, "customer.1@example.com"),
        ({"phone_number": "+15550100"}, "+15550100"),
        ({"name": "Customer 1", "phone_number": "+15550100"}, "Customer 1 (+15550100)"),
        ({"given_name": "Customer", "family_name": "1"}, "Customer 1 (auth0|1)"),
        ({"name": None, "email": None}, "auth0|1"),
        ({"name": "x" * 500}, "x" * 79 + "… (auth0|1)"),
        ({"name": "a\u202eb\nc <!channel>"}, "a b c <!channel> (auth0|1)"),
    ],
)
async def test_who_is_the_name_and_how_to_reach_the_person(tenant: Tenant, user: dict[str, Any], who: str) -> None:
    assert (await described(tenant, user={"user_id": "auth0|1"} | user)).who == who


@pytest.mark.parametrize(
    ("request_part", "where"),
    [
        ({"ip": "192.0.2.7"}, "an unknown place (192.0.2.7)"),
        ({"geoip": {"countryCode": "PT"}}, "PT"),
        ({"geoip": {"cityName": "Lisbon", "countryName": None}}, "Lisbon"),
        ({"geoip": None, "ip": None}, "an unknown place"),
    ],
)
async def test_where_says_what_is_known(tenant: Tenant, request_part: dict[str, Any], where: str) -> None:
    assert (await described(tenant, request=request_part)).where == where


@pytest.mark.parametrize(
    ("parts", "when"),
    [
        ({"authentication": {"methods": [{"timestamp": "yesterday"}, {"timestamp": None}, {}]}}, None),
        ({"authentication": None, "session": {"authenticated_at": "2026-01-02T03:04:05Z"}}, "2026-01-02T03:04:05Z"),
        ({"session": {"created_at": "2026-01-02 03:04:05"}}, "2026-01-02T03:04:05Z"),
        ({"session": {"id": "s"}}, None),
    ],
)
async def test_when_is_the_latest_proof_of_identity(tenant: Tenant, parts: dict[str, Any], when: str | None) -> None:
    assert (await described(tenant, **parts)).when == when


@pytest.mark.parametrize(
    ("confidence", "level"),
    [
        ("low", "high"),
        ("medium", "medium"),
        ("high", "low"),
        ("neutral", "unknown"),
        (None, "unknown"),
        ("odd_one", "unknown"),
    ],
)
async def test_low_confidence_is_high_risk(tenant: Tenant, confidence: str | None, level: str) -> None:
    words = await described(tenant, **assessed(confidence))
    assert words.level == level
    assert words.risk.lower().startswith(f"{level}: ")


async def test_a_risk_without_a_reason_says_so(tenant: Tenant) -> None:
    assert (await described(tenant, **assessed("low"))).why == ["Auth0 gives no reason."]


@pytest.mark.parametrize(
    ("assessor", "code", "words"),
    [
        ("ImpossibleTravel", "impossible_travel_from_last_login", "Impossible travel"),
        ("ImpossibleTravel", "substantial_travel_from_last_login", "very far"),
        ("ImpossibleTravel", "travel_from_last_login", "some way"),
        ("ImpossibleTravel", "invalid_travel", "makes no sense"),
        ("ImpossibleTravel", "missing_geoip", "place of the network address is not known"),
        ("ImpossibleTravel", "anonymous_proxy", "anonymous proxy"),
        ("ImpossibleTravel", "unknown_location", "place of the login is not known"),
        ("ImpossibleTravel", "initial_login", "first login"),
        ("ImpossibleTravel", "location_history_not_found", "No earlier place"),
        ("ImpossibleTravel", "assessment_not_available", "could not assess the distance"),
        ("NewDevice", "partial_match", "not the same"),
        ("NewDevice", "no_match", "New device"),
        ("NewDevice", "initial_login", "first login"),
        ("NewDevice", "unknown_device", "cannot be recognised"),
        ("NewDevice", "no_device_history", "No earlier device"),
        ("NewDevice", "assessment_not_available", "could not assess the device"),
        ("UntrustedIP", "found_on_deny_list", "known for attacks"),
        ("UntrustedIP", "invalid_ip_address", "not a valid one"),
        ("UntrustedIP", "assessment_not_available", "could not assess the network address"),
        ("AgentDetection", "verified_agent", "automated agent"),
    ],
)
async def test_every_known_code_has_words(tenant: Tenant, assessor: str, code: str, words: str) -> None:
    part = {assessor: {"confidence": "low", "code": code}}
    (reason,) = (await described(tenant, **assessed("medium", **part))).why
    assert words in reason
    assert "_" not in reason
    assert reason.endswith(".")


@pytest.mark.parametrize(
    ("assessor", "code", "confidence"),
    [
        ("ImpossibleTravel", "minimal_travel_from_last_login", "high"),
        ("ImpossibleTravel", "travel_from_last_login", "high"),
        ("NewDevice", "match", "high"),
        ("UntrustedIP", "not_found_on_deny_list", "high"),
        ("AgentDetection", "unknown", "neutral"),
        ("PhoneNumber", "phone_number_not_provided", "neutral"),
        ("SomethingNew", "all_fine", "high"),
        ("SomethingNew", "no_opinion", "neutral"),
    ],
)
async def test_what_is_fine_is_no_reason(tenant: Tenant, assessor: str, code: str, confidence: str) -> None:
    words = await described(tenant, **assessed("high", **{assessor: {"confidence": confidence, "code": code}}))
    assert words.why == []


async def test_a_listed_address_says_on_which_list(tenant: Tenant) -> None:
    details = {"ip": "192.0.2.7", "matches": "192.0.2.0/24", "source": "LIST-1", "category": "abuse"}
    part = {"UntrustedIP": {"confidence": "low", "code": "found_on_deny_list", "details": details}}
    assert (await described(tenant, **assessed("low", **part))).why == [
        "The network address is on a list of addresses known for attacks (abuse, LIST-1)."
    ]


async def test_unknown_codes_and_assessors_are_told_neutrally_and_without_their_tricks(tenant: Tenant) -> None:
    parts = {
        "NewDevice": {"confidence": "medium", "code": "moved_house"},
        "Brand_New": {"confidence": "low", "code": "what\n\u202eis_this" + "x" * 500},
        "Odd": "no assessment at all",
        "Empty": {},
        "Nothing": None,
    }
    first, second = (await described(tenant, **assessed("low", **parts))).why
    assert first.startswith("Auth0 says of “Brand New”: “what is this")
    assert len(first) < 200
    assert second == "Auth0 says of the device: “moved house”, with medium confidence."


async def test_a_failed_assessment_is_told_apart_from_a_risky_login(tenant: Tenant) -> None:
    gone = {"confidence": "low", "code": "assessment_not_available"}
    words = await described(tenant, **assessed("low", ImpossibleTravel=gone, NewDevice=gone, UntrustedIP=gone))
    assert words.level == "unknown"
    assert "could not assess this login" in words.risk
    assert len(words.why) == 3
    partly = await described(
        tenant, **assessed("low", ImpossibleTravel=gone, NewDevice={"confidence": "low", "code": "no_match"})
    )
    assert partly.level == "high"


@pytest.mark.parametrize(
    ("assessor", "code", "details", "words"),
    [
        ("NewCountry", "new_country", None, "New country: the person has not signed in from it before."),
        ("NewCountry", "unknown_country", None, "The country of the network address is not known."),
        ("FailureBurst", "too_many_failures", {"failures": 7}, "as this person failed in the minutes before."),
        ("FailureBurst", "too_many_failures_from_address", None, "from this network address failed"),
        ("LeakedPassword", "leaked_password", None, "has leaked elsewhere"),
        ("UntrustedIP", "found_on_deny_list", {"category": "attacks"}, "is on your deny list (attacks)."),
        ("UntrustedIP", "found_on_deny_list", {}, "is on your deny list."),
        ("NewDevice", "no_match", None, "New device"),
        ("Brand", "new", None, "cicflow says of “Brand”: “new”, with low confidence."),
        (
            "ImpossibleTravel",
            "impossible_travel_from_last_login",
            {"kilometres": 16093, "minutes": 61},
            "Impossible travel: 16,093 km in 1 hour and 1 minute since the last login.",
        ),
        (
            "ImpossibleTravel",
            "impossible_travel_from_last_login",
            {"kilometres": 900, "minutes": 0},
            "Impossible travel: 900 km in less than a minute since the last login.",
        ),
    ],
)
async def test_our_own_assessment_is_told_as_ours(
    tenant: Tenant, assessor: str, code: str, details: dict[str, Any] | None, words: str
) -> None:
    part = {assessor: {"confidence": "low", "code": code, "details": details}}
    parts = assessed("low", **part)
    parts["authentication"]["riskAssessment"]["version"] = "cicflow-1"
    found = await described(tenant, **parts)
    assert found.risk == "High: cicflow has little confidence that this is the person."
    (reason,) = found.why
    assert words in reason


@pytest.mark.parametrize(
    ("assessor", "code"),
    [
        ("NewCountry", "known_country"),
        ("FailureBurst", "few_failures"),
        ("LeakedPassword", "not_known_to_have_leaked"),
    ],
)
async def test_what_is_fine_by_ours_is_no_reason_either(tenant: Tenant, assessor: str, code: str) -> None:
    parts = assessed("high", **{assessor: {"confidence": "neutral", "code": code}})
    assert (await described(tenant, **parts)).why == []


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (CHROME, "Chrome on Windows"),
        (f"{CHROME} Edg/140.0", "Edge on Windows"),
        (f"{CHROME} OPR/120.0", "Opera on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on macOS"),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1 Version/19.0 Safari/605.1",
            "Safari on macOS",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile/15E148 Safari/604.1",
            "Safari on an iPhone",
        ),
        ("Mozilla/5.0 (iPad; CPU OS 19_0 like Mac OS X) CriOS/140.0 Mobile/15E148 Safari/604.1", "Chrome on an iPad"),
        ("Mozilla/5.0 (Linux; Android 16; Pixel) Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("Mozilla/5.0 (X11; CrOS x86_64) Chrome/140.0 Safari/537.36", "Chrome on ChromeOS"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Trident/7.0; rv:11.0) like Gecko", "Internet Explorer on Windows"),
        ("curl/8.5.0", "the program curl"),
        ("python-requests/2.32", "a Python program"),
        ("okhttp/4.12", "an Android app"),
        ("Something of its own (Windows)", "Windows"),
        ("Opera/9", "Opera"),
        ("???", "an unknown device"),
        ("", "an unknown device"),
        (None, "an unknown device"),
    ],
)
def test_a_device_is_said_in_a_few_words(user_agent: str | None, words: str) -> None:
    assert device_words(user_agent) == words


async def test_what_the_browser_says_is_cut_and_may_come_from_the_session(tenant: Tenant) -> None:
    words = await described(tenant, session={"device": {"last_user_agent": "curl/8 " + "x" * 500}})
    assert (words.device, len(words.user_agent)) == ("the program curl", 120)


@pytest.mark.parametrize(
    "body", [{}, {"user": {"user_id": "auth0|1"}}, {"tenant": {"id": "t"}, "user": {}}, {"tenant": None}]
)
def test_an_event_without_tenant_or_user_is_none(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PostLogin.model_validate(body)


def test_an_event_may_have_more_less_and_nulls() -> None:
    body = {
        "tenant": {"id": "t", "extra": 1},
        "user": {"user_id": "auth0|1", "email": None, "identities": None, "user_metadata": None},
        "transaction": {"login_hint": None, "acr_values": None},
        "request": {"asn": 64496, "geoip": {}},
        "agent": {"id": "x"},
        "authentication": {"riskAssessment": {"assessments": {"Brand": {"code": "new"}}}},
    }
    event = PostLogin.model_validate(body)
    assert event.request
    assert event.request.asn == "64496"
    assert event.model_dump()["agent"] == {"id": "x"}


@pytest.mark.parametrize(
    ("risk", "why", "level"),
    [
        ("low", ["impossible_travel", "new_device", "untrusted_ip"], "high"),
        ("medium", ["new_device"], "medium"),
        ("high", [], "low"),
    ],
)
async def test_what_the_tenant_makes_of_a_login_can_be_described(
    auth0: Auth0, tenant: Tenant, risk: str, why: list[str], level: str
) -> None:
    asked = {"user_id": "auth0|650000000000000000000001", "risk": risk, "why": why}
    event = (await auth0.control.post("/sandbox/logins", json=asked)).json()["event"]
    action = catalog().actions["auth0.describe_login"]
    words = await action.carry_out(tenant, action.given.model_validate({"login": event}))
    assert isinstance(words, Described)
    assert (words.level, len(words.why)) == (level, len(why))
    assert words.when
    assert words.who == "Customer 1 (customer.1@example.com)"
