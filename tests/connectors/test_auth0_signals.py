"""Our own risk signals: what is made of a login, of what is known, and of nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.auth0.signals import in_log, of_trigger, usable
from connectors.auth0.signals.assessing import ADDRESS_BURST, USER_BURST, VERSION, WINDOW, Login, assess
from connectors.auth0.signals.devices import device_of
from connectors.auth0.signals.travel import FASTEST, Place, kilometres, place_of
from connectors.auth0.sources import SOURCES
from connectors.auth0.sources.parts import RiskAssessment
from connectors.base import Listed, Remembered

NOW = 1_800_000_000.0
LARGEST = 4096
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0 Safari/537.36"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0"
BERLIN = {"cityName": "Berlin", "countryCode": "DE", "latitude": 52.52, "longitude": 13.41}
POTSDAM = {"cityName": "Potsdam", "countryCode": "DE", "latitude": 52.39, "longitude": 13.06}
PARIS = {"cityName": "Paris", "countryCode": "FR", "latitude": 48.85, "longitude": 2.35}
SYDNEY = {"cityName": "Sydney", "countryCode": "AU", "latitude": -33.87, "longitude": 151.21}
KANSAS = {"countryCode": "US", "latitude": 37.75, "longitude": -97.82}
SEATTLE = {"cityName": "Vancouver", "countryCode": "CA", "latitude": 49.28, "longitude": -123.12}


class Mind:
    """A memory of one connection."""

    def __init__(self, **denied: str) -> None:
        self.known: dict[str, Remembered] = {}
        self.list = denied

    async def change(self, keys: Sequence[str], work: Any) -> Any:
        after, found = work([self.known.get(key) for key in keys])
        self.known.update(zip(keys, json.loads(json.dumps(after)), strict=True))
        return found

    async def denied(self, address: str) -> Listed | None:
        return Listed(network=f"{address}/32", reason="attacks") if address in self.list.values() else None


def login(place: Mapping[str, Any] | None = BERLIN, agent: str = CHROME.format(140), **more: Any) -> dict[str, Any]:
    request = {"ip": "203.0.113.7", "user_agent": agent, "geoip": place}
    return {"tenant": {"id": "t"}, "user": {"user_id": "auth0|1"}, "request": request, **more}


def record(kind: str, at: str = "2027-01-15T08:00:00.000Z", **more: Any) -> dict[str, Any]:
    return {"log_id": "1", "type": kind, "date": at, "user_id": "auth0|1", "ip": "203.0.113.7", **more}


ENRICH = of_trigger(learns=True)


async def logged_in(mind: Mind, event: Mapping[str, Any], now: float = NOW) -> dict[str, Any]:
    found = await ENRICH(mind, event, now)
    risk: dict[str, Any] = found["authentication"]["riskAssessment"]
    RiskAssessment.model_validate(risk)
    return risk


def codes(risk: Mapping[str, Any]) -> dict[str, str]:
    return {name: one["code"] for name, one in risk["assessments"].items()}


async def test_the_first_login_is_not_risky() -> None:
    risk = await logged_in(Mind(), login())
    assert (risk["confidence"], risk["version"]) == ("high", VERSION)
    assert codes(risk) == {
        "ImpossibleTravel": "initial_login",
        "NewDevice": "initial_login",
        "NewCountry": "initial_login",
        "UntrustedIP": "not_found_on_deny_list",
        "FailureBurst": "few_failures",
        "LeakedPassword": "not_known_to_have_leaked",
    }


@pytest.mark.parametrize(
    ("before", "after", "minutes", "code", "confidence"),
    [
        (BERLIN, SYDNEY, 1, "impossible_travel_from_last_login", "low"),
        (BERLIN, SYDNEY, 15 * 60, "impossible_travel_from_last_login", "low"),
        (BERLIN, SYDNEY, 17 * 60, "substantial_travel_from_last_login", "high"),
        (BERLIN, SYDNEY, 80 * 60, "travel_from_last_login", "high"),
        (BERLIN, PARIS, 30, "impossible_travel_from_last_login", "low"),
        (BERLIN, PARIS, 90, "substantial_travel_from_last_login", "high"),
        (BERLIN, POTSDAM, 2, "minimal_travel_from_last_login", "high"),
        (SEATTLE, KANSAS, 5, "travel_from_last_login", "high"),
        (BERLIN, KANSAS, 5, "impossible_travel_from_last_login", "low"),
        (BERLIN, {}, 2, "missing_geoip", "high"),
        (BERLIN, {"latitude": "91", "longitude": 5}, 2, "missing_geoip", "high"),
        (BERLIN, {"latitude": float("nan"), "longitude": 5}, 2, "missing_geoip", "high"),
        ({}, SYDNEY, 2, "location_history_not_found", "high"),
    ],
)
async def test_travel_is_impossible_if_it_is_far_and_faster_than_an_airliner(
    before: dict[str, Any], after: dict[str, Any], minutes: float, code: str, confidence: str
) -> None:
    mind = Mind()
    await logged_in(mind, login(before))
    risk = await logged_in(mind, login(after), NOW + 60 * minutes)
    assert (codes(risk)["ImpossibleTravel"], risk["confidence"]) == (code, confidence)


async def test_a_new_device_or_a_new_country_alone_is_daily_life_and_both_are_not() -> None:
    mind, day = Mind(), 86400
    await logged_in(mind, login())
    device = await logged_in(mind, login(agent=FIREFOX), NOW + day)
    assert (codes(device)["NewDevice"], device["confidence"]) == ("no_match", "high")
    country = await logged_in(mind, login(PARIS), NOW + 2 * day)
    assert (codes(country)["NewCountry"], country["confidence"]) == ("new_country", "high")
    both = await logged_in(mind, login(SYDNEY, "curl/8"), NOW + 5 * day)
    assert (codes(both)["NewDevice"], codes(both)["NewCountry"], both["confidence"]) == (
        "no_match",
        "new_country",
        "medium",
    )
    again = await logged_in(mind, login(SYDNEY, "curl/9"), NOW + 6 * day)
    assert (codes(again)["NewDevice"], codes(again)["NewCountry"], again["confidence"]) == (
        "match",
        "known_country",
        "high",
    )


async def test_a_new_version_of_a_browser_is_no_new_device_and_another_system_is_half_of_one() -> None:
    mind = Mind()
    await logged_in(mind, login())
    assert codes(await logged_in(mind, login(agent=CHROME.format(141)), NOW + 999))["NewDevice"] == "match"
    mac = CHROME.format(141).replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
    assert codes(await logged_in(mind, login(agent=mac), NOW + 1999))["NewDevice"] == "partial_match"
    assert device_of("Something/1.2") == device_of("Something/3.4") != device_of("Another/1.2")


async def test_an_address_on_our_list_is_risky_and_says_why() -> None:
    risk = await logged_in(Mind(one="203.0.113.7"), login())
    assert risk["confidence"] == "low"
    assert risk["assessments"]["UntrustedIP"] == {
        "confidence": "low",
        "code": "found_on_deny_list",
        "details": {"ip": "203.0.113.7", "matches": "203.0.113.7/32", "source": "cicflow", "category": "attacks"},
    }


@pytest.mark.parametrize(
    ("said", "code"),
    [(None, "assessment_not_available"), ("", "assessment_not_available"), ("*", "invalid_ip_address")]
    + [(text, "invalid_ip_address") for text in ("1.2.3", "fe80::1%eth0", "x" * 100_000)],
)
async def test_an_address_that_is_none_is_held_against_nobody(said: str | None, code: str) -> None:
    event = login()
    event["request"]["ip"] = said
    risk = await logged_in(Mind(), event)
    assert (codes(risk)["UntrustedIP"], risk["confidence"]) == (code, "high")


async def failed(mind: Mind, times: int, kind: str = "fp", **more: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = {}
    for _ in range(times):
        found = await in_log(mind, record(kind, **more), NOW)
    return found


AT = 1_800_000_000.0  # 2027-01-15T08:00:00Z


@pytest.mark.parametrize(
    ("times", "kind", "more", "code"),
    [
        (USER_BURST - 1, "fp", {}, "few_failures"),
        (USER_BURST, "fp", {}, "too_many_failures"),
        (1, "limit_wc", {}, "too_many_failures"),
        (1, "limit_mu", {"user_id": None}, "too_many_failures_from_address"),
        (USER_BURST, "fp", {"user_id": "auth0|other"}, "few_failures"),
        (ADDRESS_BURST, "fu", {"user_id": None}, "too_many_failures_from_address"),
        (ADDRESS_BURST, "fu", {"user_id": None, "ip": "198.51.100.1"}, "few_failures"),
        (USER_BURST, "fp", {"ip": "not one"}, "too_many_failures"),
    ],
)
async def test_a_login_right_after_many_failures_is_risky(
    times: int, kind: str, more: dict[str, Any], code: str
) -> None:
    mind = Mind()
    await failed(mind, times, kind, **more)
    risk = await logged_in(mind, login(), AT + 30)
    assert (codes(risk)["FailureBurst"], risk["confidence"]) == (code, "high" if code == "few_failures" else "low")
    later = await logged_in(mind, login(), AT + WINDOW + 60)
    assert (codes(later)["FailureBurst"], later["confidence"]) == ("few_failures", "high")


async def test_who_has_an_address_of_version_six_has_a_network_of_them() -> None:
    mind = Mind()
    for number in range(ADDRESS_BURST):
        await failed(mind, 1, "fu", user_id=None, ip=f"2001:db8::{number:x}")
    event = login()
    event["request"]["ip"] = "2001:db8::ffff"
    assert codes(await logged_in(mind, event, AT + 30))["FailureBurst"] == "too_many_failures_from_address"


async def test_the_failures_themselves_say_when_they_are_too_many() -> None:
    mind = Mind()
    assert (await failed(mind, USER_BURST - 1))["riskAssessment"]["confidence"] == "high"
    assert (await failed(mind, 1))["riskAssessment"]["confidence"] == "low"


@pytest.mark.parametrize("kind", ["pwd_leak", "signup_pwd_leak", "reset_pwd_leak"])
async def test_a_leaked_password_is_risky_until_it_is_changed(kind: str) -> None:
    mind = Mind()
    told = await in_log(mind, record(kind), NOW)
    assert codes(told["riskAssessment"])["LeakedPassword"] == "leaked_password"
    assert (await logged_in(mind, login(), AT + 3600))["confidence"] == "low"
    await of_trigger(changes_password=True)(mind, login(), AT + 7200)
    assert (await logged_in(mind, login(), AT + 7300))["confidence"] == "high"


async def test_a_change_of_the_password_in_the_log_counts_too() -> None:
    mind = Mind()
    await in_log(mind, record("pwd_leak"), NOW)
    event = record("scp", "2027-01-15T08:00:01Z")
    assert await in_log(mind, event, NOW + 5) == event
    assert (await logged_in(mind, login(), AT + 60))["confidence"] == "high"


async def test_a_login_told_by_the_action_and_by_the_log_is_one_login_and_as_risky() -> None:
    mind = Mind()
    await logged_in(mind, login(), AT - 3600)
    first = await logged_in(mind, login(SYDNEY, FIREFOX), AT)
    assert first["confidence"] == "low"
    assert await logged_in(mind, login(SYDNEY, FIREFOX), AT + 2) == first
    place = {"city_name": "Sydney", "country_code": "AU", "latitude": -33.87, "longitude": 151.21}
    told = await in_log(mind, record("s", user_agent=FIREFOX, location_info=place), AT + 4)
    assert told["riskAssessment"] == first
    later = await logged_in(mind, login(SYDNEY, FIREFOX), AT + 600)
    assert later["confidence"] == "high"


async def test_the_record_of_a_login_is_assessed_with_the_failures_that_came_with_it() -> None:
    mind = Mind()
    assert (await logged_in(mind, login(), AT))["confidence"] == "high"
    await failed(mind, USER_BURST)
    told = await in_log(mind, record("s", user_agent=CHROME.format(140)), AT + 4)
    assert told["riskAssessment"]["confidence"] == "low"


async def test_an_older_login_that_is_told_late_is_no_travel() -> None:
    mind = Mind()
    await logged_in(mind, login(), AT - 100_000)
    await logged_in(mind, login(SYDNEY), AT + 120)
    place = {"city_name": "Berlin", "country_code": "DE", "latitude": 52.52, "longitude": 13.41}
    told = await in_log(mind, record("s", user_agent=FIREFOX, location_info=place), AT + 130)
    assert codes(told["riskAssessment"])["ImpossibleTravel"] == "minimal_travel_from_last_login"


@pytest.mark.parametrize("protocol", ["oauth2-refresh-token", "oauth2-token-exchange"])
async def test_what_a_program_does_later_says_nothing_of_the_person(protocol: str) -> None:
    mind, event = Mind(), login(transaction={"protocol": protocol})
    assert await ENRICH(mind, event, NOW) is event
    assert mind.known == {}


ASSESSED = {"confidence": "high", "version": "1", "assessments": {"NewDevice": {"confidence": "high", "code": "match"}}}
GONE = {"confidence": "low", "code": "assessment_not_available"}


async def test_a_login_that_auth0_has_assessed_is_left_as_it_is() -> None:
    mind = Mind()
    event = login(authentication={"methods": [], "riskAssessment": ASSESSED})
    assert await ENRICH(mind, event, NOW) is event
    told = record("s", riskAssessment=ASSESSED)
    assert await in_log(mind, told, NOW) is told
    assert mind.known == {}


@pytest.mark.parametrize(
    ("risk", "useful"),
    [
        (None, False),
        ({}, False),
        ("odd", False),
        ({"confidence": None}, False),
        ({"confidence": "low", "assessments": {"NewDevice": GONE, "UntrustedIP": GONE}}, False),
        ({"confidence": "low", "assessments": {"NewDevice": GONE, "UntrustedIP": {"code": "x"}}}, True),
        ({"confidence": "low", "assessments": {}}, True),
        ({"confidence": "neutral"}, True),
    ],
)
async def test_an_assessment_that_says_only_that_there_is_none_is_none(risk: Any, useful: bool) -> None:
    assert usable(risk) is useful
    found = await ENRICH(Mind(), login(authentication={"riskAssessment": risk, "methods": [1]}), NOW)
    assert (found["authentication"]["riskAssessment"] is risk) is useful
    assert found["authentication"]["methods"] == [1]


async def test_who_only_asks_for_a_new_password_is_not_known_by_it() -> None:
    mind = Mind()
    looks = of_trigger()
    for _ in range(2):
        found = await looks(mind, login(SYDNEY), NOW)
        assert codes(found["authentication"]["riskAssessment"])["NewDevice"] == "initial_login"


async def test_a_user_who_is_deleted_is_forgotten() -> None:
    mind = Mind()
    await logged_in(mind, login())
    await in_log(mind, record("sdu"), NOW)
    assert mind.known["user:auth0|1"] is None
    await logged_in(mind, login())
    deleted = next(source for source in SOURCES if source.name == "auth0.user_deleted")
    assert deleted.enrich is not None
    await deleted.enrich(mind, {"object": {"user_id": "auth0|1"}}, NOW)
    assert mind.known["user:auth0|1"] is None


ODD = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=30), st.lists(st.integers()))
JSON = st.recursive(ODD, lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5)
KINDS = ["s", "f", "fp", "fu", "limit_wc", "limit_mu", "limit_sul", "pwd_leak", "scp", "sapi", "sdu"]


@settings(max_examples=150, deadline=None)
@given(
    events=st.lists(
        st.fixed_dictionaries(
            {},
            optional={
                "type": st.sampled_from(KINDS) | ODD,
                "user_id": st.sampled_from(["auth0|1", "auth0|2"]) | ODD,
                "date": st.sampled_from(["2027-01-15T08:00:00Z", "9999-12-31T23:59:59+00:00", "0001-01-01"]) | ODD,
                "ip": st.sampled_from(["203.0.113.7", "2001:db8::1", "::ffff:1.2.3.4"]) | ODD,
                "user_agent": st.sampled_from([CHROME, FIREFOX]) | ODD,
                "location_info": st.fixed_dictionaries(
                    {}, optional=dict.fromkeys(("latitude", "longitude", "city_name", "country_code"), ODD)
                )
                | ODD,
                "details": st.dictionaries(st.just("session_id"), ODD) | ODD,
                "user": st.dictionaries(st.just("user_id"), ODD) | ODD,
                "request": st.dictionaries(st.sampled_from(["ip", "user_agent", "geoip"]), JSON) | ODD,
                "authentication": JSON,
                "session": JSON,
                "transaction": JSON,
                "riskAssessment": JSON,
            },
        ),
        max_size=8,
    )
)
async def test_nothing_that_is_sent_makes_it_stumble_or_remember_much(events: list[dict[str, Any]]) -> None:
    mind = Mind(one="203.0.113.7")
    for number, event in enumerate(events):
        for enrich in (in_log, ENRICH):
            found = await enrich(mind, event, NOW + number)
            json.dumps(found)
    for key, value in mind.known.items():
        assert len(key) <= 300
        assert key.isprintable()
        assert len(json.dumps(value)) <= LARGEST


places = st.builds(Place, latitude=st.floats(-90, 90), longitude=st.floats(-180, 180), vague=st.booleans())
logins = st.builds(
    Login,
    at=st.floats(0, 4e9),
    ip=st.sampled_from(["", "203.0.113.7", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"]),
    user_agent=st.one_of(st.none(), st.text(max_size=600), st.sampled_from([CHROME, FIREFOX])),
    place=st.one_of(st.none(), places),
    country=st.one_of(st.none(), st.from_regex(r"[A-Z]{2}", fullmatch=True)),
    session=st.text(max_size=100).filter(str.isprintable),
    learns=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(seen=st.lists(logins, min_size=1, max_size=60))
def test_what_is_remembered_stays_small_and_what_is_said_is_of_one_form(seen: list[Login]) -> None:
    known: dict[str, Any] = {}
    for one in seen:
        before = json.dumps(known)
        risk, known = assess(one, known, None, Listed(network="::/16", reason="\U0001f4a5" * 200))
        assert risk["confidence"] in {"low", "medium", "high"}
        assert json.loads(before) == json.loads(json.dumps(json.loads(before))), "what was known is not changed"
        RiskAssessment.model_validate(risk)
        known = json.loads(json.dumps(known))
    assert len(json.dumps(known)) <= LARGEST


@settings(deadline=None)
@given(one=places, other=places, third=places)
def test_distances_are_those_of_a_globe(one: Place, other: Place, third: Place) -> None:
    assert kilometres(one, one) == 0
    assert kilometres(one, other) == pytest.approx(kilometres(other, one))
    assert kilometres(one, other) <= 20_016
    assert kilometres(one, third) <= kilometres(one, other) + kilometres(other, third) + 0.001


@settings(deadline=None)
@given(logins=st.lists(st.tuples(places, st.floats(0, 1e6)), min_size=2, max_size=8))
def test_nobody_who_is_slower_than_an_airliner_travels_impossibly(logins: list[tuple[Place, float]]) -> None:
    known: dict[str, Any] = {}
    at, last = NOW, logins[0][0]
    for place, rest in logins:
        at += 1 + rest + 3600 * kilometres(last, place) / FASTEST
        risk, known = assess(Login(at=at, ip="203.0.113.7", place=place), known)
        assert risk["confidence"] == "high"
        last = place


@settings(deadline=None)
@given(times=st.lists(st.integers(0, 10**6), min_size=2, max_size=8, unique=True), data=st.data())
def test_however_disordered_the_logins_of_one_place_are_told_none_is_travel(
    times: list[int], data: st.DataObject
) -> None:
    known: dict[str, Any] = {}
    for at in data.draw(st.permutations(times)):
        found = place_of(52.52, 13.41, "Berlin")
        risk, known = assess(Login(at=NOW + at, ip="203.0.113.7", place=found), known)
        assert risk["confidence"] == "high"


def test_what_was_remembered_in_another_form_is_forgotten() -> None:
    for odd in ({"places": 5}, {"places": [[1]]}, {"told": {"x": 1}}, {"devices": 1}, {"failures": 7}):
        risk, _ = assess(Login(at=NOW), odd)
        assert codes(risk)["FailureBurst"] == "few_failures"
