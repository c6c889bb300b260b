"""A service that may be looked at and not touched: while this is on, every call that would change it is refused."""

from typing import Any

from pydantic import BaseModel, ConfigDict, StrictBool, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class _Wish(BaseModel):
    """What is put to /sandbox/read-only."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    on: StrictBool


class ReadOnly:
    """The switch of one service, and the calls that it has refused since it was put on last.

    The service itself knows which of its calls write, and in which words it refuses.
    """

    def __init__(self) -> None:
        self.on = False
        self._refused: list[dict[str, str]] = []

    def refuses(self, method: str, path: str) -> bool:
        """Say whether this call, which would change something, is to be refused; if so it is counted."""
        if self.on:
            self._refused.append({"method": method, "path": path})
        return self.on

    def switch(self, *, on: bool) -> None:
        """Put it on, with nothing counted yet, or off; what was counted stays to be read."""
        if on and not self.on:
            self._refused.clear()
        self.on = on

    def as_given(self) -> dict[str, Any]:
        """Show the switch, and what was refused."""
        return {"on": self.on, "refused": list(self._refused)}

    def routes(self) -> list[Route]:
        """Make the addresses `PUT /sandbox/read-only` and `GET /sandbox/read-only`."""

        async def put(request: Request) -> JSONResponse:
            try:
                wish = _Wish.model_validate_json(await request.body())
            except ValidationError as error:
                return JSONResponse({"error": str(error)}, status_code=400)
            self.switch(on=wish.on)
            return JSONResponse(self.as_given())

        async def show(request: Request) -> JSONResponse:
            return JSONResponse(self.as_given())

        return [
            Route("/sandbox/read-only", put, methods=["PUT"]),
            Route("/sandbox/read-only", show, methods=["GET"]),
        ]
