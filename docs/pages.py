"""Puts the pages of the documentation together for MkDocs: `python -m docs.pages FOLDER OPENAPI`.

What is linked to and is no page, such as a settings file, becomes one that shows it: every link leads somewhere, on any server.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from docs import reference, reference_http

ROOT = Path(__file__).resolve().parents[1]
# Pages that stand at the top of the repository, where people look for them.
TOP_PAGES = ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")
# What stands elsewhere than its path says. The site has a start of its own in place of the README.
FIXED_PLACES = {name: name.lower() for name in TOP_PAGES} | {"README.md": "index.md", "docs/decisions": "decisions/index.md"}
# What installing or compiling an example leaves beside it.
NOT_OURS = {"node_modules", "dist", "__pycache__"}
COPIED = {"site.css": "docs/site.css", "favicon.svg": "gateway/dashboard/public/favicon.svg"}
_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
_PACKAGE = re.compile(r"assay\.\w+\.v\d+")
_LANGUAGES = {"yml": "yaml", "proto": "protobuf", "ts": "typescript", "py": "python"}


def sources(root: Path) -> list[PurePosixPath]:
    """The pages that are written by hand, relative to the repository."""
    found = [path for path in (root / "docs").rglob("*.md") if not NOT_OURS & set(path.parts)]
    return [PurePosixPath(name) for name in TOP_PAGES] + sorted(PurePosixPath(path.relative_to(root)) for path in found)


def links(text: str) -> list[str]:
    """The relative links of a page, without those inside of code."""
    prose = (part for at, part in enumerate(_FENCED.split(text)) if at % 2 == 0)
    return [target for part in prose for _, _, target in _LINK.findall(part) if _is_relative(target)]


def place(path: PurePosixPath, root: Path) -> PurePosixPath | None:
    """Where a file or folder of the repository stands on the site; None for a folder that has no page."""
    if str(path) in FIXED_PLACES or path.parts[0] == "proto" or not (root / path).is_dir():
        return file_place(path)
    return file_place(path / "README.md") if (root / path / "README.md").exists() else None


def file_place(path: PurePosixPath) -> PurePosixPath:
    """Where a file of the repository stands on the site: as itself, in the reference, or in a listing."""
    if str(path) in FIXED_PLACES:
        return PurePosixPath(FIXED_PLACES[str(path)])
    if path.parts[0] == "proto":
        package = ".".join((path.parent if path.suffix else path).parts[1:])
        return PurePosixPath("reference", reference.page_name(package) if _PACKAGE.fullmatch(package) else "index.md")
    if path.parts[0] == "docs" and path.suffix in {".md", ".png"}:
        return path.relative_to("docs")
    return PurePosixPath("source", f"{path}.md")


def relinked(text: str, source: PurePosixPath, root: Path) -> tuple[str, set[PurePosixPath]]:
    """A page whose links lead to places on the site, and the files of the repository that they lead to."""
    targets: set[PurePosixPath] = set()

    def lead(target: str) -> str | None:
        if not _is_relative(target):
            return target
        address, _, fragment = target.partition("#")
        path = PurePosixPath(os.path.normpath(source.parent / address))
        there = place(path, root)
        if there is None:
            return None
        targets.add(path)
        return os.path.relpath(there, file_place(source).parent) + (f"#{fragment}" if fragment else "")

    parts = [part if at % 2 else _replaced(part, lead) for at, part in enumerate(_FENCED.split(text))]
    return "".join(parts), targets


def _replaced(prose: str, lead: Callable[[str], str | None]) -> str:
    def link(match: re.Match[str]) -> str:
        mark, words, target = match.groups()
        there = lead(target)
        return f"{mark}[{words}]({there})" if there is not None else words

    return _LINK.sub(link, prose)


def _is_relative(target: str) -> bool:
    return not re.match(r"[a-z]+:|#|/", target)


def listing(path: PurePosixPath, text: str) -> str:
    """A page that shows a file."""
    language = _LANGUAGES.get(path.suffix[1:], path.suffix[1:])
    return f"# {path}\n\n````{language}\n{text.rstrip()}\n````\n"


def written(root: Path) -> Iterator[tuple[PurePosixPath, str | Path]]:
    """Every page made from what is in the repository by its place, and the files to copy."""
    shown: set[PurePosixPath] = set()
    for source in sources(root):
        text, targets = relinked((root / source).read_text(), source, root)
        shown |= targets
        yield file_place(source), text
    for path in sorted(shown):
        there = place(path, root)
        if there is not None and there.parts[0] == "source":
            yield there, listing(path, (root / path).read_text())
        elif there is not None and path.suffix == ".png":
            yield there, root / path
    yield PurePosixPath("decisions/index.md"), _decisions(root)
    for name, copied in COPIED.items():
        yield PurePosixPath(name), root / copied


def _decisions(root: Path) -> str:
    """A page that lists the decisions by their titles."""
    rows = [f"- [{_title(path.read_text())}]({path.name})" for path in sorted((root / "docs/decisions").glob("*.md"))]
    return "\n".join(["# Decisions", "", "What was decided, instead of what, why, and what was measured.", "", *rows, ""])


def _title(text: str) -> str:
    return text.partition("\n")[0].removeprefix("# ")


def references(root: Path, openapi: dict[str, object]) -> dict[str, str]:
    """The pages of the interfaces by name."""
    grpc = reference.pages(reference.descriptors(root / "proto"))
    names = [f"- [{_title(text)}]({name})" for name, text in grpc.items()]
    opening = "Made from `proto/` and from what the gateway answers, with their comments."
    index = "\n".join(["# Interfaces", "", opening, "", "- [HTTP](http.md), and [its types](http-types.md)", *names, ""])
    return {"index.md": index, **grpc, **reference_http.pages(openapi)}


def main(folder: Path, openapi: Path) -> None:
    """Replaces what is in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    made: dict[PurePosixPath, str | Path] = dict(written(ROOT))
    made |= {PurePosixPath("reference", name): text for name, text in references(ROOT, json.loads(openapi.read_text())).items()}
    for there, content in made.items():
        target = folder / there
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, target)
        else:
            target.write_text(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
