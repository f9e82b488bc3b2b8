"""The dashboard's files: its assets for ever, its page for every other path. Whatever no route answers comes here."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

_ASSETS = "/assets/"
# Asset names change with their content, and a year is the longest that caches promise; all else is asked for anew.
_CACHE_FOR_EVER = "public, max-age=31536000, immutable"
_CACHE_CHECKED = "no-cache"
_NOT_BUILT = "The dashboard is not built yet: `make setup` builds it. The API is described at /api/v1/docs.\n"


class Pages:
    """Answers what no route does: the dashboard's page, which finds its way by the path, or a problem."""

    def __init__(self, directory: Path) -> None:
        """The directory is looked at when asked, since it may be built while we run."""
        self._directory = directory

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises HTTPException 404 below /api and for files that are not there, 405 for anything but reading."""
        path = scope["path"]
        if path == "/api" or path.startswith("/api/"):
            raise HTTPException(404, "there is no such route")
        if scope["method"] not in {"GET", "HEAD"}:
            raise HTTPException(405, "pages can be read only", {"allow": "GET, HEAD"})
        await self._page(path)(scope, receive, send)

    def _page(self, path: str) -> Response:
        if not (self._directory / "index.html").is_file():
            return PlainTextResponse(_NOT_BUILT, 503, {"cache-control": "no-store"})
        if path.startswith(_ASSETS):
            return _file(self._directory / "assets", path.removeprefix(_ASSETS), _CACHE_FOR_EVER)
        name = path.removeprefix("/")
        # Such as favicon.svg. All else is a place in the dashboard, also /receivers/team.mail.
        is_file = "." in name and "/" not in name
        return _file(self._directory, name if is_file else "index.html", _CACHE_CHECKED)


def _file(directory: Path, name: str, cache_control: str) -> Response:
    """A file by its name among those that are there: a name that a caller made up is never used as a path."""
    files = {file.name: file for file in directory.iterdir() if file.is_file()}
    if name not in files:
        raise HTTPException(404, "there is no such file")
    return FileResponse(files[name], headers={"cache-control": cache_control})
