"""Runs a rule over the past of a project, with what the collector then measured."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from assay.collector.v1.metrics_service_pb2 import QueryMetricsResponse

from kit.errors import AssayError, Kind
from services.alerter.domain.arrays import Ints
from services.alerter.domain.backtest import Backtest, backtest
from services.alerter.domain.backtest_plan import BacktestPlan, plan
from services.alerter.domain.rule import Rule
from services.alerter.domain.verdict import MeasuredCondition, Verdicts, columns_needed, verdicts, windows_of
from services.alerter.messages.metric_tables import Ask, question, stepped_table
from services.alerter.neighbours import BACKTEST_TIMEOUT_S, Collector

# What the collector answers at a time; it refuses more than 150,000.
ANSWER_WINDOWS_MAX = 140_000
# Of all answers of one back-test: for more groups or a longer range, steps are longer.
WINDOWS_MAX = 300_000
# One whose author waits for it; the others wait for their turn.
BACKTESTS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Backtested:
    """What a rule would have done, how it was looked at, and in how many groups."""

    plan: BacktestPlan
    result: Backtest
    group_count: int


class Backtesting:
    """Runs rules over the past, a few at a time."""

    def __init__(self, collector: Collector, clock: Callable[[], float] = time.time) -> None:
        self._collector = collector
        self._clock = clock
        self._turns = asyncio.Semaphore(BACKTESTS_AT_ONCE)

    async def run(self, project: str, rule: Rule, range_s: int) -> Backtested:
        """What the rule would have done in the last `range_s` seconds. Raises RULE_NOT_BACKTESTED, and what the collector raises."""
        condition = rule.condition
        if not isinstance(condition, MeasuredCondition):
            message = "only conditions on metrics can be run over the past"
            raise AssayError(Kind.FAILED_PRECONDITION, "RULE_NOT_BACKTESTED", message)
        async with self._turns:
            group_count = await self._collector.group_count(project, rule.group_by, rule.chosen)
            made = plan(rule, condition, range_s, now_s=int(self._clock()), group_count=group_count, windows_max=WINDOWS_MAX)
            answers = await self._answers(project, rule, made, group_count)
            return await asyncio.to_thread(_run, project, rule, condition, made, answers)

    async def _answers(self, project: str, rule: Rule, made: BacktestPlan, group_count: int) -> list[QueryMetricsResponse]:
        """The whole range, in as many questions as its size takes."""
        ask = Ask.of(rule.group_by, rule.chosen)
        slice_s = max(1, ANSWER_WINDOWS_MAX // max(group_count, 1)) * made.step_s
        first_s = made.start_s - made.lead_s
        starts = range(first_s, made.end_s, slice_s)
        columns = columns_needed(rule.condition)
        asked = [question(project, ask, start, min(start + slice_s, made.end_s), columns=columns, step_s=made.step_s) for start in starts]
        return await asyncio.gather(*(self._collector.query(request, BACKTEST_TIMEOUT_S) for request in asked))


def _run(project: str, rule: Rule, condition: MeasuredCondition, made: BacktestPlan, answers: list[QueryMetricsResponse]) -> Backtested:
    said, ends_s = verdicts_of(rule, condition, made, answers)
    return Backtested(made, backtest(project, rule, said, ends_s), len(said.keys))


def verdicts_of(
    rule: Rule, condition: MeasuredCondition, made: BacktestPlan, answers: Sequence[QueryMetricsResponse]
) -> tuple[Verdicts, Ints]:
    """What the condition says of each group at each step of the plan's range, and when the steps end, in seconds since 1970."""
    starts_s: Ints = np.arange(made.step_count, dtype=np.int64) * made.step_s + (made.start_s - made.lead_s)
    table = stepped_table(answers, Ask.of(rule.group_by, rule.chosen), columns_needed(condition), starts_s)
    said = verdicts(condition, {window: table.sliding(made.steps_in(window)) for window in windows_of(condition)})
    lead = made.lead_count
    in_range = Verdicts(said.keys, said.verdict[:, lead:], said.observed[:, lead:], said.severity[:, lead:])
    return in_range, starts_s[lead:] + made.step_s
