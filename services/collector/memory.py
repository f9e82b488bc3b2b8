"""Has the C library keep the memory that numpy frees, instead of giving it back and asking for it again."""

import ctypes
import sys

# From glibc's malloc.h.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3

# Larger arrays than this are mapped and unmapped one by one; glibc takes no more than 32 MB.
MMAP_THRESHOLD_BYTES = 32 * 1024 * 1024
# So much free memory is kept.
TRIM_THRESHOLD_BYTES = 128 * 1024 * 1024


def reuse_freed_memory() -> None:
    """Keeps up to TRIM_THRESHOLD_BYTES of freed memory for the next arrays, where the C library is glibc; elsewhere it does nothing.

    A query makes and drops dozens of arrays of some megabytes for each slab. As glibc is by itself, each of them is new memory, which the
    kernel has to clear: 40 % of a long query's time.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES)
        mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES)
