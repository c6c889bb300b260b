"""Messages to phones: the code of a second factor is on its way, and what is bound to that is told of it."""

from typing import Literal

from sandbox.auth0.continuing import Pursuit, carry_on, note
from sandbox.auth0.course import begin
from sandbox.auth0.events import client, host_of, person, plain_request, security_context
from sandbox.auth0.moments import hexadecimal
from sandbox.auth0.outcomes import Outcome, begun
from sandbox.auth0.tenant import Account, Tenant
from sandbox.auth0.triggers import SEND_PHONE_MESSAGE
from sandbox.auth0.visitors import Visitor, merged


class PhoneMessage(Visitor):
    """A message to somebody's phone, as asked for at `POST /sandbox/phone-messages`."""

    user_id: str
    recipient: str | None = None
    action: Literal["enrollment", "second-factor-authentication"] = "second-factor-authentication"
    message_type: Literal["sms", "voice"] = "sms"
    code: str = "123456"


async def send_phone_message(tenant: Tenant, account: Account, wanted: PhoneMessage, address: str) -> Outcome:
    """Run what is bound to messages; the person's code is on its way whatever it does."""
    outcome = begun(tenant, SEND_PHONE_MESSAGE.id, account.user_id)
    visit = wanted.visit()
    recipient = wanted.recipient or account.profile.get("phone_number") or "+4930901820000"
    event = {
        "tenant": {"id": tenant.name},
        "client": client(),
        "message_options": {
            "action": wanted.action,
            "code": wanted.code,
            "message_type": wanted.message_type,
            "recipient": recipient,
            "text": f"{wanted.code} is your verification code",
        },
        "request": plain_request(visit, host_of(address)),
        "security_context": security_context(),
        "transaction": {"correlation_id": hexadecimal(32)},
        "user": person(account),
    }
    course = begin(tenant, SEND_PHONE_MESSAGE, merged(event, wanted.event_overrides))
    pursuit = Pursuit(outcome=outcome, course=course, visit=visit, account=account, conclude=outcome.allow)
    details = {"authenticator": {"id": None, "type": wanted.message_type, "phone_number": recipient}}
    kind = "gd_send_sms" if wanted.message_type == "sms" else "gd_send_voice"
    note(tenant, pursuit, kind, "A code for the second factor was sent", details)
    outcome.allow()
    await carry_on(tenant, pursuit)
    return outcome
