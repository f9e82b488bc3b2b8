"""Back-tests of rankings, as JSON and as a table."""

from datetime import datetime
from math import isfinite

from assay.analyzer.v1 import ranking_service_pb2 as contract
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.connection import Target, ask
from cli.work.output import as_json, finite, print_json, print_table

# Fifty thousand calls take the collector a minute.
TIMEOUT_S = 180.0
_COLUMNS = ("policy", "outcome", "doubly robust (90 %)", "inverse propensity (90 %)", "ranking brings more", "worth calls", "covered")


def show_backtest(target: Target, question: contract.RankProvidersRequest, start: datetime, end: datetime, *, json: bool) -> None:
    """Prints what each policy would have brought, and what that takes for granted."""
    request = contract.BacktestRankingRequest(project=question.project, start_time=_timestamp(start), end_time=_timestamp(end))
    request.question.CopyFrom(question)
    request.question.ClearField("project")
    found = ask(target, lambda channel: RankingServiceStub(channel).BacktestRanking(request, timeout=TIMEOUT_S))
    if json:
        print_json(finite(as_json(found)))
        return
    rows = [_row(policy, outcome) for policy in found.policies for outcome in policy.outcomes]
    print_table(_COLUMNS, rows, empty=f"Nothing is replayed: {found.empty_reason}.")
    if found.policies:
        print(f"{found.call_count:,} calls, {found.step_count} times learnt anew; of {found.sent_ratio:.0%} the caller said how it chose.")
    for assumption in found.assumptions:
        print(f"assumed: {assumption}")


def _row(policy: contract.ReplayedPolicy, one: contract.ReplayedOutcome) -> tuple[object, ...]:
    return (
        contract.ReplayPolicy.Name(policy.policy).removeprefix("REPLAY_POLICY_").lower().replace("_", " "),
        contract.ReplayOutcome.Name(one.outcome).removeprefix("REPLAY_OUTCOME_").lower(),
        _told(one.doubly_robust),
        _told(one.inverse_propensity),
        _told(one.gain_of_ranking),
        f"{one.effective_count:,.0f}",
        f"{one.covered_ratio:.0%}",
    )


def _told(one: contract.ReplayedValue) -> str:
    return f"{one.value:.3g} ({one.low:.3g} to {one.high:.3g})" if isfinite(one.value) else "-"


def _timestamp(time: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(time)
    return stamp
