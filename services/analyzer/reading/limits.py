"""What a process of the pool may take: hostile evidence may end the process, but not the machine."""

import contextlib
import math
import os
import resource
from dataclasses import dataclass

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReadingLimits:
    """Limits of one piece of evidence, and how many pieces a process reads before a new one takes its place."""

    # The 5 MB of a report take about 2 s, a long file of code as long.
    cpu_s: float = 10.0
    # With what waits for a core, and the programs that it runs.
    wall_s: float = 30.0
    # Measured: 130 MB after start, 500 MB with a report of 5 MB; ruff maps much more than it uses.
    memory_mib: int = 1_536
    # Whatever a library leaks is given back.
    pieces_per_process: int = 500


# A temporary file holds one piece of evidence.
_FILE_BYTES_MAX = 16 * _MIB
_OPEN_FILES_MAX = 64
# Reading is never in a hurry: what else runs on the machine goes first.
_NICENESS = 5


def limit_process(limits: ReadingLimits) -> None:
    """Limits this process, and what it starts, for good."""
    os.nice(_NICENESS)
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_mib * _MIB),
        (resource.RLIMIT_FSIZE, _FILE_BYTES_MAX),
        (resource.RLIMIT_NOFILE, _OPEN_FILES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):  # macOS has no limit of memory; time is limited everywhere
            resource.setrlimit(what, (most, most))


def limit_cpu_of_next_piece(limits: ReadingLimits) -> None:
    """Lets this process have so much more processor time from now on; with the next second it is killed (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(used.ru_utime + used.ru_stime + limits.cpu_s)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))
