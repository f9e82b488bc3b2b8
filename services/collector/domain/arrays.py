"""The few array operations that the roll-ups, their codec and their queries are made of."""

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Unsigned = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def order_by(major: Ints, minor: Ints) -> Ints:
    """Positions that sort by `major`, then `minor`; rows that are equal in both keep their order."""
    if not major.size:
        return np.empty(0, np.int64)
    major_min, minor_min = int(major.min()), int(minor.min())
    major_span, minor_span = int(major.max()) - major_min + 1, int(minor.max()) - minor_min + 1
    if major_span * minor_span < 2**63:  # one combined key sorts twice as fast as two
        return np.argsort((major - major_min) * minor_span + (minor - minor_min), kind="stable")
    return np.lexsort((minor, major))


def run_starts(*keys: Ints) -> Bools:
    """True where a run of rows that are equal in all `keys` begins."""
    begins = np.zeros(keys[0].size, np.bool_)
    begins[:1] = True
    for key in keys:
        begins[1:] |= key[1:] != key[:-1]
    return begins


def starts_of(counts: Ints) -> Ints:
    """Where each of several runs laid end to end begins, given how long each is."""
    return np.cumsum(counts) - counts


def ranges(first: Ints, counts: Ints) -> Ints:
    """first[0], first[0]+1, … (counts[0] of them), then first[1], first[1]+1, … and so on."""
    positions = np.repeat(first - starts_of(counts), counts)
    positions += np.arange(positions.size)
    return positions


def running_totals(values: Ints) -> Ints:
    """0, values[0], values[0] + values[1], …: one element more than `values` has."""
    totals = np.zeros(values.size + 1, np.int64)
    np.cumsum(values, out=totals[1:])
    return totals


def sums_of(values: Ints, counts: Ints) -> Ints:
    """The sum of each run of `values`, given how long each run is; a run may be empty."""
    totals = running_totals(values)
    first = starts_of(counts)
    sums: Ints = totals[first + counts] - totals[first]
    return sums
