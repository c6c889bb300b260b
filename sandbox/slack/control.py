"""The control addresses: what people do, what the workspace looks like, and what goes wrong on demand."""

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.slack import clicks, forms, home, input_line
from sandbox.slack.refusals import Impossible

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


def routes(workspace: "Workspace") -> list[BaseRoute]:
    """Make the control addresses."""

    async def app(given: Json) -> Json:
        settings = workspace.settings
        url = given.get("request_url", settings.request_url)
        if url is not None and not isinstance(url, str):
            raise Impossible("invalid_url", "request_url is an address or null", status=400)
        settings.request_url = url
        settings.socket_mode = bool(given.get("socket_mode", settings.socket_mode))
        return {"request_url": settings.request_url, "socket_mode": settings.socket_mode}

    async def settings(given: Json) -> Json:
        kept = workspace.settings
        workspace.rates.on = bool(given.get("rate_limits", workspace.rates.on))
        kept.scopes = set(given.get("scopes", kept.scopes))
        kept.event_retry_delays = [float(each) for each in given.get("event_retry_delays", kept.event_retry_delays)]
        return {
            "rate_limits": workspace.rates.on,
            "scopes": sorted(kept.scopes),
            "event_retry_delays": kept.event_retry_delays,
        }

    async def disconnect(given: Json) -> Json:
        reason = str(given.get("reason") or "refresh_requested")
        return {"told": await workspace.sockets.disconnect(reason, close=bool(given.get("close", True)))}

    async def state(_request: Request) -> Response:
        return JSONResponse(_state(workspace))

    async def calls(_request: Request) -> Response:
        return JSONResponse(workspace.calls.list)

    async def deliveries(_request: Request) -> Response:
        return JSONResponse(workspace.delivery.deliveries.list)

    async def change_channel(given: Json) -> Json:
        channel = workspace.conversations.channels.get(str(given["id"]))
        if channel is None:
            raise Impossible("channel_not_found", "there is no such channel")
        channel.is_archived = bool(given.get("is_archived", channel.is_archived))
        channel.members = [str(each) for each in given.get("members", channel.members)]
        workspace.changes.happened()
        return {"id": channel.id, "is_archived": channel.is_archived, "members": channel.members}

    async def delete_message(request: Request) -> Response:
        found = workspace.conversations.find(request.path_params["channel"], request.path_params["ts"])
        if found is None:
            return JSONResponse({"error": "message_not_found"}, status_code=404)
        workspace.conversations.remove(found)
        workspace.changes.happened()
        return JSONResponse({"ts": found.ts})

    return [
        Route("/sandbox/app", _asked(app), methods=["PUT"]),
        Route("/sandbox/settings", _asked(settings), methods=["PUT"]),
        Route("/sandbox/commands", _asked(partial(input_line.command, workspace)), methods=["POST"]),
        Route("/sandbox/messages", _asked(partial(input_line.write, workspace)), methods=["POST"]),
        Route("/sandbox/clicks", _asked(partial(clicks.click, workspace)), methods=["POST"]),
        Route("/sandbox/suggestions", _asked(partial(clicks.suggest, workspace)), methods=["POST"]),
        Route("/sandbox/submissions", _asked(partial(forms.submit, workspace)), methods=["POST"]),
        Route("/sandbox/closes", _asked(partial(forms.close, workspace)), methods=["POST"]),
        Route("/sandbox/home", _asked(partial(home.open_home, workspace)), methods=["POST"]),
        Route("/sandbox/disconnects", _asked(disconnect), methods=["POST"]),
        Route("/sandbox/state", state, methods=["GET"]),
        Route("/sandbox/calls", calls, methods=["GET"]),
        Route("/sandbox/deliveries", deliveries, methods=["GET"]),
        Route("/sandbox/channels/{id}", _asked(change_channel), methods=["PATCH"]),
        Route("/sandbox/messages/{channel}/{ts}", delete_message, methods=["DELETE"]),
        *workspace.faults.routes(),
        *workspace.read_only.routes(),
        workspace.changes.route(),
    ]


def _asked(act: Callable[[Json], Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    """Read a JSON object, act, and say what came of it."""

    async def endpoint(request: Request) -> Response:
        try:
            given = json.loads(await request.body())
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return JSONResponse({"error": "invalid_json", "message": "a JSON object is needed"}, status_code=400)
        try:
            return JSONResponse(await act({**given, **request.path_params}))
        except Impossible as impossible:
            return JSONResponse({"error": impossible.error, "message": str(impossible)}, status_code=impossible.status)

    return endpoint


def _state(workspace: "Workspace") -> Json:
    conversations = workspace.conversations
    return {
        "sequence": workspace.changes.sequence,
        "connections": {"open": workspace.sockets.count, "ever": workspace.sockets.ever},
        "users": [
            {
                "id": user.id,
                "name": user.name,
                "real_name": user.real_name,
                "is_admin": user.is_admin,
                "is_bot": user.is_bot,
                "email": user.email,
            }
            for user in workspace.users.values()
        ],
        "user_groups": [
            {"id": group.id, "handle": group.handle, "users": group.users} for group in workspace.user_groups.values()
        ],
        "channels": [
            {
                "id": channel.id,
                "name": workspace.bot.name if channel.is_im else channel.name,
                "is_private": channel.is_private or channel.is_im,
                "is_archived": channel.is_archived,
                "is_im": channel.is_im,
                "members": channel.members,
                "user": channel.user,
            }
            for channel in conversations.channels.values()
        ],
        "messages": {
            channel: [
                {
                    **conversations.given(message, workspace.team_id),
                    "replies": [
                        reply.as_given(workspace.team_id) for reply in conversations.replies(channel, message.ts)
                    ],
                }
                for message in conversations.top(channel)
            ]
            for channel in conversations.channels
        },
        "ephemerals": [
            {
                "ts": each.ts,
                "user": each.user,
                "channel": each.channel,
                "text": each.text,
                "blocks": each.blocks,
                "response_url_of": each.answers,
                "at": each.at,
            }
            for each in conversations.ephemerals
        ],
        "files": [file.as_given(workspace.address) for file in workspace.files.every()],
        "views": {user: [view.as_given() for view in stack] for user, stack in workspace.views.stacks.items()},
        "homes": {user: view.as_given() for user, view in workspace.views.homes.items()},
    }
