"""Back-tests as the contract has them."""

from datetime import UTC, datetime
from typing import Protocol

from assay.alerter.v1 import alert_service_pb2
from assay.alerter.v1 import rule_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration

from kit.errors import invalid
from services.alerter.domain.backtest import Backtest, Episode, GroupCourse, mean_duration, state_of
from services.alerter.domain.backtest_plan import BacktestPlan
from services.alerter.domain.rule import S_PER_DAY, S_PER_HOUR, Rule
from services.alerter.messages.alert_messages import timestamp
from services.alerter.messages.limits import seconds_of

RANGE_DEFAULT_S = 30 * S_PER_DAY
RANGE_MAX_S = 90 * S_PER_DAY
EPISODES_MAX = 1_000
GROUPS_MAX = 20


class Backtested(Protocol):
    """What a rule would have done, how it was looked at, and in how many groups."""

    @property
    def plan(self) -> BacktestPlan: ...
    @property
    def result(self) -> Backtest: ...
    @property
    def group_count(self) -> int: ...


def range_from_message(request: contract.BacktestRuleRequest) -> int:
    """How far back, in seconds. Raises FIELD_INVALID."""
    if not request.HasField("range"):
        return RANGE_DEFAULT_S
    seconds = int(seconds_of(request.range, "range", RANGE_MAX_S))
    if seconds < S_PER_HOUR:
        raise invalid("range", "must be at least an hour")
    return seconds


def backtest_to_message(rule: Rule, done: Backtested) -> contract.BacktestRuleResponse:
    """The answer, cut to what one looks at."""
    start, end = (datetime.fromtimestamp(second, UTC) for second in (done.plan.start_s, done.plan.end_s))
    message = contract.BacktestRuleResponse(
        start_time=timestamp(start),
        end_time=timestamp(end),
        step=Duration(seconds=done.plan.step_s),
        approximations=done.plan.approximations,
        group_count=done.group_count,
        firing_count=len(done.result.episodes),
        episodes=[_episode(rule, episode) for episode in done.result.episodes[:EPISODES_MAX]],
        groups=[_group(rule, course) for course in done.result.courses[:GROUPS_MAX]],
    )
    mean = mean_duration(done.result.episodes, end)
    if mean is not None:
        message.mean_duration.FromTimedelta(mean)
    return message


def _episode(rule: Rule, episode: Episode) -> contract.BacktestEpisode:
    return contract.BacktestEpisode(
        labels=dict(zip(rule.group_by, episode.key, strict=True)),
        start_time=timestamp(episode.start),
        end_time=timestamp(episode.end),
        peak=episode.peak,
        severity=alert_service_pb2.Severity.ValueType(episode.severity.value),
    )


def _group(rule: Rule, course: GroupCourse) -> contract.BacktestGroup:
    states = [state_of(number) for number in course.states.tolist()]
    inactive = alert_service_pb2.ALERT_STATE_INACTIVE
    return contract.BacktestGroup(
        labels=dict(zip(rule.group_by, course.key, strict=True)),
        values=course.values.tolist(),
        states=[inactive if state is None else alert_service_pb2.AlertState.ValueType(state.value) for state in states],
    )
