"""GET /docs: the list of routes, for people."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from gateway.docs_page import render
from gateway.routes.described import PREFIX

router = APIRouter(include_in_schema=False)


@router.get(f"{PREFIX}/docs")
async def docs(request: Request) -> Response:
    """A page without scripts. For programs there is openapi.json."""
    return HTMLResponse(render(request.app.openapi()))
