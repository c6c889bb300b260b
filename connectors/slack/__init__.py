"""Slack, as something a flow does: messages, files, channels, people."""

from connectors.slack import (
    calls,
    channels,
    files,
    messages,
    people,
    reactions,
    reports,
)  # their actions register on it
from connectors.slack.connector import slack

__all__ = ["calls", "channels", "files", "messages", "people", "reactions", "reports", "slack"]
