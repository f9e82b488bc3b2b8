"""Opens a text file whatever mark its encoding left at its beginning."""

import codecs
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import cast

from kit.errors import invalid

STANDARD_INPUT = Path("-")
# Spreadsheets write these. The longer marks come first, as one begins with another.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_MARK_BYTES_MAX = 4


@contextmanager
def opened(path: Path, name: str) -> Iterator[TextIOWrapper]:
    """The file's text: UTF-8, or what its byte-order mark says. Raises AssayError where it cannot be read."""
    try:
        binary = cast("BufferedReader", sys.stdin.buffer) if path == STANDARD_INPUT else path.open("rb")
        start = binary.peek(_MARK_BYTES_MAX)
    except OSError as error:
        raise invalid(name, f"it cannot be read ({(error.strerror or str(error)).lower()}): name a CSV file") from error
    encoding = next((encoding for mark, encoding in _MARKS.items() if start.startswith(mark)), "utf-8")
    with TextIOWrapper(binary, encoding, newline="") as text:
        yield text
