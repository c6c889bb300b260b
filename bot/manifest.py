"""The Slack app's manifest: what the app may do, and where Slack reaches it."""

from typing import Any

SCOPES = (
    "channels:history",
    "channels:manage",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "groups:write",
    "im:history",
    "im:write",
    "reactions:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)
"""History is read for one thing only: to look whether a message or a file arrived before sending it a second time.

Files, reactions, new channels and e-mail addresses are for what flows do in Slack.
"""


def manifest(public_url: str | None) -> dict[str, Any]:
    """Return the manifest to create the app from. Without a public address, the app uses Socket Mode."""
    url = f"{public_url.rstrip('/')}/slack/events" if public_url else None
    command: dict[str, Any] = {
        "command": "/cicflow",
        "description": "Act on what happens in Auth0",
        "usage_hint": "help | list | enable high-risk-login | runs | why",
        "should_escape": True,
    }
    interactivity: dict[str, Any] = {"is_enabled": True}
    events: dict[str, Any] = {"bot_events": ["app_home_opened"]}
    if url:
        command["url"] = interactivity["request_url"] = events["request_url"] = url
        interactivity["message_menu_options_url"] = url
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "cicflow",
            "description": "Acts on what happens in Auth0",
            "long_description": (
                "cicflow tells a channel when somebody signs in to your Auth0 tenant in a way that looks risky, says why "
                "in plain words, and lets your security team approve the sign-in or block the account with a button. "
                "Everything is set up with /cicflow, in forms, without writing code."
            ),
            "background_color": "#1d3557",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "cicflow", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }
