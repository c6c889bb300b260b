"""Alerts: the messages in which a flow asks, and later shows who decided what and how it ended."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot import words
from bot.replies import Message
from flows.decisions import question_of
from flows.questions import Question
from flows.surroundings import Ended
from flows.tables import Decision

DECIDE: Final = "decide"
AGAIN: Final = "again"


def open_alert(
    question: Question,
    deadline: float,
    *,
    also: Sequence[str] = (),
    since: float | None = None,
    votes: Mapping[str, Sequence[str]] | None = None,
) -> Message:
    """Return the message that asks: also where else it is asked, since when it has been asked in vain, and the votes."""
    buttons = [_button(question, name, choice) for name, choice in question.choices.items()]
    text = f"{words.clean(question.title)}: {words.clean(question.text)}"
    return words.escape(text, 1000), [
        *_head(question),
        {"type": "actions", "block_id": DECIDE, "elements": buttons},
        *_votes(question, votes or {}),
        *([words.context(f":hourglass: Nobody has answered since {words.moment(since)}.")] if since else []),
        words.context(f"{words.escape(question.flow_title)} · {_open_until(question, deadline)}"),
        *([words.context(f"Asked in {words.listed([words.place(one) for one in also])}, too")] if also else []),
    ]


def reminder(question: Question, deadline: float, whom: Sequence[str]) -> Message:
    """Return what is said in the thread of a question that nobody has answered."""
    mentions = " ".join(words.subject(one) for one in whom)
    text = f"{mentions} Nobody has answered yet: *{words.escape(question.text, 1000)}* It is {_open_until(question, deadline)}."
    return text.strip(), [words.section(text.strip())]


def _open_until(question: Question, deadline: float) -> str:
    otherwise = words.escape(str(question.choices[question.otherwise]["title"]))
    return f"open until {words.moment(deadline)}, then “{otherwise}” is taken"


def closed_alert(
    question: Question,
    decision: Decision,
    ended: Ended | None,
    *,
    meanwhile: str = "On it …",
    votes: Mapping[str, Sequence[str]] | None = None,
) -> Message:
    """Return the message once it is decided: without the choices, with who, what and when, and how it ended.

    Until it has ended it says what is done meanwhile.
    """
    said = verdict(decision)
    blocks = [*_head(question), words.section(said), *_votes(question, votes or {})]
    if ended is None:
        blocks.append(words.context(meanwhile))
    elif ended.outcome == "failed":
        blocks.append(words.section(f":warning: *That did not work.* {words.escape(ended.message, 500)}"))
        blocks.append(
            {
                "type": "actions",
                "block_id": AGAIN,
                "elements": [words.button("Try again", action=AGAIN, value=question.run_id)],
            }
        )
    elif ended.message:
        blocks.append(words.section(words.outcome(ended.message)))
    blocks.append(words.context(words.escape(question.flow_title)))
    return f"{words.escape(question.title)}: {said}", blocks


def _votes(question: Question, votes: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Return who has voted for what, where several people have to choose the same."""
    if question.votes == 1:
        return []
    titles = {name: words.escape(str(choice["title"])) for name, choice in question.choices.items()}
    said = [
        f"*{titles.get(choice, choice)}*: {words.listed([words.person(one) for one in people])}"
        for choice, people in votes.items()
    ]
    return [words.context(" · ".join([f"{question.votes} people have to choose the same", *said]))]


def verdict(decision: Decision) -> str:
    """Return who decided what and when, as a sentence."""
    choices = question_of(decision).choices
    title = words.escape(str(choices.get(decision.choice or "", {}).get("title") or decision.choice))
    when = words.moment(decision.decided_at or decision.asked_at)
    if decision.state == "cancelled":
        return f"Nobody decides this any more: the run was cancelled, {when}"
    if decision.state == "expired":
        return f"*{title}*, because nobody answered until {when}"
    return f"*{title}* was chosen by {words.person(decision.decided_by)}, {when}"


def heading(text: str) -> dict[str, Any]:
    """Return a line in large letters."""
    return {"type": "header", "text": words.plain(text, 150)}


def details(question: Question, *, most: int | None = None) -> list[dict[str, Any]]:
    """Return the facts below a question, in two columns."""
    fields = [
        words.marked(f"*{words.escape(label)}*\n{words.shown(value)}"[:2000])
        for label, value in list(question.details.items())[:most]
    ]
    return [{"type": "section", "fields": fields[start : start + 10]} for start in range(0, len(fields), 10)]


def confirmation(title: str, said: str, *, style: str | None, about: str = "") -> dict[str, Any]:
    """Return what people are asked to confirm when they press a button."""
    made: dict[str, Any] = {
        "title": words.plain(about or title, 100),
        "text": words.plain(said, 300),
        "confirm": words.plain(title, 30),
        "deny": words.plain("Cancel", 30),
    }
    return {**made, "style": style} if style else made


def _head(question: Question) -> list[dict[str, Any]]:
    return [heading(question.title), words.section(f"*{words.escape(question.text, 1000)}*"), *details(question)]


def _button(question: Question, name: str, choice: Mapping[str, str | None]) -> dict[str, Any]:
    title = str(choice["title"])
    button: dict[str, Any] = {
        "type": "button",
        "action_id": f"{DECIDE}:{name}",
        "text": words.plain(title, 75),
        "value": question.id,
        "accessibility_label": words.clean(f"{title}: {question.text}", 75),
    }
    if choice.get("style"):
        button["style"] = choice["style"]
    if choice.get("confirm"):
        said, style = str(choice["confirm"]), choice.get("style")
        button["confirm"] = confirmation(title, said, style=style, about=question.text)
    return button
