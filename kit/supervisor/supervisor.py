"""Keeps a set of processes running as one: stages, restarts, and an end in which none is left behind."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from kit import logs
from kit.errors import AssayError, Kind
from kit.supervisor.child import Child, ChildSpec
from kit.supervisor.logs import OutputLog
from kit.supervisor.policy import exit_in_words, hint_for, stage_deadlines_s

Result = TypeVar("Result")

_log = logs.get_logger(__name__)

STOP_TIMEOUT_S = 4.0  # stopping takes 5 s at most; the rest is for killing and for leaving this process
KILL_TIMEOUT_S = 0.4  # a killed process is gone in milliseconds, unless the kernel holds it, which cannot be helped
READY_POLL_S = 0.02  # small beside the start of any process


class StopRequested(Exception):  # noqa: N818 - not an error: it unwinds the block that a signal asked to leave
    """Leaves the supervisor's block after a request to stop, and is swallowed there."""


def _ignore_ready(_name: str, _pid: int) -> None:
    """For those who need not know which process became ready."""


class Supervisor:
    """Runs children until the block is left; whatever way that is, all of them are stopped.

    `on_ready` is told name and process id whenever a child becomes ready, after restarts too. The directory for logs
    must exist. A child that fails for good raises AssayError CHILD_FAILED from `start`, `run` or `wait`, or else when
    the block is left.
    """

    def __init__(
        self,
        log_directory: Path,
        *,
        on_ready: Callable[[str, int], None] = _ignore_ready,
        stop_timeout_s: float = STOP_TIMEOUT_S,
    ) -> None:
        self._log_directory = log_directory
        self._on_ready = on_ready
        self._stop_timeout_s = stop_timeout_s
        self._stages: list[dict[Child, asyncio.Task[None]]] = []
        self._ended = asyncio.Event()  # nothing is started any more; the block is being left, or soon will be
        self._error: BaseException | None = None
        self._stop_requested = False
        self._killing = False
        self._signals: list[signal.Signals] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> bool:
        self._ended.set()
        await self._stop_stages()
        for number in self._signals:
            asyncio.get_running_loop().remove_signal_handler(number)
        if error is None and self._error is not None:
            raise self._error
        return isinstance(error, StopRequested)

    def stop_on_signals(self, *numbers: signal.Signals) -> None:
        """Takes SIGTERM and SIGINT (or those given) as requests to stop, until the block is left."""
        for number in numbers or (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.request_stop)
            self._signals.append(number)

    def request_stop(self) -> None:
        """Asks to leave the block; asked a second time, kills every child at once."""
        if self._stop_requested:
            self._killing = True
            for stage in self._stages:
                for child in stage:
                    child.kill_tree()
        self._stop_requested = True
        self._ended.set()

    async def start(self, *specs: ChildSpec) -> None:
        """Starts a stage and returns when all of it is ready; raises what `run` does."""
        stage: dict[Child, asyncio.Task[None]] = {}
        for spec in specs:
            child = Child(spec, OutputLog(self._log_directory / f"{spec.name}.log"))
            stage[child] = asyncio.create_task(self._keep(child), name=f"keep {spec.name}")
            stage[child].add_done_callback(self._note_failure)
        self._stages.append(stage)
        await self.run(_all_ready(list(stage)))

    async def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Awaits the work; gives it up when a child fails for good (AssayError) or a stop is asked (StopRequested)."""
        task = asyncio.create_task(work)
        ended = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait({task, ended}, return_when=asyncio.FIRST_COMPLETED)
            if self._ended.is_set():
                raise self._error or StopRequested
            return task.result()
        finally:
            task.cancel()
            ended.cancel()
            await asyncio.gather(task, ended, return_exceptions=True)

    async def wait(self) -> None:
        """Returns when a stop is asked; raises the AssayError of a child that fails for good."""
        await self._ended.wait()
        if self._error is not None:
            raise self._error

    def pid(self, name: str) -> int | None:
        """The process id of a child, None while it is not running. KeyError when there is no such child."""
        return self._child(name).pid

    def tail(self, name: str) -> tuple[str, ...]:
        """The last lines that a child printed, over all its restarts. KeyError when there is no such child."""
        return self._child(name).log.tail()

    def _child(self, name: str) -> Child:
        for stage in self._stages:
            for child in stage:
                if child.spec.name == name:
                    return child
        raise KeyError(name)

    def _note_failure(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._error = self._error or error
            self._ended.set()

    async def _keep(self, child: Child) -> None:
        """Runs the child again and again until the whole ends; raises when it may not be restarted."""
        loop = asyncio.get_running_loop()
        try:
            while not self._ended.is_set():
                ending = await self._live(child)
                if self._ended.is_set():
                    return
                child.deaths_s.append(loop.time())
                delay_s = child.spec.restart.delay_s(child.deaths_s, loop.time()) if child.ready.is_set() else None
                if delay_s is None:
                    raise _failure(child, ending)
                _log.warning("child restarts", child=child.spec.name, ending=ending, delay_s=delay_s)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._ended.wait(), delay_s)
        finally:
            child.log.close()

    async def _live(self, child: Child) -> str:
        """One life of the child, from its start to its death; the result tells how it ended."""
        spec = child.spec
        await spec.before_start()
        ended = await child.spawn()
        self._pass_on_stop(child)
        ready = asyncio.create_task(_until_ready(spec))
        try:
            await asyncio.wait({ended, ready}, timeout=spec.ready_timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return f"{exit_in_words(ended.result())} before it was ready"
            if not ready.done():
                return f"was not ready within {spec.ready_timeout_s:g} s"
            ready.result()
            child.ready.set()
            if child.pid is not None:
                self._on_ready(spec.name, child.pid)
            return exit_in_words(await asyncio.shield(ended))
        finally:
            ready.cancel()
            child.kill_tree()
            await asyncio.gather(ready, ended, return_exceptions=True)

    def _pass_on_stop(self, child: Child) -> None:
        """A stop that was asked while the child was being started has not reached it yet."""
        if self._killing:
            child.kill_tree()
        elif self._ended.is_set():
            child.send(child.spec.stop_signal)

    async def _stop_stages(self) -> None:
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        deadlines_s = stage_deadlines_s(len(self._stages), self._stop_timeout_s)
        for stage, deadline_s in zip(reversed(self._stages), deadlines_s, strict=True):
            for child in stage:
                child.send(child.spec.stop_signal)
            await _finish(stage, asked_s + deadline_s - loop.time())


async def _finish(stage: dict[Child, asyncio.Task[None]], timeout_s: float) -> None:
    """Waits until the children are gone, and kills those that are not after the timeout."""
    if not stage:
        return
    _, late = await asyncio.wait(stage.values(), timeout=max(0.0, timeout_s))
    for task in late:
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=KILL_TIMEOUT_S)


async def _all_ready(children: Iterable[Child]) -> None:
    for child in children:
        await child.ready.wait()


async def _until_ready(spec: ChildSpec) -> None:
    while not await spec.ready():
        await asyncio.sleep(READY_POLL_S)


def _failure(child: Child, ending: str) -> AssayError:
    """What is told of a child that ends the whole: what to do if that is known, else its last lines."""
    name, lines = child.spec.name, child.log.tail()
    restarts_count = len(child.deaths_s) - 1
    times = f" after {restarts_count} restarts" if restarts_count else ""
    hint = hint_for(lines, child.spec.hints)
    message = f"{hint} ({name} {ending}{times})" if hint else "\n".join([f"{name} {ending}{times}; it said:", *lines])
    details = {"name": name, "ending": ending, "log": str(child.log.path)}
    return AssayError(Kind.FAILED_PRECONDITION, "CHILD_FAILED", message, details=details)
