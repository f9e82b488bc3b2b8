"""What commands print: JSON for programs, tables for people, and messages of the contract as either."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import isfinite
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

Json = dict[str, Any]

# A table that goes into a file or a pipe is not wrapped.
PIPE_COLUMNS = 1_000


def print_json(value: object) -> None:
    """One line of JSON on standard output."""
    print(json.dumps(value, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """A table on standard output, numbers to the right; the sentence `empty` when there are no rows."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column)
    filled = [list(row) for row in rows]
    if not filled:
        print(empty)
        return
    for position, shown in enumerate(table.columns):
        shown.justify = "right" if isinstance(filled[0][position], int | float) else "left"
        shown.overflow = "fold"
    for row in filled:
        table.add_row(*(Text(_cell(value)) for value in row))
    console = Console() if sys.stdout.isatty() else Console(width=PIPE_COLUMNS)
    console.print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)


@contextmanager
def step_progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error, if that is a terminal; gives what to tell how many steps are done and how many there are."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _done, _total: None
        return
    with Progress(console=console) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def as_json(message: Message) -> Json:
    """A message as the HTTP API shows it: names as in the proto, numbers as numbers, enums without their prefix.

    Times are RFC 3339, durations read "1.5s". A field that can be unset and is, is None.
    """
    return {field.name: _field_as_json(message, field) for field in message.DESCRIPTOR.fields}


def finite(value: Any) -> Any:
    """The same with null for NaN and for the infinities, which JSON has not."""
    if isinstance(value, dict):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _field_as_json(message: Message, field: Any) -> Any:  # protobuf has two classes of descriptors, alike in all but type
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    if field.is_repeated:
        return [_value_as_json(field, each) for each in value]
    if field.has_presence and not message.HasField(field.name):
        return None
    return _value_as_json(field, value)


def _value_as_json(field: Any, value: Any) -> Any:
    if field.enum_type is not None:
        return _enum_name(field.enum_type, value)
    if isinstance(value, Timestamp | Duration):
        return value.ToJsonString()
    return as_json(value) if isinstance(value, Message) else value


def _enum_name(enum: Any, number: int) -> str | int:
    """ADMIN for ROLE_ADMIN: values have the enum's name as a prefix. A number that this version does not know stays one."""
    known = enum.values_by_number.get(number)
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return number if known is None else str(known.name).removeprefix(prefix)
