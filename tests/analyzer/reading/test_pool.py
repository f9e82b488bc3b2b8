"""The pool: processes that hostile evidence may end without harm to anything else."""

import asyncio
import io
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from kit.errors import AssayError
from services.analyzer.domain.quality.reading import Component, Reading
from services.analyzer.reading import worker
from services.analyzer.reading.framing import frame, read_frame
from services.analyzer.reading.kinds import CONTENT_BYTES_MAX, ReportKind, shortened
from services.analyzer.reading.limits import ReadingLimits
from services.analyzer.reading.pool import Outcome, ReaderPool
from services.analyzer.reading.read import read as real_read

LONG = b"<testsuite>" + b"<testcase/>" * 450_000 + b"</testsuite>"
JUNIT = b'<testsuite name="pytest"><testcase name="a"/></testsuite>'


def processes_of_this_test() -> list[psutil.Process]:
    return [child for child in psutil.Process().children() if "services.analyzer.reading.worker" in " ".join(child.cmdline())]


async def test_pieces_are_read_at_once_by_processes_that_stay() -> None:
    outcomes: Counter[tuple[ReportKind, Outcome]] = Counter()
    async with ReaderPool(2, count=lambda kind, outcome: outcomes.update([(kind, outcome)])) as pool:
        found = await asyncio.gather(*(pool.read(ReportKind.JUNIT, JUNIT) for _ in range(6)))
        (code, *_) = await pool.read(ReportKind.CODE, b"import os\n", path="a.py")
        processes = processes_of_this_test()
        assert 1 <= len(processes) <= 2
        secrets = [name for process in processes for name in process.environ() if name.startswith("ASSAY_") or "KEY" in name]
        assert secrets == []
    assert {reading.score_ratio for (reading,) in found} == {2 / 3}
    assert code.component is Component.CODE
    assert outcomes == {(ReportKind.JUNIT, "read"): 6, (ReportKind.CODE, "read"): 1}
    assert processes_of_this_test() == []


async def test_what_cannot_be_read_is_refused_and_the_process_stays() -> None:
    async with ReaderPool(1) as pool:
        with pytest.raises(AssayError, match="line 1: it declares entities") as refused:
            await pool.read(ReportKind.JUNIT, b'<!DOCTYPE a [<!ENTITY x "y">]><testsuite/>')
        assert (refused.value.reason, refused.value.details["line"]) == ("REPORT_UNREADABLE", "1")
        before = processes_of_this_test()
        await pool.read(ReportKind.JUNIT, JUNIT)
        assert processes_of_this_test() == before
        for content, diff in ((b"x" * (CONTENT_BYTES_MAX + 1), b""), (b"", b"x" * (CONTENT_BYTES_MAX + 1))):
            with pytest.raises(AssayError, match="send less") as refused:
                await pool.read(ReportKind.LCOV, content, diff=diff)
            assert refused.value.reason == "CONTENT_TOO_LARGE"


async def read_with(pool: ReaderPool, kind: ReportKind, content: bytes) -> Reading:
    (reading,) = await pool.read(kind, content, language="python")
    return reading


@pytest.mark.parametrize(
    ("limits", "kind", "content", "outcome"),
    [
        (ReadingLimits(cpu_s=0.2), ReportKind.CODE, b"x = f(x, 1)\n" * 200_000, "crashed"),
        (ReadingLimits(wall_s=0.01), ReportKind.JUNIT, LONG, "timed_out"),
        (ReadingLimits(memory_mib=80), ReportKind.JUNIT, LONG, "failed"),
    ],
)
async def test_a_piece_beyond_its_limits_is_missing_and_counted_and_the_next_is_read(
    limits: ReadingLimits, kind: ReportKind, content: bytes, outcome: str
) -> None:
    outcomes: list[str] = []
    async with ReaderPool(1, limits=limits, count=lambda _kind, outcome: outcomes.append(outcome)) as pool:
        await pool.read(ReportKind.JUNIT, JUNIT)
        reading = await read_with(pool, kind, content)
        assert reading.missing_reason
        assert reading.component is (Component.CODE if kind is ReportKind.CODE else Component.TESTS)
        (after,) = await pool.read(ReportKind.JUNIT, JUNIT)
        assert after.missing_reason == ""
    assert outcomes == ["read", outcome, "read"]


async def test_a_process_that_dies_gives_a_missing_reading() -> None:
    async with ReaderPool(1) as pool:
        await pool.read(ReportKind.JUNIT, JUNIT)
        (process,) = processes_of_this_test()
        process.kill()
        process.wait()
        assert "crashed" in (await read_with(pool, ReportKind.JUNIT, JUNIT)).missing_reason
        assert (await read_with(pool, ReportKind.JUNIT, JUNIT)).missing_reason == ""


async def test_processes_are_replaced_after_their_time_and_leave_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with ReaderPool(1, limits=ReadingLimits(pieces_per_process=1)) as pool:
        await pool.read(ReportKind.JUNIT, JUNIT)
        assert processes_of_this_test() == []
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - nothing else runs in this loop


async def test_who_stops_waiting_ends_the_process_that_reads_for_them() -> None:
    async with ReaderPool(1) as pool:
        reading = asyncio.create_task(pool.read(ReportKind.JUNIT, JUNIT))
        while not processes_of_this_test():
            await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert processes_of_this_test() == []
        assert (await read_with(pool, ReportKind.JUNIT, JUNIT)).missing_reason == ""


def test_a_process_answers_each_request_and_survives_what_breaks_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    request = {"kind": "junit", "language": "", "path": "", "content_bytes": len(JUNIT), "diff_bytes": 0}
    asked = frame(request) + JUNIT + frame(request | {"content_bytes": 1}) + b"x" + frame(request) + JUNIT
    calls = iter((real_read, real_read))

    def read_twice(*arguments: object) -> list[Reading]:
        for call in calls:
            return call(*arguments)  # type: ignore[arg-type]  # passed on as they are
        raise MemoryError

    monkeypatch.setattr(worker, "read", read_twice)
    monkeypatch.setattr(worker, "limit_cpu_of_next_piece", lambda _limits: None)
    answers = io.BytesIO()
    worker.serve(io.BytesIO(asked), answers, ReadingLimits())
    answers.seek(0)
    read, refused, failed = (read_frame(answers) for _ in range(3))
    assert read is not None and read["readings"][0]["score"] == 2 / 3
    assert refused is not None and refused["refused"]["reason"] == "REPORT_UNREADABLE"
    assert failed == {"failed": "MemoryError"}


def test_who_uses_the_pool_loads_no_analyser() -> None:
    program = "import sys, services.analyzer.reading.pool; print({'bandit', 'lizard', 'tree_sitter', 'unidiff'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_long_texts_are_shortened_to_a_line() -> None:
    assert shortened("a\n b ") == "a b"
    assert len(shortened("x" * 1_000)) == 300
