"""Writes the Python code of the contract: `python proto/generate.py [FOLDER]`, by default into gen/."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc_tools
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent


def generate(folder: Path) -> None:
    """Replaces `folder`/assay by the modules and type stubs of every .proto below proto/, all at once: others may be reading them."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as made:
        _write(Path(made))
        if (folder / "assay").exists():
            (folder / "assay").rename(Path(made) / "before")
        (Path(made) / "assay").rename(folder / "assay")


def _write(folder: Path) -> None:
    sources = sorted(str(path.relative_to(PROTO)) for path in PROTO.rglob("*.proto"))
    well_known = Path(grpc_tools.__file__).parent / "_proto"
    outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
    status = protoc.main(["protoc", f"-I{PROTO}", f"-I{well_known}", *outputs, *sources])
    if status != 0:
        raise SystemExit(status)
    for package in {
        parent for path in (folder / "assay").rglob("*.py") for parent in path.parents if parent.is_relative_to(folder / "assay")
    }:
        (package / "__init__.py").touch()


if __name__ == "__main__":
    generate(Path(sys.argv[1]) if len(sys.argv) > 1 else PROTO.parent / "gen")
