"""The output of a child: files of bounded size, last lines in memory."""

import errno
import os
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.supervisor.logs import LINE_BYTES_MAX, TAIL_LINES_MAX, OutputLog


def test_output_goes_to_a_file_of_its_owner_alone(tmp_path: Path) -> None:
    log = OutputLog(tmp_path / "a.log")
    log.write(b"one\ntw")
    log.write(b"o\nthree")
    log.close()
    assert log.path.read_bytes() == b"one\ntwo\nthree"
    assert log.path.stat().st_mode & 0o777 == 0o600
    assert log.tail() == ("one", "two", "three")


def test_a_full_file_is_rotated_and_the_oldest_dropped(tmp_path: Path) -> None:
    log = OutputLog(tmp_path / "a.log", file_bytes_max=10, files_kept=2)
    for number in range(5):
        log.write(b"line %d\n" % number)
    log.close()
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files == {"a.log": "line 4\n", "a.log.1": "line 3\n", "a.log.2": "line 2\n"}


@given(data=st.binary(max_size=3000), cuts=st.lists(st.integers(0, 3000), max_size=6))
def test_the_last_lines_do_not_depend_on_how_the_output_is_cut(data: bytes, cuts: list[int]) -> None:
    log, whole = OutputLog(Path("/dev/null")), OutputLog(Path("/dev/null"))
    bounds = [0, *sorted(cut for cut in cuts if cut <= len(data)), len(data)]
    for start, end in pairwise(bounds):
        log.write(data[start:end])
    whole.write(data)
    assert log.tail() == whole.tail()
    log.close()
    whole.close()


def test_memory_stays_bounded_whatever_is_printed(tmp_path: Path) -> None:
    log = OutputLog(tmp_path / "a.log", file_bytes_max=100)
    log.write(b"x" * (LINE_BYTES_MAX * 3 + 1))
    assert [len(line) for line in log.tail()] == [LINE_BYTES_MAX] * 3 + [1]
    log.write(b"\n" * 1000)
    assert len(log.tail()) == TAIL_LINES_MAX
    log.close()


def test_a_full_disk_keeps_the_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = OutputLog(tmp_path / "a.log")

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        log.write(b"lost from the file\n")
    log.write(b"kept\n")
    log.close()
    assert log.tail() == ("lost from the file", "kept")
    assert log.path.read_text() == "kept\n"
