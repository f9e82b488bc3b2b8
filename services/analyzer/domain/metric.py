"""What is watched of a series, and what may be wrong with it. The values are kept in PostgreSQL: they never change."""

from enum import Enum


class Metric(Enum):
    """What is measured; the unit of its values stands beside it."""

    SUCCESS_RATIO = 1  # succeeded calls by all but the cancelled ones, 0..1
    LATENCY = 2  # seconds, the typical (geometric mean) of succeeded calls
    LATENCY_P95 = 3  # seconds
    TIME_TO_FIRST_TOKEN = 4  # seconds, typical
    COST_PER_CALL = 5  # US dollars, mean over the calls whose cost is known
    OUTPUT_TOKENS = 6  # tokens a call
    REVISIONS = 7  # revisions a task
    QUALITY = 8  # mean score, 0..1
    CALL_VOLUME = 9  # calls an hour


class AnomalyKind(Enum):
    """How it shows."""

    SHIFT = 1  # another level, from some moment on
    SPIKE = 2  # single windows far out
    DRIFT = 3  # a slow change
    SILENCE = 4  # calls are expected and there are none
    FIELD_MISSING = 5  # calls no longer carry what they nearly always did


class Direction(Enum):
    """Where to."""

    UP = 1
    DOWN = 2


class Severity(Enum):
    """How much it matters, ascending."""

    INFO = 1
    WARNING = 2
    CRITICAL = 3


class Outcome(Enum):
    """How a call ended; the value is its column in `WindowColumns.outcome_counts`."""

    SUCCEEDED = 0
    FAILED = 1
    TIMED_OUT = 2
    RATE_LIMITED = 3
    REFUSED = 4
    CANCELLED = 5
