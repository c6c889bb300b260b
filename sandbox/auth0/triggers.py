"""Triggers of Actions: which functions of an Action they call, and whether anybody waits for it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One moment at which the tenant runs Actions."""

    id: str
    entry: str
    """The function that an Action exports for it."""

    resumes: str | None = None
    """The function that is called when a person comes back from a redirect; only where Actions can redirect."""

    blocking: bool = True
    """Whether what the Actions do decides about what goes on."""


POST_LOGIN = Trigger(id="post-login", entry="onExecutePostLogin", resumes="onContinuePostLogin")
PRE_USER_REGISTRATION = Trigger(id="pre-user-registration", entry="onExecutePreUserRegistration")
POST_USER_REGISTRATION = Trigger(id="post-user-registration", entry="onExecutePostUserRegistration", blocking=False)
POST_CHANGE_PASSWORD = Trigger(id="post-change-password", entry="onExecutePostChangePassword", blocking=False)
CREDENTIALS_EXCHANGE = Trigger(id="credentials-exchange", entry="onExecuteCredentialsExchange")
PASSWORD_RESET = Trigger(
    id="password-reset-post-challenge", entry="onExecutePostChallenge", resumes="onContinuePostChallenge"
)
SEND_PHONE_MESSAGE = Trigger(id="send-phone-message", entry="onExecuteSendPhoneMessage", blocking=False)
CUSTOM_TOKEN_EXCHANGE = Trigger(id="custom-token-exchange", entry="onExecuteCustomTokenExchange")

TRIGGERS = {
    one.id: one
    for one in (
        POST_LOGIN,
        PRE_USER_REGISTRATION,
        POST_USER_REGISTRATION,
        POST_CHANGE_PASSWORD,
        CREDENTIALS_EXCHANGE,
        PASSWORD_RESET,
        SEND_PHONE_MESSAGE,
        CUSTOM_TOKEN_EXCHANGE,
        Trigger(id="custom-phone-provider", entry="onExecuteCustomPhoneProvider"),
        Trigger(id="custom-email-provider", entry="onExecuteCustomEmailProvider"),
        Trigger(id="event-stream", entry="onExecuteEventStream", blocking=False),
    )
}
