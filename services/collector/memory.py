"""Has the C library keep the memory that numpy frees, instead of giving it back and asking for it again."""

import ctypes
import sys

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8

# Larger arrays than this are mapped and unmapped one by one; glibc takes no more than 32 MB.
MMAP_THRESHOLD_BYTES = 32 * 1024 * 1024
# So much free memory is kept.
TRIM_THRESHOLD_BYTES = 64 * 1024 * 1024


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


def _set(parameter: int, value: int) -> None:
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(parameter, value)
