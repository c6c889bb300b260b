"""Events that our Auth0 Actions send: one source for each trigger of Auth0 that we have an Action for."""

from connectors.auth0 import signals
from connectors.auth0.sources.existing import as_login, as_registration
from connectors.auth0.sources.logged import login, password_change, sign_up
from connectors.auth0.sources.parts import (
    Authentication,
    Authorization,
    Client,
    Connection,
    Exchange,
    KnownUser,
    Message,
    NewUser,
    Organization,
    Request,
    ResourceServer,
    Session,
    Stats,
    Tenant,
    Token,
    Transaction,
    User,
)
from connectors.base import Lenient, Source


class PostLogin(Lenient):
    """A login that Auth0 has just let through."""

    tenant: Tenant
    stats: Stats | None = None
    client: Client | None = None
    connection: Connection | None = None
    organization: Organization | None = None
    authentication: Authentication | None = None
    authorization: Authorization | None = None
    session: Session | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    resource_server: ResourceServer | None = None
    user: User


class PreUserRegistration(Lenient):
    """Somebody is signing up. They have no user id yet."""

    tenant: Tenant
    client: Client | None = None
    connection: Connection | None = None
    authentication: Authentication | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    user: NewUser


class PostUserRegistration(Lenient):
    """Somebody has signed up."""

    tenant: Tenant
    connection: Connection | None = None
    authentication: Authentication | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    user: User


class PostChangePassword(Lenient):
    """Somebody has a new password."""

    tenant: Tenant
    connection: Connection | None = None
    authentication: Authentication | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    user: KnownUser


class CredentialsExchange(Lenient):
    """A program, not a person, asks for an access token."""

    tenant: Tenant
    client: Client | None = None
    organization: Organization | None = None
    accessToken: Token | None = None  # noqa: N815  # Auth0's own name
    transaction: Transaction | None = None
    request: Request | None = None
    resource_server: ResourceServer | None = None


class PasswordResetPostChallenge(Lenient):
    """Somebody has shown that a mailbox is theirs, and is about to set a new password."""

    tenant: Tenant
    stats: Stats | None = None
    client: Client | None = None
    connection: Connection | None = None
    organization: Organization | None = None
    authentication: Authentication | None = None
    authorization: Authorization | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    user: User


class SendPhoneMessage(Lenient):
    """A text message or a call with a code is about to go out."""

    tenant: Tenant
    client: Client | None = None
    message_options: Message | None = None
    authentication: Authentication | None = None
    transaction: Transaction | None = None
    request: Request | None = None
    user: User


class CustomTokenExchange(Lenient):
    """A program exchanges a token of another service for one of the tenant."""

    tenant: Tenant
    client: Client | None = None
    organization: Organization | None = None
    transaction: Exchange | None = None
    request: Request | None = None
    resource_server: ResourceServer | None = None


POST_LOGIN = Source(
    name="auth0.post_login",
    title="A person signed in",
    about="Sent by the Auth0 Action at every login, before the application gets its tokens.",
    event=PostLogin,
    answered=True,
    held=True,
    enrich=signals.of_trigger(learns=True),
    complete=signals.assessed,
    person="user.user_id",
    existing=as_login,
    logged=login,
)

TRIGGERS = (
    POST_LOGIN,
    Source(
        name="auth0.pre_user_registration",
        title="Somebody is signing up",
        about="Sent by the Auth0 Action before an account is made; a flow may refuse it.",
        event=PreUserRegistration,
        answered=True,
        enrich=signals.of_trigger(),
        complete=signals.assessed,
    ),
    Source(
        name="auth0.post_user_registration",
        title="Somebody signed up",
        about="Sent by the Auth0 Action after an account was made.",
        event=PostUserRegistration,
        enrich=signals.of_trigger(learns=True),
        complete=signals.assessed,
        person="user.user_id",
        existing=as_registration,
        logged=sign_up,
    ),
    Source(
        name="auth0.post_change_password",
        title="A password was changed",
        about="Sent by the Auth0 Action after a person, or an administrator for them, set a new password.",
        event=PostChangePassword,
        enrich=signals.of_trigger(changes_password=True),
        complete=signals.assessed,
        person="user.user_id",
        logged=password_change,
    ),
    Source(
        name="auth0.credentials_exchange",
        title="A program asks for a token",
        about="Sent by the Auth0 Action when a machine-to-machine application asks for an access token.",
        event=CredentialsExchange,
        answered=True,
    ),
    Source(
        name="auth0.password_reset_post_challenge",
        title="A person resets their password",
        about="Sent by the Auth0 Action after the mailbox was proved, and before the new password is set.",
        event=PasswordResetPostChallenge,
        answered=True,
        held=True,
        enrich=signals.of_trigger(),
        complete=signals.assessed,
        person="user.user_id",
    ),
    Source(
        name="auth0.send_phone_message",
        title="A text message goes out",
        about="Sent by the Auth0 Action when a code is sent to a phone; the code itself is not told.",
        event=SendPhoneMessage,
        enrich=signals.of_trigger(),
        complete=signals.assessed,
    ),
    Source(
        name="auth0.custom_token_exchange",
        title="A program exchanges a token",
        about="Sent by the Auth0 Action when a token of another service is exchanged; the token itself is not told.",
        event=CustomTokenExchange,
        answered=True,
    ),
)
