"""Gathered alerts: the one message of many questions, and the list in which each can be seen and decided."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot import words
from bot.alerts import confirmation, details, heading, verdict
from bot.replies import Message
from flows.decisions import question_of
from flows.gatherings import PAGE, Gathered
from flows.questions import Question
from flows.tables import Decision

ALL: Final = "decide_all"
ONE: Final = "decide_one"
LIST: Final = "see_all"
PAGES: Final = "see_page"
AGAIN: Final = "again_all"
"""What buttons are called, by which presses are recognised."""
DECIDERS: Final = 5
"""People who are named; others are counted."""


def gathered_alert(look: Gathered, *, also: Sequence[str] = ()) -> Message:
    """Return the message of several questions: how many, the newest, how they were answered, and the choices for all."""
    newest, size = question_of(look.newest[0]), look.gathering.size
    text = f"{size} × {words.escape(newest.title)}: {_summary(look)}"
    blocks: list[dict[str, Any]] = [
        heading(f"{size} × {newest.title}"),
        words.section(f"*{_summary(look)}* The first came {words.moment(look.gathering.opened_at)}."),
    ]
    outcomes = _outcomes(look, newest)
    if outcomes:
        blocks.append(words.section("\n".join(outcomes)))
    blocks += [
        words.section(f"The newest: *{words.escape(newest.text, 500)}* {_state(look.newest[0])}"),
        *details(newest, most=10),
    ]
    others = [f"• {words.escape(question_of(one).text, 150)} {_state(one)}" for one in look.newest[1:]]
    if others:
        blocks.append(words.section("\n".join(others)))
    blocks.append({"type": "actions", "block_id": ALL, "elements": _buttons(look, newest)})
    until = ""
    if look.open:
        otherwise = words.escape(str(newest.choices[newest.otherwise]["title"]))
        until = f" · each is open for {words.number(newest.within // 60, 'minute')}, the first until {words.moment(look.deadline)}, then “{otherwise}” is taken"
    blocks.append(words.context(f"{words.escape(newest.flow_title)}{until}"))
    if also:
        blocks.append(words.context(f"Asked in {words.listed([words.place(one) for one in also])}, too"))
    return text, blocks


def gathered_reminder(look: Gathered, whom: Sequence[str]) -> Message:
    """Return what is said in the thread of questions that nobody has answered."""
    mentions = " ".join(words.subject(one) for one in whom)
    text = f"{mentions} {words.number(look.open, 'question is', 'questions are')} still open here, the first until {words.moment(look.deadline)}."
    return text.strip(), [words.section(text.strip())]


def listing(look: Gathered, page: Sequence[Decision], number: int, *, note: str = "") -> dict[str, Any]:
    """Return the form that lists questions, each with its choices."""
    size = look.gathering.size
    blocks: list[dict[str, Any]] = [words.section(f"*{_summary(look)}*")]
    if note:
        blocks.append(words.section(f":warning: {note}"))
    for decision in page:
        question = question_of(decision)
        shown = [f"*{words.escape(label)}:* {words.shown(value)}" for label, value in question.details.items()]
        lines = "\n".join([f"*{words.escape(question.text, 500)}* {_state(decision)}", *shown])
        blocks.append(words.section(lines[:2900]))
        if decision.state == "pending":
            blocks.append({"type": "actions", "elements": [_single(question, name) for name in question.choices]})
    turns = [
        words.button(title, action=f"{PAGES}:{title.lower()}", value=str(to))
        for title, to in (("Newer", number - 1), ("Older", number + 1))
        if 0 <= to * PAGE < size
    ]
    if turns:
        blocks.append({"type": "actions", "elements": turns})
    return {
        "type": "modal",
        "title": words.plain(f"{size} questions", 24),
        "close": words.plain("Close", 24),
        "private_metadata": json.dumps({"gathering": look.gathering.id, "page": number}),
        "blocks": blocks,
    }


def _summary(look: Gathered) -> str:
    size, open_ = look.gathering.size, look.open
    if not open_:
        return f"{words.number(size, 'question')}, all decided."
    return f"{words.number(size, 'question')}, {'all' if open_ == size else f'{open_:,}'} open."


def _outcomes(look: Gathered, question: Question) -> list[str]:
    titles = {name: words.escape(str(choice["title"])) for name, choice in question.choices.items()}
    lines = []
    for choice, count in look.chosen.items():
        people = look.by.get(choice, ())
        named = [words.person(one) for one in people[:DECIDERS]]
        if len(people) > DECIDERS:
            named.append(f"{len(people) - DECIDERS} others")
        lines.append(f"• *{titles.get(choice, choice)}*: {count:,}, chosen by {words.listed(named)}")
    for choice, count in look.expired.items():
        lines.append(f"• *{titles.get(choice, choice)}*: {count:,}, because nobody answered in time")
    if look.cancelled:
        lines.append(f"• {look.cancelled:,} cancelled")
    if look.under_way:
        lines.append(f"• On it: {look.under_way:,} …")
    if look.failed:
        lines.append(
            f":warning: *{words.number(look.failed, 'time')} that did not work.* {words.escape(look.failure, 300)}"
        )
    return lines


def _state(decision: Decision) -> str:
    if decision.state == "pending":
        return f"({words.moment(decision.asked_at)})"
    said = f" {words.outcome(decision.said, 150)}" if decision.said else ""
    return f"– {verdict(decision)}.{said}"


def _buttons(look: Gathered, question: Question) -> list[dict[str, Any]]:
    value = f"{look.gathering.id} {look.last}"
    buttons = []
    for name, choice in question.choices.items() if look.open else ():
        title = f"{choice['title']}: all {look.open:,}"
        made = words.button(title, action=f"{ALL}:{name}", value=value, style=choice.get("style"))
        said = f"“{choice['title']}” is chosen for {words.number(look.open, 'question')} at once."
        made["confirm"] = confirmation(title, said, style=choice.get("style"))
        buttons.append(made)
    buttons.append(words.button("See each", action=LIST, value=look.gathering.id))
    if look.failed:
        buttons.append(words.button("Try again", action=AGAIN, value=look.gathering.id))
    return buttons


def _single(question: Question, name: str) -> dict[str, Any]:
    choice: Mapping[str, str | None] = question.choices[name]
    made = words.button(str(choice["title"]), action=f"{ONE}:{name}", value=question.id, style=choice.get("style"))
    if choice.get("confirm"):
        made["confirm"] = confirmation(str(choice["title"]), str(choice["confirm"]), style=choice.get("style"))
    return made
