"""The pace at which a tenant may be asked: one for everything, or what its plan grants to each group of addresses.

`PUT /sandbox/pace` with `{"by_plan": true}` switches to the plan's, until `{"by_plan": false}`; every bucket is full then.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, StrictBool, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route as WebRoute

from sandbox.auth0.errors import ApiError
from sandbox.auth0.limits import Bucket
from sandbox.auth0.routing import Route

if TYPE_CHECKING:
    from sandbox.auth0.tenant import Plan, Tenant

Group = Literal["everything", "read users", "write users", "delete users", "read logs", "other"]
Grant = tuple[int, float]
"""How many requests at once, and how many more each second."""

IN_GROUPS: Mapping[Group, Grant] = {
    "read users": (40, 500 / 60),
    "write users": (20, 200 / 60),
    "delete users": (20, 200 / 60),
    "read logs": (10, 100 / 60),
    "other": (10, 150 / 60),
}
GRANTS: Mapping["Plan", Mapping[Group, Grant]] = {
    "free": {"everything": (2, 2.0)},
    "essentials": IN_GROUPS,
    "professional": IN_GROUPS,
    "enterprise": {"everything": (50, 16.0)},
}
"""Enterprise is the public cloud's production tenant."""


class TooFastError(ApiError):
    """Somebody asks faster than is granted."""

    def __init__(self, bucket: Bucket) -> None:
        super().__init__(429, "Global limit has been reached", "too_many_requests")
        self.bucket = bucket


class _Wish(BaseModel):
    """What is put to /sandbox/pace."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    by_plan: StrictBool


def group_of(route: Route) -> Group:
    """Tell which group an address belongs to, where a plan has groups."""
    match route.method, route.parts[2:]:
        case "GET", ("users",) | ("users", "{id}") | ("users-by-email",):
            return "read users"
        case "POST" | "PATCH", ("users",) | ("users", "{id}"):
            return "write users"
        case "DELETE", ("users", "{id}"):
            return "delete users"
        case "GET", ("logs",) | ("logs", "{id}") | ("users", "{id}", "logs"):
            return "read logs"
        case _:
            return "other"


def bucket_of(tenant: "Tenant", route: Route) -> Bucket:
    """Give the bucket that a request draws from."""
    if not tenant.by_plan:
        return tenant.bucket
    plan = tenant.settings.plan
    grants = GRANTS[plan]
    group: Group = "everything" if "everything" in grants else group_of(route)
    burst, per_second = grants[group]
    return tenant.buckets.setdefault((plan, group), Bucket.full(burst, per_second, tenant.now()))


def pace_routes(tenant: "Tenant") -> list[WebRoute]:
    """Make the address `PUT /sandbox/pace`."""

    async def put(request: Request) -> JSONResponse:
        try:
            wish = _Wish.model_validate_json(await request.body())
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        tenant.by_plan = wish.by_plan
        tenant.buckets.clear()
        tenant.refill()
        return JSONResponse(wish.model_dump())

    return [WebRoute("/sandbox/pace", put, methods=["PUT"])]
