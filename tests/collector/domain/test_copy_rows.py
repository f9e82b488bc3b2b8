"""Rows for COPY, read back as its documentation says."""

import struct
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.copy_rows import Blobs, Integers, binary_rows, days_of, texts

LETTERS = {2: "h", 4: "i", 8: "q"}


def fields_of(data: bytes) -> list[list[bytes]]:
    """The fields of each row."""
    signature, flags, extension_bytes = struct.unpack_from("!11sII", data)
    assert (signature, flags, extension_bytes) == (b"PGCOPY\n\xff\r\n\0", 0, 0)
    rows, at = [], 19
    while (field_count := struct.unpack_from("!h", data, at)[0]) != -1:
        at += 2
        row = []
        for _ in range(field_count):
            (length,) = struct.unpack_from("!i", data, at)
            row.append(data[at + 4 : at + 4 + length])
            at += 4 + length
        rows.append(row)
    assert at + 2 == len(data)
    return rows


def whole(byte_count: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (8 * byte_count - 1)), 2 ** (8 * byte_count - 1) - 1)


@given(st.lists(st.sampled_from([2, 4, 8, "text"]), min_size=1, max_size=6), st.integers(0, 5), st.data())
def test_rows_are_read_back(kinds: list[int | str], row_count: int, data: st.DataObject) -> None:
    columns: list[Integers | Blobs] = []
    wanted: list[list[bytes]] = []
    for kind in kinds:
        if isinstance(kind, int):
            numbers = data.draw(st.lists(whole(kind), min_size=row_count, max_size=row_count))
            columns.append(Integers(np.array(numbers, np.int64), kind))
            wanted.append([struct.pack(f"!{LETTERS[kind]}", number) for number in numbers])
        else:
            values = data.draw(st.lists(st.text(max_size=5), min_size=row_count, max_size=row_count))
            columns.append(texts(values))
            wanted.append([value.encode() for value in values])
    assert fields_of(binary_rows(columns)) == [list(row) for row in zip(*wanted, strict=True)]


@pytest.mark.parametrize(("number", "byte_count"), [(2**31, 4), (-(2**31) - 1, 4), (2**15, 2)])
def test_a_number_that_does_not_fit_is_refused(number: int, byte_count: int) -> None:
    with pytest.raises(OverflowError, match=f"{byte_count} bytes"):
        binary_rows([Integers(np.array([number]), byte_count)])


def test_dates_are_counted_as_postgresql_counts_them() -> None:
    assert days_of([date(2000, 1, 1), date(1999, 12, 31), date(2026, 11, 22)]).tolist() == [0, -1, 9822]
