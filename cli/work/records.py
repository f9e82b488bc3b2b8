"""Reads calls and evidence from JSON lines, compressed or not, without holding more than a line."""

import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence
from google.protobuf import json_format
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.json_messages import parser
from kit.errors import AssayError, Kind

# A batch has at most 8 MB, and a message is never longer than its JSON.
LINE_BYTES_MAX = 8 * 1024 * 1024
REASON_LENGTH_MAX = 200
STANDARD_INPUT = Path("-")

_GZIP_MAGIC = b"\x1f\x8b"
_BUFFER_BYTES = 256 * 1024
_EVIDENCE_IDS = ("evidence_id", "evidenceId")
_parse_call = parser(Call)
_parse_evidence = parser(Evidence)


@dataclass(frozen=True)
class Record:
    """A line that was understood; `line_bytes` is an upper bound of the message's size."""

    line_number: int
    line_bytes: int
    message: Call | Evidence

    @property
    def time(self) -> Timestamp:
        """When the call was sent or the evidence observed."""
        return self.message.start_time if isinstance(self.message, Call) else self.message.observe_time


@dataclass(frozen=True)
class BadLine:
    """A line that was not, and why."""

    line_number: int
    reason: str


@dataclass(frozen=True)
class Source:
    """An opened file: its lines, how far it was read, and its size in bytes; None where there is no telling."""

    lines: "io.BufferedReader[Any]"
    raw: io.FileIO
    size_bytes: int | None

    def position_bytes(self) -> int:
        """How much of the file was read."""
        return self.raw.tell() if self.size_bytes is not None else 0


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Opens a file, or standard input for `-`; compressed ones are known by their first bytes. Raises FILE_UNREADABLE."""
    with _open_raw(path) as raw:
        size = os.fstat(raw.fileno()).st_size
        is_file = raw.seekable()
        buffered = io.BufferedReader(raw, _BUFFER_BYTES)
        is_compressed = buffered.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] == _GZIP_MAGIC
        lines = gzip.GzipFile(fileobj=buffered) if is_compressed else buffered
        yield Source(io.BufferedReader(lines, _BUFFER_BYTES) if is_compressed else buffered, raw, size if is_file else None)


def read_records(lines: BinaryIO) -> Iterator[Record | BadLine]:
    """Each line that is not blank, in order. Raises FILE_DAMAGED when the compressed data cannot be read on."""
    line_number = 0
    while True:
        try:
            line = lines.readline(LINE_BYTES_MAX + 1)
            is_too_long = len(line) > LINE_BYTES_MAX
            if is_too_long:
                _skip_line(lines, line)
        except (EOFError, OSError, zlib.error) as error:
            message = f"the file is damaged after line {line_number} ({error}); what was before that is sent"
            raise AssayError(Kind.INVALID_ARGUMENT, "FILE_DAMAGED", message) from error
        if not line:
            return
        line_number += 1
        if is_too_long:
            yield BadLine(line_number, f"longer than {LINE_BYTES_MAX:,} bytes")
        elif not line.isspace():
            yield _record(line_number, line)


def _record(line_number: int, line: bytes) -> Record | BadLine:
    try:
        return Record(line_number, len(line), _message(line))
    except (ValueError, RecursionError, json_format.ParseError) as error:
        return BadLine(line_number, str(error)[:REASON_LENGTH_MAX])


def _message(line: bytes) -> Call | Evidence:
    """The line as a message; raises ValueError, RecursionError or ParseError."""
    content = json.loads(line)
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - the line's value is wrong
    is_evidence = any(name in content for name in _EVIDENCE_IDS)
    return _parse_evidence(content) if is_evidence else _parse_call(content)


def _skip_line(lines: BinaryIO, begun: bytes) -> None:
    while begun and not begun.endswith(b"\n"):
        begun = lines.readline(_BUFFER_BYTES)


def _open_raw(path: Path) -> io.FileIO:
    try:
        return io.FileIO(sys.stdin.fileno(), closefd=False) if path == STANDARD_INPUT else io.FileIO(path)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise AssayError(Kind.INVALID_ARGUMENT, "FILE_UNREADABLE", message) from error
