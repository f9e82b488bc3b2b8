"""What the process does around its clients: it forks, is told to end, and ends."""

import atexit
import contextlib
import os
import signal
import sys
import threading
import weakref
from types import FrameType
from typing import Protocol

from assay_client.connection import await_end_of_threads
from assay_client.engine import Engine

# multiprocessing's children, and Celery's, end without running what atexit knows, but run what these modules know.
_FINALIZING_MODULES = ("multiprocessing.util", "billiard.util")


class Threaded(Protocol):
    """What has threads of its own, which no fork may come upon."""

    @property
    def is_running(self) -> bool:
        """Whether it has any now."""

    @property
    def thread_ids(self) -> list[int]:
        """What the system calls them."""

    def stop(self) -> object:
        """Ends them."""

    def resume(self) -> None:
        """Starts them again, if there is something to do."""

    def reset(self) -> None:
        """In a forked child, where they are not."""


_engines: "weakref.WeakSet[Engine]" = weakref.WeakSet()
_threaded: "weakref.WeakSet[Threaded]" = weakref.WeakSet()
_is_watching = False


def watch(engine: Engine) -> None:
    """Has the engine flushed at exit and on SIGTERM, stopped around forks, and empty in forked children."""
    _engines.add(engine)
    watch_forks(engine)
    if engine.settings.flush_on_sigterm:
        _watch_sigterm()


def watch_forks(threaded: Threaded) -> None:
    """Has threads stopped around forks, and at exit."""
    global _is_watching  # noqa: PLW0603 - a process has one set of hooks
    _threaded.add(threaded)
    if not _is_watching:
        _is_watching = True
        atexit.register(close_all)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)


def close_all() -> None:
    """Closes every client of this process, each within its own time, and ends all threads."""
    for engine in list(_engines):
        engine.close(engine.settings.exit_timeout_s)
    for threaded in list(_threaded):
        threaded.stop()


def _watch_sigterm() -> None:
    """Where nobody handles SIGTERM, the process would end without running atexit. An application that handles it ends itself."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _on_sigterm)


def _on_sigterm(number: int, _frame: FrameType | None) -> None:
    """Sends what there is, and then ends as the process would have without us."""
    close_all()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _before_fork() -> None:
    """Our threads end, and gRPC's with its channels, so that the child inherits neither their locks nor their sockets."""
    running = [threaded for threaded in _threaded if threaded.is_running]
    thread_ids = [thread_id for threaded in running for thread_id in threaded.thread_ids]
    for threaded in running:
        threaded.stop()
    if running:
        await_end_of_threads(thread_ids)


def _after_fork_in_parent() -> None:
    for threaded in list(_threaded):
        threaded.resume()


def _after_fork_in_child() -> None:
    for threaded in list(_threaded):
        threaded.reset()
    for engine in list(_engines):
        engine.on_first_start = _close_with_child


def _close_with_child() -> None:
    """In a child, when its first call is recorded: earlier, multiprocessing would forget what it is asked to do at the end."""
    for name in _FINALIZING_MODULES:
        module = sys.modules.get(name)
        if module is not None:
            with contextlib.suppress(Exception):
                module.Finalize(None, close_all, exitpriority=0)
