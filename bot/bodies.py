"""Bodies of requests: read whole, up to a limit."""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

LARGEST_BODY: Final = 1024 * 1024
"""Bytes of a request that tells of one thing."""


class _TooLargeError(Exception):
    """A body is over the limit."""


def small(
    answer: Callable[[Request, bytes], Awaitable[Response]], largest: int = LARGEST_BODY
) -> Callable[[Request], Awaitable[Response]]:
    """Refuse bodies over the limit before they are read whole."""

    async def endpoint(request: Request) -> Response:
        try:
            body = await body_of(request, largest)
        except _TooLargeError:
            said = {"error": "too_large", "message": f"The body is over {largest} bytes."}
            return JSONResponse(said, status_code=413)
        return await answer(request, body)

    return endpoint


async def body_of(request: Request, largest: int) -> bytes:
    """Read a body. Raises _TooLargeError when it is over the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > largest:
        raise _TooLargeError
    parts, length = [], 0
    async for part in request.stream():
        length += len(part)
        if length > largest:
            raise _TooLargeError
        parts.append(part)
    body = b"".join(parts)
    request._body = body  # noqa: SLF001  # Bolt reads it again
    return body
