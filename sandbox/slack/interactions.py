"""What people do with the bot: commands, clicks, forms, the Home tab."""

import json
from typing import TYPE_CHECKING, Any

from sandbox.slack import seed
from sandbox.slack.answers import said
from sandbox.slack.blocks import check_modal, fill
from sandbox.slack.conversations import Channel, Ephemeral, Message
from sandbox.slack.delivery import Answer
from sandbox.slack.mentions import escaped
from sandbox.slack.people import User
from sandbox.slack.refusals import Impossible, Refusal
from sandbox.slack.tickets import Origin, ResponseUrl
from sandbox.slack.values import blocks_within, chosen, elements_of, held, state_of
from sandbox.slack.views import MOST_IN_STACK, View

if TYPE_CHECKING:
    from sandbox.slack.workspace import Workspace

Json = dict[str, Any]

FAILED = {
    "operation_timeout": "operation_timeout",
    "dispatch_failed": "dispatch_failed",
    "http_service_error": "dispatch_unknown_error",
}


class Interactions:
    """A person's hands in the workspace. What Slack's client would not let them do raises Impossible."""

    def __init__(self, workspace: "Workspace") -> None:
        self.workspace = workspace

    async def command(self, user_id: str, channel_id: str, command: str, text: str) -> Json:
        """Type a slash command."""
        workspace, user, channel = self.workspace, self._user(user_id), self._channel(channel_id, user_id)
        url = self._url(user, channel, about=f"{command} {text}".strip())
        answer = await workspace.delivery.send(
            "command",
            {
                "token": seed.VERIFICATION_TOKEN,
                "team_id": workspace.team_id,
                "team_domain": seed.TEAM_DOMAIN,
                "channel_id": channel.id,
                "channel_name": "directmessage" if channel.is_im else channel.name,
                "user_id": user.id,
                "user_name": user.name,
                "command": command,
                "text": escaped(workspace, text),
                "api_app_id": workspace.app_id,
                "is_enterprise_install": "false",
                "response_url": self._address(url),
                "trigger_id": workspace.triggers.issue(user.id),
            },
        )
        shown = self._failure(answer, channel.id, user.id, f"{command} failed with the error")
        if answer.failure is None and answer.text:
            given = answer.json if isinstance(answer.json, dict) else {"text": answer.text}
            try:
                said(workspace, url, given)
            except Refusal as refusal:
                shown.append(refusal.error)
        return {"status": answer.status, "seconds": answer.seconds, "shown": shown}

    async def click(self, given: Json) -> Json:
        """Press or choose something in a message or a view."""
        return await (self._click_in_view(given) if given.get("view_id") else self._click_in_message(given))

    async def _click_in_message(self, given: Json) -> Json:
        workspace, user = self.workspace, self._user(str(given.get("user")))
        channel = self._channel(str(given.get("channel")), user.id)
        ts = str(given.get("ts"))
        ephemeral = workspace.conversations.find_ephemeral(channel.id, ts, user.id)
        found: Message | Ephemeral | None = ephemeral or workspace.conversations.find(channel.id, ts)
        if found is None:
            raise Impossible("message_not_found", "there is no such message to be seen")
        block_id, element = _element(found.blocks, given)
        url = self._url(user, channel, about=str(element["action_id"]), ts=ts, is_ephemeral=ephemeral is not None)
        container = {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel.id,
            "is_ephemeral": ephemeral is not None,
        }
        if found.thread_ts:
            container["thread_ts"] = found.thread_ts
        shown = (
            found.as_given(workspace.team_id)
            if isinstance(found, Message)
            else {"type": "message", "ts": ts, "user": workspace.bot.id, "text": found.text, "blocks": found.blocks}
        )
        payload = {
            **self._common("block_actions", user),
            "container": container,
            "trigger_id": workspace.triggers.issue(user.id),
            "channel": {"id": channel.id, "name": channel.name},
            "message": shown,
            "state": {"values": state_of(found.blocks, given.get("values") or {})},
            "response_url": self._address(url),
            "actions": [self._action(block_id, element, given)],
        }
        answer = await workspace.delivery.send("block_actions", payload)
        shown_errors = self._failure(answer, channel.id, user.id, "This app responded with the error")
        return {"status": answer.status, "seconds": answer.seconds, "shown": shown_errors}

    async def _click_in_view(self, given: Json) -> Json:
        workspace, user = self.workspace, self._user(str(given.get("user")))
        view = self._view(str(given["view_id"]), user.id)
        self._type(view, given.get("values") or {})
        block_id, element = _element(view.content["blocks"], given)
        action = self._action(block_id, element, given)
        if (name := held(element)) is not None:
            state = {key: value for key, value in action.items() if key in {"type", name}}
            view.typed.setdefault(block_id, {})[element["action_id"]] = state
        payload = {
            **self._common("block_actions", user),
            "container": {"type": "view", "view_id": view.id},
            "trigger_id": workspace.triggers.issue(user.id, view_id=view.id),
            "view": view.as_given(),
            "actions": [action],
        }
        answer = await workspace.delivery.send("block_actions", payload)
        return {"status": answer.status, "seconds": answer.seconds}

    async def submit(self, user_id: str, view_id: str, values: Json) -> Json:
        """Submit a form, and do what the bot answers."""
        workspace, user = self.workspace, self._user(user_id)
        view = self._view(view_id, user.id)
        self._type(view, values)
        if wrong := _wrong(view):
            return {"status": None, "seconds": 0.0, "errors": wrong, "by": "slack"}
        payload = {
            **self._common("view_submission", user),
            "trigger_id": workspace.triggers.issue(user.id, view_id=view.id),
            "view": view.as_given(),
            "response_urls": [],
        }
        answer = await workspace.delivery.send("view_submission", payload)
        result: Json = {"status": answer.status, "seconds": answer.seconds, "response_action": None}
        if answer.failure:
            return result | {"shown": ["We had some trouble connecting. Try again?"]}
        response = answer.json if isinstance(answer.json, dict) else {}
        return result | self._respond(view, response)

    def _respond(self, view: View, response: Json) -> Json:
        workspace, action = self.workspace, response.get("response_action")
        match action:
            case "errors":
                errors = response.get("errors") or {}
                inputs = {block["block_id"] for block in view.content["blocks"] if block["type"] == "input"}
                if not errors or not set(errors) <= inputs:
                    return {"response_action": "errors", "shown": ["We had some trouble connecting. Try again?"]}
                return {"response_action": "errors", "errors": errors, "by": "app"}
            case "update" | "push" if check_modal(response.get("view")):
                return {"response_action": action, "shown": ["We had some trouble connecting. Try again?"]}
            case "update":
                view.content = {**response["view"], "blocks": fill(response["view"]["blocks"], workspace.stamps.short)}
                view.at = workspace.clock()
            case "push":
                stack = workspace.views.stacks[view.user]
                if len(stack) >= MOST_IN_STACK:
                    return {"response_action": action, "shown": ["We had some trouble connecting. Try again?"]}
                pushed = workspace.view(view.user, response["view"], root_id=stack[0].id, previous_id=stack[-1].id)
                workspace.views.push(pushed)
            case "clear":
                workspace.views.drop(view, whole_stack=True)
            case _:
                workspace.views.drop(view, whole_stack=False)
        workspace.changes.happened()
        return {"response_action": action}

    async def close(self, user_id: str, view_id: str) -> Json:
        """Close a form without submitting it."""
        user = self._user(user_id)
        view = self._view(view_id, user.id)
        closed = self.workspace.views.drop(view, whole_stack=False)
        self.workspace.changes.happened()
        for each in closed:
            if each.content.get("notify_on_close"):
                payload = {**self._common("view_closed", user), "view": each.as_given(), "is_cleared": False}
                await self.workspace.delivery.send("view_closed", payload)
        return {"closed": [each.id for each in closed]}

    async def home(self, user_id: str) -> Json:
        """Open the app's Home tab."""
        workspace, user = self.workspace, self._user(user_id)
        event: Json = {
            "type": "app_home_opened",
            "user": user.id,
            "channel": workspace.stamps.id("D"),
            "tab": "home",
            "event_ts": workspace.stamps.ts(),
        }
        if view := workspace.views.homes.get(user.id):
            event["view"] = view.as_given()
        answer = await workspace.delivery.send_event(
            {
                "token": seed.VERIFICATION_TOKEN,
                "team_id": workspace.team_id,
                "api_app_id": workspace.app_id,
                "event": event,
                "type": "event_callback",
                "event_id": workspace.stamps.id("Ev"),
                "event_time": int(workspace.clock()),
                "authorizations": [
                    {"team_id": workspace.team_id, "user_id": workspace.bot.id, "is_bot": True, "enterprise_id": None}
                ],
            }
        )
        return {"status": answer.status, "seconds": answer.seconds}

    def write(self, user_id: str, channel_id: str, text: str) -> Json:
        """Write a message."""
        user, channel = self._user(user_id), self._channel(channel_id, user_id)
        message = self.workspace.post(channel, user, escaped(self.workspace, text), [])
        return {"ts": message.ts}

    # --- pieces -----------------------------------------------------------------------------------------------------

    def _user(self, user_id: str) -> User:
        user = self.workspace.users.get(user_id)
        if user is None or user.is_bot:
            raise Impossible("user_not_found", "there is no such person")
        return user

    def _channel(self, channel_id: str, user_id: str) -> Channel:
        channel = self.workspace.conversations.channels.get(channel_id)
        if channel is None or (user_id not in channel.members and (channel.is_private or channel.is_im)):
            raise Impossible("channel_not_found", "this person sees no such channel")
        return channel

    def _view(self, view_id: str, user_id: str) -> View:
        view = self.workspace.views.find(view_id=view_id)
        if view is None or view.user != user_id:
            raise Impossible("view_not_found", "this person has no such view open")
        return view

    def _url(
        self, user: User, channel: Channel, *, about: str, ts: str | None = None, is_ephemeral: bool = False
    ) -> ResponseUrl:
        origin: Origin = "command" if ts is None else "ephemeral" if is_ephemeral else "message"
        return self.workspace.response_urls.issue(user=user.id, channel=channel.id, origin=origin, about=about, ts=ts)

    def _address(self, url: ResponseUrl) -> str:
        return f"{self.workspace.address}/commands/{url.key}"

    def _common(self, kind: str, user: User) -> Json:
        workspace = self.workspace
        return {
            "type": kind,
            "team": {"id": workspace.team_id, "domain": seed.TEAM_DOMAIN},
            "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": workspace.team_id},
            "api_app_id": workspace.app_id,
            "token": seed.VERIFICATION_TOKEN,
            "enterprise": None,
            "is_enterprise_install": False,
        }

    def _action(self, block_id: str, element: Json, given: Json) -> Json:
        action: Json = {
            "type": element["type"],
            "action_id": element["action_id"],
            "block_id": block_id,
            "action_ts": self.workspace.stamps.ts(),
        }
        for name in ("text", "value", "style", "url"):
            if element["type"] == "button" and name in element:
                action[name] = element[name]
        if element["type"] == "overflow":
            value = given.get("selected_option")
            wanted = value.get("value") if isinstance(value, dict) else value
            option = next((option for option in element["options"] if option["value"] == wanted), None)
            if option is None:
                raise Impossible("no_such_option", f"{element['action_id']} offers no such option", status=400)
            action["selected_option"] = option
        elif (field := held(element)) is not None:
            action |= chosen(element, given.get(field, given.get("value")))
        return action

    def _type(self, view: View, values: Json) -> None:
        """Put what was typed into the fields of a view."""
        blocks = {block["block_id"]: block for block in blocks_within(view.content["blocks"])}
        for block_id, value in values.items():
            if block_id not in blocks:
                raise Impossible("no_such_field", f"there is no field {block_id}", status=400)
            fields = [element for element in elements_of(blocks[block_id]) if held(element)]
            for element in fields:
                inner = value.get(element["action_id"]) if isinstance(value, dict) else value
                if isinstance(value, dict) and element["action_id"] not in value:
                    continue
                view.typed.setdefault(block_id, {})[element["action_id"]] = chosen(element, inner)

    def _failure(self, answer: Answer, channel: str, user: str, words: str) -> list[str]:
        if answer.failure is None:
            return []
        text = f"{words} `{FAILED[answer.failure]}`"
        self.workspace.whisper(channel, user, text, [], answers=words)
        return [text]


def _element(blocks: list[Json], given: Json) -> tuple[str, Json]:
    """Find the element that was pressed; what is not there cannot be."""
    for block in blocks_within(blocks):
        if given.get("block_id") not in {None, block["block_id"]}:
            continue
        for element in elements_of(block):
            if element.get("action_id") == given.get("action_id"):
                return block["block_id"], element
    raise Impossible("no_such_element", f"there is nothing called {json.dumps(given.get('action_id'))} to press")


def _wrong(view: View) -> dict[str, str]:
    """Return what Slack's client says about fields before it sends anything."""
    state, wrong = state_of(view.content["blocks"], view.typed), {}
    for block in view.content["blocks"]:
        if block["type"] != "input":
            continue
        element = block["element"]
        name = held(element)
        value = state[block["block_id"]][element["action_id"]].get(name)
        if value in (None, "", []):
            if not block.get("optional"):
                wrong[block["block_id"]] = "Please complete this required field."
            continue
        problem = _value_problem(element, value)
        if problem:
            wrong[block["block_id"]] = problem
    return wrong


def _value_problem(element: Json, value: Any) -> str | None:
    if isinstance(value, str) and len(value) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    if isinstance(value, str) and len(value) > element.get("max_length", 3000):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    if element["type"] != "number_input":
        return None
    try:
        number = float(value)
    except ValueError:
        return "Please enter a number."
    if not element["is_decimal_allowed"] and not number.is_integer():
        return "Please enter a whole number."
    if "min_value" in element and number < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and number > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return None
