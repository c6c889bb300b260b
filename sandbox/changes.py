"""A number that grows with every change of a service, for those who wait for something to happen."""

import asyncio
import time

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

LONGEST_WAIT = 60.0
"""Seconds; whoever wants to wait longer asks again."""


class Changes:
    """The sequence number of one service."""

    def __init__(self) -> None:
        self.sequence = 0
        self._moved = asyncio.Event()

    def happened(self) -> int:
        """Note a change and wake everybody who waits for one; gives the new number."""
        self.sequence += 1
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        return self.sequence

    async def after(self, number: int, timeout: float) -> int:  # noqa: ASYNC109 # running out of time is an answer here
        """Wait till the sequence is past `number`, at most `timeout` seconds; gives the sequence as it is then."""
        end = time.monotonic() + timeout
        while self.sequence <= number and (left := end - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._moved.wait()
            except TimeoutError:
                break
        return self.sequence

    def route(self) -> Route:
        """Make the address `GET /sandbox/changes?after=N&timeout=10`."""

        async def changes(request: Request) -> JSONResponse:
            try:
                number = int(request.query_params.get("after", "0"))
                seconds = float(request.query_params.get("timeout", "10"))
            except ValueError:
                return JSONResponse({"error": "after and timeout are numbers"}, status_code=400)
            return JSONResponse({"sequence": await self.after(number, min(seconds, LONGEST_WAIT))})

        return Route("/sandbox/changes", changes, methods=["GET"])
