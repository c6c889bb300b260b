"""Answers: what a flow tells whoever sent an event and waits, in time or not, alone or among others."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Refused
from flows.history import History
from tests.bot.arrivals import event, send, signed
from tests.bot.made import make
from tests.flows.drivers import OnDisk
from tests.flows.lifecycle import ASK, EVENT, Slow, decide, ended, keep, living, note, with_linger
from tests.worlds import Stage

RUN = "f/1/a:e1"
LATE = {"deny": "This login could not be checked in time."}
AT_ONCE = 4
"""Seconds within which an answer comes that nobody had to wait ten for."""


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[OnDisk]:
    outside = Slow()
    async with living(tmp_path, outside, catalog=with_linger(outside)) as found:
        yield found
        outside.gate.set()


def steps(*of: str) -> str:
    return "".join(f"  - {one}\n" for one in of)


def answers(within: str = "9s", otherwise: str = "allow") -> str:
    return f"{EVENT}  answers: {{within: {within}, otherwise: {otherwise}}}\n"


async def asked(disk: OnDisk, *of: str, when: str = "", event_id: str = "e1") -> Sequence[Mapping[str, Any]]:
    """Send an event to a flow of these steps, and return what the sender is told."""
    await keep(disk, steps(*of), when=when or answers())
    return await sent(disk, event_id)


async def sent(disk: OnDisk, event_id: str = "e1", **more: Any) -> Sequence[Mapping[str, Any]]:
    """Send an event, and return what its sender is told."""
    given = {"who": "Ann", **more}
    received = await disk.runs.receive(source="test.happened", connection="a", event_id=event_id, event=given)
    return [reply for _, reply in received.replies]


LINGER = note("it", action="test.linger")
DENY = '{answer: {deny: "Not you, {{ event.who }}."}}'
DENIED = {"deny": "Not you, Ann."}


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (["{answer: allow}"], {}),
        ([DENY], DENIED),
        (["{answer: {require mfa: true}}"], {"require mfa": True}),
        (["{answer: {require mfa: [otp, webauthn]}}"], {"require mfa": ["otp", "webauthn"]}),
        (
            ['{answer: {claims: {id token: {who: "{{ event.who }}", risk: "{{ event.risk }}"}}}}'],
            {"claims": {"id token": {"who": "Ann", "risk": None}}},
        ),
        (["{answer: {redirect: 'https://example.com/{{ event.who }}'}}"], {"redirect": "https://example.com/Ann"}),
        (["{answer: {revoke session: Bye.}}"], {"revoke session": "Bye."}),
        ([note("x"), '{answer: {app metadata: {seen: "{{ run.flow }}"}}}'], {"app metadata": {"seen": "f"}}),
        ([f'{{if: [{{left: "{{{{ event.who }}}}", is: Ann}}], then: [{DENY}], else: [{{answer: allow}}]}}'], DENIED),
        ([f"{{id: walk, each: [1, 2], steps: [{DENY}]}}"], DENIED),
        ([DENY, "{answer: allow}"], DENIED),
        (["{answer: allow}", DENY], {}),
        (["{wait: 0s}", DENY, "{stop: failed, say: No.}"], DENIED),
        ([f"{{do: test.nothing, on error: {{steps: [{DENY}]}}}}"], DENIED),
    ],
)
async def test_whoever_waits_is_told_the_first_answer(disk: OnDisk, of: list[str], told: Mapping[str, Any]) -> None:
    async with asyncio.timeout(AT_ONCE):
        assert await asked(disk, *of) == [told]


async def test_nobody_waits_for_what_comes_after_an_answer(disk: OnDisk) -> None:
    async with asyncio.timeout(AT_ONCE):
        assert await asked(disk, DENY, LINGER) == [DENIED]
    assert disk.outside.done == []
    assert isinstance(disk.outside, Slow)
    disk.outside.gate.set()
    assert (await ended(disk)).state == "done"
    assert disk.outside.done == ["it"]


async def test_a_person_may_decide_while_somebody_waits(disk: OnDisk) -> None:
    verdict = (
        f'{{if: [{{left: "{{{{ steps.sure.choice }}}}", is: no_thanks}}], then: [{DENY}], else: [{{answer: allow}}]}}'
    )
    waits = asyncio.create_task(asked(disk, ASK, verdict))
    await disk.rest()
    await decide(disk, "e1", "no_thanks")
    async with asyncio.timeout(AT_ONCE):
        assert await waits == [DENIED]


# --- too late ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("otherwise", "told"), [("allow", {}), ("deny", LATE)])
async def test_an_answer_that_does_not_come_in_time_is_replaced_and_the_run_goes_on(
    disk: OnDisk, otherwise: str, told: Mapping[str, Any]
) -> None:
    began = time.monotonic()
    assert await asked(disk, LINGER, DENY, note("after"), when=answers("1s", otherwise)) == [told]
    assert 0.9 < time.monotonic() - began < AT_ONCE
    assert isinstance(disk.outside, Slow)
    disk.outside.gate.set()
    assert (await ended(disk)).state == "done"
    assert disk.outside.done == ["it", "after"]


@pytest.mark.parametrize(
    "of", [["{wait: 3d}", DENY], [ASK, DENY]], ids=["a flow that waits for a time", "a flow that waits for people"]
)
async def test_nobody_waits_longer_than_the_flow_says(disk: OnDisk, of: list[str]) -> None:
    async with asyncio.timeout(AT_ONCE):
        assert await asked(disk, *of, when=answers("1s", "deny")) == [LATE]


@pytest.mark.parametrize("turn", ["queued", "paused"])
async def test_a_run_that_does_not_begin_in_time_does_not_answer(disk: OnDisk, turn: str) -> None:
    await keep(disk, steps(ASK, DENY), more="runs: {mode: queued}", when=answers("1s", "deny"))
    match turn:
        case "paused":
            await disk.store.pause("f", paused=True)
        case _:
            await sent(disk)
    async with asyncio.timeout(AT_ONCE):
        assert await sent(disk, "e2") == [LATE]


# --- no answer --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("otherwise", "told"), [("allow", {}), ("deny", LATE)])
@pytest.mark.parametrize(
    "of",
    [
        ["{id: x, set: {one: 1}}"],
        ["{stop: done, say: Fine.}", DENY],
        ["{stop: failed, say: No.}", DENY],
        [note("it"), DENY],
        [f'{{if: [{{left: "{{{{ event.who }}}}", is: Bob}}], then: [{DENY}]}}'],
    ],
    ids=["ends", "stops", "stops failed", "fails", "takes another branch"],
)
async def test_a_run_that_ends_without_an_answer_keeps_nobody_waiting(
    disk: OnDisk, of: list[str], otherwise: str, told: Mapping[str, Any]
) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    async with asyncio.timeout(AT_ONCE):
        assert await asked(disk, *of, when=answers("9s", otherwise)) == [told]


async def test_a_run_that_is_cancelled_keeps_nobody_waiting(disk: OnDisk) -> None:
    waits = asyncio.create_task(asked(disk, ASK, DENY, when=answers("9s", "deny")))
    await disk.rest()
    assert await disk.runs.cancel(RUN, by="U1")
    async with asyncio.timeout(AT_ONCE):
        assert await waits == [LATE]


async def test_an_answer_holds_though_the_run_fails_after_it(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    assert await asked(disk, DENY, note("it")) == [DENIED]
    assert (await ended(disk)).state == "failed"


async def test_a_flow_that_is_not_to_answer_is_not_waited_for(disk: OnDisk) -> None:
    async with asyncio.timeout(AT_ONCE):
        assert await asked(disk, LINGER, when=EVENT) == []


async def test_an_event_that_wakes_nothing_is_answered_by_nobody(disk: OnDisk) -> None:
    guard = "  only if: [{left: '{{ event.risk }}', is: high}]\n"
    assert not await asked(disk, DENY, when=answers("9s", "deny") + guard)
    assert await sent(disk, "e2", risk="high") == [DENIED]


async def test_what_is_turned_away_at_the_door_is_answered_by_nobody(disk: OnDisk) -> None:
    once = '  once per: {key: "{{ event.who }}", within: 1h}\n'
    assert await asked(disk, DENY, when=answers("9s", "deny") + once) == [DENIED]
    async with asyncio.timeout(AT_ONCE):
        assert await sent(disk, "e2") == []


# --- several ----------------------------------------------------------------------------------------------------------


async def test_every_flow_that_an_event_wakes_answers_for_itself(disk: OnDisk) -> None:
    disk.outside.goes_wrong = [Refused("No.")]
    for name, of, when in (
        ("a", [DENY], answers()),
        ("b", ["{answer: {require mfa: true}}", LINGER], answers()),
        ("c", [note("fails"), "{answer: allow}"], answers("9s", "deny")),
        ("d", [LINGER], EVENT),
        ("e", ["{answer: allow}"], answers()),
    ):
        await keep(disk, steps(*of), when=when, name=name)
    async with asyncio.timeout(AT_ONCE):
        replies = await sent(disk)
    assert replies == [DENIED, {"require mfa": True}, LATE, {}]
    assert len(await History(disk.store).latest()) == 5


async def test_flows_are_waited_for_at_the_same_time(disk: OnDisk) -> None:
    for name, within in {"a": "1s", "b": "2s", "c": "1s"}.items():
        await keep(disk, steps(LINGER, DENY), when=answers(within, "deny"), name=name)
    began = time.monotonic()
    assert await sent(disk) == [LATE] * 3
    assert 1.9 < time.monotonic() - began < 3.9  # one after the other they would take 4


async def test_one_that_is_late_does_not_spoil_the_answers_of_others(disk: OnDisk) -> None:
    await keep(disk, steps(LINGER, DENY), when=answers("1s"), name="a")
    await keep(disk, steps(DENY), when=answers("1s"), name="b")
    assert await sent(disk) == [{}, DENIED]


async def test_an_event_that_comes_twice_at_once_is_answered_twice_by_one_run(disk: OnDisk) -> None:
    await keep(disk, steps(LINGER, DENY, note("after")), when=answers("9s", "deny"))
    waits = [asyncio.create_task(sent(disk)) for _ in range(3)]
    assert isinstance(disk.outside, Slow)
    await disk.outside.begun.wait()
    later = asyncio.create_task(sent(disk))
    await disk.store.flows()  # meanwhile it is kept that this one has come, too
    disk.outside.gate.set()
    async with asyncio.timeout(AT_ONCE):
        assert await asyncio.gather(*waits, later) == [[DENIED]] * 4
    await ended(disk)
    assert disk.outside.done == ["it", "after"]


@pytest.mark.parametrize(
    ("of", "told"),
    [([note("it"), DENY, note("after")], DENIED), ([DENY, ASK], DENIED), ([ASK, DENY], LATE), ([note("it")], LATE)],
    ids=["a run that has ended", "a run that waits", "a run that waits before it answers", "no answer"],
)
async def test_an_event_that_comes_again_later_is_answered_as_it_was(
    disk: OnDisk, of: list[str], told: Mapping[str, Any]
) -> None:
    assert await asked(disk, *of, when=answers("1s", "deny")) == [told]
    await disk.rest()
    done = list(disk.outside.done)
    async with asyncio.timeout(AT_ONCE):
        assert await sent(disk) == [told]
    await keep(disk, steps(note("other"), "{answer: allow}"), when=answers("1s", "deny"))
    assert await sent(disk) == [told]  # what was begun under one version is answered under it
    assert disk.outside.done == done


async def test_many_senders_are_each_told_what_is_theirs(disk: OnDisk) -> None:
    await keep(disk, steps(note("{{ event.who }}"), DENY), when=answers())
    replies = await asyncio.gather(*(sent(disk, f"e{number}", who=f"U{number}") for number in range(40)))
    assert replies == [[{"deny": f"Not you, U{number}."}] for number in range(40)]


async def test_a_sender_that_has_gone_away_leaves_the_run_as_it_is_and_may_come_again(disk: OnDisk) -> None:
    waits = asyncio.create_task(asked(disk, LINGER, DENY, note("after")))
    assert isinstance(disk.outside, Slow)
    await disk.outside.begun.wait()
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    again = asyncio.create_task(sent(disk))
    await disk.store.flows()  # meanwhile it is found that the run is under way
    disk.outside.gate.set()
    async with asyncio.timeout(AT_ONCE):
        assert await again == [DENIED]
    assert (await ended(disk)).state == "done"
    assert disk.outside.done == ["it", "after"]


# --- over HTTP --------------------------------------------------------------------------------------------------------

GATE = """
template: gate
version: 1
title: Gate
about: Tells a login what to do.
settings:
  tenant: {connection: auth0, title: Tenant}
  channel: {type: channel, title: Where}
when:
  event: auth0.post_login
  from: "{{ settings.tenant }}"
  answers: {within: 1s, otherwise: deny}
steps:
"""
RISKY = """
  - if: [{left: "{{ event.authentication.riskAssessment.confidence }}", is: low}]
    then:
      - answer: {require mfa: true, claims: {id token: {risky: true, who: "{{ event.user.email }}"}}}
    else:
      - answer: allow
"""
MFA = {"require mfa": True, "claims": {"id token": {"risky": True, "who": "one@example.com"}}}


async def arrives(stage: Stage, event_id: str = "evt_1", **more: Any) -> tuple[int, dict[str, Any]]:
    body = json.dumps({"trigger": "post-login", "event": event(**more)})
    return await send(stage, body, signed(stage, body, event_id=event_id))


async def test_a_login_that_waits_is_answered_over_http(set_up: Stage) -> None:
    await make(set_up, GATE + RISKY)
    async with set_up.bot_running():
        assert await arrives(set_up) == (202, {"accepted": "evt_1", "answers": [MFA]})
        assert await arrives(set_up) == (202, {"accepted": "evt_1", "answers": [MFA]})
        assert await arrives(set_up, "evt_2", confidence="high") == (202, {"accepted": "evt_2", "answers": [{}]})


async def test_over_http_every_flow_answers_and_what_is_late_or_fails_is_as_its_flow_says(set_up: Stage) -> None:
    waits, fails = "\n  - {wait: 1h}\n", "\n  - {stop: failed, say: No.}\n"
    for name, otherwise, of in (
        ("a", "deny", RISKY),
        ("b", "allow", waits),
        ("c", "deny", waits),
        ("d", "deny", fails),
    ):
        head = GATE.replace("template: gate", f"template: {name}")
        await make(set_up, head.replace("otherwise: deny", f"otherwise: {otherwise}") + of)
    silent = GATE.replace("  answers: {within: 1s, otherwise: deny}\n", "").replace("template: gate", "template: e")
    await make(set_up, silent + fails)
    async with set_up.bot_running():
        assert await arrives(set_up) == (202, {"accepted": "evt_1", "answers": [MFA, {}, LATE, LATE]})


async def test_over_http_an_event_that_no_flow_answers_is_only_accepted(set_up: Stage) -> None:
    await make(
        set_up, GATE.replace("  answers: {within: 1s, otherwise: deny}\n", "") + "\n  - {stop: done, say: Fine.}\n"
    )
    async with set_up.bot_running():
        assert await arrives(set_up) == (202, {"accepted": "evt_1"})


async def test_over_http_nothing_is_answered_to_whoever_does_not_prove_who_they_are(set_up: Stage) -> None:
    await make(set_up, GATE + RISKY)
    async with set_up.bot_running():
        body = json.dumps({"trigger": "post-login", "event": event()})
        status, said = await send(set_up, body, {})
    assert (status, "answers" in said) == (401, False)
