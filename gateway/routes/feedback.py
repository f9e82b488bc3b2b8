"""/feedback/{token}: a vote on an answer by whoever has the link. The token is the proof, so no key is needed.

Mail scanners and chats open links: GET shows what is asked and records nothing, only what a person then sends with POST is a vote.
"""

import re
import secrets
from http import HTTPStatus
from urllib.parse import parse_qs

from assay.collector.v1 import feedback_service_pb2 as contract
from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from gateway.feedback_page import COMMENT_LENGTH_MAX, feedback_page, refused_page, thanks_page
from gateway.parts import CollectorOf
from gateway.problems import problem_of
from kit.errors import AssayError, invalid

VOTER_COOKIE = "assay_voter"
_VOTER = re.compile(r"[A-Za-z0-9_-]{22}")
_VOTER_BYTES = 16
# Longer than any link works.
_VOTER_KEPT_S = 100 * 86_400
_VOTES = {"up": contract.FEEDBACK_VOTE_UP, "down": contract.FEEDBACK_VOTE_DOWN}
# The form has two; more is not from our page.
_FORM_FIELDS_MAX = 8
_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}

router = APIRouter(include_in_schema=False)


@router.api_route("/feedback/{token}", methods=["GET", "HEAD"])
async def show_feedback_link(request: Request, collector: CollectorOf, token: str) -> Response:
    """Shows what is voted on, and records nothing."""
    try:
        link = await collector.ask(collector.feedback.GetFeedbackLink, contract.GetFeedbackLinkRequest(token=token), None)
    except AssayError as error:
        return _refused(error)
    response = HTMLResponse(feedback_page(link), headers=_HEADERS)
    _remember(request, response, _voter(request))
    return response


@router.post("/feedback/{token}")
async def use_feedback_link(request: Request, collector: CollectorOf, token: str) -> Response:
    """Records a vote. Another one of the same browser takes its place."""
    voter = _voter(request)
    body = await request.body()
    try:
        vote = _vote(token, voter, body)
        await collector.ask(collector.feedback.UseFeedbackLink, vote, None)
    except AssayError as error:
        return _refused(error)
    response = HTMLResponse(thanks_page(vote.vote), headers=_HEADERS)
    _remember(request, response, voter)
    return response


def _vote(token: str, voter: str, body: bytes) -> contract.UseFeedbackLinkRequest:
    """What the form says. Raises FIELD_INVALID."""
    try:
        form = parse_qs(body.decode(), max_num_fields=_FORM_FIELDS_MAX)
    except ValueError:
        raise invalid("form", "the form cannot be read") from None
    vote, comment = (form.get(name, [""])[0].strip() for name in ("vote", "comment"))
    if vote not in _VOTES:
        raise invalid("vote", "must be up or down")
    return contract.UseFeedbackLinkRequest(token=token, vote=_VOTES[vote], voter=voter, comment=comment[:COMMENT_LENGTH_MAX])


def _voter(request: Request) -> str:
    """What tells this browser from others: a random name that it keeps, and nothing about who uses it."""
    kept = request.cookies.get(VOTER_COOKIE, "")
    return kept if _VOTER.fullmatch(kept) else secrets.token_urlsafe(_VOTER_BYTES)


def _remember(request: Request, response: Response, voter: str) -> None:
    is_secure = request.url.scheme == "https"
    response.set_cookie(VOTER_COOKIE, voter, max_age=_VOTER_KEPT_S, path="/feedback", secure=is_secure, httponly=True, samesite="lax")


def _refused(error: AssayError) -> Response:
    problem = problem_of(error)
    return HTMLResponse(refused_page(problem), problem.status or HTTPStatus.BAD_REQUEST, {**_HEADERS, **problem.headers})
