"""What a message holds: a text, and around it a heading, fields, a picture and links as buttons."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Self

from pydantic import Field, StringConstraints, model_validator

from connectors.base import Filling, Value
from connectors.slack.marks import escaped, plain

LINK: Final = "link"
"""What the names of buttons begin with that only lead somewhere: nothing is to be done when one is pressed."""
START: Final = "start"
"""What the names of buttons begin with that open the form of a flow."""
MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)")
"""A field that holds nothing but a time is shown as each reader's own clock shows it."""
SECTION: Final = 3000
NOTICE: Final = 3000
"""Letters of the text that notifications and screen readers show."""

ChannelId = Annotated[str, StringConstraints(pattern=r"^[CGD][A-Z0-9]{2,30}$")]
UserId = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,30}$")]
Stamp = Annotated[str, StringConstraints(pattern=r"^\d{1,12}\.\d{1,9}$")]
Marked = Annotated[str, StringConstraints(min_length=1, max_length=9000), Filling(escaped)]
Heading = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Address = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>|]+$", max_length=3000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=75)]
FlowName = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=500)]
Shown = str | int | float | bool | list[str] | None

CHANNEL: Final = "The channel's id, such as C0123456789."
STAMP: Final = "The message's own name in its channel: its timestamp, as posting it gave it."
KEY: Final = (
    "Text that names this message: the same again makes no second one. It is looked for among the latest 1,000 "
    "messages of the channel, which I must be in."
)


class Contents(Value):
    """What a message holds."""

    text: Marked = Field(
        title="Text",
        description="In Slack's own marks: *bold*, _italic_, <@person>. What is filled in is shown letter by letter.",
    )
    header: Heading | None = Field(default=None, title="Heading", description="A line in large letters above the text.")
    fields: Annotated[dict[Label, Shown], Filling(escaped)] = Field(
        default_factory=dict,
        max_length=20,
        title="Fields",
        description="Names with values, shown in two columns under the text; a time as each reader's own clock shows it.",
    )
    image: Address | None = Field(
        default=None, title="Picture", description="The address of a picture that everybody can reach."
    )
    image_text: Annotated[str, StringConstraints(min_length=1, max_length=2000)] | None = Field(
        default=None, title="Picture in words", description="What is to be seen in it, for those who do not see it."
    )
    links: dict[Label, Address] = Field(
        default_factory=dict,
        max_length=10,
        title="Links",
        description="Buttons under the message: what is written on each, and the address that it leads to.",
    )
    starts: dict[Label, FlowName | None] = Field(
        default_factory=dict,
        max_length=5,
        title="Flows to start",
        description="Buttons that start another flow by hand, or open its form: what is written on each, and the flow's "
        "name; none where that is empty. They work in the bot's own workspace.",
    )

    @model_validator(mode="after")
    def _picture_in_words(self) -> Self:
        if self.image and not self.image_text:
            raise ValueError("A picture needs its content in words.")
        return self


def notice_of(given: Contents) -> str:
    """Return the text that notifications and screen readers show."""
    whole = f"{escaped(given.header)}: {given.text}" if given.header else given.text
    return next(pieces(whole, NOTICE))


def blocks_of(given: Contents) -> list[dict[str, Any]]:
    """Return a message as Slack's blocks. Links and names are not guessed in what it says."""
    return [*parts_of(given), *buttons_of(given)]


def parts_of(given: Contents) -> list[dict[str, Any]]:
    """Return what a message says and shows, without its buttons."""
    blocks: list[dict[str, Any]] = []
    if given.header:
        blocks.append({"type": "header", "text": plain(given.header, 150)})
    blocks += sections(given.text)
    fields = [_marked(f"*{name}*\n{_shown(value)}"[:2000]) for name, value in given.fields.items()]
    blocks += [{"type": "section", "fields": fields[start : start + 10]} for start in range(0, len(fields), 10)]
    if given.image and given.image_text:
        blocks.append({"type": "image", "image_url": given.image, "alt_text": given.image_text})
    return blocks


def sections(text: str) -> list[dict[str, Any]]:
    """Return a text in Slack's own marks, however long it is."""
    return [{"type": "section", "text": _marked(piece)} for piece in pieces(text, SECTION)]


def buttons_of(given: Contents) -> list[dict[str, Any]]:
    """Return the buttons of a message: first what can be started, then where links lead."""
    flows = [(label, flow) for label, flow in given.starts.items() if flow]
    buttons = [
        {"type": "button", "action_id": f"{START}:{number}", "text": plain(label, 75), "value": flow}
        for number, (label, flow) in enumerate(flows)
    ]
    buttons += [
        {"type": "button", "action_id": f"{LINK}:{number}", "text": plain(label, 75), "url": address}
        for number, (label, address) in enumerate(given.links.items())
    ]
    return [{"type": "actions", "elements": buttons}] if buttons else []


def context(text: str) -> dict[str, Any]:
    """Return a line in small letters."""
    return {"type": "context", "elements": [_marked(escaped(text))]}


def pieces(text: str, longest: int) -> Iterator[str]:
    """Yield a text in pieces that are not too long, cut after a line or a word where one ends, and in no entity."""
    while len(text) > longest:
        cut = max(text.rfind("\n", longest // 2, longest), text.rfind(" ", longest // 2, longest))
        if cut < 0:
            entity = text.rfind("&", longest - 6, longest)
            cut = longest if entity < 0 or ";" in text[entity:longest] else entity
        yield text[:cut]
        text = text[cut:].lstrip()
    if text:
        yield text


def _marked(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _shown(value: Shown) -> str:
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "yes" if value else "no"
        case list():
            return "\n".join(f"• {each}" for each in value)
        case str() if (moment := _moment(value)) is not None:
            return moment
        case _:
            return str(value)


def _moment(value: str) -> str | None:
    """Write a time as each reader's own clock shows it, with the time for those without one; None if it is no time."""
    if not MOMENT.fullmatch(value):
        return None
    try:
        at = datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError):  # people can be called like a day that there is not
        return None
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}}, {{time}}|{at:%Y-%m-%d %H:%M} UTC>"
