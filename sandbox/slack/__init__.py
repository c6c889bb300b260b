"""A simulated Slack workspace: the Web API, interactions with a bot, and the people in it."""

import time

from sandbox.slack import control, web_api
from sandbox.slack.stamps import Clock
from sandbox.slack.workspace import Workspace

__all__ = ["Workspace", "create"]


def create(clock: Clock = time.time) -> Workspace:
    """Make a fresh workspace; its `app` is ready to be served."""
    workspace = Workspace(clock)
    workspace.app.router.routes += [
        web_api.route(workspace),
        *web_api.other_routes(workspace),
        *control.routes(workspace),
    ]
    return workspace
