"""The envelope of every answer, and the refusals that travel in it with status 200."""

import secrets
from typing import Any

from starlette.responses import JSONResponse

Json = dict[str, Any]


class Refusal(Exception):
    """The whole call is refused."""

    def __init__(self, code: int, message: str, *, status: int = 200) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.status = status

    def answer(self) -> JSONResponse:
        """Say no: with status 200 nearly always."""
        errors = [{"code": self.code, "message": self.message}]
        return JSONResponse(
            {"requestId": request_id(), "success": False, "errors": errors},
            status_code=self.status,
        )


def request_id() -> str:
    """Make the number by which the vendor's support finds a call again."""
    return f"{secrets.token_hex(2)}#{secrets.token_hex(6)}"


def answer(result: list[Any] | None, **more: Any) -> JSONResponse:
    """Answer with a list, or with none at all."""
    body: Json = {"requestId": request_id(), "success": True}
    if result is not None:
        body["result"] = result
    return JSONResponse(body | {name: value for name, value in more.items() if value is not None})


def no_assets() -> JSONResponse:
    """Answer as the assets do where nothing fits: a success without a result."""
    warnings = ["No assets found for the given search criteria."]
    return JSONResponse({"success": True, "errors": [], "requestId": request_id(), "warnings": warnings})


def skipped(code: int, message: str, **more: Any) -> Json:
    """Say that one record was left as it was."""
    return {**more, "status": "skipped", "reasons": [{"code": str(code), "message": message}]}
