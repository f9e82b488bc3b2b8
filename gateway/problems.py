"""Errors as HTTP tells them: problem documents of RFC 9457, with the reasons that gRPC carries."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from kit.errors import AssayError, Kind

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_DEFAULT_S = 1.0  # where the remedy is to try again and the service did not say when

_STATUS_BY_KIND = {
    Kind.INVALID_ARGUMENT: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.PERMISSION_DENIED: 403,
    Kind.NOT_FOUND: 404,
    Kind.ALREADY_EXISTS: 409,
    Kind.FAILED_PRECONDITION: 409,
    Kind.RESOURCE_EXHAUSTED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.DEADLINE_EXCEEDED: 504,
}
_BUG_REASONS = frozenset({"INTERNAL", "UNKNOWN"})  # a service had a bug: trying again is no remedy
_REASON_BY_STATUS = {
    404: "ROUTE_UNKNOWN",
    405: "METHOD_NOT_ALLOWED",
    413: "BODY_TOO_LARGE",
    415: "MEDIA_TYPE_UNSUPPORTED",
}


@dataclass(frozen=True)
class Problem:
    """What a problem document says. `field_name` names the parameter or field at fault, empty where there is none."""

    status: int
    reason: str
    detail: str
    field_name: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """The document as an answer that no cache keeps."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "reason": self.reason,
        }
        if self.field_name:
            content["field"] = self.field_name
        return JSONResponse(content, self.status, {"cache-control": "no-store", **self.headers}, MEDIA_TYPE)


def problem_of(error: AssayError) -> Problem:
    """The problem that an error of a service, or of the gateway itself, is to an HTTP client."""
    if error.reason in _BUG_REASONS:
        return unexpected()
    status = _STATUS_BY_KIND[error.kind]
    headers = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = 'Bearer realm="assay"'
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["retry-after"] = str(math.ceil(error.retry_after_s or RETRY_AFTER_DEFAULT_S))
    return Problem(status, error.reason, error.message, error.details.get("field", ""), headers)


def unexpected() -> Problem:
    """The problem of a bug: it says nothing of the inside, which is in the log."""
    return Problem(500, "INTERNAL", "something went wrong here; the log says what")


def _of_http(error: HTTPException) -> Problem:
    reason = _REASON_BY_STATUS.get(error.status_code, HTTPStatus(error.status_code).name)
    return Problem(error.status_code, reason, str(error.detail), headers=dict(error.headers or {}))


def _of_validation(error: RequestValidationError) -> Problem:
    """The first thing that does not fit, by its name in the query or its path in the body."""
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])
    return Problem(400, "FIELD_INVALID", f"{name or 'body'}: {first['msg']}", name)


def install(app: FastAPI) -> None:
    """Makes every error of the application a problem. Bugs are dealt with by the outermost middleware."""

    @app.exception_handler(AssayError)
    async def refused(_request: Request, error: AssayError) -> Response:
        return problem_of(error).response()

    @app.exception_handler(HTTPException)
    async def http_error(_request: Request, error: HTTPException) -> Response:
        return _of_http(error).response()

    @app.exception_handler(RequestValidationError)
    async def unfit(_request: Request, error: RequestValidationError) -> Response:
        return _of_validation(error).response()
