"""What the words of the flow language mean, in the sentences that stand in its tables."""

from collections.abc import Mapping
from typing import Any, Final

from flows.conditions import Operator

AS_WRITTEN: Final = "see its table"

PIECES: Final[Mapping[str, Mapping[str, str]]] = {
    "flow": {
        "template": "Its name: small letters, digits, `-` and `_`.",
        "version": "Counted up by whoever changes it.",
        "title": "What people call it.",
        "about": "A sentence or two on what it does.",
        "settings": "The blanks that an admin fills in: [Settings](#settings).",
        "tables": "What it remembers between runs: [Rows to remember](#rows-to-remember).",
        "runs": "Whether its runs go side by side: [Run modes](#run-modes).",
        "limits": "How much it may change and destroy: [Caps](#caps).",
        "when": "What wakes it: [Triggers](#triggers).",
        "steps": "What it does, from first to last: [Steps](#steps).",
    },
    "step": {
        "id": "A name, for later steps to refer to what this one gave.",
        "on error": "What happens if it fails: [When a step fails](#when-a-step-fails).",
    },
    "do": {
        "do": "The action: one of [these](actions.md).",
        "using": "Which connected account. Needed by the actions of connectors; built-in ones have none.",
        "with": "What the action is given.",
    },
    "ask": {
        "id": "A question has a name always, because its answer has to be found.",
        "ask": "The question.",
        "title": "The line above it.",
        "in": "Where it is asked.",
        "details": "Facts below the question, each a label and a text.",
        "choices": "The buttons: a list of names, or names with a title, a style and a confirmation each.",
        "within": "How long it waits for an answer.",
        "otherwise": "The choice that is taken when the time has passed.",
        "remind": "A duration, or more: says in its thread that nobody has answered.",
        "escalate": "Asks in a second place, too, when nobody has answered for a while.",
    },
    "remind": {
        "every": "How often.",
        "times": "How often at most.",
        "mention": "Slack users and user groups by their ids, with commas. Otherwise those who were allowed to decide, or who set the flow up.",
    },
    "escalate": {
        "after": "For how long nobody has answered.",
        "to": "A channel or a person, by their id: there it can be answered, too. A user group is mentioned in the thread. Nothing: nobody else is asked.",
    },
    "choice": {
        "title": "What is written on the button, at most 30 characters.",
        "style": "How the button looks.",
        "confirm": "What people are asked to confirm when they press it.",
    },
    "answer": {"answer": "`allow`, or a reply."},
    "reply": {
        "deny": "Refuse the login, with this text.",
        "require mfa": "Ask for a second factor: true, or a list of factors.",
        "claims": "Claims to set in the tokens.",
        "user metadata": "Values to keep in the person's user metadata.",
        "app metadata": "Values to keep in the person's app metadata.",
        "redirect": "An address to send the person to.",
        "revoke session": "End the session, with this text.",
        "hold": "Keep the person waiting, until the flow gives another answer.",
    },
    "hold": {
        "say": "What the person reads meanwhile.",
        "at most": "For how long. Then it is what the trigger says at `otherwise:`.",
    },
    "claims": {
        "id token": "Claims of the ID token.",
        "access token": "Claims of the access token.",
    },
    "if": {
        "if": "All of these must hold.",
        "then": "The steps that are carried out if they do.",
        "else if": "Other conditions, each with steps of its own: the first that holds is taken.",
        "else": "The steps that are carried out if nothing held.",
    },
    "else if": {"if": "All of these must hold.", "then": "The steps that are carried out if they do."},
    "each": {
        "each": "What to walk through.",
        "as": "What the steps within call the item.",
        "at once": "How many items are carried out side by side.",
        "in batches of": "The steps get this many items at a time, as a list, for actions that take many at once.",
        "failing": "What a failing item does: `stop` ends the run, `set aside` goes on and lists it in `failures`.",
        "collect": "A value to keep of each item. It may refer to the steps within.",
        "steps": "What to do with each item.",
    },
    "wait": {"wait": "How long, or until when."},
    "until": {"until": "ISO 8601, such as `2026-01-31T09:00:00+01:00`, or Unix seconds."},
    "set": {"id": "Needed, or nobody could refer to what is set.", "set": "Names with values of any kind."},
    "call": {
        "call": "The other flow.",
        "with": "What it is given: the fields of its `called:`.",
        "background": "`true` starts it and goes on at once.",
    },
    "stop": {
        "stop": "How the run ends.",
        "say": "Why, in a sentence.",
        "give": "Values for the flow that called this one.",
    },
    "on error": {
        "try again": "How often, and how long to wait in between.",
        "only for": "After which kinds of error it goes on with `give:` or `steps:`; others end the run. If left out, all.",
        "give": "Go on, as if the step had given these values. They may refer to `error.kind` and `error.message`.",
        "steps": "Go on with these steps. They may refer to `error.kind` and `error.message`.",
    },
    "try again": {
        "attempts": "How often it is tried in all.",
        "pause": "The wait before the second attempt.",
        "factor": "Each further wait is this many times longer.",
        "longest": "No wait of our own is longer. What the service itself asks for takes its place, up to an hour.",
        "errors": "The kinds of error after which it is tried again.",
    },
    "event": {
        "event": "Which event: one of [these](actions.md#events).",
        "from": "Which connected account sends it.",
        "only if": "Guards: all of these must hold, or the event wakes nothing.",
        "once per": "At most one run for each value of a key.",
        "answers": "The sender waits for an [`answer:`](#answer-a-login-that-waits).",
    },
    "once per": {"key": "What must be the same, such as `{{ event.user.user_id }}`.", "within": "For how long."},
    "answers": {
        "within": "How long the sender waits, at most 9 seconds.",
        "otherwise": "What the sender is told if there was no `answer:` in time.",
    },
    "cron": {
        "cron": "Minute, hour, day of month, month, day of week.",
        "time zone": "Whose clocks, such as `Europe/Berlin`.",
        "missed": "What to do about times that passed while nothing was running.",
    },
    "at": {
        "at": "A time of day such as `09:00`, or a reference to a setting of the type `time of day`.",
        "days": "Such as `weekdays` or `[monday, first of the month]`, or a reference to a setting of the type `days`.",
        "time zone": "Whose clocks, such as `Europe/Berlin`, or a reference to a setting of the type `time zone`.",
        "missed": "What to do about times that passed while nothing was running.",
    },
    "every": {
        "every": "At least `1m`. Counted from midnight UTC of 1 January 1970, so `1h` is on the hour.",
        "missed": "What to do about times that passed while nothing was running.",
    },
    "by hand": {"by hand": "The form that the person fills in; `{}` for none."},
    "called": {"called": "What the calling flow must give; `{}` for nothing."},
    "runs": {
        "mode": "What happens to a new event while a run is under way.",
        "limit": "`parallel`: how many runs at a time. `queued`: how many wait in line.",
        "per": "Runs take turns only with those of the same key, such as `{{ event.user.user_id }}`.",
    },
    "limits": {
        "changes": "For actions that change. If nothing is said: 1,000 per run and 10,000 per day.",
        "destroys": "For actions that destroy. A flow that has such an action must say it.",
    },
    "cap": {"per run": "In one run.", "per day": "In one day (UTC), all runs of the flow together."},
    "table": {
        "columns": "Each column's name and type.",
        "key": "The columns that together name a row: no two rows have the same.",
    },
}

TYPES: Final[Mapping[tuple[str, str], str]] = {
    ("step", "on error"): "retries, values or steps",
    ("do", "with"): "names with values",
    ("ask", "in"): "channel",
    ("ask", "details"): "names with texts",
    ("ask", "choices"): "1 to 5 choices",
    ("ask", "within"): "duration",
    ("ask", "otherwise"): "one of the choices",
    ("ask", "remind"): "duration, or a reminder",
    ("ask", "escalate"): "duration and channel or person",
    ("remind", "every"): "duration",
    ("escalate", "after"): "duration",
    ("escalate", "to"): "channel, person or user group",
    ("answer", "answer"): "`allow` or a reply",
    ("reply", "claims"): "claims",
    ("each", "each"): "list or dataset",
    ("wait", "wait"): "duration, or `{until: …}`",
    ("until", "until"): "time",
    ("flow", "tables"): "names with tables",
    ("flow", "runs"): "run mode",
    ("flow", "limits"): "caps",
    ("event", "from"): "a connection setting",
    ("event", "once per"): "key and duration",
    ("event", "answers"): "duration and default",
    ("cron", "cron"): "five fields",
    ("at", "at"): "time of day",
    ("at", "days"): "a kind of days, or a list of them",
    ("limits", "changes"): "cap",
    ("limits", "destroys"): "cap",
    ("cap", "per run"): "whole number, or a reference to a setting",
    ("cap", "per day"): "whole number, or a reference to a setting",
    ("if", "else if"): "list of conditions with steps",
    ("on error", "try again"): "retries",
    ("runs", "per"): "text",
}
"""What stands in a place, where its type alone says too little."""

OPERATORS: Final[Mapping[Operator, tuple[str, Any]]] = {
    "is": ('is the same; capital and small letters differ, and `5` is not `"5"`', "block"),
    "is not": ("is anything else", "block"),
    "is one of": ("is the same as one in the list", ["low", "medium"]),
    "contains": ("is a text with this in it (letters' case does not matter), or a list with this item", "admin"),
    "starts with": ("begins with this text (letters' case does not matter)", "INC"),
    "ends with": ("ends with this text (letters' case does not matter)", "@example.com"),
    "matches": ("fits this regular expression of the RE2 kind anywhere", "^INC[0-9]+$"),
    "less than": ("is a smaller number", 5),
    "greater than": ("is a larger number", 5),
    "at least": ("is this number or a larger one", 5),
    "at most": ("is this number or a smaller one", 5),
    "before": ("is an earlier time: ISO 8601 (UTC if it names no zone) or Unix seconds", "2026-01-31T12:00:00Z"),
    "after": ("is a later time", "2026-01-31T12:00:00Z"),
    "exists": ("is there (`true`), or is missing (`false`)", True),
    "is empty": ("is missing, or an empty text, list or mapping (`true`), or is anything else (`false`)", True),
}
"""What makes an operator hold, and what may stand behind it."""
