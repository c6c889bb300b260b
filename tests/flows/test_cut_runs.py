"""Runs cut at every position of their journal: resumed, they have the same effects outside as an uncut run."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine import carry_out
from flows.interruptions import SuspendedError
from flows.journal import Act, MemoryJournal, Work
from flows.surroundings import Errand
from tests.flows.drivers import NOW, Outside, surroundings_of, template_of


class CutError(Exception):
    """The process ends here."""


class CutJournal(MemoryJournal):
    """A journal whose process ends at its n-th line: before the line is kept, or just after."""

    def __init__(self, now: Callable[[], float], kept: dict[str, Any], at: int, *, after: bool) -> None:
        super().__init__(now, notes=kept)
        self.left = at
        self.after = after

    async def step(self, name: str, act: Act) -> Any:
        if name in self.notes:
            return self.notes[name].value
        self.left -= 1
        if self.left != 0:
            return await super().step(name, act)
        if self.after:
            await super().step(name, act)
        else:
            await act()
        raise CutError

    async def stored(self, name: str, work: Work) -> Any:
        # What is stored is kept with its line, or not at all.
        async def act() -> Any:
            return work(None)

        if name in self.notes or self.after or self.left != 1:
            return await self.step(name, act)
        raise CutError


NOTE = '{do: test.note, using: "{{ settings.account }}", with: {what: "%s"}}'
SEND = '{do: test.send, using: "{{ settings.account }}", with: {what: "%s"}}'


def numbered(kinds: list[str]) -> str:
    """Return steps of these kinds as YAML."""
    lines = []
    for index, kind in enumerate(kinds):
        note, send = NOTE % f"note {index}", SEND % f"send {index}"
        match kind:
            case "note":
                lines.append(f"  - {note}")
            case "send":
                lines.append(f"  - {send}")
            case "set":
                lines.append(f"  - {{id: set_{index}, set: {{value: {index}}}}}")
            case "if":
                lines.append(
                    f'  - if: [{{left: "{{{{ event.who }}}}", is: Ann}}]\n    then: [{note}]\n    else: [{send}]'
                )
            case "each":
                item = NOTE % (f"{index}: " + "{{ item }}")
                lines.append(f"  - {{id: each_{index}, each: [a, b, c], at once: 2, steps: [{item}]}}")
            case "wait":
                lines.append("  - {wait: 0s}")
            case "ask":
                lines.append(
                    f'  - {{id: ask_{index}, ask: "Number {index}?", in: C1, choices: [yes_please, no_thanks], '
                    f"within: 1h, otherwise: no_thanks}}"
                )
            case "saved":
                lines.append(f"  - {{id: saved_{index}, do: test.send, using: '{{{{ settings.account }}}}', ")
                lines[-1] += f"with: {{what: saved {index}}}, on error: {{steps: [{note}]}}}}"
    return "\n" + "\n".join(lines) + "\n"


async def carried_out(template: Any, outside: Outside, journal: MemoryJournal) -> str:
    errand = Errand(run_id="r", flow="f", template=template, settings={"account": "a"}, event={"who": "Ann"})
    while True:
        try:
            ended = await carry_out(errand, journal=journal, surroundings=surroundings_of(outside))
        except SuspendedError:
            outside.answers |= {
                f"steps/{index}": "yes_please" for index in range(20) if f"steps/{index}" not in outside.answers
            }
        else:
            return ended.outcome


kinds = st.lists(st.sampled_from(["note", "send", "set", "if", "each", "wait", "ask", "saved"]), min_size=1, max_size=5)


@settings(max_examples=25, deadline=None)
@given(kinds)
async def test_a_run_cut_at_any_line_has_the_effects_of_an_uncut_one(steps: list[str]) -> None:
    template = template_of(numbered(steps), Outside())
    whole, journal = Outside(), MemoryJournal(lambda: NOW)
    assert await carried_out(template, whole, journal) == "done"
    for at in range(1, len(journal.notes) + 1):
        for after in (True, False):
            outside = Outside()
            cut = CutJournal(lambda: NOW, {}, at, after=after)
            with suppress(CutError):
                await carried_out(template, outside, cut)
            outcome = await carried_out(template, outside, MemoryJournal(lambda: NOW, notes=cut.notes))
            sends = [what for what in outside.done if what.startswith(("send", "saved"))]
            assert len(sends) == len(set(sends)), "something that must not be repeated was"
            if outcome == "done" and "saved" not in steps:
                assert set(outside.done) == set(whole.done)
                assert sorted(sends) == sorted(what for what in whole.done if what.startswith("send"))
            # Only what must not be repeated can leave a run in doubt: it was begun, and nobody knows what came of it.
            assert outcome == "done" or "send" in steps
            assert set(outside.done) <= set(whole.done) or "saved" in steps
