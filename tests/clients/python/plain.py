"""What lets clients that know https only talk to a double on this machine: the same calls, without the TLS."""

import json
import sys
from typing import Any

import requests
from requests.adapters import HTTPAdapter


class Plain(HTTPAdapter):
    """Sends what is meant for https over http."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Send."""
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def session() -> requests.Session:
    """Make a session that uses no TLS, and nothing of the environment."""
    made = requests.Session()
    made.trust_env = False
    made.mount("https://", Plain())
    return made


def given() -> dict[str, Any]:
    """Read where the double is, and what it lets in."""
    return dict(json.loads(sys.argv[1]))


def told(**said: Any) -> None:
    """Say what was seen."""
    sys.stdout.write(json.dumps(said))
