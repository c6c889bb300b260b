"""The control addresses: what people do, what the workspace looks like, and what goes wrong on demand."""

import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.slack.interactions import Interactions
from sandbox.slack.refusals import Impossible

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


def routes(workspace: "Workspace") -> list[BaseRoute]:
    """Make the control addresses."""
    hands = Interactions(workspace)

    async def command(given: Json) -> Json:
        return await hands.command(
            _text(given, "user"), _text(given, "channel"), _text(given, "command"), str(given.get("text") or "")
        )

    async def submission(given: Json) -> Json:
        return await hands.submit(_text(given, "user"), _text(given, "view_id"), given.get("values") or {})

    async def close(given: Json) -> Json:
        return await hands.close(_text(given, "user"), _text(given, "view_id"))

    async def home(given: Json) -> Json:
        return await hands.home(_text(given, "user"))

    async def message(given: Json) -> Json:
        return hands.write(_text(given, "user"), _text(given, "channel"), _text(given, "text"))

    async def app(given: Json) -> Json:
        settings = workspace.settings
        if "request_url" in given:
            settings.request_url = given["request_url"]
        settings.socket_mode = bool(given.get("socket_mode", settings.socket_mode))
        return {"request_url": settings.request_url, "socket_mode": settings.socket_mode}

    async def settings(given: Json) -> Json:
        workspace.rates.on = bool(given.get("rate_limits", workspace.rates.on))
        return {"rate_limits": workspace.rates.on}

    async def disconnect(given: Json) -> Json:
        reason = str(given.get("reason") or "refresh_requested")
        return {"told": await workspace.sockets.disconnect(reason, close=bool(given.get("close", True)))}

    async def state(_request: Request) -> Response:
        return JSONResponse(_state(workspace))

    async def calls(_request: Request) -> Response:
        return JSONResponse(workspace.calls.list)

    async def deliveries(_request: Request) -> Response:
        return JSONResponse(workspace.delivery.deliveries.list)

    async def change_channel(request: Request) -> Response:
        channel = workspace.conversations.channels.get(request.path_params["id"])
        if channel is None:
            return JSONResponse({"error": "channel_not_found"}, status_code=404)
        given = await request.json()
        channel.is_archived = bool(given.get("is_archived", channel.is_archived))
        channel.members = list(given.get("members", channel.members))
        workspace.changes.happened()
        return JSONResponse({"id": channel.id})

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
        Route("/sandbox/commands", _asked(command), methods=["POST"]),
        Route("/sandbox/clicks", _asked(hands.click), methods=["POST"]),
        Route("/sandbox/submissions", _asked(submission), methods=["POST"]),
        Route("/sandbox/closes", _asked(close), methods=["POST"]),
        Route("/sandbox/home", _asked(home), methods=["POST"]),
        Route("/sandbox/messages", _asked(message), methods=["POST"]),
        Route("/sandbox/disconnects", _asked(disconnect), methods=["POST"]),
        Route("/sandbox/state", state, methods=["GET"]),
        Route("/sandbox/calls", calls, methods=["GET"]),
        Route("/sandbox/deliveries", deliveries, methods=["GET"]),
        Route("/sandbox/channels/{id}", change_channel, methods=["PATCH"]),
        Route("/sandbox/messages/{channel}/{ts}", delete_message, methods=["DELETE"]),
        *workspace.faults.routes(),
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
            return JSONResponse(await act(given))
        except Impossible as impossible:
            return JSONResponse({"error": impossible.error, "message": str(impossible)}, status_code=impossible.status)

    return endpoint


def _text(given: Json, name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise Impossible("missing", f"{name} is needed", status=400)
    return value


def _state(workspace: "Workspace") -> Json:
    conversations = workspace.conversations
    return {
        "sequence": workspace.changes.sequence,
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
                "name": channel.name,
                "is_private": channel.is_private or channel.is_im,
                "is_archived": channel.is_archived,
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
        "views": {user: [view.as_given() for view in stack] for user, stack in workspace.views.stacks.items()},
        "homes": {user: view.as_given() for user, view in workspace.views.homes.items()},
    }
