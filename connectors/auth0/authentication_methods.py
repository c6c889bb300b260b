"""How people show who they are: passwords, passkeys, and second factors."""

from pydantic import Field

from connectors.auth0.answers import PAGE, listed, picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.ids import MethodId
from connectors.auth0.profiles import NO_SUCH_USER, UserId, UserRef
from connectors.base import Value
from connectors.errors import Missing


class AuthenticationMethod(Value):
    """A way in which a person shows who they are."""

    id: str = Field(title="Authentication method", description="Auth0's id of it.")
    type: str = Field(
        title="Type", description="Such as totp, phone, push, webauthn-roaming, passkey or recovery-code."
    )
    confirmed: bool | None = Field(default=None, title="Confirmed", description="Whether it has been used once.")
    name: str | None = Field(default=None, title="Name", description="What it is called.")
    phone_number: str | None = Field(default=None, title="Phone", description="Where codes are sent.")
    email: str | None = Field(default=None, title="E-mail", description="Where codes are sent.")
    created_at: str | None = Field(default=None, title="Created", description="When it was set up.")
    last_auth_at: str | None = Field(default=None, title="Last used", description="When it was last used.")


class AuthenticationMethods(Value):
    """All ways in which a person shows who they are."""

    methods: list[AuthenticationMethod] = Field(title="Methods", description="Each of them.")
    types: list[str] = Field(title="Types", description="Which types there are, each once.")
    count: int = Field(title="Count", description="How many methods there are.")


class MethodRef(Value):
    """Which authentication method of which person is meant."""

    user_id: UserId
    method_id: MethodId


class MethodDeleted(Value):
    """Which authentication method is gone."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    method_id: str = Field(title="Authentication method", description="Auth0's id of it.")
    existed: bool = Field(title="Existed", description="False where it was gone already.")


class MethodsDeleted(Value):
    """Whose authentication methods are gone."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")


@auth0.action("List authentication methods", effect="reads", repeatable=True)
async def list_authentication_methods(client: Tenant, given: UserRef) -> AuthenticationMethods:
    """List how a person can show who they are, second factors above all."""
    found, _ = await listed(
        lambda page: client.api.users.authentication_methods.list(given.user_id, page=page, per_page=PAGE)
    )
    methods = [picked(AuthenticationMethod, each) for each in found]
    return AuthenticationMethods(
        methods=methods, types=list(dict.fromkeys(each.type for each in methods)), count=len(methods)
    )


@auth0.action("Delete an authentication method", effect="destroys", repeatable=True)
async def delete_authentication_method(client: Tenant, given: MethodRef) -> MethodDeleted:
    """Take one way of showing who they are from a person, such as a lost phone. One that is gone is no error."""
    try:
        await client.api.users.authentication_methods.delete(given.user_id, given.method_id)
    except Missing as error:
        if error.code in {None, NO_SUCH_USER}:
            raise
        return MethodDeleted(user_id=given.user_id, method_id=given.method_id, existed=False)
    return MethodDeleted(user_id=given.user_id, method_id=given.method_id, existed=True)


@auth0.action("Delete all authentication methods", effect="destroys", repeatable=True)
async def delete_authentication_methods(client: Tenant, given: UserRef) -> MethodsDeleted:
    """Take all second factors and passkeys from a person: they are asked to set up new ones where the tenant asks."""
    await client.api.users.authentication_methods.delete_all(given.user_id)
    return MethodsDeleted(user_id=given.user_id)
