"""The output of one child: a log file of bounded size, and its last lines in memory for when it dies."""

import os
from collections import deque
from contextlib import suppress
from pathlib import Path

LOG_FILE_BYTES_MAX = 10 * 1024 * 1024  # a day of ordinary output; four such files a process at most
LOG_FILES_KEPT = 3  # older files beside the one being written
TAIL_LINES_MAX = 40  # what fits a screen when a child's death is told
LINE_BYTES_MAX = 8 * 1024  # a longer line is broken, so that memory stays bounded whatever a child prints


class OutputLog:
    """Takes a child's output in pieces of any size.

    A disk that is full or gone must not stop the child by filling its pipe: what cannot be written to the file is
    dropped there, and still kept in memory.
    """

    def __init__(self, path: Path, *, file_bytes_max: int = LOG_FILE_BYTES_MAX, files_kept: int = LOG_FILES_KEPT) -> None:
        self.path = path
        self._file_bytes_max = file_bytes_max
        self._files_kept = files_kept
        self._lines: deque[str] = deque(maxlen=TAIL_LINES_MAX)
        self._partial = b""
        self._descriptor: int | None = None

    def write(self, data: bytes) -> None:
        """Appends to the file, which is rotated first if it is full, and to the last lines."""
        with suppress(OSError):
            self._append(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        self._lines.extend(line.decode(errors="replace") for line in lines)
        while len(self._partial) > LINE_BYTES_MAX:
            self._lines.append(self._partial[:LINE_BYTES_MAX].decode(errors="replace"))
            self._partial = self._partial[LINE_BYTES_MAX:]

    def tail(self) -> tuple[str, ...]:
        """The last lines, the oldest first; an unfinished one is the last."""
        unfinished = (self._partial.decode(errors="replace"),) if self._partial else ()
        return (*self._lines, *unfinished)[-TAIL_LINES_MAX:]

    def close(self) -> None:
        """Closes the file; a later write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _append(self, data: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        size = os.fstat(self._descriptor).st_size
        if size and size + len(data) > self._file_bytes_max:
            self.close()
            self._rotate()
            self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(self._descriptor, data)

    def _rotate(self) -> None:
        """Renames `x.log.2` to `x.log.3` and so on, the oldest falling off the end."""
        for number in range(self._files_kept, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path if number == 1 else self.path.with_name(f"{self.path.name}.{number - 1}")
            with suppress(FileNotFoundError):
                newer.replace(older)
