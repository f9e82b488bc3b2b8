"""Ids that sort by time. They are shorter than UUIDs and lie beside each other in the store's index."""

import os
import random

# Digits in the order of their codes, so that ids sort as the numbers that they stand for.
_DIGITS = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PAIRS = [high + low for high in _DIGITS for low in _DIGITS]

# Seeded by the system: an application that seeds the global generator, as training code does, must not make every
# process choose the same ids, nor may choosing ids disturb its sequence.
_random = random.Random()  # noqa: S311 - unlike keys, ids need not be hard to guess
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.seed)


def time_ordered_id(unix_ms: int) -> str:
    """An id of 15 digits that sorts by time: 42 bits of milliseconds and 48 random bits.

    Of 10,000 calls a second in one project, two in 200 years would be taken for one.
    """
    chance = _random.getrandbits(48)
    return (
        _DIGITS[(unix_ms >> 36) & 63]
        + _PAIRS[(unix_ms >> 24) & 4095]
        + _PAIRS[(unix_ms >> 12) & 4095]
        + _PAIRS[unix_ms & 4095]
        + _PAIRS[chance >> 36]
        + _PAIRS[(chance >> 24) & 4095]
        + _PAIRS[(chance >> 12) & 4095]
        + _PAIRS[chance & 4095]
    )
