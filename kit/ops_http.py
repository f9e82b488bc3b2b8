"""HTTP for those who run a process: /healthz, /readyz and /metrics; and how any HTTP application is served here."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from kit import listen as addresses
from kit import metrics, tls
from kit.health import Readiness

# Whole seconds, as uvicorn wants them. After this, open responses are cut.
STOP_GRACE_S = 2
CONCURRENT_CONNECTIONS_MAX = 1_000
KEEP_ALIVE_S = 15


@asynccontextmanager
async def serve(
    listen: str, readiness: Readiness, *, files: tls.ServerFiles | None = None, allow_insecure: bool = False
) -> AsyncIterator[str]:
    """Serves /healthz, /readyz and /metrics until the block is left; yields the bound "host:port". Raises as `serve_application` does."""
    application = Starlette(routes=routes(readiness))
    async with serve_application(application, listen, files=files, allow_insecure=allow_insecure) as address:
        yield address


def routes(readiness: Readiness) -> list[Route]:
    """/healthz: the process runs. /readyz: 200, or 503 and why not, by condition, and what it does without. /metrics: Prometheus' text."""

    async def alive(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_request: Request) -> Response:
        reasons, without = readiness.reasons, readiness.without
        content = {"ready": not reasons, "reasons": reasons} | ({"without": without} if without else {})
        return JSONResponse(content, status_code=503 if reasons else 200)

    async def all_metrics(_request: Request) -> Response:
        content, content_type = metrics.exposition()
        return Response(content, headers={"content-type": content_type})

    return [Route("/healthz", alive), Route("/readyz", ready), Route("/metrics", all_metrics)]


@asynccontextmanager
async def serve_application(
    application: ASGIApp,
    listen: str,
    *,
    files: tls.ServerFiles | None = None,
    allow_insecure: bool = False,
    grace_s: int = STOP_GRACE_S,
) -> AsyncIterator[str]:
    """Serves an ASGI application until the block is left, with TLS where there are files for it; yields the bound "host:port".

    Raises LISTEN_INSECURE, LISTEN_ADDRESS_INVALID, ADDRESS_UNAVAILABLE or TLS_FILES_UNUSABLE.
    """
    context = None if files is None else tls.server_context(files)
    with addresses.bind(listen, allow_insecure=allow_insecure or context is not None) as listener:
        host, port = listener.getsockname()[:2]
        server = _Server(_config(application, grace_s, context))
        # The socket listens already: who connects before uvicorn has started waits for a moment.
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield addresses.join(host, port)
        finally:
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves signals to kit.lifecycle."""
        yield


def _config(application: ASGIApp, grace_s: int, context: ssl.SSLContext | None) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        lifespan="off",  # wiring is done around the server, not in it
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        limit_concurrency=CONCURRENT_CONNECTIONS_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=grace_s,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
