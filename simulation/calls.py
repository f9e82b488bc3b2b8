"""Calls and evidence as columns, one array a field."""

from dataclasses import dataclass
from enum import IntEnum

from simulation.arrays import Array, Bools, Columns, Floats, Ints, Texts

NONE = -1
"""Stands for a field that is not set."""


class Outcome(IntEnum):
    """The contract's CallOutcome."""

    SUCCEEDED = 1
    FAILED = 2
    TIMED_OUT = 3
    RATE_LIMITED = 4
    REFUSED = 5
    CANCELLED = 6


@dataclass(frozen=True)
class Asked(Columns):
    """Whom calls ask for what, and when (microseconds since 1970); the others are places in the fleet's lists."""

    model: Array
    task_type: Array
    version: Array
    time_us: Ints


@dataclass(frozen=True)
class Tokens(Columns):
    """Tokens as the contract counts them: the cached are part of the input, the reasoning of the output."""

    input_count: Ints
    output_count: Ints
    cached_count: Ints
    reasoning_count: Ints


@dataclass(frozen=True)
class Calls(Columns):
    """Calls; times in microseconds (starts since 1970), NONE where a field is not set.

    `model` and `version` are places in the fleet's lists, `error` one in ERROR_TYPES. `has_version` is false where the
    prompt's version is not told.
    """

    call_id: Texts
    task_id: Texts
    start_us: Ints
    latency_us: Ints
    first_token_us: Ints
    model: Array
    version: Array
    has_version: Bools
    outcome: Array
    error: Array
    input_count: Ints
    output_count: Ints
    cached_count: Ints
    reasoning_count: Ints
    cost_nanos: Ints
    revision_count: Ints

    @property
    def end_us(self) -> Ints:
        """When each call was over."""
        return self.start_us + self.latency_us


class EvidenceKind(IntEnum):
    """What a row of Evidence is, and what its numbers are; unused ones are 0."""

    JUDGED = 0  # score
    VERIFIED = 1  # score
    FEEDBACK = 2  # rating, accepted (0 or 1)
    TESTS = 3  # passed, failed
    COVERAGE = 4  # covered ratio
    STATIC_ANALYSIS = 5  # errors, warnings, lines
    REVISION = 6  # count


@dataclass(frozen=True)
class Evidence(Columns):
    """Evidence about calls (JUDGED, VERIFIED) or tasks (all others), observed at `observe_us` since 1970."""

    evidence_id: Texts
    subject_id: Texts
    observe_us: Ints
    kind: Array
    first: Floats
    second: Floats
    third: Floats
