"""Freed memory is used again, and given back after a while."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from kit.memory import reuse_freed_memory
if {is_asked}:
    reuse_freed_memory()
def work():
    return [np.ones(500_000) for _ in range(8)]
work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(*, is_asked: bool) -> int:
    """How often a process has to be given memory while it makes and drops 32 MB of arrays 20 times."""
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(is_asked=is_asked)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone is told")
def test_arrays_that_are_dropped_make_room_for_the_next() -> None:
    assert faults(is_asked=True) < faults(is_asked=False) / 4


GIVING_BACK = """
import asyncio, psutil
import numpy as np
from kit import memory
memory.share_heaps()
memory.reuse_freed_memory()
arrays = [np.ones(64_000) for _ in range(400)]
last = arrays.pop()
arrays.clear()
process = psutil.Process()
before = process.memory_info().rss
async def give_back():
    memory.GIVE_BACK_EVERY_S = 0.01
    stop = asyncio.Event()
    giving = asyncio.create_task(memory.give_back_freed_memory(stop))
    while process.memory_info().rss > before - 150_000_000:
        await asyncio.sleep(0.01)
    stop.set()
    await giving
asyncio.run(asyncio.wait_for(give_back(), 60))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone is told")
def test_memory_that_was_freed_below_what_is_in_use_is_given_back() -> None:
    subprocess.run([sys.executable, "-c", GIVING_BACK], check=True)
