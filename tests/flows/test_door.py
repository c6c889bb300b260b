"""Which flows an event wakes, and why it did not wake the others."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlmodel import Session

from bot import schema
from flows import misses as missing
from flows.conditions import OPERATORS, Test, holds
from flows.door import Door, Woken, _bound
from flows.masking import MASK
from flows.misses import SLOTS, Misses, Sample, explain, keep, why
from flows.store import SetUp, Store, open_engine
from flows.tables import Miss, MissSample
from tests import postgres

NOW = 1_720_000_000.0  # 3 July 2024

EVENT: dict[str, Any] = {
    "user": {
        "user_id": "auth0|1",
        "email": "ann@example.com",
        "logins": 3,
        "roles": ["admin", "staff"],
        "password": "hush",
        "identities": [{"provider": "google"}],
    },
    "authentication": {"riskAssessment": {"confidence": "high"}},
    "client": {"name": "Shop"},
}


def trigger(*guards: Any, event: str = "auth0.post_login", rest: Any = None) -> dict[str, Any]:
    only_if = {"only if": list(guards)} if guards else {}
    return {"event": event, "from": "{{ settings.tenant }}", **only_if, **(rest or {})}


def flow(
    *when: Any, name: str = "f", version: int = 1, enabled: bool = True, settings: Any = None, **rest: Any
) -> SetUp:
    document = {
        "template": "t",
        "version": 1,
        "title": "T",
        "about": "A flow.",
        "settings": {"tenant": {"connection": "auth0", "title": "Tenant"}},
        "when": list(when),
        "steps": [{"stop": "done", "say": "ok"}],
        **rest,
    }
    return SetUp(
        name=name,
        template="t",
        version=version,
        enabled=enabled,
        document=document,
        settings={"tenant": "main", **(settings or {})},
        changed_by="U1",
        changed_at=0.0,
    )


def is_(path: str, operator: str, right: Any) -> dict[str, Any]:
    return {"left": f"{{{{ {path} }}}}", operator: right}


RISK = is_("event.authentication.riskAssessment.confidence", "is one of", "{{ settings.risk }}")
YES, NO = is_("event.client.name", "is", "Shop"), is_("event.client.name", "is", "Bank")


class Entrance:
    """A door that is open for some flows, and what it noted."""

    def __init__(self, *flows: SetUp) -> None:
        self.misses = Misses()
        self.door = Door(self.misses)
        self.door.open_for(flows)

    def knock(self, event: Any = EVENT, *, now: float = NOW, **where: str) -> list[Woken]:
        place = {"source": "auth0.post_login", "connection": "main", "event_id": "e1", **where}
        return self.door.knock(**place, event=event, now=now)

    def why_not(self, event: Any = EVENT) -> list[str]:
        assert self.knock(event) == []
        return [explain(one) for those in self.misses.take().samples.values() for one in those]


# --- who is woken -----------------------------------------------------------------------------------------------------


def test_an_event_wakes_the_flows_that_listen_to_its_source_and_connection() -> None:
    entrance = Entrance(
        flow(trigger(), name="a"),
        flow(trigger(event="auth0.signup"), name="b"),
        flow(trigger(), name="c", settings={"tenant": "other"}),
        flow(trigger(), name="d", enabled=False),
        flow(trigger(), name="e"),
    )
    assert [woken.flow.name for woken in entrance.knock()] == ["a", "e"]
    assert [woken.flow.name for woken in entrance.knock(source="auth0.signup")] == ["b"]
    assert [woken.flow.name for woken in entrance.knock(connection="other")] == ["c"]
    assert entrance.knock(source="auth0.unknown") == []
    assert not entrance.misses.take()


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ([trigger()], 0),
        ([trigger(YES), trigger()], 0),
        ([trigger(NO), trigger(YES)], 1),
        ([trigger(event="auth0.signup"), {"by hand": {}}, {"every": "1h"}, trigger(YES, YES)], 3),
    ],
)
def test_a_flow_is_woken_once_by_the_first_trigger_that_fits(when: list[Any], expected: int) -> None:
    entrance = Entrance(flow(*when))
    assert [woken.trigger for woken in entrance.knock()] == [expected]
    assert not entrance.misses.take()


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        (YES, True),
        (NO, False),
        ({"not": NO}, True),
        ({"any": [NO, YES]}, True),
        ({"all": [NO, YES]}, False),
        ({"any": [NO, {"all": [YES, {"not": {"any": [NO, NO]}}]}]}, True),
        (is_("event.authentication.riskAssessment.confidence", "is one of", "{{ settings.risk }}"), False),
        (is_("event.user.roles", "contains", "{{ settings.role }}"), True),
        (is_("event.user.roles.1", "is", "staff"), True),
        (is_("event.user.identities.0.provider", "is", "google"), True),
        (is_("event.user.identities.7.provider", "exists", False), True),
        (is_("event.user.email", "ends with", "@{{ settings.domain }}"), True),
        (is_("event.user.logins", "at least", "{{ settings.least }}"), True),
        (is_("event.user.logins", "less than", "{{ event.user.logins }}"), False),
        ({"left": "{{ event.client.name }} of {{ settings.domain }}", "is": "Shop of example.com"}, True),
        (is_("event.user.email", "is one of", ["x", "{{ event.user.email }}"]), True),
        (is_("settings.role", "is", "admin"), True),
        (is_("event.user.user_id.deeper", "exists", False), True),
        (is_("steps.nothing.here", "exists", False), True),
        ({"left": {"a": "{{ event.user.logins }}"}, "is": {"a": 3}}, True),
        (is_("event.user.email", "matches", "^ann@"), True),
    ],
)
def test_guards_look_at_the_event_and_the_settings(guard: Any, expected: bool) -> None:
    settings = {"risk": ["low", "medium"], "role": "admin", "domain": "example.com", "least": 3}
    assert bool(Entrance(flow(trigger(guard), settings=settings)).knock()) is expected


def test_what_is_woken_knows_its_lane_its_key_and_whether_somebody_waits() -> None:
    once = {"key": "{{ event.user.user_id }} {{ settings.tenant }}", "within": "1h"}
    answering = {"within": "3s", "otherwise": "deny"}
    runs = {"mode": "single", "per": "{{ event.user.email }}"}
    woken = Entrance(flow(trigger(YES, rest={"once per": once, "answers": answering}), runs=runs)).knock()[0]
    assert (woken.lane, woken.once, woken.template.template) == ("ann@example.com", ("auth0|1 main", 3600), "t")
    assert woken.answers is not None
    assert woken.answers.otherwise == "deny"
    plain = Entrance(flow(trigger())).knock()[0]
    assert (plain.lane, plain.once, plain.answers) == ("", None, None)


def test_a_setting_that_looks_like_a_reference_stays_a_text() -> None:
    guard = is_("settings.text", "is", "{{ settings.text }}")
    entrance = Entrance(
        flow(trigger(guard), settings={"text": "{{ event.user.email }}"}, runs={"per": "{{ settings.text }}"})
    )
    assert [woken.lane for woken in entrance.knock()] == ["{{ event.user.email }}"]


# --- what can no longer be read ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (flow({"event": "no name"}, name="broken"), "version 1 of it is not a flow that can be carried out: when/"),
        (flow(trigger(), name="broken", steps=[]), "steps"),
        (flow(trigger(), name="broken", settings={"tenant": None}), "when/0/from: {{ settings.tenant }} names no"),
        (flow({**trigger(), "from": "{{ event.x }}"}, name="broken"), "names no connection"),
        (flow(trigger(is_("event.x", "matches", "(")), name="broken"), "not a regular expression"),
    ],
)
def test_a_flow_that_can_no_longer_be_read_is_left_out_and_says_why(broken: SetUp, reason: str) -> None:
    entrance = Entrance(broken, flow(trigger(), name="good"))
    assert [woken.flow.name for woken in entrance.knock()] == ["good"]
    assert list(entrance.door.skipped) == ["broken"]
    assert reason in entrance.door.skipped["broken"]
    entrance.door.open_for([flow(trigger(), name="broken", version=2)])
    assert (len(entrance.knock()), entrance.door.skipped) == (1, {})


def test_a_version_is_read_once_and_another_one_anew() -> None:
    first = flow(trigger(YES))
    entrance = Entrance(first)
    template = entrance.knock()[0].template
    entrance.door.open_for([first, flow(trigger(), name="g")])
    assert entrance.knock()[0].template is template
    entrance.door.open_for([flow(trigger(NO), version=2)])
    assert entrance.knock() == []
    entrance.door.open_for([flow(trigger(YES), version=2)])  # deleted and set up again meanwhile
    assert len(entrance.knock()) == 1


# --- anything may come ------------------------------------------------------------------------------------------------

names = st.sampled_from(["user", "email", "a", "b", "0", "roles", "name", "x"])
scalars = st.sampled_from(["", "ann@example.com", "5", "2024-01-01", "a\ud800", "0001-01-01T00:00:00+14:00"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
paths = st.lists(names, min_size=0, max_size=3).map(lambda found: "{{ " + ".".join(["event", *found]) + " }}")
operands = paths | json_values | st.sampled_from(["{{ settings.tenant }}", "x {{ event.a }} {{ settings.tenant }}"])
comparisons = st.builds(
    lambda left, operator, right: {"left": left, operator: "^a.*b$" if operator == "matches" else right},
    operands,
    st.sampled_from(OPERATORS),
    operands,
)
guards = st.recursive(
    comparisons,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"any": found})
        | st.lists(inner, min_size=1, max_size=3).map(lambda found: {"all": found})
        | inner.map(lambda found: {"not": found})
    ),
    max_leaves=4,
)
CONDITION: TypeAdapter[Test] = TypeAdapter(Test)


@given(event=json_values, guard=guards)
def test_no_event_breaks_the_door(event: Any, guard: Any) -> None:
    once = {"key": "{{ event.a }} {{ event }}", "within": "1h"}
    entrance = Entrance(flow(trigger(guard, rest={"once per": once}), runs={"per": "{{ event }}"}))
    assert entrance.door.skipped == {}
    woken = entrance.knock(event)
    batch = entrance.misses.take()
    assert len(woken) + sum(batch.counts.values()) == 1
    for sample in batch.samples.get("f", ()):
        assert explain(sample)
        json.dumps([sample.value, sample.wanted], allow_nan=False).encode()


@given(event=st.dictionaries(names, json_values, max_size=4).filter(lambda one: "\ud800" not in str(one)), guard=guards)
def test_the_door_and_the_engine_agree_about_every_condition(event: Any, guard: Any) -> None:
    scope = {"settings": {"tenant": "main"}, "event": event}
    condition = CONDITION.validate_python(guard)

    def said(question: Any, *given: Any) -> Any:
        try:
            return question(*given)
        except ValueError:
            return "cannot be compared"

    assert said(_bound(condition, {"settings": scope["settings"]}), event) == said(holds, condition, scope)


def test_an_event_nested_without_end_wakes_nothing() -> None:
    deep: Any = "bottom"
    for _ in range(100_000):
        deep = [deep]
    entrance = Entrance(flow(trigger({"left": "x {{ event.deep }}", "contains": "bottom"})))
    assert entrance.knock({"deep": deep}) == []
    assert len(entrance.misses.take().samples["f"]) == 1


# --- why not ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        (RISK, "event.authentication.riskAssessment.confidence was “high”, and must be one of low"),
        (NO, "event.client.name was “Shop”, and must be Bank"),
        ({"not": YES}, "event.client.name was “Shop”, and must not be Shop"),
        ({"not": {"not": NO}}, "event.client.name was “Shop”, and must be Bank"),
        (is_("event.user.phone", "exists", True), "event.user.phone was not there, and must be there"),
        (is_("event.client.name", "exists", False), "event.client.name was “Shop”, and must not be there"),
        ({"not": is_("event.x", "is empty", True)}, "event.x was not there, and must not be empty"),
        (is_("event.user.logins", "greater than", 5), "event.user.logins was 3, and must be more than 5"),
        (is_("event.user.roles", "contains", "boss"), "event.user.roles was admin, staff, and must contain boss"),
        (is_("event.user.email", "is", "bob@example.com"), "event.user.email was “a•••@example.com”, and must be b•••@example.com"),
        (is_("event.user.password", "is", "other"), "event.user.password was “•••”, and must be •••"),
        ({"left": "x {{ event.client.name }}", "is": "y"}, "x {{ event.client.name }} was “x Shop”, and must be y"),
        ({"all": [YES, NO]}, "event.client.name was “Shop”, and must be Bank"),
        (
            {"any": [NO, is_("event.user.logins", "is", 4)]},
            "event.client.name was “Shop”, and must be Bank; event.user.logins was 3, and must be 4 (one of these would be enough)",
        ),
        (
            {"not": {"any": [YES, NO]}},
            "event.client.name was “Shop”, and must not be Shop; event.client.name was “Shop”, and must not be Bank",
        ),
    ],
)  # fmt: skip
def test_a_miss_is_explained_in_plain_words(guard: Any, said: str) -> None:
    entrance = Entrance(flow(trigger(YES, guard), settings={"risk": ["low"]}))
    assert entrance.why_not() == [f"event e1 did not wake it: {said}"]


def test_other_reasons_are_explained_too() -> None:
    found = Misses()
    found.note("f", missing.ONCE_PER, "e1", "auth0|1", None, NOW)
    found.note("f", missing.TURN, "e2", None, None, NOW)
    assert [explain(one) for one in found.take().samples["f"]] == [
        "event e1 did not wake it: there was a run for “auth0|1” already",
        "event e2 did not wake it: an earlier run was still under way, and it takes one at a time",
    ]


def test_every_trigger_that_did_not_fit_is_a_miss_of_its_first_guard_that_said_no() -> None:
    entrance = Entrance(flow(trigger(YES, NO, NO), trigger(NO)))
    assert entrance.knock() == []
    batch = entrance.misses.take()
    assert batch.counts == {("f", "2024-07-03", "when/0/only if/1"): 1, ("f", "2024-07-03", "when/1/only if/0"): 1}
    assert not entrance.misses.take()


def test_every_miss_is_counted_and_one_a_second_is_sampled() -> None:
    entrance = Entrance(flow(trigger(NO)))
    for tenth in range(30):
        entrance.knock(now=NOW + tenth / 10)
    entrance.knock(now=NOW - 3600)  # the clock was set back
    batch = entrance.misses.take()
    assert (sum(batch.counts.values()), [one.at - NOW for one in batch.samples["f"]]) == (31, [0, 1, 2, -3600])


# --- what is kept -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    folder = tmp_path_factory.mktemp("misses")
    address = f"sqlite:///{folder / 'store.sqlite'}"
    if request.param == "postgresql":
        address = postgres.database()
    opened = open_engine(address)
    schema.upgrade(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def store(engine: sa.Engine) -> Store:
    with engine.begin() as connection:
        for table in (Miss, MissSample):
            connection.execute(sa.delete(table))
    return Store(engine)


def gathered(*moments: float, flow: str = "f", guard: str = "g", **seen: Any) -> Misses:
    found = Misses()
    for at in moments:
        found.note(flow, guard, f"e{at - NOW:g}", seen.get("value"), seen.get("wanted"), at)
    return found


def kept(engine: sa.Engine, *gatherings: Misses) -> None:
    for found in gatherings:
        with engine.begin() as connection:
            keep(connection, found.take())


def _keep(batch: missing.Batch, session: Session) -> None:
    keep(session, batch)


async def test_counts_of_several_processes_add_up_by_day(store: Store) -> None:
    kept(
        store.engine,
        gathered(NOW, NOW + 2),
        gathered(NOW, NOW + 86_400),
        gathered(NOW, guard="h"),
        gathered(NOW, flow="x"),
    )
    kept(store.engine, Misses())
    assert (await why(store, "f", NOW)).counts == {"g": 4, "h": 1}
    assert list((await why(store, "f", NOW)).counts) == ["g", "h"]
    assert (await why(store, "f", NOW + 86_400)).counts == {"g": 1}
    assert await why(store, "unknown", NOW) == missing.Why(counts={}, samples=[])


async def test_processes_that_keep_at_the_same_time_lose_no_count_and_wait_for_nobody(store: Store) -> None:
    batches = []
    for process in range(12):
        found = Misses()
        for guard in ("a", "b", "c") if process % 2 else ("c", "b", "a"):
            found.note("f", guard, f"e{process}", None, None, NOW + process)
        batches.append(found.take())
    await asyncio.gather(*(store.transact(partial(_keep, batch)) for batch in batches))
    found_out = await why(store, "f", NOW)
    assert found_out.counts == {"a": 12, "b": 12, "c": 12}
    assert 3 <= len(found_out.samples) <= SLOTS


async def test_the_latest_samples_of_a_flow_remain_whoever_took_them(store: Store) -> None:
    processes = [gathered(*(NOW + 3 * n + offset for n in range(40))) for offset in (0, 1, 2)]
    kept(store.engine, *processes)
    samples = (await why(store, "f", NOW)).samples
    assert [one.at - NOW for one in samples] == list(range(119, 119 - SLOTS, -1))
    assert (await why(store, "f", NOW + 118)).samples == samples[:2]


async def test_a_sample_that_comes_late_takes_no_later_ones_place(store: Store) -> None:
    kept(store.engine, gathered(*(NOW + n for n in range(SLOTS))), gathered(NOW - 10))
    samples = (await why(store, "f", 0)).samples
    assert [one.at - NOW for one in samples] == list(range(SLOTS - 1, -1, -1))


async def test_what_a_guard_saw_is_kept_masked_and_can_be_explained(store: Store) -> None:
    entrance = Entrance(flow(trigger(is_("event.user", "is", "\ud800\0"))))
    entrance.knock()
    await store.transact(lambda session: keep(session, entrance.misses.take()))
    sample = (await why(store, "f", 0)).samples[0]
    assert isinstance(sample, Sample)
    seen: Mapping[str, Any] = sample.value
    assert (seen["email"], seen["password"], sample.guard) == ("a•••@example.com", MASK, "when/0/only if/0")
    assert explain(sample).startswith("event e1 did not wake it: event.user was user_id: auth0|1, email: a•••@example")
