"""Rows of a file, CSV or JSON lines, a chunk at a time: memory stays flat however long the file is."""

import csv
import io
import json
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from cli.work.records import LINE_BYTES_MAX, Source
from kit.errors import AssayError, Kind

# As many as one question about stored calls may name; a chunk is also what is held in memory.
CHUNK_ROWS = 1_000
# Spend logs may hold whole prompts and answers in a cell.
_CELL_CHARACTERS_MAX = LINE_BYTES_MAX

# Enough to see what the first character is that is no mark of UTF-8 and no space.
_PEEK_BYTES = 256
_BLANK = b"\xef\xbb\xbf \t\r\n"

Values: TypeAlias = Mapping[str, Any]


class Row(NamedTuple):
    """A row's values by the names of its columns; `number` is the line that it ends on. Why it is none stands in `trouble`."""

    number: int
    values: Values
    trouble: str = ""


class FileRows:
    """The rows of an opened file: JSON lines if it begins with a brace, else CSV with a header."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.size = source.size_bytes

    def position(self) -> int:
        """How many bytes were read."""
        return self._source.position_bytes()

    async def chunks(self) -> AsyncIterator[list[Row]]:
        """Raises FILE_INVALID for a file that is neither, and FILE_DAMAGED when it cannot be read on."""
        for chunk in _chunks(self._source.lines):
            yield chunk


def _chunks(lines: "io.BufferedReader[Any]") -> Iterator[list[Row]]:
    chunk: list[Row] = []
    damage: AssayError | None = None
    try:
        for row in _rows(lines):
            chunk.append(row)
            if len(chunk) == CHUNK_ROWS:
                yield chunk
                chunk = []
    except (EOFError, OSError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        message = f"the file is damaged ({error}): what was before that is imported"
        damage = AssayError(Kind.INVALID_ARGUMENT, "FILE_DAMAGED", message)
    if chunk:
        yield chunk
    if damage is not None:
        raise damage


def _rows(lines: "io.BufferedReader[Any]") -> Iterator[Row]:
    first = lines.peek(_PEEK_BYTES).lstrip(_BLANK)[:1]
    if first == b"[":
        raise AssayError(
            Kind.INVALID_ARGUMENT, "FILE_INVALID", "this is one JSON array: write it as JSON lines, as `jq -c '.[]' FILE` does"
        )
    return _json_rows(lines) if first == b"{" else _csv_rows(lines)


def _json_rows(lines: "io.BufferedReader[Any]") -> Iterator[Row]:
    number = 0
    while line := lines.readline(LINE_BYTES_MAX):
        number += 1
        if line.isspace():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            yield Row(number, {}, "no JSON")
            continue
        yield Row(number, values) if isinstance(values, dict) else Row(number, {}, "not a JSON object")


def _csv_rows(lines: "io.BufferedReader[Any]") -> Iterator[Row]:
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    text = io.TextIOWrapper(lines, encoding="utf-8-sig", newline="")
    try:
        reader = csv.reader(text)
        header = [name.strip() for name in next(reader, [])]
        if len(header) != len(set(header)):
            raise AssayError(Kind.INVALID_ARGUMENT, "FILE_INVALID", "two columns of the header have the same name")
        for cells in reader:
            if len(cells) == len(header):
                yield Row(reader.line_num, dict(zip(header, cells, strict=True)))
            elif cells:
                yield Row(reader.line_num, {}, f"not as many cells as the header has ({len(header)})")
    finally:
        text.detach()  # whose file it is, closes it
