"""Who calls over HTTP: a bearer's key, or the session cookie of a browser, which is trusted only from our own pages."""

from dataclasses import dataclass
from datetime import UTC
from typing import Annotated

from assay.access.v1.access_service_pb2 import Key
from fastapi import Depends, Request, Response, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from kit.access import key_missing, secret_from_header
from kit.errors import AssayError, Kind

SESSION_COOKIE = "assay_session"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

# Named here for the OpenAPI document; what they find is read by `caller` itself, which knows more reasons.
_BEARER = HTTPBearer(auto_error=False, description="A key, as made by `assay keys create`.")
_COOKIE = APIKeyCookie(name=SESSION_COOKIE, auto_error=False, description="The session of a browser.")


@dataclass(frozen=True)
class Caller:
    """The key that a request came with; every service checks for itself what it may do."""

    secret: str
    is_session: bool


def _caller(request: Request, _bearer: Annotated[object, Security(_BEARER)], _cookie: Annotated[object, Security(_COOKIE)]) -> Caller:
    """The caller, whose key is not checked yet. Raises KEY_MISSING, KEY_INVALID, or CROSS_SITE."""
    header = request.headers.get("authorization")
    if header is not None:
        return Caller(secret_from_header(header), is_session=False)
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        raise key_missing()
    if request.method not in _READING:
        require_own_page(request)
    return Caller(secret_from_header(f"Bearer {cookie}"), is_session=True)


CallerOf = Annotated[Caller, Depends(_caller)]


def require_own_page(request: Request) -> None:
    """Refuses a request that a browser did not send from one of our own pages. Raises PERMISSION_DENIED CROSS_SITE."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        is_own = site == "same-origin"
    else:
        # Behind a proxy that ends TLS the scheme is not known for sure, so host and port are compared.
        is_own = request.headers.get("origin", "").partition("://")[2].lower() == request.headers["host"].lower()
    if not is_own:
        raise AssayError(Kind.PERMISSION_DENIED, "CROSS_SITE", "with a session, changes are taken from Assay's own pages only")


def is_from_browser(request: Request) -> bool:
    """Whether a script in a page sent it: browsers name the origin of such requests."""
    return "sec-fetch-site" in request.headers or "origin" in request.headers


def set_session(request: Request, response: Response, secret: str, key: Key) -> None:
    """Gives the browser its session key, out of reach of scripts, other sites, and plain HTTP where we have TLS."""
    response.set_cookie(
        SESSION_COOKIE,
        secret,
        expires=key.expire_time.ToDatetime(UTC) if key.HasField("expire_time") else None,
        path="/",
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def clear_session(request: Request, response: Response) -> None:
    """Takes the cookie back."""
    response.delete_cookie(SESSION_COOKIE, path="/", secure=request.url.scheme == "https", httponly=True, samesite="strict")
