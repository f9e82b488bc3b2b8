"""Where chance comes from: one generator for each purpose and stretch of time, so that nothing depends on the order of asking."""

from enum import IntEnum

import numpy as np

from simulation.arrays import Array, Ints, Texts

# The places of a client's ids: 42 bits of milliseconds and 48 random ones, six bits a digit, so that ids sort by time.
_DIGITS = np.frombuffer(b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz", np.uint8)
_TIME_DIGITS = 7
_RANDOM_DIGITS = 8
ID_BITS = 6 * _RANDOM_DIGITS
ID_LENGTH = _TIME_DIGITS + _RANDOM_DIGITS


class Purpose(IntEnum):
    """What the numbers are for; a value never changes its meaning, or a seed would give another fleet."""

    CELLS = 1
    TASKS = 2
    FAILURES = 3
    INCIDENTS = 4
    PRICES = 5


def generator(seed: int, purpose: Purpose, *place: int) -> np.random.Generator:
    """The generator of a purpose at a place, such as the number of a day. All are at least 0."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence((seed, int(purpose), *place))))


def ids(time_us: Ints, bits: Ints) -> Texts:
    """Ids of 15 letters from times in microseconds since 1970 and 48 random bits each."""
    time_ms = time_us // 1_000
    digits = np.empty((len(time_us), ID_LENGTH), np.uint8)
    digits[:, :_TIME_DIGITS] = _digits(time_ms, _TIME_DIGITS)
    digits[:, _TIME_DIGITS:] = _digits(bits, _RANDOM_DIGITS)
    texts: Texts = digits.view(f"S{ID_LENGTH}")[:, 0]
    return texts


def _digits(numbers: Ints, count: int) -> Array:
    shifts = np.arange(6 * (count - 1), -1, -6)
    digits: Array = _DIGITS[(numbers[:, None] >> shifts) & 63]
    return digits
