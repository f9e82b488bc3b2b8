"""Back-tests of rankings: what is asked, recorded calls as columns, and the answer as the contract has it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from assay.analyzer.v1 import ranking_service_pb2 as contract
from assay.collector.v1.metrics_service_pb2 import ListCallsRequest, SeriesFilter, StoredCall
from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_CANCELLED, CALL_OUTCOME_SUCCEEDED

from kit.errors import invalid
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.replaying.logged import LoggedCalls, Outcome
from services.analyzer.domain.replaying.replay import Interval, Replay, ReplayedOutcome, ReplayedPolicy
from services.analyzer.messages.keys import time_from_message, timestamp
from services.analyzer.messages.rankings import candidate_to_message

_NANOS: Final = 1e9
_NOT_KNOWN = float("nan")


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """What a back-test needs of a call; NaN where something is not known."""

    candidate: Candidate
    start_s: float
    selection_ratio: float
    success: float
    quality: float
    cost_usd: float
    latency_s: float


def range_of(request: contract.BacktestRankingRequest, now_s: float) -> tuple[float, float]:
    """Where the range begins and ends, seconds since 1970. Raises FIELD_INVALID."""
    start, end = (time_from_message(request, name) for name in ("start_time", "end_time"))
    if start is None:
        raise invalid("start_time", "say where the range begins")
    end_s = now_s if end is None else end.timestamp()
    if start.timestamp() >= end_s:
        raise invalid("end_time", "must be after start_time")
    return start.timestamp(), end_s


def calls_request(project: str, task_type: str, prompt: tuple[str, str], start_s: float, end_s: float) -> ListCallsRequest:
    """The question for the calls on a kind of task; `prompt`: name and version, "" for all."""
    names, versions = ([value] if value else [] for value in prompt)
    return ListCallsRequest(
        project=project,
        start_time=timestamp(start_s),
        end_time=timestamp(end_s),
        filter=SeriesFilter(task_types=[task_type], prompt_names=names, prompt_versions=versions),
    )


def logged_from_message(calls: Iterable[StoredCall]) -> list[LoggedCall]:
    """Calls, without those that were cancelled."""
    return [_logged(stored) for stored in calls if stored.call.outcome != CALL_OUTCOME_CANCELLED]


def columns_of(calls: Sequence[LoggedCall]) -> LoggedCalls:
    """Calls as columns, in the order of their starts."""
    ordered = sorted(calls, key=lambda call: call.start_s)
    candidates = tuple(sorted({call.candidate for call in calls}))
    place = {candidate: number for number, candidate in enumerate(candidates)}
    columns = {
        Outcome.SUCCESS: [call.success for call in ordered],
        Outcome.QUALITY: [call.quality for call in ordered],
        Outcome.COST: [call.cost_usd for call in ordered],
        Outcome.LATENCY: [call.latency_s for call in ordered],
    }
    return LoggedCalls(
        candidates,
        np.array([place[call.candidate] for call in ordered], np.int64),
        np.array([call.start_s for call in ordered]),
        np.array([call.selection_ratio for call in ordered]),
        {outcome: np.array(values) for outcome, values in columns.items()},
    )


def replay_to_message(calls: LoggedCalls, step_count: int, replay: Replay) -> contract.BacktestRankingResponse:
    """What a back-test comes to."""
    return contract.BacktestRankingResponse(
        start_time=timestamp(float(calls.start_s[0])),
        end_time=timestamp(float(calls.start_s[-1])),
        call_count=len(calls.start_s),
        sent_ratio=replay.sent_ratio,
        step_count=step_count,
        assumptions=replay.assumptions,
        policies=map(_policy, replay.policies),
    )


def _logged(stored: StoredCall) -> LoggedCall:
    call = stored.call
    return LoggedCall(
        Candidate(call.provider, call.model),
        call.start_time.ToNanoseconds() / _NANOS,
        call.selection_ratio if call.HasField("selection_ratio") else _NOT_KNOWN,
        float(call.outcome == CALL_OUTCOME_SUCCEEDED),
        stored.quality_ratio if stored.HasField("quality_ratio") else _NOT_KNOWN,
        call.cost_usd_nanos / _NANOS if call.HasField("cost_usd_nanos") else _NOT_KNOWN,
        call.latency.ToNanoseconds() / _NANOS,
    )


def _policy(one: ReplayedPolicy) -> contract.ReplayedPolicy:
    return contract.ReplayedPolicy(
        policy=contract.ReplayPolicy.Value(f"REPLAY_POLICY_{one.policy.name}"),
        choices=(contract.ReplayedChoice(candidate=candidate_to_message(candidate), share=share) for candidate, share in one.shares),
        outcomes=map(_outcome, one.outcomes),
    )


def _outcome(one: ReplayedOutcome) -> contract.ReplayedOutcome:
    return contract.ReplayedOutcome(
        outcome=contract.ReplayOutcome.Value(f"REPLAY_OUTCOME_{one.outcome.name}"),
        doubly_robust=_value(one.doubly_robust),
        inverse_propensity=_value(one.inverse_propensity),
        gain_of_ranking=_value(one.gain_of_ranking),
        effective_count=one.effective_count,
        clipped_ratio=one.clipped_ratio,
        covered_ratio=one.covered_ratio,
        call_count=one.call_count,
    )


def _value(interval: Interval) -> contract.ReplayedValue:
    return contract.ReplayedValue(value=interval.value, low=interval.low, high=interval.high)
