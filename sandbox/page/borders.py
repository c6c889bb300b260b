"""What the page lets in and out: requests of its own script only, and nothing from elsewhere in the browser."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = "http://127.0.0.1:* http://localhost:*"

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        f"img-src 'self' data: {LOOPBACK}",
        "connect-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Borders:
    """The middleware that refuses requests of other sites and sends the headers above with every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request in, or not."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    if name not in headers or name != "content-security-policy":
                        headers[name] = value
            await send(message)

        if scope["method"] not in {"GET", "HEAD"} and not own(Headers(scope=scope)):
            refusal = JSONResponse({"error": "only this page's own script may do that"}, status_code=403)
            await refusal(scope, receive, sealed)
            return
        await self.app(scope, receive, sealed)


def own(headers: Headers) -> bool:
    """Tell whether a request comes from this page: the browser says so, or names our own origin."""
    site = headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    origin = headers.get("origin")
    if origin is not None:
        return bool(headers.get("host")) and urlsplit(origin).netloc == headers["host"]
    return site == "same-origin"
