"""The forms in which connections are made and changed, and in which our parts are installed in a tenant."""

import json
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from bot import words
from bot.forms import FIELD
from bot.installing import ON_FAILURE, Standing
from connectors.base import Connector

CONNECTION: Final = "connection"
INSTALLATION: Final = "installation"
REMOVAL: Final = "removal"
"""The names of the forms, by which their submissions are recognised."""
NAME: Final = "connection-name"
LONGEST_NAME: Final = 40
STREAMS: Final[Mapping[str, str]] = {
    "logs": "Log stream: what happened in the tenant, as its log says it",
    "events": "Event stream: changes of users, organizations and the like",
}


def connection_form(
    connector: Connector[Any, Any], name: str | None, current: Mapping[str, Any], *, problem: str | None = None
) -> dict[str, Any]:
    """Return the form of a connection: a new one, or one that is there. A secret is never shown."""
    blocks: list[dict[str, Any]] = []
    if problem:
        blocks.append(words.section(f":warning: {words.escape(problem, 1500)}\nWhat is secret has to be typed again."))
    if name is None:
        label = "What to call it"
        hint = "Small letters, digits and hyphens. Flows and people know the connection by this name."
        given = {"initial_value": str(current[NAME])} if current.get(NAME) else {}
        blocks.append(_input(NAME, label, hint, {"type": "plain_text_input", "max_length": LONGEST_NAME, **given}))
    for field, info in connector.settings.model_fields.items():
        secret = is_secret(info)
        hint = info.description or ""
        if secret and name is not None:
            hint = "Leave it empty to keep the one that is there."
        optional = not info.is_required() or (secret and name is not None)
        element = _element(info, None if secret else current.get(field))
        blocks.append(_input(field, info.title or field, hint, element, optional=optional))
    blocks.append(words.context("It is tried with one harmless call before it is kept."))
    kept = {"connector": connector.name, "name": name}
    return _form(CONNECTION, name or f"Connect {connector.title}", "Save" if name else "Connect", blocks, kept)


def filled_in(settings: type[BaseModel], values: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what was filled in. What was left empty is not there."""
    found: dict[str, Any] = {}
    for field in settings.model_fields:
        state = (values.get(field) or {}).get(FIELD) or {}
        value = state.get("value") or (state.get("selected_option") or {}).get("value")
        if value and str(value).strip():
            found[field] = str(value).strip()
    return found


def typed_name(values: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the name that a new connection was given."""
    return str(((values.get(NAME) or {}).get(FIELD) or {}).get("value") or "").strip()


def is_secret(info: FieldInfo) -> bool:
    """Return whether nobody may be shown what is in a field."""
    return info.annotation is SecretStr or SecretStr in get_args(info.annotation)


def installation_form(name: str, triggers: Mapping[str, str], standing: Standing) -> dict[str, Any]:
    """Return the form in which is chosen what of ours is to be in a tenant: what is there is ticked.

    `triggers` says of each when it runs.
    """
    shown = words.escape(name, 60)
    blocks = [words.section(f"What is ticked will be in the tenant of *{shown}*; what is not is taken out of it.")]
    if standing.triggers is not None:
        options = [_described(trigger, when) for trigger, when in triggers.items()]
        ticked = [option for option in options if option["value"] in standing.triggers]
        blocks.append(_checkboxes("triggers", "Auth0 Actions", options, ticked))
    if standing.streams:
        options = [{"text": words.plain(STREAMS[kind], 75), "value": kind} for kind in standing.streams]
        ticked = [option for option in options if standing.streams[str(option["value"])]]
        blocks.append(_checkboxes("streams", "Streams", options, ticked))
    if standing.triggers is not None:
        choices = [_described(choice, what) for choice, what in ON_FAILURE.items()]
        unknown = bool(standing.triggers) and standing.on_failure is None
        now = [choice for choice in choices if choice["value"] == (standing.on_failure or "open") and not unknown]
        element = {"type": "radio_buttons", "options": choices, **({"initial_option": now[0]} if now else {})}
        hint = "What it was before is not known: Auth0 does not show it." if unknown else ""
        blocks.append(_input("on-failure", "When this bot cannot be reached", hint, element))
    blocks += [words.context(words.escape(line, 1500)) for line in standing.lines[:20]]
    offered = {"streams": list(standing.streams), "triggers": standing.triggers is not None}
    return _form(INSTALLATION, "Install in Auth0", "Install", blocks, {"name": name, **offered})


def removal_form(name: str, *, installed: bool, used_by: Sequence[str] = ()) -> dict[str, Any]:
    """Return the form in which somebody confirms that a connection is to be removed. `used_by` are flows that are off."""
    shown = words.escape(name, 60)
    blocks = [
        words.section(f"*{shown}* will be forgotten, with its secrets and its address. That cannot be taken back.")
    ]
    if used_by:
        flows = words.listed([f"`{name}`" for name in used_by])
        blocks.append(
            words.section(
                f"{flows}, which is off, uses it, and will need another one."
                if len(used_by) == 1
                else f"{flows}, which are off, use it, and will need another one."
            )
        )
    if installed:
        options = [
            _described("yes", "take our Auth0 Actions and streams out of the tenant first"),
            _described("no", "leave them there: they will not reach anything any more"),
        ]
        element = {"type": "radio_buttons", "options": options, "initial_option": options[0]}
        blocks.append(_input("uninstall", "Clean up in Auth0", "", element))
    return _form(REMOVAL, "Remove a connection", "Remove", blocks, {"name": name})


def chosen(values: Mapping[str, Mapping[str, Any]], block: str) -> str:
    """Return the one choice of some radio buttons."""
    return str((((values.get(block) or {}).get(FIELD) or {}).get("selected_option") or {}).get("value") or "")


def ticked(values: Mapping[str, Mapping[str, Any]], block: str) -> Sequence[str]:
    """Return the choices of some checkboxes."""
    options = ((values.get(block) or {}).get(FIELD) or {}).get("selected_options") or ()
    return [str(option["value"]) for option in options]


def _form(
    kind: str, title: str, submit: str, blocks: Sequence[Mapping[str, Any]], kept: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "type": "modal",
        "callback_id": kind,
        "title": words.plain(title, 24),
        "submit": words.plain(submit, 24),
        "close": words.plain("Cancel", 24),
        "blocks": list(blocks),
        "private_metadata": json.dumps(kept),
    }


def _element(info: FieldInfo, current: Any) -> dict[str, Any]:
    choices = _choices(info.annotation)
    if choices:
        options = [{"text": words.plain(choice, 75), "value": choice} for choice in choices]
        given = [option for option in options if option["value"] == current]
        return {"type": "static_select", "options": options, **({"initial_option": given[0]} if given else {})}
    longest = next((part.max_length for part in info.metadata if hasattr(part, "max_length")), 250)
    shown = {"initial_value": str(current)} if current else {}
    return {"type": "plain_text_input", "max_length": min(longest, 3000), **shown}


def _choices(annotation: Any) -> Sequence[str]:
    """Return the words that a field may be, if they are given."""
    for option in (annotation, *get_args(annotation)):
        if option is not NoneType and get_origin(option) is Literal:
            return [str(choice) for choice in get_args(option)]
    return ()


def _described(value: str, about: str) -> dict[str, Any]:
    return {"text": words.plain(value, 75), "value": value, "description": words.plain(about, 75)}


def _checkboxes(
    block: str, label: str, options: Sequence[Mapping[str, Any]], ticked: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    element = {"type": "checkboxes", "options": list(options), **({"initial_options": list(ticked)} if ticked else {})}
    return _input(block, label, "", element, optional=True)


def _input(block: str, label: str, hint: str, element: Mapping[str, Any], *, optional: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "input",
        "block_id": block,
        "label": words.plain(label, 75),
        "element": {**element, "action_id": FIELD},
        "optional": optional,
    }
    return {**shown, "hint": words.plain(hint, 150)} if hint else shown
