"""Moments as the service writes them, and ids as it makes them."""

import secrets
import string
from datetime import UTC, datetime

LETTERS = string.ascii_letters + string.digits
HEXADECIMAL = "0123456789abcdef"


def iso(moment: float) -> str:
    """Write Unix seconds the way the service does: UTC, milliseconds, Z."""
    return datetime.fromtimestamp(moment, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float | None:
    """Read an ISO moment or a plain date (UTC) as Unix seconds; None when it is neither."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def letters(length: int) -> str:
    """Make a random id of letters and digits."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def hexadecimal(length: int) -> str:
    """Make a random id of hexadecimal digits."""
    return "".join(secrets.choice(HEXADECIMAL) for _ in range(length))
