"""Wheels of both distributions, and fresh environments to try them in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
# What the two wheels are made of; the rest of the repository stays away.
SOURCES = ("pyproject.toml", "README.md", "client", "gen", "kit", "services", "gateway", "cli", "bench", "simulation")
BUILD_TIMEOUT_S = 300.0
INSTALL_TIMEOUT_S = 300.0


def build_wheels(folder: Path) -> tuple[Path, Path]:
    """Builds the client's and the suite's wheel from a copy of the sources, so that nothing is left beside them."""
    copy = folder / "sources"
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, copy / name, ignore=shutil.ignore_patterns("node_modules", "__pycache__", "build", "*.egg-info", "dashboard")
            )
        else:
            copy.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    wheels = folder / "wheels"
    for project in (copy / "client", copy):
        command: list[str | Path] = [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "-q",
            "--no-deps",
            "--no-build-isolation",
            "--no-index",
            "-w",
            wheels,
            project,
        ]
        subprocess.run(command, check=True, timeout=BUILD_TIMEOUT_S)
    (client,) = wheels.glob("assay_client-*.whl")
    (suite,) = wheels.glob("assay-*.whl")
    return client, suite


def interpreter(version: str) -> str:
    """A Python of that version on this machine; skips the test where there is none."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = [shutil.which(f"python{version}"), *sorted(root.glob(f"versions/{version}.*/bin/python"))]
    for path in found:
        if path is not None and _says([str(path), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]) == version:
            return str(path)
    pytest.skip(f"there is no Python {version} here")


def environment(folder: Path, python: str, *packages: str | Path, unlocked: Collection[str] = ()) -> str:
    """A fresh virtual environment with these packages; its Python. Skips the test where they cannot be had.

    What they need has the versions of the lock file, except for those that are `unlocked`.
    """
    subprocess.run([UV, "venv", "-q", "--python", python, folder], check=True, timeout=INSTALL_TIMEOUT_S)
    inside = folder / "bin" / "python"
    constraints = folder / "constraints.txt"
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked = [line.rstrip(" \\") for line in lines if "==" in line and "--hash" not in line]
    constraints.write_text("\n".join(line for line in locked if line.partition("==")[0] not in unlocked))
    command: list[str | Path] = [UV, "pip", "install", "-q", "--python", inside, "-c", constraints, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=INSTALL_TIMEOUT_S)
    if done.returncode and any(word in done.stderr for word in ("Request failed", "dns error", "connect")):
        pytest.skip(f"no package index can be reached: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    return str(inside)


def _says(command: list[str]) -> str:
    """What a command prints; nothing, if it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60.0).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
