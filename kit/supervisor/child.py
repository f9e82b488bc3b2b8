"""One supervised process: what it is, starting it, its output, signalling and killing it."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from kit.supervisor.logs import OutputLog
from kit.supervisor.policy import ORDINARY_RESTARTS, RestartPolicy

LAUNCHER = Path(__file__).with_name("launch.py")
READ_BYTES = 64 * 1024  # the size of a pipe's buffer on Linux: one read empties it


async def _nothing() -> None:
    """What is done before a start when nothing has to be."""


@dataclass(frozen=True)
class RunAs:
    """The account of a child when the supervisor is root; `reach_all` also lets it pass through others' directories."""

    uid: int
    gid: int
    reach_all: bool = False


@dataclass(frozen=True)
class ChildSpec:
    """What to run and how to treat it. `argv[0]` is a path; `env` is the whole environment.

    `ready` is asked again and again until it says True; an AssayError from it ends the whole at once. `before_start`
    is awaited before every start, restarts included. `hints` maps a text in the output to the sentence that tells the
    operator what to do about it. A child that was never ready is not restarted: what kept it from starting stays.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    ready: Callable[[], Awaitable[bool]]
    before_start: Callable[[], Awaitable[None]] = _nothing
    run_as: RunAs | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    ready_timeout_s: float = 30.0
    restart: RestartPolicy = ORDINARY_RESTARTS
    hints: Mapping[str, str] = field(default_factory=dict)


def launch_argv(argv: tuple[str, ...], death_signal: signal.Signals, run_as: RunAs | None) -> list[str]:
    """The command that becomes `argv` in a process that gets `death_signal` when this one dies."""
    account = (run_as.uid, run_as.gid, int(run_as.reach_all)) if run_as else (-1, -1, 0)
    numbers = (os.getpid(), int(death_signal), *account)
    return [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, numbers), *argv]


class Child:
    """A spec and the process that runs it at the moment, if one does."""

    def __init__(self, spec: ChildSpec, log: OutputLog) -> None:
        self.spec = spec
        self.log = log
        self.ready = asyncio.Event()  # set when it was ready for the first time, and never cleared
        self.deaths_s: list[float] = []
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The process id, None while it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process is not None and running else None

    async def spawn(self) -> "asyncio.Task[int]":
        """Starts the process and gives the task that ends with it, its result being the exit code."""
        reader, writer = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *launch_argv(self.spec.argv, self.spec.stop_signal, self.spec.run_as),
                env=dict(self.spec.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
                start_new_session=True,  # Ctrl-C in a terminal must reach the supervisor alone, which stops in order
            )
        except BaseException:
            os.close(reader)
            raise
        finally:
            os.close(writer)
        return asyncio.create_task(self._follow(self._process, reader))

    def send(self, signal_number: signal.Signals) -> None:
        """Signals the process if it runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal_number)

    def kill_tree(self) -> None:
        """Kills the process and all that it started."""
        if self.pid is None:
            return
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self.pid)
            for member in [process, *process.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    member.kill()

    async def _follow(self, process: asyncio.subprocess.Process, reader: int) -> int:
        """Logs the output until the process ends.

        The pipe is read here and not by asyncio, which in some versions lets a process "end" only once everybody has
        closed its pipe: a killed PostgreSQL leaves children behind that hold it.
        """
        loop = asyncio.get_running_loop()
        os.set_blocking(reader, False)
        loop.add_reader(reader, self._drain, reader)
        try:
            return await process.wait()
        finally:
            loop.remove_reader(reader)
            self._drain(reader)
            os.close(reader)

    def _drain(self, reader: int) -> None:
        with suppress(BlockingIOError):
            while data := os.read(reader, READ_BYTES):
                self.log.write(data)
            asyncio.get_running_loop().remove_reader(reader)  # the end: an open reader would be called for ever
