"""How much of the memory that numpy frees the C library keeps: enough to use it again, and not for good."""

import asyncio
import ctypes
import sys

from kit.patience import pause

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Larger arrays than this are mapped and unmapped one by one; glibc takes no more than 32 MB.
MMAP_THRESHOLD_BYTES = 32 * 1024 * 1024
# So much free memory is kept.
TRIM_THRESHOLD_BYTES = 64 * 1024 * 1024
# What is free below memory that is in use is given back so often: the peak of a burst or of a large query passes.
GIVE_BACK_EVERY_S = 5.0

# glibc gives each thread a heap of its own, and each keeps what was freed in it. Two are enough where two threads compute at a time.
ARENA_COUNT_MAX = 2


def share_heaps() -> None:
    """Has the threads of this process share ARENA_COUNT_MAX heaps, where the C library is glibc; elsewhere it does nothing."""
    _set(_M_ARENA_MAX, ARENA_COUNT_MAX)


def reuse_freed_memory() -> None:
    """Keeps up to TRIM_THRESHOLD_BYTES of freed memory for the next arrays, where the C library is glibc; elsewhere it does nothing.

    A query makes and drops dozens of arrays of some megabytes for each slab. As glibc is by itself, each of them is new memory, which the
    kernel has to clear: 40 % of a long query's time.
    """
    _set(_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
    _set(_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)


async def give_back_freed_memory(stop: asyncio.Event) -> None:
    """Gives freed memory back to the kernel now and then, until asked to stop; where the C library is not glibc, it does nothing."""
    while not stop.is_set():
        await pause(stop, GIVE_BACK_EVERY_S)
        await asyncio.to_thread(_call, "malloc_trim", 0)


def _set(parameter: int, value: int) -> None:
    _call("mallopt", parameter, value)


def _call(function: str, *arguments: int) -> None:
    if sys.platform != "linux":
        return
    called = getattr(ctypes.CDLL(None), function, None)  # musl has none of them
    if called is not None:
        called(*arguments)
