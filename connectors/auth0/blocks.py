"""Blocks that Auth0 sets itself, after too many wrong passwords. An administrator's block is another thing."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from connectors.auth0.answers import picked
from connectors.auth0.client import Tenant
from connectors.auth0.connector import auth0
from connectors.auth0.profiles import UserRef
from connectors.base import Value


class Identifier(Value):
    """What somebody types to sign in."""

    identifier: Annotated[str, StringConstraints(min_length=1, max_length=320)] = Field(
        title="Identifier", description="An e-mail address, a phone number or a user name."
    )


class Block(Value):
    """A block after too many wrong passwords."""

    identifier: str | None = Field(default=None, title="Identifier", description="What was typed to sign in.")
    ip: str | None = Field(default=None, title="Address", description="From where; empty where it holds everywhere.")
    connection: str | None = Field(default=None, title="Connection", description="Auth0's name for the connection.")


class Blocks(Value):
    """Blocks after too many wrong passwords."""

    blocks: list[Block] = Field(title="Blocks", description="Each block.")
    blocked: bool = Field(title="Blocked", description="Whether there is any.")


class BlocksRemoved(Value):
    """Whose blocks are gone."""

    user_id: str = Field(title="User", description="Auth0's id of the person.")
    note: str = Field(title="Note", description="What this does not do.")


class BlocksOfRemoved(Value):
    """Whose blocks are gone."""

    identifier: str = Field(title="Identifier", description="What is typed to sign in.")
    note: str = Field(title="Note", description="What this does not do.")


NOTE = "A block that an administrator has set stays."


@auth0.action("List blocks after wrong passwords", effect="reads", repeatable=True)
async def list_brute_force_blocks(client: Tenant, given: UserRef) -> Blocks:
    """List the blocks that too many wrong passwords have earned a person."""
    answer = await client.api.user_blocks.list(given.user_id)
    return _blocks(answer.blocked_for or [])


@auth0.action("List blocks of an e-mail address", effect="reads", repeatable=True)
async def list_brute_force_blocks_of(client: Tenant, given: Identifier) -> Blocks:
    """List the blocks that wrong passwords have earned an e-mail address, phone number or user name."""
    answer = await client.api.user_blocks.list_by_identifier(identifier=given.identifier)
    return _blocks(answer.blocked_for or [])


@auth0.action("Remove blocks after wrong passwords", effect="changes", repeatable=True)
async def remove_brute_force_blocks(client: Tenant, given: UserRef) -> BlocksRemoved:
    """Let a person try again who has typed too many wrong passwords. An administrator's block stays."""
    await client.api.user_blocks.delete(given.user_id)
    return BlocksRemoved(user_id=given.user_id, note=NOTE)


@auth0.action("Remove blocks of an e-mail address", effect="changes", repeatable=True)
async def remove_brute_force_blocks_of(client: Tenant, given: Identifier) -> BlocksOfRemoved:
    """Let an e-mail address, phone number or user name be tried again. An administrator's block stays."""
    await client.api.user_blocks.delete_by_identifier(identifier=given.identifier)
    return BlocksOfRemoved(identifier=given.identifier, note=NOTE)


def _blocks(found: list[BaseModel] | list[object]) -> Blocks:
    blocks = [picked(Block, each) for each in found if isinstance(each, BaseModel)]
    return Blocks(blocks=blocks, blocked=bool(blocks))
