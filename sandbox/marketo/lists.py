"""Static lists as the lead database shows them, and who is in them."""

from starlette.responses import Response

from sandbox.marketo.answers import Json, Refusal, answer, skipped
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Instance, StaticList
from sandbox.marketo.leads import paged


def _of(instance: Instance, call: Call) -> StaticList:
    found = instance.lists.get(int(call.ids["id"]))
    if found is None:
        raise Refusal(1013, "List not found")
    return found


def _shown(each: StaticList) -> Json:
    return {
        "id": each.id,
        "name": each.name,
        "description": each.description,
        "workspaceName": "Default",
        "createdAt": each.created.removesuffix("+0000"),
        "updatedAt": each.created.removesuffix("+0000"),
    }


def listed(instance: Instance, call: Call) -> Response:
    """List the lists, all or those of some names or ids."""
    names, ids = call.every("name"), call.every("id")
    found = [
        _shown(each)
        for each in instance.lists.values()
        if (not names or each.name in names) and (not ids or str(each.id) in ids)
    ]
    return answer(found)


def get(instance: Instance, call: Call) -> Response:
    """Get one list."""
    return answer([_shown(_of(instance, call))])


def members(instance: Instance, call: Call) -> Response:
    """Show the leads in a list, page by page."""
    which = _of(instance, call)
    return paged(instance, call, [instance.leads[each] for each in which.members], f"members {which.id}")


def add(instance: Instance, call: Call) -> Response:
    """Put leads into a list. Who is in it stays there."""
    which = _of(instance, call)
    done: list[Json] = []
    for number in call.lead_ids():
        if number not in instance.leads:
            done.append(skipped(1004, "Lead not found", id=number))
            continue
        which.members.setdefault(number, instance.stamp())
        done.append({"id": number, "status": "added"})
    return answer(done)


def remove(instance: Instance, call: Call) -> Response:
    """Take leads out of a list."""
    which = _of(instance, call)
    done: list[Json] = []
    for number in call.lead_ids():
        if number not in instance.leads:
            done.append(skipped(1004, "Lead not found", id=number))
        elif which.members.pop(number, None) is None:
            done.append(skipped(1015, "Lead not in list", id=number))
        else:
            done.append({"id": number, "status": "removed"})
    return answer(done)


def is_member(instance: Instance, call: Call) -> Response:
    """Tell which leads are in a list."""
    which = _of(instance, call)
    done = [
        skipped(1004, "Lead not found", id=number)
        if number not in instance.leads
        else {"id": number, "status": "memberof" if number in which.members else "notmemberof"}
        for number in call.lead_ids()
    ]
    return answer(done)
