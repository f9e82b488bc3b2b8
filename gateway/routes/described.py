"""How routes describe themselves in the OpenAPI document."""

from typing import Any

from fastapi import APIRouter

from gateway.models import ProblemDocument

PREFIX = "/api/v1"


def api_router(tag: str) -> APIRouter:
    """A router below /api/v1, any of whose routes may answer with a problem."""
    problem: dict[int | str, dict[str, Any]] = {"default": {"model": ProblemDocument, "description": "A problem, RFC 9457."}}
    return APIRouter(prefix=PREFIX, tags=[tag], responses=problem)


def answers(model: Any, status: int = 200) -> dict[str, Any]:
    """Describes the answer of a route that writes it by itself."""
    return {"status_code": status, "responses": {status: {"model": model}}}
