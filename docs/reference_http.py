"""Makes the reference of the HTTP interface: two pages of Markdown, requests and types, from the gateway's OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any

from docs.reference import cell, escaped

Json = Mapping[str, Any]
_TYPES_PAGE = "http-types.md"


def pages(document: Json) -> dict[str, str]:
    """The pages by name: `http.md` has what can be asked, `http-types.md` what is sent and answered."""
    return {"http.md": _requests(document), _TYPES_PAGE: _schemas(document["components"]["schemas"])}


def _requests(document: Json) -> str:
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).extend(_operation(method, path, operation))
    parts = [part for tag, found in groups.items() for part in (f"## {tag.capitalize()}", *found)]
    opening = (
        "Every request needs a key, as `authorization: Bearer KEY`, or a session's cookie. Errors are answered as JSON, with a reason "
        "for programs and a sentence for people. A running gateway describes itself at `/api/v1/openapi.json`, and at `/api/v1/docs`."
    )
    return "\n\n".join(["# HTTP", opening, *parts]) + "\n"


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f"### {method.upper()} {path} {{ #{operation['operationId']} }}"
    yield escaped(operation.get("description", operation.get("summary", "")))
    rows = [_parameter(parameter) for parameter in operation.get("parameters", ())]
    if rows:
        yield "\n".join(["| parameter | in | type | meaning |", "|---|---|---|---|", *rows])
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body, `{kind}`: {_type(content.get('schema', {}), _TYPES_PAGE)}"
    for status, response in operation["responses"].items():
        told = [f"`{kind}`: {_type(content.get('schema', {}), _TYPES_PAGE)}" for kind, content in response.get("content", {}).items()]
        yield f"Answer, {'an error' if status == 'default' else status}{': ' + ', '.join(told) if told else ''}"


def _parameter(parameter: Json) -> str:
    where = f"{parameter['in']}{', required' if parameter.get('required') else ''}"
    meaning = f"{cell(parameter.get('description', ''))}{_default(parameter['schema'])}"
    return f"| `{parameter['name']}` | {where} | {_type(parameter['schema'], _TYPES_PAGE)} | {meaning} |"


def _schemas(schemas: Json) -> str:
    parts = [part for name in sorted(schemas) for part in _schema(name, schemas[name])]
    return "\n\n".join(["# Types of HTTP", *parts]) + "\n"


def _schema(name: str, schema: Json) -> Iterator[str]:
    yield f"## {name} {{ #{name} }}"
    yield escaped(schema.get("description", ""))
    required = set(schema.get("required", ()))
    rows = [
        f"| `{field}` | {_type(of, '')}{'' if field in required else ', optional'} | {cell(of.get('description', ''))}{_default(of)} |"
        for field, of in schema.get("properties", {}).items()
    ]
    yield "\n".join(["| field | type | meaning |", "|---|---|---|", *rows]) if rows else _type(schema, "")


def _type(schema: Json, page: str) -> str:
    """A schema in a few words, with links to the types on `page` (empty: the same page)."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}]({page}#{name})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_type(one, page) for one in schema[several])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}), page)}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map of {_type(schema['additionalProperties'], page)}"
    return str(schema.get("format") or schema.get("type", "anything"))


def _default(schema: Json) -> str:
    default = schema.get("default")
    return f" Default: `{cell(str(default))}`." if default not in (None, "", [], {}) else ""
