"""The file of an export: so many users, one in each line, as a tenant exports them."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

DAYS: Final = 180
NEVER: Final = 0.15
INACTIVE: Final = 0.25
"""Which part of them never signed in, and which did and not in the last days."""


def write(file: Path, count: int) -> int:
    """Write a packed export of so many users. Returns how many of them have not signed in for the days."""
    chance, now, inactive = random.Random(11), datetime.now(UTC), 0
    with gzip.open(file, "wt", compresslevel=6) as lines:
        for number in range(count):
            kind, ago = chance.random(), DAYS * chance.random()
            created = now - timedelta(days=DAYS * 2 + 1000 * chance.random())
            never, old = kind < NEVER, kind < NEVER + INACTIVE
            inactive += old
            login = now - timedelta(days=(DAYS + ago + 0.1) if old else ago * 0.99)
            said = {} if never else {"last_login": _text(login)}
            user = said | {
                "user_id": f"auth0|{chance.getrandbits(96):024x}",
                "created_at": _text(created),
                "email": f"person.{number}@example.com",
                "email_verified": chance.random() < 0.9,
                "name": f"A. Person {number}",
                "given_name": "A.",
                "family_name": f"Person {number}",
                "connection": "Username-Password-Authentication",
            }
            if not never:
                user["logins_count"] = chance.randrange(1, 500)
            lines.write(json.dumps(user, separators=(",", ":")) + "\n")
    return inactive


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
