"""A report as an HTTP answer. It is a page of its own: it may look as it wants, and can do nothing."""

from fastapi import Response

LINKS_PATH = "/links/reports"
# What stands in a report was recorded by agents: scripts never run, and it is a stranger to our own pages. Pictures and styles are in it.
_CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-modals"
)


def report_file(content: bytes, content_type: str, file_name: str = "") -> Response:
    """The file, to be shown, or to be saved under a name. No cache keeps it: it is somebody's data."""
    headers = {"cache-control": "no-store", "content-security-policy": _CONTENT_SECURITY_POLICY}
    if file_name:
        headers["content-disposition"] = f'attachment; filename="{file_name}"'
    return Response(content, headers=headers, media_type=content_type)
