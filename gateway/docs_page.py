"""The list of routes for people, made from the OpenAPI document: no script, no other host, readable offline."""

from collections.abc import Mapping
from html import escape
from typing import Any

DOCUMENT_PATH = "/api/v1/openapi.json"


def render(document: Mapping[str, Any]) -> str:
    """A page that lists every route with its parameters."""
    routes = "".join(
        _route(method, path, operation) for path, operations in document["paths"].items() for method, operation in operations.items()
    )
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body>'
        f"<h1>{title}</h1>"
        f'<p>For programs: <a href="{DOCUMENT_PATH}">{DOCUMENT_PATH}</a></p>{routes}</body></html>'
    )


def _route(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(each['name'])}</code> {escape(each.get('description', ''))}</li>" for each in operation.get("parameters", ())
    )
    about = escape(operation.get("description") or operation.get("summary", ""))
    return f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2><p>{about}</p><ul>{parameters}</ul>"
