"""Under which account PostgreSQL runs when Assay is started by root, which PostgreSQL refuses to be."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from kit.embedded.files import refusal
from kit.supervisor import RunAs

ACCOUNT_NAMES = ("assay", "postgres")  # the first that exists; the first of them is made if none does
ADD_TIMEOUT_S = 10.0  # writing one line to a file


def server_account(data_directory: Path, paths: Iterable[Path]) -> RunAs | None:
    """The account that owns PostgreSQL's directory, or is to own it; None to stay who we are.

    `paths` are what it has to get at. Where their parents keep it out (a checkout under root's home), it is let through
    rather than that home being opened. Raises AssayError NO_SERVER_ACCOUNT.
    """
    if os.geteuid() != 0:
        return None
    account = _owner(data_directory) or _existing() or _made()
    parents = {parent for path in paths for parent in path.resolve().parents}
    kept_out = not all(_may_pass(parent.stat(), account) for parent in parents)
    return RunAs(account.pw_uid, account.pw_gid, reach_all=kept_out)


def _owner(directory: Path) -> pwd.struct_passwd | None:
    try:
        uid = directory.stat().st_uid
        return pwd.getpwuid(uid) if uid else None
    except (FileNotFoundError, KeyError):
        return None


def _existing() -> pwd.struct_passwd | None:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return next((known[name] for name in ACCOUNT_NAMES if name in known), None)


def _made() -> pwd.struct_passwd:
    name = ACCOUNT_NAMES[0]
    command = shutil.which("useradd")
    arguments = ("--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name)
    if command is not None:
        made = subprocess.run([command, *arguments], check=False, capture_output=True, timeout=ADD_TIMEOUT_S)  # noqa: S603 - all of it is constant
        if made.returncode == 0:
            return pwd.getpwnam(name)
    sentence = f"PostgreSQL does not run as root: run Assay as an ordinary user, or make a system user named {name}"
    raise refusal("NO_SERVER_ACCOUNT", sentence)


def _may_pass(directory: os.stat_result, account: pwd.struct_passwd) -> bool:
    """Whether the account, with its own group alone, may pass through the directory."""
    if directory.st_uid == account.pw_uid:
        return bool(directory.st_mode & 0o100)
    return bool(directory.st_mode & (0o010 if directory.st_gid == account.pw_gid else 0o001))
