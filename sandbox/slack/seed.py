"""The workspace as it is in the beginning. Everything is fixed, so that whoever remembers an id finds it again."""

from sandbox.slack.conversations import Channel
from sandbox.slack.people import User, UserGroup

TEAM_ID = "T0SANDBOX1"
TEAM_NAME = "Sandbox"
TEAM_DOMAIN = "sandbox"
APP_ID = "A0SANDBOX1"
BOT_ID = "B0SANDBOX1"
BOT_USER_ID = "U0BOTUSER1"
BOT_TOKEN = "xoxb-sandbox-bot"
APP_TOKEN = "xapp-sandbox-app"
SIGNING_SECRET = "sandbox-signing-secret"
VERIFICATION_TOKEN = "sandbox-verification-token"

ADMIN, ANALYST, VISITOR = "U0ADMIN001", "U0ANALYST1", "U0VISITOR1"
SECURITY, GENERAL, PRIVATE_ROOM = "C0SECURITY", "C0GENERAL1", "G0PRIVATE1"
SECURITY_TEAM = "S0SECTEAM1"

CREATED = 1_700_000_000

SCOPES = (
    "commands",
    "chat:write",
    "chat:write.public",
    "files:write",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "channels:read",
    "groups:read",
    "im:write",
    "app_mentions:read",
    "channels:history",
    "groups:history",
    "im:history",
    "channels:manage",
    "groups:write",
    "reactions:write",
)
"""What the bot was granted when the app was installed."""

APP_SCOPES = ("connections:write",)


def users() -> list[User]:
    """Make the three people and the bot."""
    return [
        User(
            id=ADMIN,
            name="admin",
            real_name="Admin",
            email="admin@example.com",
            is_admin=True,
            is_owner=True,
            tz="Europe/Berlin",
            tz_label="Central European Time",
            tz_offset=3600,
        ),
        User(id=ANALYST, name="analyst", real_name="Analyst", email="analyst@example.com"),
        User(id=VISITOR, name="visitor", real_name="Visitor", email="visitor@example.com"),
        User(id=BOT_USER_ID, name="cicflow", real_name="cicflow", is_bot=True, bot_id=BOT_ID, app_id=APP_ID),
    ]


def user_groups() -> list[UserGroup]:
    """Make the user groups."""
    return [UserGroup(id=SECURITY_TEAM, handle="security-team", name="Security team", users=[ANALYST])]


def channels() -> list[Channel]:
    """Make the channels. The bot was invited to one of them, and cannot see the private one."""
    people = [ADMIN, ANALYST, VISITOR]
    return [
        Channel(id=SECURITY, name="security", creator=ADMIN, created=CREATED, members=[*people, BOT_USER_ID]),
        Channel(id=GENERAL, name="general", creator=ADMIN, created=CREATED, members=list(people), is_general=True),
        Channel(
            id=PRIVATE_ROOM,
            name="private-room",
            creator=ADMIN,
            created=CREATED,
            is_private=True,
            members=[ADMIN, ANALYST],
        ),
    ]
