"""How processes start, stop and fail, seen from outside; and how background jobs do."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kit.errors import AssayError, Kind
from kit.lifecycle import background, run, run_until_signal

ROOT = Path(__file__).resolve().parents[2]
IN_TIME_S = 60.0
# Longer than any test may take: what waits for all of it is past its deadline.
EVER_S = 3_600.0

PROGRAM = """
import asyncio, sys
from contextlib import asynccontextmanager
from kit import lifecycle, logs, settings
from kit.errors import AssayError, Kind

class Settings(settings.ProcessSettings):
    size: int = 1

@asynccontextmanager
async def service(case):
    if case == "slow start":
        print("starting", flush=True)
        await asyncio.sleep(3600)
    async def job(stop):
        print("up", type(asyncio.get_running_loop()).__module__, flush=True)
        if case == "failing job":
            raise AssayError(Kind.UNAVAILABLE, "BUS_GONE", "the bus is gone")
        await stop.wait()
    async with lifecycle.background(job):
        yield
        print("stopping", flush=True)
        if case == "slow stop":
            await asyncio.sleep(3600)
    print("down", flush=True)

read = settings.load(Settings)
logs.setup(read.log_level, read.log_format, "program")
sys.exit(lifecycle.run(service(sys.argv[1])))
"""


@contextmanager
def program(case: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, case],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def line_of(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


def ending_of(child: subprocess.Popen[str]) -> tuple[int, str, str]:
    output, errors = child.communicate(timeout=IN_TIME_S)
    return child.returncode, output, errors


class Service:
    """A context manager that takes a while to leave."""

    def __init__(self, leave_s: float, error: Exception | None = None) -> None:
        self._leave_s = leave_s
        self._error = error

    async def __aenter__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    async def __aexit__(self, *_: object) -> None:
        if self._error is not None:
            raise self._error
        await asyncio.sleep(self._leave_s)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_a_process_in_order(number: signal.Signals) -> None:
    with program("plain") as child:
        assert line_of(child) == "up uvloop"
        child.send_signal(number)
        code, output, errors = ending_of(child)
    assert (code, output) == (0, "stopping\ndown\n")
    assert f"stopping signal={number.name}" in errors
    assert "Traceback" not in errors


def test_a_signal_stops_a_process_that_is_still_starting() -> None:
    with program("slow start") as child:
        assert line_of(child) == "starting"
        child.terminate()
        code, output, errors = ending_of(child)
    assert (code, output) == (0, "")
    assert "Traceback" not in errors


def test_a_second_signal_ends_a_slow_stop() -> None:
    with program("slow stop") as child:
        assert line_of(child) == "up uvloop"
        child.send_signal(signal.SIGINT)
        assert line_of(child) == "stopping"
        child.send_signal(signal.SIGINT)
        code, _, errors = ending_of(child)
    assert code == 1
    assert errors.splitlines()[-1] == "the process did not stop in time and was cancelled (STOP_TIMEOUT)"


def test_expected_trouble_is_one_line_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    error = AssayError(Kind.FAILED_PRECONDITION, "ADDRESS_UNAVAILABLE", "cannot listen on 127.0.0.1:1")
    assert run(Service(0, error)) == 1
    assert capsys.readouterr().err == "cannot listen on 127.0.0.1:1 (ADDRESS_UNAVAILABLE)\n"


def test_a_bug_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    assert run(Service(0, ZeroDivisionError("a bug"))) == 1
    assert [(record.message, str(record.exc_info and record.exc_info[1])) for record in caplog.records] == [("process failed", "a bug")]


def test_a_process_that_stops_when_it_is_asked_has_exit_code_0() -> None:
    assert run(Service(0)) == 0


def test_a_job_that_fails_ends_the_process() -> None:
    with program("failing job") as child:
        code, output, errors = ending_of(child)
    assert code == 1
    assert output == "up uvloop\n"
    assert errors == "the bus is gone (BUS_GONE)\n"


def test_a_wrong_setting_is_one_line_and_exit_code_2() -> None:
    with program("plain", SIZE="many") as child:
        code, output, errors = ending_of(child)
    assert (code, output) == (2, "")
    assert len(errors.splitlines()) == 1
    assert errors.startswith("wrong setting: SIZE: ")


async def test_a_stop_that_hangs_is_cancelled_in_the_end() -> None:
    with pytest.raises(Exception, match="did not stop in time"):
        await run_until_signal(Service(EVER_S), stop_timeout_s=0.05)


async def test_a_timeout_of_the_service_itself_is_its_error() -> None:
    with pytest.raises(TimeoutError, match="its own"):
        await run_until_signal(Service(0, TimeoutError("its own")), stop_timeout_s=EVER_S)


async def test_a_signal_before_the_service_is_up_cancels_its_start() -> None:
    class Slow(Service):
        async def __aenter__(self) -> None:
            await super().__aenter__()
            await asyncio.sleep(EVER_S)

    await asyncio.wait_for(run_until_signal(Slow(EVER_S)), IN_TIME_S)


async def test_more_signals_than_needed_change_nothing() -> None:
    class Stubborn(Service):
        async def __aexit__(self, *_: object) -> None:
            try:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(EVER_S)
            finally:
                os.kill(os.getpid(), signal.SIGINT)
                await asyncio.sleep(0.05)

    with pytest.raises(AssayError, match="did not stop in time"):
        await run_until_signal(Stubborn(0))


async def test_signals_are_left_as_they_were() -> None:
    before = signal.getsignal(signal.SIGTERM)
    await run_until_signal(Service(0))
    assert signal.getsignal(signal.SIGTERM) == before


async def test_leaving_the_block_asks_jobs_to_stop_and_waits_for_them() -> None:
    events: list[str] = []

    async def job(stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(0.01)
        events.append("finished what was begun")

    async with background(job, job):
        events.append("block")
    assert events == ["block", "finished what was begun", "finished what was begun"]


async def test_a_job_that_does_not_stop_is_cancelled() -> None:
    async def job(_stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    async with asyncio.timeout(IN_TIME_S), background(job, stop_timeout_s=0.05):
        pass


async def test_a_job_that_fails_ends_the_block_and_stops_the_others_gracefully() -> None:
    events: list[str] = []

    async def failing(_stop: asyncio.Event) -> None:
        raise ZeroDivisionError("job")

    async def other(stop: asyncio.Event) -> None:
        await stop.wait()
        events.append("stopped")

    with pytest.raises(ZeroDivisionError, match="job"):
        async with background(failing, other):
            await asyncio.Event().wait()
    assert events == ["stopped"]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_the_first_error_of_jobs_is_raised_and_the_others_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def failing(_stop: asyncio.Event) -> None:
        raise ZeroDivisionError("first")

    async def failing_too(_stop: asyncio.Event) -> None:
        raise ZeroDivisionError("second")

    async def failing_late(stop: asyncio.Event) -> None:
        await stop.wait()
        raise ZeroDivisionError("third")

    with pytest.raises(ZeroDivisionError, match="first"), caplog.at_level(logging.ERROR):
        async with background(failing, failing_too, failing_late):
            await asyncio.Event().wait()
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == ["second", "third"]


async def test_the_blocks_own_error_wins_over_a_jobs(caplog: pytest.LogCaptureFixture) -> None:
    async def failing_late(stop: asyncio.Event) -> None:
        await stop.wait()
        raise ZeroDivisionError("job")

    with pytest.raises(TimeoutError, match="block"), caplog.at_level(logging.ERROR):
        async with background(failing_late):
            raise TimeoutError("block")
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["job"]


async def test_a_job_that_fails_while_stopping_is_not_forgotten() -> None:
    async def failing_late(stop: asyncio.Event) -> None:
        await stop.wait()
        raise ZeroDivisionError("job")

    with pytest.raises(ZeroDivisionError, match="job"):
        async with background(failing_late):
            pass


async def test_a_job_may_be_done_before_the_block_is() -> None:
    async def short(_stop: asyncio.Event) -> None:
        return

    async with background(short):
        await asyncio.sleep(0.01)


async def test_a_block_without_jobs_is_just_a_block() -> None:
    async with background():
        pass


async def test_a_cancelled_stop_leaves_no_job_behind() -> None:
    is_cancelled = asyncio.Event()

    async def stubborn(_stop: asyncio.Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            is_cancelled.set()

    async def leave() -> None:
        async with background(stubborn, stop_timeout_s=EVER_S):
            await asyncio.sleep(0)  # so that the job has begun

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(leave(), 0.05)
    assert is_cancelled.is_set()
