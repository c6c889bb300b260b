"""Block Kit: what Slack accepts in a message, a modal and the Home tab, and what it says about the rest."""

from sandbox.slack.blocks.filling import fill
from sandbox.slack.blocks.shapes import Problem
from sandbox.slack.blocks.surfaces import check_home, check_message, check_modal, check_options

__all__ = ["Problem", "check_home", "check_message", "check_modal", "check_options", "fill"]
