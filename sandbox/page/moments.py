"""Times as Slack writes them, in the reader's own time zone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo

_TOKEN = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The reader's zone and the present, from which every shown time follows."""

    zone: tzinfo
    now: datetime

    def at(self, unix: float) -> datetime | None:
        """Put a Unix time into the reader's zone; nothing for a time outside the calendar."""
        try:
            return datetime.fromtimestamp(unix, self.zone)
        except (OverflowError, ValueError, OSError):
            return None

    def read(self, value: object) -> datetime | None:
        """Read a Unix time (number or text, Slack's `ts` included) or an ISO 8601 time."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.at(value)
        if not isinstance(value, str) or not value:
            return None
        try:
            return self.at(float(value))
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(value).astimezone(self.zone)
        except (ValueError, OverflowError):
            return None

    def clock(self, value: object) -> str:
        """Write the time of day, as beside a message."""
        moment = self.read(value)
        return f"{moment:%H:%M}" if moment else ""

    def stamp(self, value: object) -> str:
        """Write the whole time, for a tooltip."""
        moment = self.read(value)
        return f"{moment:%d %B %Y at %H:%M:%S}" if moment else ""

    def day(self, value: object) -> str:
        """Write the day, as in the line between two days of a channel."""
        moment = self.read(value)
        if moment is None:
            return ""
        written = self._pretty(moment, f"{moment:%A}, {moment.day} {moment:%B}")
        return written[0].upper() + written[1:]

    def brief(self, value: object) -> str:
        """Write a time in few letters: the time of day for today, the date before."""
        moment = self.read(value)
        if moment is None:
            return "never"
        if moment.date() == self.now.astimezone(self.zone).date():
            return f"{moment:%H:%M:%S}"
        return f"{moment.day} {moment:%b} {moment:%H:%M}"

    def written(self, unix: float, form: str) -> str | None:
        """Fill Slack's date tokens, as in `<!date^1392734382^{date} at {time}|…>`; nothing if one is unknown."""
        moment = self.at(unix)
        if moment is None:
            return None
        tokens = self._tokens(moment)
        if any(name not in tokens for name in _TOKEN.findall(form)):
            return None
        return _TOKEN.sub(lambda found: tokens[found[1]](), form)

    def _tokens(self, moment: datetime) -> dict[str, Callable[[], str]]:
        short = f"{moment:%b} {moment.day}, {moment.year}"
        date = f"{moment:%B} {_ordinal(moment.day)}, {moment.year}"
        long = f"{moment:%A}, {date}"
        return {
            "date_num": lambda: f"{moment:%Y-%m-%d}",
            "date_slash": lambda: f"{moment:%m/%d/%Y}",
            "date": lambda: date,
            "date_short": lambda: short,
            "date_long": lambda: long,
            "date_long_full": lambda: long,
            "date_pretty": lambda: self._pretty(moment, date),
            "date_short_pretty": lambda: self._pretty(moment, short),
            "date_long_pretty": lambda: self._pretty(moment, long),
            "day_divider_pretty": lambda: self._pretty(moment, f"{moment:%A}, {moment:%B} {_ordinal(moment.day)}"),
            "time": lambda: f"{moment:%H:%M}",
            "time_secs": lambda: f"{moment:%H:%M:%S}",
            "ago": lambda: self._ago(moment),
        }

    def _pretty(self, moment: datetime, otherwise: str) -> str:
        days = (moment.date() - self.now.astimezone(self.zone).date()).days
        return {-1: "yesterday", 0: "today", 1: "tomorrow"}.get(days, otherwise)

    def _ago(self, moment: datetime) -> str:
        seconds = (self.now - moment).total_seconds()
        amount = abs(seconds)
        if amount < 60:
            return "just now" if seconds >= 0 else "in a moment"
        size, unit = next(
            (size, unit) for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")) if amount >= size
        )
        count = int(amount // size)
        span = f"{count} {unit}{'' if count == 1 else 's'}"
        return f"{span} ago" if seconds >= 0 else f"in {span}"


def _ordinal(day: int) -> str:
    ending = "th" if 11 <= day <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"
