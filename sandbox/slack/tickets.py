"""Things that are good for a short time or a few uses: trigger ids, response addresses, Socket Mode tickets."""

from dataclasses import dataclass
from typing import Literal

from sandbox.slack.refusals import Refusal
from sandbox.slack.stamps import Stamps

TRIGGER_SECONDS = 3.0
RESPONSE_SECONDS = 30 * 60.0
RESPONSE_USES = 5

Origin = Literal["command", "message", "ephemeral"]


@dataclass(slots=True, kw_only=True)
class _Trigger:
    user: str
    born: float
    view_id: str | None
    used: bool = False


class Triggers:
    """The trigger ids given out. Each opens one view, within three seconds."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._triggers: dict[str, _Trigger] = {}

    def issue(self, user: str, *, view_id: str | None = None) -> str:
        """Make a trigger_id for something that this person has just done, perhaps in a view."""
        trigger_id = self._stamps.trigger()
        self._triggers[trigger_id] = _Trigger(user=user, born=self._stamps.clock(), view_id=view_id)
        return trigger_id

    def exchange(self, trigger_id: str) -> tuple[str, str | None]:
        """Use a trigger_id up. Gives the person, and the view they were in. Raises Refusal."""
        trigger = self._triggers.get(trigger_id)
        if trigger is None:
            raise Refusal("invalid_trigger_id")
        if trigger.used:
            raise Refusal("exchanged_trigger_id")
        if self._stamps.clock() - trigger.born > TRIGGER_SECONDS:
            raise Refusal("expired_trigger_id")
        trigger.used = True
        return trigger.user, trigger.view_id


@dataclass(slots=True, kw_only=True)
class ResponseUrl:
    """An address that takes a few answers to one thing that a person did."""

    key: str
    user: str
    channel: str
    origin: Origin
    ts: str | None
    about: str
    born: float
    uses: int = 0


class ResponseUrls:
    """The response addresses given out. Each takes five posts within thirty minutes."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._urls: dict[str, ResponseUrl] = {}

    def issue(self, *, user: str, channel: str, origin: Origin, about: str, ts: str | None = None) -> ResponseUrl:
        """Make an address for answers to a command, or to a click on the message with this ts."""
        url = ResponseUrl(
            key=self._stamps.secret(),
            user=user,
            channel=channel,
            origin=origin,
            ts=ts,
            about=about,
            born=self._stamps.clock(),
        )
        self._urls[url.key] = url
        return url

    def use(self, key: str) -> ResponseUrl:
        """Count one post to an address. Raises Refusal when it is unknown, too old or used up."""
        url = self._urls.get(key)
        if url is None:
            raise Refusal("invalid_url", status=404)
        if self._stamps.clock() - url.born > RESPONSE_SECONDS:
            raise Refusal("expired_url", status=404)
        if url.uses >= RESPONSE_USES:
            raise Refusal("used_url", status=404)
        url.uses += 1
        return url
