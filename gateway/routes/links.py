"""/links/{token}: what somebody may do from a message. The token is the proof, so no key is needed, and no page of ours to come from.

Mail scanners open links: GET tells what a link is for and changes nothing, only what a person then sends with POST acts.
"""

from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs

from assay.alerter.v1.link_service_pb2 import GetLinkRequest, UseLinkRequest
from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse, HTMLResponse

from gateway.links_page import STYLE_PATH, link_page, refused_page, used_page
from gateway.parameters import duration_of
from gateway.parts import AlerterOf
from gateway.problems import problem_of
from kit.errors import AssayError, invalid

# No cache keeps what a link shows, and no search engine that a link was passed on to.
_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}
_STYLE = Path(__file__).parents[1] / "links.css"
# A thousand alerts may be acknowledged, each in a transaction of its own.
USE_DEADLINE_S = 60.0
# The form has two; more is not from our page.
_FORM_FIELDS_MAX = 8

router = APIRouter(include_in_schema=False)


@router.get(STYLE_PATH)
async def style() -> Response:
    """How the pages look."""
    return FileResponse(_STYLE, media_type="text/css", headers={"cache-control": "public, max-age=3600"})


@router.api_route("/links/{token}", methods=["GET", "HEAD"])
async def show_link(alerter: AlerterOf, token: str) -> Response:
    """Tells what a link is for, and changes nothing."""
    try:
        return _page(link_page(await alerter.ask(alerter.links.GetLink, GetLinkRequest(token=token), None)))
    except AssayError as error:
        return _refused(error)


@router.post("/links/{token}")
async def use_link(request: Request, alerter: AlerterOf, token: str) -> Response:
    """Does what a link is for. Doing it again changes nothing more."""
    body = await request.body()
    try:
        use = _use(token, body)
        link = await alerter.ask(alerter.links.GetLink, GetLinkRequest(token=token), None)
        used = await alerter.ask(alerter.links.UseLink, use, None, USE_DEADLINE_S)
        return _page(used_page(link.action, used))
    except AssayError as error:
        return _refused(error)


def _use(token: str, body: bytes) -> UseLinkRequest:
    """What the form says; without one, what is usual. Raises FIELD_INVALID."""
    try:
        form = parse_qs(body.decode(), max_num_fields=_FORM_FIELDS_MAX)
    except ValueError:
        raise invalid("form", "the form cannot be read") from None
    actor_name, duration = (form.get(name, [""])[0].strip() for name in ("actor_name", "duration"))
    return UseLinkRequest(token=token, actor_name=actor_name, silence_duration=duration_of("duration", duration))


def _page(content: str, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> Response:
    return HTMLResponse(content, status, {**_HEADERS, **(headers or {})})


def _refused(error: AssayError) -> Response:
    problem = problem_of(error)
    return _page(refused_page(problem), problem.status, dict(problem.headers))
