"""The numbers kept for each series and window beside its histograms: exact integers, so that merging is adding."""

from enum import IntEnum


class Outcome(IntEnum):
    """How a call ended, numbered as CallOutcome is in the contract."""

    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    RATE_LIMITED = 4
    REFUSED = 5
    CANCELLED = 6


class Measure(IntEnum):
    """The columns of a window's measures. Stored by number: new ones are appended, none is ever moved.

    All are sums over the window's calls or tasks. In a stored window none is negative; in a difference (a task that
    moved to another window, a score that was replaced) any may be.
    """

    # The first six stand in the order of Outcome, so that an outcome finds its column by subtraction.
    SUCCEEDED = 0
    FAILED = 1
    TIMED_OUT = 2
    RATE_LIMITED = 3
    REFUSED = 4
    CANCELLED = 5
    SUCCEEDED_LATENCY_US = 6
    OTHER_LATENCY_US = 7
    FIRST_TOKEN_US = 8
    INPUT_TOKENS = 9
    OUTPUT_TOKENS = 10
    CACHE_READ_TOKENS = 11
    CACHE_WRITE_TOKENS = 12
    REASONING_TOKENS = 13
    COST_NANOS = 14  # of the calls whose cost is known
    COST_UNKNOWN_COUNT = 15
    TASK_COUNT = 16
    ACCEPTED_TASK_COUNT = 17
    REVISION_COUNT = 18
    QUALITY_SUM_NANOS = 19  # scores of 0..1, times 10⁹
    QUALITY_COUNT = 20


MEASURE_COUNT = len(Measure)
QUALITY_NANOS = 1_000_000_000
"""A quality score of 1, as it is summed in QUALITY_SUM_NANOS."""
