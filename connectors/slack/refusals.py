"""What Slack's refusals mean: each of its codes as the error that says what to do. The bot's own talk uses it, too."""

from collections.abc import Mapping, Sequence
from typing import Final

from connectors.errors import Ambiguous, ConnectorError, Missing, Reconnect, Refused, TryLater
from connectors.wording import clean

INVITE: Final = "Invite me with `/invite @cicflow` there."
RATE_LIMITED: Final = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
OUR_CREDENTIALS: Final = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "no_permission",
        "not_allowed_token_type",
        "org_login_required",
        "team_access_not_granted",
    }
)
GONE: Final = frozenset(
    {
        "message_not_found",
        "thread_not_found",
        "file_not_found",
        "user_not_found",
        "users_not_found",
        "no_such_subteam",
        "view_not_found",
        "not_found",
    }
)
UNCERTAIN: Final = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
ABSENT: Final[Mapping[str, str]] = {
    "channel_not_found": f"I cannot see that channel: there is none of this id, or it is a private one. {INVITE}",
    "not_in_channel": f"I am not in that channel. {INVITE}",
    "is_archived": "That channel is archived.",
    "message_not_found": "That message is not there any more.",
    "thread_not_found": "The message to reply to is not there any more.",
    "user_not_found": "Slack knows nobody of this id.",
    "users_not_found": "Slack knows nobody of this e-mail address.",
}
"""What is not there, or not for us."""
SAID: Final[Mapping[str, str]] = {
    "restricted_action": "The workspace does not let the app do that; its admins decide who may.",
    "cant_update_message": "I can change only messages of my own.",
    "cant_delete_message": "I can delete only messages of my own.",
    "edit_window_closed": "The workspace does not let messages of this age be changed.",
    "block_mismatch": "A message with rich text can be replaced only by another with rich text.",
    "user_not_in_channel": "That person is not in the channel, so nothing can be shown to them there.",
    "messages_tab_disabled": "The app takes no direct messages: its messages tab is switched off.",
    "cannot_dm_bot": "That is a bot: no direct message can be sent to it.",
    "user_disabled": "That person's account is switched off.",
    "name_taken": "There is a channel of this name already.",
    "too_many_reactions": "There are as many reactions on this message as there can be.",
    "invalid_name": "There is no emoji of this name.",
    "invalid_name_specials": "A channel's name has small letters, digits, hyphens and underscores only.",
    "invalid_name_maxlength": "A channel's name has at most 80 letters.",
    "msg_too_long": "The message is too long.",
    "msg_blocks_too_long": "The message is too long.",
    "too_long": "That text is too long.",
    "cant_invite_self": "I cannot invite myself.",
    "plan_upgrade_required": "The workspace's plan does not have this.",
    "user_is_restricted": "That person is a guest, and may not do that.",
    "ura_max_channels": "That guest is in as many channels as they may be.",
    "file_upload_disabled": "The workspace does not let files be uploaded.",
}
"""What Slack says no to, in words. For other codes the code itself is told."""


def named(
    code: str,
    *,
    status: int = 200,
    after: float | None = None,
    needed: str = "",
    details: Sequence[object] = (),
    reads: bool = False,
) -> ConnectorError:
    """Return a refusal as the error that says what to do.

    `after` are the seconds that Slack asks to wait, `needed` the permission that is missing, `details` what else it
    says; `reads` tells that the call changes nothing.
    """
    code = clean(code, limit=60)
    if status == 429 or code in RATE_LIMITED:
        return TryLater("Slack is asked too often at the moment.", after=after, status=status, code=code)
    if code == "missing_scope":
        needed = clean(needed, limit=200) or "unknown"
        said = f"Slack says that the app lacks a permission: {needed}. Add it to the app, and install the app again."
        return Reconnect(said, missing_scope=needed, status=status, code=code)
    if code in OUR_CREDENTIALS:
        said = "Slack does not accept our token any more. Install the app again."
        return Reconnect(said, status=status, code=code)
    if code in UNCERTAIN or status >= 500 or status == 408:
        if reads:
            return TryLater("Slack has trouble answering.", after=after, status=status, code=code)
        return Ambiguous("Slack had trouble: it may or may not have happened.", status=status, code=code)
    if code in ABSENT or code in GONE:
        return Missing(ABSENT.get(code, f"Slack has no such thing any more ({code})."), status=status, code=code)
    said = SAID["restricted_action"] if code.startswith("restricted_action") else SAID.get(code, "")
    more = "".join(f"; {clean(detail)}" for detail in details[:3])
    return Refused(f"Slack refused: {said.rstrip('.') or code or status}{more}.", status=status, code=code)
