"""What holds for every request: headers that browsers obey, a bound on bodies, counting, and bugs told as a problem."""

import asyncio
import contextlib
import time
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.problems import Problem, unexpected
from kit import logs, metrics

# Everything comes from us, nothing is inline, nobody frames us; we frame reports.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; frame-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "content-security-policy": _CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
# Forms of the dashboard and of scripts; batches have a limit of their own.
BODY_BYTES_MAX = 64 * 1024
# What follows is a token that lets whoever reads it act.
_LINKS = ("/links/", "/feedback/")
# For a body that nobody wants.
DISCARD_MAX_S = 3.0

_REQUESTS = metrics.counter(
    "assay_http_requests_total", "HTTP requests answered, by method, route and status.", ["method", "route", "status"]
)
_SECONDS = metrics.histogram("assay_http_seconds", "From a request's arrival to the start of its answer.", ["method", "route"])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = logs.get_logger(__name__)


class Observation:
    """Counts and times requests, and is the one place where bugs are logged. The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers with a problem when nothing was sent yet; otherwise the answer is cut off."""
        started_s = time.perf_counter()
        status = 0

        async def send_first(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)  # a report has a stricter policy of its own
                _count(scope, status, time.perf_counter() - started_s)
            await send(message)

        try:
            await self._app(scope, receive, send_first)
        except Exception as error:
            _log.error("request failed", error=error, method=scope["method"], path=_told_path(scope))
            if status:
                raise
            await unexpected().response()(scope, receive, send_first)


class BodyLimit:
    """Refuses a body that is too large, by what it says of itself or by what arrives."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        """`limits` in bytes by path; all others have BODY_BYTES_MAX."""
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 413 at once, or raises HTTPException 413 at whoever reads the body."""
        limit = self._limits.get(scope["path"], BODY_BYTES_MAX)
        message = f"the body must have at most {limit} bytes"
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _discard(receive)
            problem = Problem(413, "BODY_TOO_LARGE", message, headers={"connection": "close"})
            await problem.response()(scope, receive, send)
            return
        received = 0

        async def receive_within_limit() -> Message:
            nonlocal received
            part = await receive()
            received += len(part.get("body", b""))
            if received > limit:
                if part["more_body"]:
                    await _discard(receive)
                raise HTTPException(413, message, {"connection": "close"})
            return part

        await self._app(scope, receive_within_limit, send)


async def _discard(receive: Receive) -> None:
    """Lets the rest of a body run by: who is still sending when the connection closes does not get to see the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_MAX_S):
            while (await receive()).get("more_body"):
                pass


def _count(scope: Scope, status: int, seconds: float) -> None:
    """Counts by route, not by path: paths are the callers' choice, and each label costs memory for ever."""
    method = scope["method"] if scope["method"] in _METHODS else "OTHER"
    route = getattr(scope.get("route"), "path", "") or "other"
    _REQUESTS.labels(method, route, status).inc()
    _SECONDS.labels(method, route).observe(seconds)
    _log.debug("answered", method=method, path=_told_path(scope), status=status, seconds=round(seconds, 6))


def _told_path(scope: Scope) -> str:
    """The path for the log."""
    path: str = scope["path"]
    return next((f"{links}…" for links in _LINKS if path.startswith(links)), path)
