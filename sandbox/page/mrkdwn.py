"""Slack's mrkdwn as safe HTML.

Whatever is not markup that Slack knows comes out as text. The entities `&amp;`, `&lt;` and `&gt;` are undone exactly
once, as Slack's clients do, and everything is escaped for HTML after that.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from sandbox.page.emoji import with_emoji
from sandbox.page.moments import Moments
from sandbox.page.names import Names

_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)
_QUOTED = re.compile(r"(?:&gt;|>) ?")
_QUOTED_REST = re.compile(r"(?:&gt;){3} ?|>>> ?")
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_ANGLE = re.compile(r"<(?P<angle>[^<>\n]+)>")


def _span(name: str, mark: str) -> str:
    """Match text between two marks that stand at the edges of words, with whole `<…>` inside."""
    body = rf"(?:<[^<>\n]*>|[^{mark}<\n])+"
    return rf"(?<![A-Za-z0-9{mark}]){mark}(?=\S)(?P<{name}>{body})(?<=\S){mark}(?![A-Za-z0-9{mark}])"


_INLINE = re.compile(
    "|".join(
        (
            r"`(?P<code>[^`\n]+)`",
            _ANGLE.pattern,
            _span("b", r"\*"),
            _span("i", "_"),
            _span("s", "~"),
            r"(?P<url>https?://[^\s<>`|]+)",
        )
    )
)
_SHAPES = {"b": "strong", "i": "em", "s": "s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mrkdwn:
    """A reader's view of mrkdwn: names and times come out as this reader would see them."""

    names: Names
    moments: Moments

    def html(self, text: str, *, verbatim: bool = False) -> Markup:
        """Render a whole text: fences, quotes, then what is inside the lines."""
        parts: list[Markup] = []
        pieces = _FENCE.split(text)
        for index, piece in enumerate(pieces):
            if index % 2:
                parts.append(Markup("<pre>{}</pre>").format(self._labels(piece)))
                continue
            # A fence is a block of its own: the line breaks around it are not shown as well.
            before = piece.removeprefix("\n") if index else piece
            between = before.removesuffix("\n") if index + 1 < len(pieces) else before
            if between:
                parts.append(self._lines(between, verbatim=verbatim))
        return Markup("").join(parts)

    def _lines(self, text: str, *, verbatim: bool) -> Markup:
        blocks: list[Markup] = []
        plain: list[Markup] = []
        quoted: list[Markup] = []

        def close() -> None:
            if quoted:
                blocks.append(Markup("<blockquote>{}</blockquote>").format(Markup("<br>").join(quoted)))
            if plain:
                blocks.append(Markup("<br>").join(plain))
            quoted.clear()
            plain.clear()

        lines = text.split("\n")
        for number, line in enumerate(lines):
            if rest := _QUOTED_REST.match(line):
                close()
                quoted.append(self._inline(line[rest.end() :], verbatim=verbatim))
                quoted.extend(self._inline(later, verbatim=verbatim) for later in lines[number + 1 :])
                break
            mark = _QUOTED.match(line)
            if bool(mark) != bool(quoted):
                close()
            (quoted if mark else plain).append(self._inline(line[mark.end() if mark else 0 :], verbatim=verbatim))
        close()
        return Markup("").join(blocks)

    def _inline(self, text: str, *, verbatim: bool) -> Markup:
        parts: list[Markup] = []
        end = 0
        for found in _INLINE.finditer(text):
            parts.append(leaf(text[end : found.start()]))
            end = found.end()
            kind = found.lastgroup or ""
            inner = found[kind]
            if kind == "code":
                parts.append(Markup("<code>{}</code>").format(self._labels(inner)))
            elif kind == "angle":
                parts.append(self._angle(inner))
            elif kind == "url":
                address = inner.rstrip(".,;:!?)'\"*_~")
                parts.append(leaf(inner) if verbatim else link(unescaped(address), leaf(address)))
                parts.append(Markup() if verbatim else leaf(inner[len(address) :]))
            else:
                shape = _SHAPES[kind]
                body = self._inline(inner, verbatim=verbatim)
                parts.append(Markup("<{0}>{1}</{0}>").format(Markup(shape), body))
        parts.append(leaf(text[end:]))
        return Markup("").join(parts)

    def _labels(self, text: str) -> Markup:
        """Render the inside of code: no styles, but mentions and links show as what they stand for."""
        parts: list[Markup] = []
        end = 0
        for found in _ANGLE.finditer(text):
            parts += [escape(unescaped(text[end : found.start()])), self._angle(found["angle"])]
            end = found.end()
        return Markup("").join([*parts, escape(unescaped(text[end:]))])

    def _angle(self, inner: str) -> Markup:
        target, _, label = inner.partition("|")
        match target[:1]:
            case "@":
                return mention(
                    f"@{self.names.user(target[1:])}" if target[1:] in self.names.users else unescaped(label or target)
                )
            case "#":
                known = target[1:] in self.names.channels
                return mention(f"#{self.names.channel(target[1:]) if known else unescaped(label or target[1:])}")
            case "!":
                return self._special(target[1:], label)
        if safe(unescaped(target)):
            return link(unescaped(target), leaf(label or target.removeprefix("mailto:")))
        return escape(unescaped(f"<{inner}>"))

    def _special(self, command: str, label: str) -> Markup:
        if command in {"here", "channel", "everyone"}:
            return mention(f"@{command}", loud=True)
        if command.startswith("subteam^"):
            group = command.split("^")[1]
            return mention(
                f"@{self.names.group(group)}" if group in self.names.groups else unescaped(label) or f"@{group}"
            )
        if command.startswith("date^"):
            return self._date(command.split("^")[1:], label)
        return leaf(label or f"<!{command}>")

    def _date(self, parts: list[str], fallback: str) -> Markup:
        written: str | None = None
        if len(parts) >= 2 and parts[0].lstrip("-").isdecimal():
            written = self.moments.written(int(parts[0]), unescaped(parts[1]))
        if written is None:
            return leaf(fallback)
        shown = Markup('<time title="{}">{}</time>').format(self.moments.stamp(parts[0]), written)
        address = unescaped(parts[2]) if len(parts) > 2 else ""
        return link(address, shown) if safe(address) else shown


def unescaped(text: str) -> str:
    """Undo Slack's three entities, once."""
    return _ENTITY.sub(lambda found: _ENTITIES[found[1]], text)


def leaf(text: str) -> Markup:
    """Render text that holds no markup: emoji, entities, then HTML escaping."""
    return escape(unescaped(with_emoji(text)))


def mention(name: str, *, loud: bool = False) -> Markup:
    """Render the name of a person, group or channel that is mentioned."""
    return Markup('<span class="{}">{}</span>').format("mention loud" if loud else "mention", name)


def safe(address: str) -> bool:
    """Tell whether a link may lead there: the web, a mail or a telephone, never a script."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme in {"http", "https"}:
        return bool(parts.netloc)
    return parts.scheme in {"mailto", "tel"} and bool(parts.path)


def link(address: str, label: Markup) -> Markup:
    """Render a link that opens in a tab of its own and tells the other side nothing."""
    if not safe(address):
        return label
    return Markup('<a href="{}" target="_blank" rel="noopener noreferrer">{}</a>').format(address, label)
