"""What sources of calls fill in: counts over looked-at calls, field by field, and what follows of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, auto
from typing import Final

import numpy as np

from services.collector.domain.check import CACHE_READ, REASONING
from services.collector.domain.measures import Outcome
from services.collector.domain.received import NONE, SERIES_FIELDS, BoolArray, ReceivedCalls

# A field that is missing from so many calls in a row is called missing.
CALLS_MIN: Final = 20
# And where it was missing from some before: when such a run without it would come by chance once in a million.
CHANCE_MAX: Final = 1e-6


@dataclass(frozen=True, slots=True)
class FieldMeaning:
    """A field of calls by its name in the contract, and what cannot be shown without it."""

    name: str
    blinds: str


# Stored by place: new ones are appended, none is ever moved.
FIELDS: Final = (
    FieldMeaning("task_id", "cost and time per accepted task, and what a retry really costs"),
    FieldMeaning("time_to_first_token", "how soon answers begin, its baseline and anomalies of it"),
    FieldMeaning("agent", "which agent asked"),
    FieldMeaning("prompt_name", "comparison of prompts"),
    FieldMeaning("prompt_version", "comparison of versions of a prompt"),
    FieldMeaning("error_type", "why calls fail"),
    FieldMeaning("usage", "tokens, and cost where the caller does not tell it"),
    FieldMeaning("usage.cache_read_token_count", "what caching saves; cost is too high where there is some"),
    FieldMeaning("usage.reasoning_token_count", "how much of the output is reasoning"),
    FieldMeaning("revision_count", "revisions per task"),
    FieldMeaning("ranking_id", "which ranking a call followed"),
    FieldMeaning("selection_ratio", "honest estimates of what another choice would have brought"),
)


class State(Enum):
    """What a source does with a field; UNKNOWN after too few calls."""

    UNKNOWN = auto()
    FILLED = auto()
    NEVER = auto()
    CEASED = auto()


@dataclass(frozen=True, slots=True)
class FieldTally:
    """A field in the calls of a source: how many could have had it, how many had it, how many came without it since the last one."""

    call_count: int = 0
    filled_count: int = 0
    unfilled_run: int = 0
    last_fill_time: datetime | None = None

    def then(self, later: "FieldTally") -> "FieldTally":
        """This tally and one of calls that came after it."""
        return FieldTally(
            call_count=self.call_count + later.call_count,
            filled_count=self.filled_count + later.filled_count,
            unfilled_run=later.unfilled_run if later.filled_count else self.unfilled_run + later.unfilled_run,
            last_fill_time=later.last_fill_time or self.last_fill_time,
        )

    @property
    def state(self) -> State:
        """What that says: a field has CEASED when the run without it is too long for a field that was filled as often as it was before."""
        if not self.filled_count:
            return State.NEVER if self.call_count >= CALLS_MIN else State.UNKNOWN
        before_count = self.call_count - self.unfilled_run
        # That it was always filled is never sure: as if one more call had come without it.
        unfilled_ratio = max(1 - self.filled_count / before_count, 1 / (before_count + 1))
        has_ceased = self.unfilled_run >= CALLS_MIN and self.unfilled_run * math.log(unfilled_ratio) < math.log(CHANCE_MAX)
        return State.CEASED if has_ceased else State.FILLED


@dataclass(frozen=True, slots=True)
class SourceTally:
    """The calls of a source that were looked at; `fields` stand as FIELDS do."""

    version: str
    first_time: datetime
    last_time: datetime
    call_count: int
    fields: tuple[FieldTally, ...]

    def then(self, later: "SourceTally") -> "SourceTally":
        """This tally and one of calls that came after it."""
        return replace(
            later,
            first_time=self.first_time,
            call_count=self.call_count + later.call_count,
            fields=tuple(mine.then(theirs) for mine, theirs in zip(self.fields, later.fields, strict=True)),
        )


def tally(calls: ReceivedCalls, version: str, time: datetime) -> SourceTally:
    """Counts which fields the calls of a batch fill. The batch counts as one moment."""
    is_any = np.ones(len(calls), np.bool_)
    is_succeeded = calls.outcome == Outcome.SUCCEEDED
    is_failure = ~is_succeeded & (calls.outcome != Outcome.CANCELLED)
    columns = (
        (is_any, calls.tasks.index != NONE),
        (is_succeeded, calls.first_token.is_set),
        (is_any, calls.agents.index != NONE),
        (is_any, _has_term(calls, SERIES_FIELDS.index("prompt_name"))),
        (is_any, _has_term(calls, SERIES_FIELDS.index("prompt_version"))),
        (is_failure, calls.error_types.index != NONE),
        (is_succeeded, calls.has_usage),
        (is_succeeded, calls.tokens[CACHE_READ] > 0),
        (is_succeeded, calls.tokens[REASONING] > 0),
        (is_any, calls.has_revision),
        (is_any, _at(calls, [extra.place for extra in calls.extras if extra.ranking_id])),
        (is_any, _at(calls, [extra.place for extra in calls.extras if extra.selection_ratio is not None])),
    )
    fields = tuple(_counted(int(could_have.sum()), int((could_have & has).sum()), time) for could_have, has in columns)
    return SourceTally(version, time, time, len(calls), fields)


def _counted(call_count: int, filled_count: int, time: datetime) -> FieldTally:
    return FieldTally(call_count, filled_count, 0 if filled_count else call_count, time if filled_count else None)


def _has_term(calls: ReceivedCalls, term: int) -> BoolArray:
    """Which calls have a part of their series, by its place in SERIES_FIELDS."""
    has = np.array([bool(key[term]) for key in calls.series.distinct], np.bool_)
    found: BoolArray = has[calls.series.index]
    return found


def _at(calls: ReceivedCalls, places: Sequence[int]) -> BoolArray:
    is_at = np.zeros(len(calls), np.bool_)
    is_at[list(places)] = True
    return is_at
