"""E-mails that the tenant would have sent: nobody gets them, and everybody may look at them."""

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from sandbox.auth0.moments import iso

if TYPE_CHECKING:
    from sandbox.auth0.tenant import Tenant


def send(tenant: "Tenant", *, kind: str, to: str, user_id: str, url: str) -> None:
    """Put an e-mail with a link where it can be looked at."""
    tenant.mails.append({"at": iso(tenant.now()), "kind": kind, "to": to, "user_id": user_id, "url": url})


def mail_routes(tenant: "Tenant") -> list[Route]:
    """Make the address `GET /sandbox/mails`."""

    async def show(request: Request) -> JSONResponse:
        return JSONResponse(list(tenant.mails))

    return [Route("/sandbox/mails", show, methods=["GET"])]
