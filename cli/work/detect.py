"""Reads a series from a CSV file, lets the analyzer's detector look at it, and prints it back with what it found, row by row."""

import csv
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cli.work.detect_file import STANDARD_INPUT, opened
from cli.work.detect_row import seconds_of, value_of
from cli.work.output import print_json
from kit.errors import AssayError, invalid
from services.analyzer.domain.series_detector import Observation, SeriesDetector

TIME, VALUE = "timestamp", "value"
SCORE, IS_ANOMALY = "score", "is_anomaly"


@dataclass(frozen=True)
class Header:
    """The names of a file's columns, and where the two are that count."""

    names: list[str]
    time: int
    value: int


def print_detected(path: Path, *, json: bool) -> None:
    """Prints each row as soon as it is read, so a bad line comes after the good ones before it. Raises AssayError for it."""
    name = "standard input" if path == STANDARD_INPUT else str(path)
    with opened(path, name) as file:
        rows = _numbered(csv.reader(file), name)
        header = _header(next(rows, None), name)
        found = _observed(rows, header, name)
        if json:
            for row, observation in found:
                judged = {SCORE: observation.score, IS_ANOMALY: observation.is_anomaly}
                print_json(dict(zip(header.names, row, strict=True)) | judged)
            return
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([*header.names, SCORE, IS_ANOMALY])
        for row, observation in found:
            writer.writerow([*row, f"{observation.score:.6g}", int(observation.is_anomaly)])


def _observed(rows: Iterable[tuple[int, list[str]]], header: Header, name: str) -> Iterator[tuple[list[str], Observation]]:
    detector = SeriesDetector()
    for line, row in rows:
        try:
            if len(row) != len(header.names):
                raise invalid("row", f"it has {len(row)} fields and the header {len(header.names)}: write one field for each column")
            observation = detector.observe(seconds_of(row[header.time]), value_of(row[header.value]))
        except AssayError as error:
            raise invalid(f"{name}, line {line}", error.message) from None
        yield row, observation


def _numbered(reader: Iterator[list[str]], name: str) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not blank, with the number of the line that each ends on."""
    line = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except UnicodeError:
            raise invalid(name, "it is not UTF-8: save it as UTF-8, such as with iconv -t UTF-8") from None
        except csv.Error as error:
            raise invalid(f"{name}, after line {line}", f"it is not CSV ({error}): write timestamp,value and a row a line") from None
        line = getattr(reader, "line_num", line + 1)
        if row:
            yield line, row


def _header(first: tuple[int, list[str]] | None, name: str) -> Header:
    if first is None:
        raise invalid(name, f"it is empty: begin it with the line {TIME},{VALUE}")
    names = first[1]
    known = [column.strip().lower() for column in names]
    for wanted in (TIME, VALUE):
        if known.count(wanted) != 1:
            count = "no column" if wanted not in known else "more than one column"
            raise invalid(name, f"there is {count} {wanted}: begin it with a line that names one, such as {TIME},{VALUE}")
    for added in (SCORE, IS_ANOMALY):
        if added in known:
            raise invalid(name, f"it has a column {added} already: leave it out or name it otherwise")
    return Header(names, known.index(TIME), known.index(VALUE))
