"""How a process lives: started as one context manager, stopped by a signal, its background jobs supervised."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

import uvloop

from kit import logs
from kit.errors import AssayError, Kind

# Each service of a process stops within three seconds. After this something hangs; what is durable is safe anyway.
STOP_TIMEOUT_S = 10.0
# A job that was asked to stop finishes the batch that it began.
JOB_STOP_TIMEOUT_S = 5.0
EXIT_FAILED = 1

Job: TypeAlias = Callable[[asyncio.Event], Awaitable[None]]
Attempt: TypeAlias = Callable[[], Awaitable[None]]
_log = logs.get_logger(__name__)


def run(service: AbstractAsyncContextManager[object]) -> int:
    """Runs a process' service in an event loop of its own until a signal; returns the exit code.

    An AssayError, expected trouble such as a port that is taken, is one line on standard error and exit code 1.
    Any other error is a bug: it is logged with its traceback, and the exit code is 1, too.
    """
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run_until_signal(service))
    except AssayError as error:
        print(f"{error.message} ({error.reason})", file=sys.stderr)
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  the last place where it can be told
        _log.error("process failed", error=error)
        return EXIT_FAILED
    return 0


async def run_until_signal(service: AbstractAsyncContextManager[object], *, stop_timeout_s: float = STOP_TIMEOUT_S) -> None:
    """Enters the service and leaves it at SIGTERM or SIGINT, also when that comes before it is up.

    A second signal, or `stop_timeout_s` after the first, cancels whatever is still stopping. Raises what the service
    raises, and AssayError STOP_TIMEOUT when it had to be cancelled while stopping.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    is_up = False
    limit = asyncio.timeout(None)

    def on_signal(number: signal.Signals) -> None:
        _log.info("stopping", signal=number.name)
        at_once = stop.is_set() or not is_up
        stop.set()
        if not limit.expired():
            limit.reschedule(loop.time() + (0.0 if at_once else stop_timeout_s))

    try:
        async with limit, _signals(on_signal), service:
            is_up = True
            await stop.wait()
    except TimeoutError:
        if not limit.expired():
            raise
        if is_up:
            raise AssayError(Kind.DEADLINE_EXCEEDED, "STOP_TIMEOUT", "the process did not stop in time and was cancelled") from None


@asynccontextmanager
async def background(*jobs: Job, stop_timeout_s: float = JOB_STOP_TIMEOUT_S) -> AsyncIterator[None]:
    """Runs jobs beside the block; each gets an event that is set when it should finish.

    Leaving the block sets the event, waits `stop_timeout_s`, then cancels. When a job fails, the block is cancelled,
    the other jobs are stopped likewise, and that job's error is raised. A job that returns is done. Errors that cannot
    be raised, since the block or another job failed before, are logged.
    """
    stop = asyncio.Event()
    interruption = asyncio.timeout(None)
    errors: list[BaseException] = []

    def on_done(task: asyncio.Future[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            errors.append(error)
            if not stop.is_set() and not interruption.expired():
                interruption.reschedule(asyncio.get_running_loop().time())

    has_block_failed = True
    try:
        async with interruption:
            tasks = [asyncio.ensure_future(job(stop)) for job in jobs]
            for task in tasks:
                task.add_done_callback(on_done)
            yield
        has_block_failed = False
    except TimeoutError:
        has_block_failed = not interruption.expired()
        if has_block_failed:
            raise
    finally:
        stop.set()
        await _stop(tasks, stop_timeout_s)
        for error in errors[0 if has_block_failed else 1 :]:
            _log.error("background job failed", error=error)
    if errors:
        raise errors[0]


async def _stop(tasks: Sequence[asyncio.Future[None]], timeout_s: float) -> None:
    if not tasks:
        return
    try:
        await asyncio.wait(tasks, timeout=timeout_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


@asynccontextmanager
async def _signals(on_signal: Callable[[signal.Signals], None]) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
