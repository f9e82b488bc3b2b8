"""Runs a rule over the past of a project, with what the collector then measured."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from assay.collector.v1.metrics_service_pb2 import QueryMetricsResponse

from kit.errors import AssayError, Kind
from services.alerter.domain.arrays import Ints
from services.alerter.domain.backtest import Backtest, backtest
from services.alerter.domain.backtest_plan import BacktestPlan, plan
from services.alerter.domain.rule import Rule
from services.alerter.domain.table import Table
from services.alerter.domain.verdict import MeasuredCondition, Verdicts, columns_needed, verdicts, windows_of
from services.alerter.messages.metric_tables import Ask, question, stepped_table
from services.alerter.neighbours import BACKTEST_TIMEOUT_S, Collector

# What the collector answers at a time; it refuses more than 150,000.
ANSWER_WINDOWS_MAX = 140_000
# Of all answers of one back-test: for more groups or a longer range, steps are longer.
WINDOWS_MAX = 300_000
# One whose author waits for it; the others wait for their turn.
BACKTESTS_AT_ONCE = 2
# Whoever edits a rule tries it again and again, and mostly changes its bounds alone: what was measured then stays the same.
TABLES_KEPT_S = 120.0
# A table has at most WINDOWS_MAX elements a column: a rule's five or so columns take 12 MB.
TABLES_MAX = 4


class _Measured(NamedTuple):
    """What a table holds: whose calls, which columns, and when."""

    project: str
    ask: Ask
    columns: frozenset[str]
    start_s: int
    end_s: int
    step_s: int


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
        self._tables: OrderedDict[_Measured, tuple[Table, float]] = OrderedDict()

    async def run(self, project: str, rule: Rule, range_s: int) -> Backtested:
        """What the rule would have done in the last `range_s` seconds. Raises RULE_NOT_BACKTESTED, and what the collector raises."""
        condition = rule.condition
        if not isinstance(condition, MeasuredCondition):
            message = "only conditions on metrics can be run over the past"
            raise AssayError(Kind.FAILED_PRECONDITION, "RULE_NOT_BACKTESTED", message)
        async with self._turns:
            group_count = await self._collector.group_count(project, rule.group_by, rule.chosen)
            made = plan(rule, condition, range_s, now_s=int(self._clock()), group_count=group_count, windows_max=WINDOWS_MAX)
            ask, columns = Ask.of(rule.group_by, rule.chosen), columns_needed(condition)
            measured = _Measured(project, ask, columns, made.start_s - made.lead_s, made.end_s, made.step_s)
            table = await self._table(measured, group_count)
            return await asyncio.to_thread(_run, project, rule, condition, made, table)

    async def _table(self, measured: _Measured, group_count: int) -> Table:
        """What was measured, as it was asked a short while ago, or now."""
        now_s = self._clock()
        for old in [key for key, (_, asked_s) in self._tables.items() if now_s - asked_s > TABLES_KEPT_S]:
            del self._tables[old]
        if measured not in self._tables:
            answers = await self._answers(measured, group_count)
            starts_s = np.arange(measured.start_s, measured.end_s, measured.step_s, dtype=np.int64)
            self._tables[measured] = await asyncio.to_thread(stepped_table, answers, measured.ask, measured.columns, starts_s), now_s
            while len(self._tables) > TABLES_MAX:
                self._tables.popitem(last=False)
        return self._tables[measured][0]

    async def _answers(self, measured: _Measured, group_count: int) -> list[QueryMetricsResponse]:
        """The whole range, in as many questions as its size takes."""
        project, ask, columns, first_s, end_s, step_s = measured
        slice_s = max(1, ANSWER_WINDOWS_MAX // max(group_count, 1)) * step_s
        starts = range(first_s, end_s, slice_s)
        asked = [question(project, ask, start, min(start + slice_s, end_s), columns=columns, step_s=step_s) for start in starts]
        return await asyncio.gather(*(self._collector.query(request, BACKTEST_TIMEOUT_S) for request in asked))


def _run(project: str, rule: Rule, condition: MeasuredCondition, made: BacktestPlan, table: Table) -> Backtested:
    said, ends_s = verdicts_of(condition, made, table)
    return Backtested(made, backtest(project, rule, said, ends_s), len(said.keys))


def verdicts_of(condition: MeasuredCondition, made: BacktestPlan, table: Table) -> tuple[Verdicts, Ints]:
    """What the condition says of each group at each step of the plan's range, and when the steps end, in seconds since 1970.

    The table has the steps of the lead and of the range.
    """
    said = verdicts(condition, {window: table.sliding(made.steps_in(window)) for window in windows_of(condition)})
    lead = made.lead_count
    in_range = Verdicts(said.keys, said.verdict[:, lead:], said.observed[:, lead:], said.severity[:, lead:])
    return in_range, steps_of(made)[lead:] + made.step_s


def steps_of(made: BacktestPlan) -> Ints:
    """When the steps of the lead and of the range begin, in seconds since 1970."""
    return np.arange(made.step_count, dtype=np.int64) * made.step_s + (made.start_s - made.lead_s)
