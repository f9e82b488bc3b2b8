"""Writing small files so that they are whole or absent, and saying plainly what a disk refused."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.errors import AssayError, Kind

FULL = "the disk of {path} is full: free some space, or choose a directory on another disk with --data-dir"
READ_ONLY = "{path} is on a read-only disk: choose a directory on another one with --data-dir"
FORBIDDEN = "this user may not write to {path}: change its owner or permissions, or choose another with --data-dir"
NOT_A_DIRECTORY = "{path} is not a directory, or a part of its path is not: choose another with --data-dir"
TOO_LONG = "the path {path} is longer than this system allows: choose a shorter one with --data-dir"

_REFUSALS = {
    errno.ENOSPC: ("DISK_FULL", FULL),
    errno.EDQUOT: ("DISK_FULL", FULL),
    errno.EROFS: ("DISK_READ_ONLY", READ_ONLY),
    errno.EACCES: ("DATA_DIR_FORBIDDEN", FORBIDDEN),
    errno.EPERM: ("DATA_DIR_FORBIDDEN", FORBIDDEN),
    errno.ENOTDIR: ("DATA_DIR_NOT_A_DIRECTORY", NOT_A_DIRECTORY),
    errno.EEXIST: ("DATA_DIR_NOT_A_DIRECTORY", NOT_A_DIRECTORY),
    errno.ENAMETOOLONG: ("DATA_DIR_PATH_TOO_LONG", TOO_LONG),
}


def refusal(reason: str, message: str) -> AssayError:
    """The error of a data directory that cannot be used as it is."""
    return AssayError(Kind.FAILED_PRECONDITION, reason, message)


def output_hints(path: Path) -> dict[str, str]:
    """What to tell the operator when one of these texts stands in the output of a server that uses the path."""
    by_number = (errno.ENOSPC, errno.EROFS, errno.EDQUOT)
    return {os.strerror(number): _REFUSALS[number][1].format(path=path) for number in by_number}


@contextmanager
def plain_refusals(path: Path) -> Iterator[None]:
    """Turns the errors by which a disk refuses to be written into one line about the path; others pass."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        reason, sentence = _REFUSALS[error.errno]
        raise refusal(reason, sentence.format(path=path)) from error


def sync_directory(path: Path) -> None:
    """Makes the names in a directory durable: renamed files are safe only after this."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Replaces the file by one that its owner alone may read; a crash leaves the old one or the new one."""
    partial = path.with_name(f"{path.name}.partial")
    partial.unlink(missing_ok=True)  # a file left by a crash may have other permissions
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    sync_directory(path.parent)
