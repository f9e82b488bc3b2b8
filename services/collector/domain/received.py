"""A batch of calls as it was received: columns, not yet checked. Texts are the bytes that came, valid or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
IndexArray = npt.NDArray[np.int32]
BoolArray = npt.NDArray[np.bool_]
Value = TypeVar("Value")

SERIES_FIELDS = ("provider", "model", "task_type", "prompt_name", "prompt_version")
SeriesKey: TypeAlias = tuple[bytes, bytes, bytes, bytes, bytes]  # in that order

NONE = -1
_NANOS_MAX = 999_999_999
_SECONDS_CLIP = 10**12  # far beyond every limit, and its microseconds still fit 64 bits


@dataclass(frozen=True, slots=True)
class Terms(Generic[Value]):
    """A column of values that repeat: each once, and by call (shape (calls,)) its place among them or NONE."""

    distinct: Sequence[Value]
    index: IndexArray

    def take(self, places: IntArray) -> "Terms[Value]":
        """The column of some of the calls, with those values alone that they have."""
        used, index = np.unique(self.index[places], return_inverse=True)
        none_count = int(used.size > 0 and used[0] == NONE)
        distinct = [self.distinct[value] for value in used[none_count:].tolist()]
        return Terms(distinct, (index - none_count).astype(np.int32))

    def of_calls(self, numbers: Iterable[int]) -> IntArray:
        """A number of each distinct value to that of each call's value, shape (calls,); 0 for none."""
        of_value = np.fromiter((*numbers, 0), np.int64, len(self.distinct) + 1)
        of_call: IntArray = of_value[self.index]  # NONE is -1, the last
        return of_call


def series_terms(values: Sequence[SeriesKey]) -> Terms[SeriesKey]:
    """Finds the distinct series of a column."""
    place = {value: index for index, value in enumerate(dict.fromkeys(values))}
    return Terms(list(place), _places(place, values))


def text_terms(values: Sequence[bytes]) -> Terms[bytes]:
    """Finds the distinct texts of a column; an empty text is none."""
    distinct = dict.fromkeys(values)
    distinct.pop(b"", None)
    place = {value: index for index, value in enumerate(distinct)}
    place[b""] = NONE
    return Terms(list(distinct), _places(place, values))


def _places(place: Mapping[Value, int], values: Sequence[Value]) -> IndexArray:
    return np.fromiter(map(place.__getitem__, values), np.int32, len(values))


@dataclass(frozen=True, slots=True)
class Times:
    """A column of timestamps or durations in microseconds, rounded down; 0 where not set.

    `is_normal` says whether the nanoseconds that came were 0 to 999,999,999, as they are in every timestamp and in every
    duration that is not negative. All have shape (calls,).
    """

    is_set: BoolArray
    is_normal: BoolArray
    microseconds: IntArray

    @classmethod
    def of(cls, is_set: BoolArray, seconds: IntArray, nanos: IntArray) -> "Times":
        """The column as the contract's Timestamp and Duration have it; absurd seconds become others beyond all limits."""
        seconds = np.minimum(np.maximum(seconds, -_SECONDS_CLIP), _SECONDS_CLIP)
        return cls(is_set, (nanos >= 0) & (nanos <= _NANOS_MAX), seconds * 1_000_000 + nanos // 1_000)

    def take(self, places: IntArray) -> "Times":
        """The column of some of the calls."""
        return Times(self.is_set[places], self.is_normal[places], self.microseconds[places])


class CallExtras(NamedTuple):
    """The fields that few calls have, and which call of the batch it is."""

    place: int
    labels: Mapping[bytes, bytes]
    ranking_id: bytes
    selection_ratio: float | None


@dataclass(frozen=True, slots=True)
class ReceivedCalls:
    """A batch of calls by column, element i of each being call i's; the fields are those of the contract's Call.

    `tokens` has shape (5, calls): input, output, cache read, cache write, reasoning; all 0 where not `has_usage`.
    `unreadable` are the places of calls whose bytes were no message; the columns hold nothing there.
    `extras` stand in the order of their calls.
    """

    call_ids: Sequence[bytes]
    tasks: Terms[bytes]
    start: Times
    latency: Times
    first_token: Times
    series: Terms[SeriesKey]
    agents: Terms[bytes]
    outcome: IntArray
    error_types: Terms[bytes]
    has_usage: BoolArray
    tokens: IntArray
    has_cost: BoolArray
    cost_usd_nanos: IntArray
    has_revision: BoolArray
    revision_count: IntArray
    extras: Sequence[CallExtras] = ()
    unreadable: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.call_ids)

    def take(self, places: IntArray) -> "ReceivedCalls":
        """The calls at `places`, which ascend and are readable; all of them: the same object."""
        if len(places) == len(self):
            return self
        return ReceivedCalls(
            call_ids=[self.call_ids[place] for place in places.tolist()],
            tasks=self.tasks.take(places),
            start=self.start.take(places),
            latency=self.latency.take(places),
            first_token=self.first_token.take(places),
            series=self.series.take(places),
            agents=self.agents.take(places),
            outcome=self.outcome[places],
            error_types=self.error_types.take(places),
            has_usage=self.has_usage[places],
            tokens=self.tokens[:, places],
            has_cost=self.has_cost[places],
            cost_usd_nanos=self.cost_usd_nanos[places],
            has_revision=self.has_revision[places],
            revision_count=self.revision_count[places],
            extras=_extras_at(self.extras, places.tolist()),
        )


def _extras_at(extras: Sequence[CallExtras], places: Iterable[int]) -> Sequence[CallExtras]:
    if not extras:
        return ()
    new_place = {old: new for new, old in enumerate(places)}
    return [extra._replace(place=new_place[extra.place]) for extra in extras if extra.place in new_place]
