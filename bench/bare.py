"""The smallest web application: the floor of starting and of memory. It imports nothing else."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _accept(request: Request) -> JSONResponse:
    await request.body()
    return JSONResponse({"accepted": True}, status_code=202)


def main() -> None:
    """Serve at the port that the command line names; with `plain` after it, without what makes uvicorn quicker."""
    app = Starlette(routes=[Route("/", _accept, methods=["POST"])])
    plain = "plain" in sys.argv
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="asyncio" if plain else "auto",
        http="h11" if plain else "auto",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
