"""Smart campaigns as the lead database shows them, and sending leads through one."""

from starlette.responses import Response

from sandbox.marketo.answers import Json, Refusal, answer
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Campaign, Instance


def _shown(each: Campaign) -> Json:
    return {
        "id": each.id,
        "name": each.name,
        "type": each.kind,
        "programName": each.program,
        "workspaceName": "Default",
        "createdAt": each.created.removesuffix("+0000"),
        "updatedAt": each.created.removesuffix("+0000"),
        "active": each.active,
    }


def _of(instance: Instance, call: Call) -> Campaign:
    found = instance.campaigns.get(int(call.ids["id"]))
    if found is None:
        raise Refusal(1013, "Campaign not found")
    return found


def listed(instance: Instance, call: Call) -> Response:
    """List campaigns; those that can be requested, if asked so."""
    wanted = call.one("isTriggerable")
    names, ids = call.every("name"), call.every("id")
    found = [
        _shown(each)
        for each in instance.campaigns.values()
        if (wanted is None or (each.active and each.requestable) == (wanted in {"true", "1"}))
        and (not names or each.name in names)
        and (not ids or str(each.id) in ids)
    ]
    return answer(found)


def get(instance: Instance, call: Call) -> Response:
    """Get one campaign."""
    return answer([_shown(_of(instance, call))])


def trigger(instance: Instance, call: Call) -> Response:
    """Send leads through a campaign; each call sends them once more."""
    campaign = _of(instance, call)
    asked = call.json().get("input")
    if not isinstance(asked, dict) or not isinstance(asked.get("leads"), list) or not asked["leads"]:
        raise Refusal(1002, "Missing value for required parameter 'leads'")
    leads, tokens = asked["leads"], asked.get("tokens") or []
    if len(leads) > 100 or len(tokens) > 100:
        raise Refusal(1003, "Too many leads or tokens: at most 100")
    if campaign.kind == "batch":
        raise Refusal(1003, f"Campaign '{campaign.id}' is a batch campaign")
    if not campaign.active or not campaign.requestable:
        raise Refusal(1003, f"Campaign '{campaign.id}' is not active, or not requested by the Web Service API")
    for each in leads:
        if not isinstance(each, dict) or each.get("id") not in instance.leads:
            raise Refusal(1004, "Lead not found")
    for each in tokens:
        name = each.get("name") if isinstance(each, dict) else None
        if not isinstance(name, str) or not name.startswith("{{my.") or not name.endswith("}}"):
            raise Refusal(1003, f"Invalid token '{name}'")
        if not isinstance(each.get("value"), str):
            raise Refusal(1001, f"Invalid value of token '{name}'")
    campaign.sent += [{"lead": each["id"], "tokens": tokens, "at": instance.stamp()} for each in leads]
    return answer([{"id": campaign.id}])
