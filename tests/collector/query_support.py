"""Random calls, what is asked of them, and the answers added up call by call."""

from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from math import ceil, isnan
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from assay.telemetry.v1 import call_pb2, evidence_pb2

from services.collector.domain.answer import RATIOS, Answered
from services.collector.domain.histogram import MIDPOINT_S, bucket_of
from services.collector.domain.measures import Measure
from services.collector.store.metrics import DIMENSIONS, Question
from services.collector.store.projects import ProjectInfo
from services.collector.store.read_series import SeriesFilter
from tests.collector import ingest_samples

US_PER_MIN = 60_000_000
SUCCEEDED, CANCELLED = 1, 6

Row = dict[str, Any]
Rows = dict[tuple[tuple[str, ...], int], Row]


@dataclass(frozen=True)
class Made:
    """A call as the test knows it. `first_token_us` is -1 where the answer was not streamed; a cost of None is not known."""

    call_id: str
    task_id: str
    terms: tuple[str, ...]
    start_us: int
    latency_us: int
    first_token_us: int
    outcome: int
    tokens: tuple[int, ...]
    cost_nanos: int | None
    revision_count: int
    score_nanos: int | None = None
    """The mean of its evaluations."""

    def message(self) -> call_pb2.Call:
        """As it is sent."""
        first_token = None if self.first_token_us < 0 else timedelta(microseconds=self.first_token_us)
        names = ("input_token_count", "output_token_count", "cache_read_token_count", "cache_write_token_count", "reasoning_token_count")
        return ingest_samples.call(
            call_id=self.call_id,
            task_id=self.task_id,
            start_time=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=self.start_us),
            latency=timedelta(microseconds=self.latency_us),
            time_to_first_token=first_token,
            outcome=self.outcome,
            usage=dict(zip(names, self.tokens, strict=True)),
            cost_usd_nanos=self.cost_nanos,
            revision_count=self.revision_count,
            **dict(zip(DIMENSIONS, self.terms, strict=True)),
        )


def random_calls(random: Random, count: int, starts_us: Sequence[int], *, prefix: str = "c") -> list[Made]:
    """Calls of a few series and tasks that start at the given times or up to some hours after them."""
    return [
        Made(
            call_id=f"{prefix}-{number}",
            task_id=f"{prefix}-t{random.randrange(count // 3 + 1)}",
            # No price is known of these models, so that a call without a cost keeps none.
            terms=(random.choice("pq"), random.choice(["m1", "m2"]), random.choice("tuv"), "prompt", random.choice("12")),
            start_us=random.choice(starts_us) + random.randrange(5 * 3_600_000_000),
            latency_us=random.randrange(10_000, 9_000_000),
            first_token_us=random.choice([-1, random.randrange(10_000)]),
            outcome=random.choice([1, 1, 1, 1, 2, 3, 4, 5, 6]),
            tokens=(
                900 + random.randrange(900),
                500 + random.randrange(400),
                random.randrange(300),
                random.randrange(300),
                random.randrange(90),
            ),
            cost_nanos=random.choice([None, random.randrange(10**9)]),
            revision_count=random.randrange(4),
        )
        for number in range(count)
    ]


def evaluation(made: Made, number: int, observe_us: int, score_ratio: float) -> evidence_pb2.Evidence:
    """A score of a call by one evaluator."""
    return ingest_samples.evidence(
        evidence_id=f"e-{made.call_id}-{number}",
        call_id=made.call_id,
        observe_time=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=observe_us),
        evaluation={"evaluator": "judge", "score_ratio": score_ratio},
    )


def question(project: ProjectInfo, start_us: int, end_us: int, step_min: int | None, **fields: Any) -> Question:
    """A question about all series in one group, unless the fields say otherwise."""
    made = Question(project, start_us, end_us, step_min, time_zone="", group_by=(), chosen=SeriesFilter())
    return replace(made, **fields)


def rows(answered: Answered) -> Rows:
    """An answer in the form of `expected`."""
    answer = answered.answer
    quantiles = ("latency_s", "time_to_first_token_s", "unsuccessful_latency_s")
    ratios = ("success_ratio", "latency_mean_s", "cost_per_accepted_task_usd", "quality_ratio")
    found = {}
    for row in range(answer.group.size):
        values = {
            "end_s": int(answer.end_unix_s[row]),
            "call_count": int(answer.call_count[row]),
            "measures": answer.measures[row].tolist(),
        }
        values |= {name: _known(float(getattr(answer, name)[row])) for name in ratios}
        values |= {name: [_known(value) for value in getattr(answer, name)[row].tolist()] for name in quantiles}
        key = answered.keys[int(answer.group[row])], int(answer.start_unix_s[row])
        assert key not in found
        found[key] = values
    return found


def expected(asked: Question, calls: Sequence[Made]) -> Rows:
    """The answer, added up from the calls one by one."""
    zone = ZoneInfo(asked.time_zone or asked.project.time_zone)
    window_of = _windows(asked, zone)
    wanted = [DIMENSIONS.index(name) for name in asked.group_by]
    last = {made.task_id: made for made in sorted(calls, key=lambda made: made.start_us)}
    revisions: dict[str, int] = {}
    for made in calls:
        revisions[made.task_id] = max(revisions.get(made.task_id, 0), made.revision_count)
    sums: dict[tuple[tuple[str, ...], int], _Sum] = {}
    for made in calls:
        window = window_of(made.start_us)
        chosen = all(term in values for term, values in zip(made.terms, astuple(asked.chosen), strict=True) if values)
        if window is None or not chosen:
            continue
        total = sums.setdefault((tuple(made.terms[place] for place in wanted), window[0] * 60), _Sum(window[1] * 60))
        total.add(made)
        if last[made.task_id] is made:
            total.add_task(made, revisions[made.task_id])
    return {key: total.row() for key, total in sums.items()}


@dataclass
class _Sum:
    end_s: int
    measures: list[int] = field(default_factory=lambda: [0] * len(Measure))
    durations_us: dict[str, list[int]] = field(default_factory=dict)

    def add(self, made: Made) -> None:
        """Adds a call."""
        succeeded = made.outcome == SUCCEEDED
        self.measures[made.outcome - 1] += 1
        self.measures[Measure.SUCCEEDED_LATENCY_US if succeeded else Measure.OTHER_LATENCY_US] += made.latency_us
        self.durations_us.setdefault("latency_s" if succeeded else "unsuccessful_latency_s", []).append(made.latency_us)
        if succeeded and made.first_token_us >= 0:
            self.measures[Measure.FIRST_TOKEN_US] += made.first_token_us
            self.durations_us.setdefault("time_to_first_token_s", []).append(made.first_token_us)
        for place, tokens in enumerate(made.tokens):
            self.measures[Measure.INPUT_TOKENS + place] += tokens
        self.measures[Measure.COST_NANOS] += made.cost_nanos or 0
        self.measures[Measure.COST_UNKNOWN_COUNT] += made.cost_nanos is None
        if made.score_nanos is not None:
            self.measures[Measure.QUALITY_SUM_NANOS] += made.score_nanos
            self.measures[Measure.QUALITY_COUNT] += 1

    def add_task(self, latest: Made, revision_count: int) -> None:
        """Adds a task by its latest call."""
        self.measures[Measure.TASK_COUNT] += 1
        self.measures[Measure.ACCEPTED_TASK_COUNT] += latest.outcome == SUCCEEDED
        self.measures[Measure.REVISION_COUNT] += revision_count

    def row(self) -> Row:
        """What is answered of it."""
        count = sum(self.measures[:CANCELLED])
        measures = self.measures
        return {
            "end_s": self.end_s,
            "call_count": count,
            "measures": measures,
            "success_ratio": _ratio(measures[Measure.SUCCEEDED], count - measures[Measure.CANCELLED]),
            "latency_mean_s": _ratio(measures[Measure.SUCCEEDED_LATENCY_US], measures[Measure.SUCCEEDED] * 1e6),
            "cost_per_accepted_task_usd": _ratio(measures[Measure.COST_NANOS], measures[Measure.ACCEPTED_TASK_COUNT] * 1e9),
            "quality_ratio": _ratio(measures[Measure.QUALITY_SUM_NANOS], measures[Measure.QUALITY_COUNT] * 1e9),
            **{name: self._quantiles(name) for name in ("latency_s", "time_to_first_token_s", "unsuccessful_latency_s")},
        }

    def _quantiles(self, name: str) -> list[float | None]:
        durations = sorted(self.durations_us.get(name, []))
        if not durations:
            return [None] * len(RATIOS)
        ranks = [max(ceil(len(durations) * round(ratio * 100) / 100), 1) for ratio in RATIOS]
        return [float(MIDPOINT_S[bucket_of(np.array([durations[rank - 1]]))][0]) for rank in ranks]


def _windows(asked: Question, zone: ZoneInfo) -> Callable[[int], tuple[int, int] | None]:
    """The function from an instant to start and end, in minutes, of the window that it is counted in."""
    first, last = asked.start_us // US_PER_MIN, -(-asked.end_us // US_PER_MIN)

    def window_of(start_us: int) -> tuple[int, int] | None:
        instant = start_us // US_PER_MIN
        begin, end = _window(instant, asked.step_min, zone) if asked.step_min else (first, last)
        return (begin, end) if begin < last and end > first and begin <= instant < end else None

    return window_of


def _window(instant_min: int, step_min: int, zone: ZoneInfo) -> tuple[int, int]:
    day = datetime.fromtimestamp(instant_min * 60, zone).date()
    days = 1
    if step_min == 7 * 1440:
        day, days = day - timedelta(days=day.weekday()), 7
    start, end = _midnight(day, zone), _midnight(day + timedelta(days=days), zone)
    if step_min >= 1440:
        return start, end
    begin = start + (instant_min - start) // step_min * step_min
    return begin, min(begin + step_min, end)


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp()) // 60


def _ratio(part: int, whole: float) -> float | None:
    return part / whole if whole else None


def _known(value: float) -> float | None:
    return None if isnan(value) else value
