"""Ends servers that outlived the suite they belonged to, before new ones take over their files."""

import asyncio
import signal
from contextlib import suppress

import psutil

END_TIMEOUT_S = 5.0  # both servers quit within milliseconds; past this they are stuck


async def end_leftovers(program: str, mark: str, quit_signal: signal.Signals) -> int:
    """Ends every process of that program whose command line holds the mark; returns how many there were.

    The command line is what any account may read of another's process, in containers too.
    """
    return await asyncio.to_thread(_end, program, mark, quit_signal)


def leftovers(program: str, mark: str) -> list[psutil.Process]:
    """The processes of that program, by file name, whose command line holds the mark."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            if process.name() == program and mark in " ".join(process.cmdline()):
                found.append(process)
    return found


def _end(program: str, mark: str, quit_signal: signal.Signals) -> int:
    found = leftovers(program, mark)
    for process in found:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(quit_signal)
    _, stuck = psutil.wait_procs(found, timeout=END_TIMEOUT_S)
    for process in stuck:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stuck, timeout=END_TIMEOUT_S)
    return len(found)
