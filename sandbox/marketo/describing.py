"""What fields leads have, and how much the instance was used."""

from starlette.responses import Response

from sandbox.marketo.answers import Json, answer
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Attribute, Instance


def describe(instance: Instance, call: Call) -> Response:
    """List the fields in the older way."""
    return answer([_first(each) for each in instance.attributes.values()])


def _first(attribute: Attribute) -> Json:
    shown: Json = {
        "id": attribute.id,
        "displayName": attribute.title,
        "dataType": attribute.kind,
        "rest": {"name": attribute.name, "readOnly": attribute.read_only},
    }
    return shown | ({"length": attribute.length} if attribute.length else {})


def describe2(instance: Instance, call: Call) -> Response:
    """List the fields in the newer way, with those by which leads are found."""
    fields = [
        {
            "name": each.name,
            "displayName": each.title,
            "dataType": each.kind,
            "updateable": not each.read_only,
            "crmManaged": False,
        }
        | ({"length": each.length} if each.length else {})
        for each in instance.attributes.values()
    ]
    keys = [[each.name] for each in instance.attributes.values() if each.key]
    return answer([{"name": "API Lead", "searchableFields": keys, "fields": fields}])


def usage(instance: Instance, call: Call) -> Response:
    """Tell how many calls were made today."""
    today = {"date": instance.stamp()[:10], "total": instance.limits.today}
    return answer([today | {"users": [{"userId": instance.user, "count": instance.limits.today}]}])
