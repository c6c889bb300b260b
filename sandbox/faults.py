"""Faults on demand: the next calls of a kind go wrong in the way a test asked for."""

import asyncio
import fnmatch
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from sandbox.server import ABORT


class Fault(BaseModel):
    """One way to go wrong: an answer of its own, with or without doing the thing, a cut connection, or a delay."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Annotated[int, Field(ge=100, le=599)] | None = None
    status_after: Annotated[int, Field(ge=100, le=599)] | None = None
    """The thing is done, and then answered with this status all the same."""
    headers: dict[str, str] = {}
    body: Any = None
    html: str | None = None
    """A page instead of the body; with status 200 unless another is given."""
    drop: Literal["before", "after"] | None = None
    delay: Annotated[float, Field(ge=0, le=600)] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> "Fault":
        ends = [self.status, self.status_after, self.drop]
        if ends == [None] * len(ends) and self.html is None and self.delay is None:
            raise ValueError("a fault has a status, a status_after, an html, a drop or a delay")
        if len(ends) - ends.count(None) > 1:
            raise ValueError("a fault has one of status, status_after and drop, not several")
        if self.html is not None and (self.body is not None or self.drop is not None):
            raise ValueError("an html takes the place of a body and of a drop")
        return self

    def answer(self) -> Response | None:
        """Make the answer of its own, if it has one."""
        status = self.status or self.status_after or (None if self.html is None else 200)
        if status is None:
            return None
        if self.html is not None:
            return HTMLResponse(self.html, status_code=status, headers=self.headers)
        if isinstance(self.body, str):
            return Response(self.body, status_code=status, headers=self.headers)
        return JSONResponse({} if self.body is None else self.body, status_code=status, headers=self.headers)

    def as_given(self) -> dict[str, Any]:
        """Show the fault the way it was asked for."""
        return self.model_dump(exclude_defaults=True)


class _Order(BaseModel):
    """What is posted to /sandbox/faults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    match: str
    times: Annotated[int, Field(ge=1)] = 1
    fault: Fault


@dataclass(slots=True, kw_only=True)
class _Queued:
    match: str
    left: int
    fault: Fault


class Dropped(Response):
    """No answer at all: the TCP connection is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Cut the connection and wait till the server has noticed."""
        scope["extensions"][ABORT]()
        while (await receive())["type"] != "http.disconnect":
            pass


class Faults:
    """The queue of faults of one service. First asked for, first served."""

    def __init__(self) -> None:
        self._queue: list[_Queued] = []

    def add(self, match: str, fault: Fault, *, times: int = 1) -> None:
        """Queue a fault for the next `times` calls whose name matches the glob."""
        self._queue.append(_Queued(match=match, left=times, fault=fault))

    def clear(self) -> None:
        """Forget every fault that has not happened yet."""
        self._queue.clear()

    def take(self, name: str) -> Fault | None:
        """Take the fault that the call of this name meets, if any; it is used up by that."""
        for queued in self._queue:
            if fnmatch.fnmatchcase(name, queued.match):
                queued.left -= 1
                if queued.left == 0:
                    self._queue.remove(queued)
                return queued.fault
        return None

    async def around(self, name: str, serve: Callable[[], Awaitable[Response]]) -> tuple[Response, Fault | None]:
        """Serve a call, unless a fault is queued for it: then that happens. Gives the answer and the fault."""
        fault = self.take(name)
        return await apply(fault, serve), fault

    def routes(self) -> list[Route]:
        """Make the addresses `POST /sandbox/faults` and `DELETE /sandbox/faults`."""

        async def add(request: Request) -> JSONResponse:
            try:
                order = _Order.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            self.add(order.match, order.fault, times=order.times)
            return JSONResponse({"queued": order.times})

        async def clear(request: Request) -> JSONResponse:
            self.clear()
            return JSONResponse({"queued": 0})

        return [
            Route("/sandbox/faults", add, methods=["POST"]),
            Route("/sandbox/faults", clear, methods=["DELETE"]),
        ]


async def apply(fault: Fault | None, serve: Callable[[], Awaitable[Response]]) -> Response:
    """Give what a call that meets this fault gets; without a fault, what it is served."""
    if fault is None:
        return await serve()
    if fault.delay is not None:
        await asyncio.sleep(fault.delay)
    if fault.drop == "before":
        return Dropped()
    answer = fault.answer()
    if fault.drop is None and fault.status_after is None and answer is not None:
        return answer
    served = await serve()
    return Dropped() if fault.drop else answer or served
