"""The Home tab, opened."""

from typing import TYPE_CHECKING, Any

from sandbox.slack import hands, seed
from sandbox.slack.places import direct

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]


async def open_home(workspace: "Workspace", given: Json) -> Json:
    """Open the app's Home tab: {"user"}. Raises Impossible."""
    user = hands.person(workspace, given.get("user"))
    event: Json = {
        "type": "app_home_opened",
        "user": user.id,
        "channel": direct(workspace, user.id).id,
        "tab": "home",
        "event_ts": workspace.stamps.ts(),
    }
    if view := workspace.views.homes.get(user.id):
        event["view"] = view.as_given()
    member = {"enterprise_id": None, "team_id": workspace.team_id, "user_id": workspace.bot.id, "is_bot": True}
    answer = await workspace.delivery.send_event(
        {
            "token": seed.VERIFICATION_TOKEN,
            "team_id": workspace.team_id,
            "api_app_id": workspace.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": workspace.stamps.id("Ev"),
            "event_time": int(workspace.clock()),
            "authorizations": [{**member, "is_enterprise_install": False}],
            "is_ext_shared_channel": False,
        }
    )
    return {"status": answer.status, "seconds": answer.seconds}
