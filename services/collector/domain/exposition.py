"""What Prometheus and its kin are shown of a project: metric families, their labels, and their values as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from services.collector.domain.answer import group_numbers
from services.collector.domain.arrays import Floats, Ints
from services.collector.domain.histogram import BUCKET_STRIDE, BUCKETS_PER_DOUBLING, Histogram, otel_index
from services.collector.domain.measures import QUALITY_NANOS, Measure
from services.collector.domain.rollup import Windows, rekey

_US_PER_S = 1e6
_NANOS_PER_USD = 1e9

LE_EXPONENTS = range(-6, 10)
"""Classic buckets end at powers of two, from 16 ms to 512 s: there our own buckets end, too, so that their counts are exact."""
LE_S = tuple(2.0**exponent for exponent in LE_EXPONENTS)

NATIVE_SCHEMA = 6
"""A base of 2^(1/64), which is that of our own buckets: native histograms have every one of them."""
ZERO_THRESHOLD_S = 2.0**-20
"""Below the shortest duration that is not zero, one microsecond."""

_BUCKET_AT_1_S = 1_276
"""The bucket that ends at one second; each doubling is BUCKETS_PER_DOUBLING further."""
_LE_BUCKETS = np.array([_BUCKET_AT_1_S + exponent * BUCKETS_PER_DOUBLING for exponent in LE_EXPONENTS], np.int64)

Labels = tuple[tuple[str, str], ...]
"""Names and values, ordered by name. A label whose value is empty is left out: to Prometheus both are the same."""


class FamilyKind(Enum):
    """What a family's values are; the text is that of the exposition formats."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Sample:
    """One number of a series: a measure in its unit, with what is added to the series' labels."""

    labels: Labels
    measure: Measure
    per_unit: float = 1.0


@dataclass(frozen=True, slots=True)
class Distribution:
    """One histogram of a series, and the measure that its durations add up to, in microseconds."""

    labels: Labels
    histogram: Histogram
    sum_us: Measure


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family. A counter's samples are called `name` and `_total`; its family is so, too, but in OpenMetrics."""

    name: str
    help_text: str
    kind: FamilyKind
    samples: Sequence[Sample] = ()
    distributions: Sequence[Distribution] = ()
    unit: str = ""

    @property
    def sample_name(self) -> str:
        """What the samples of a counter or gauge are called."""
        return f"{self.name}_total" if self.kind is FamilyKind.COUNTER else self.name


def _one(measure: Measure, per_unit: float = 1.0) -> Sequence[Sample]:
    return (Sample((), measure, per_unit),)


_OUTCOMES = ("succeeded", "failed", "timed_out", "rate_limited", "refused", "cancelled")
_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")

FAMILIES: Sequence[Family] = (
    Family(
        "assay_calls",
        "Calls, by how they ended.",
        FamilyKind.COUNTER,
        [Sample((("outcome", name),), Measure(number)) for number, name in enumerate(_OUTCOMES)],
    ),
    Family(
        "assay_tokens",
        "Tokens, by kind; those of reasoning are among the output's.",
        FamilyKind.COUNTER,
        [Sample((("kind", name),), Measure(Measure.INPUT_TOKENS + number)) for number, name in enumerate(_TOKENS)],
    ),
    Family("assay_cost_usd", "Cost of the calls whose cost is known.", FamilyKind.COUNTER, _one(Measure.COST_NANOS, _NANOS_PER_USD)),
    Family("assay_calls_of_unknown_cost", "Calls without a known cost.", FamilyKind.COUNTER, _one(Measure.COST_UNKNOWN_COUNT)),
    # What may fall is a gauge: a task moves to the series of its latest call, a score is replaced by a better one. Use delta(), not rate().
    Family("assay_tasks", "Tasks, counted with their latest call.", FamilyKind.GAUGE, _one(Measure.TASK_COUNT)),
    Family("assay_accepted_tasks", "Tasks whose result was accepted.", FamilyKind.GAUGE, _one(Measure.ACCEPTED_TASK_COUNT)),
    Family("assay_task_revisions", "Revisions that tasks took.", FamilyKind.GAUGE, _one(Measure.REVISION_COUNT)),
    Family("assay_quality_scores", "Calls and tasks with a quality score.", FamilyKind.GAUGE, _one(Measure.QUALITY_COUNT)),
    Family("assay_quality_sum", "Sum of quality scores, each 0 to 1.", FamilyKind.GAUGE, _one(Measure.QUALITY_SUM_NANOS, QUALITY_NANOS)),
    Family(
        "assay_call_latency_seconds",
        "From a call's start to its end.",
        FamilyKind.HISTOGRAM,
        distributions=[
            Distribution((("outcome", "succeeded"),), Histogram.SUCCEEDED_LATENCY, Measure.SUCCEEDED_LATENCY_US),
            Distribution((("outcome", "other"),), Histogram.OTHER_LATENCY, Measure.OTHER_LATENCY_US),
        ],
        unit="seconds",
    ),
    Family(
        "assay_time_to_first_token_seconds",
        "From a streamed call's start to its first token, of calls that succeeded.",
        FamilyKind.HISTOGRAM,
        distributions=[Distribution((), Histogram.FIRST_TOKEN, Measure.FIRST_TOKEN_US)],
        unit="seconds",
    ),
)

METRIC_NAMES = frozenset(
    name
    for family in FAMILIES
    for name in (
        [f"{family.name}{suffix}" for suffix in ("", "_bucket", "_sum", "_count")]
        if family.kind is FamilyKind.HISTOGRAM
        else [family.sample_name]
    )
)
"""Every name that a query may use; native histograms go by the family's own."""


@dataclass(frozen=True, eq=False)
class NativeBuckets:
    """The buckets of a native histogram of every row.

    Row `row[e]` has `count[e]` durations in bucket `index[e]`, as Prometheus numbers them; ordered by row and index, none zero.
    `zero_count` is how many durations of each row were zero, shape (rows,).
    """

    row: Ints
    index: Ints
    count: Ints
    zero_count: Ints


@dataclass(frozen=True, eq=False)
class Exposed:
    """What is shown: row r has `labels[r]` and the numbers of `sums`' row r. Made by `exposed`."""

    labels: Sequence[Labels]
    sums: Windows
    _classic: Ints = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_classic", _classic_counts(self.sums))

    def values(self, sample: Sample) -> Ints | Floats:
        """A sample of every row: whole numbers where the unit is one."""
        column = self.sums.measures[:, sample.measure]
        return column if sample.per_unit == 1.0 else column / sample.per_unit

    def sums_s(self, distribution: Distribution) -> Floats:
        """The sum of the durations of every row, in seconds."""
        return self.sums.measures[:, distribution.sum_us] / _US_PER_S

    def classic(self, distribution: Distribution) -> Ints:
        """How many durations of every row are at most LE_S[i], and then how many there are; shape (rows, len(LE_S) + 1)."""
        return self._classic[:, distribution.histogram]

    def native(self, distribution: Distribution) -> NativeBuckets:
        """The buckets of every row."""
        begin = distribution.histogram * BUCKET_STRIDE
        bucket = self.sums.entry_bucket - begin
        chosen = np.flatnonzero((bucket > 0) & (bucket < BUCKET_STRIDE))
        zero = np.flatnonzero(bucket == 0)
        zero_count = np.zeros(len(self.labels), np.int64)
        zero_count[self.sums.entry_row[zero]] = self.sums.entry_count[zero]
        # Prometheus calls the bucket i + 1 that OpenTelemetry calls i.
        index = otel_index(bucket[chosen].astype(np.int64)) + 1
        return NativeBuckets(self.sums.entry_row[chosen], index, self.sums.entry_count[chosen], zero_count)


def exposed(project: str, series: Mapping[int, tuple[str, ...]], counters: Windows, names: Sequence[str], by: Sequence[str]) -> Exposed:
    """Counters by group. `series` has the terms of each, which `names` names; `by` are those that become labels, the rest is summed up."""
    columns = [names.index(name) for name in by]
    group, keys = group_numbers([tuple(series[series_id][column] for column in columns) for series_id in counters.series_id.tolist()])
    labels = [tuple(sorted((name, value) for name, value in (("project", project), *zip(by, key, strict=True)) if value)) for key in keys]
    sums = rekey(counters, series_id=group)
    # What adds up to nothing at all has no row, and a group that is shown has one.
    shown = [labels[number] for number in sums.series_id.tolist()]
    return Exposed(shown, replace(sums, series_id=np.arange(len(sums))))


def _classic_counts(sums: Windows) -> Ints:
    """Cumulative counts at LE_S and above, shape (rows, histograms, len(LE_S) + 1)."""
    shape = (len(sums), len(Histogram), len(LE_S) + 1)
    slot = np.searchsorted(_LE_BUCKETS, sums.entry_bucket % BUCKET_STRIDE)
    cell = (sums.entry_row * len(Histogram) + sums.entry_bucket // BUCKET_STRIDE) * shape[2] + slot
    counts = np.zeros(shape[0] * shape[1] * shape[2], np.int64)
    np.add.at(counts, cell, sums.entry_count)
    return np.cumsum(counts.reshape(shape), axis=2)
