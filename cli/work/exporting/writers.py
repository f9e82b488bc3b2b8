"""Writes a table as CSV or Parquet while it comes."""

import csv
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol, TextIO, TypeAlias

from cli.work.exporting.columns import Column, Kind, Rows
from kit.errors import AssayError
from kit.errors import Kind as ErrorKind

Format: TypeAlias = Literal["csv", "parquet"]
STANDARD_OUTPUT = Path("-")
# Rows of a Parquet row group: large enough to compress, small enough to be held (some 30 MB).
ROW_GROUP_ROWS = 50_000


class Writer(Protocol):
    """Takes rows."""

    def write(self, rows: Rows) -> None:
        """Appends rows, each with a value for every column."""


@contextmanager
def writer(path: Path, file_format: Format, columns: Sequence[Column]) -> Iterator[Writer]:
    """Writes to a file, or for `-` to standard output.

    A file has its name when it is whole; what an export that failed had written is removed. Raises FILE_UNWRITABLE, FORMAT_UNFIT and
    PACKAGE_MISSING.
    """
    if path == STANDARD_OUTPUT:
        if file_format != "csv":
            raise AssayError(ErrorKind.INVALID_ARGUMENT, "FORMAT_UNFIT", "Parquet wants a file: --output FILE")
        yield CsvWriter(sys.stdout, columns)
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with _opened(part, file_format, columns) as opened:
            yield opened
        part.replace(path)
    except OSError as error:
        raise AssayError(ErrorKind.INVALID_ARGUMENT, "FILE_UNWRITABLE", f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, file_format: Format, columns: Sequence[Column]) -> Iterator[Writer]:
    if file_format == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            yield CsvWriter(file, columns)
    else:
        made = ParquetWriter(path, columns)
        with made.file:
            yield made
            made.finish()


class CsvWriter:
    """Comma-separated, with a header; times in RFC 3339, and nothing where nothing is known."""

    def __init__(self, file: TextIO, columns: Sequence[Column]) -> None:
        self._times = [place for place, column in enumerate(columns) if column.kind is Kind.TIME]
        self._file = csv.writer(file, lineterminator="\n")
        self._file.writerow([column.name for column in columns])

    def write(self, rows: Rows) -> None:
        """Appends rows."""
        self._file.writerows(map(self._cells, rows))

    def _cells(self, row: Any) -> list[object]:
        cells = list(row)
        for place in self._times:
            if isinstance(cells[place], datetime):
                cells[place] = cells[place].isoformat().replace("+00:00", "Z")
        return cells


class ParquetWriter:
    """Parquet with Zstandard, in row groups of ROW_GROUP_ROWS."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        try:
            import pyarrow as pa
            from pyarrow import parquet
        except ImportError as error:
            message = "Parquet needs the package pyarrow: install assay[parquet], or take --format csv"
            raise AssayError(ErrorKind.FAILED_PRECONDITION, "PACKAGE_MISSING", message) from error
        types = {
            Kind.TEXT: pa.string(),
            Kind.INTEGER: pa.int64(),
            Kind.NUMBER: pa.float64(),
            Kind.TIME: pa.timestamp("us", tz="UTC"),
        }
        self._arrow = pa
        self._schema = pa.schema([(column.name, types[column.kind]) for column in columns])
        self.file = parquet.ParquetWriter(path, self._schema, compression="zstd")
        self._waiting: list[Any] = []

    def write(self, rows: Rows) -> None:
        """Appends rows; a row group is written when it is full."""
        self._waiting.extend(rows)
        if len(self._waiting) >= ROW_GROUP_ROWS:
            self.finish()

    def finish(self) -> None:
        """Writes what waits."""
        if not self._waiting:
            return
        columns = [
            self._arrow.array(values, field.type) for values, field in zip(zip(*self._waiting, strict=True), self._schema, strict=True)
        ]
        self.file.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
        self._waiting.clear()
