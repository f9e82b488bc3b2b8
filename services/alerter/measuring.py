"""The metrics that a project's rules need: questions that rules share are asked once, and those about long windows less often."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from kit import logs
from kit.errors import AssayError
from services.alerter.domain.rule import Rule
from services.alerter.domain.table import Table
from services.alerter.domain.verdict import columns_needed, windows_of
from services.alerter.messages.metric_tables import Ask, question, whole_table
from services.alerter.neighbours import Collector

_log = logs.get_logger(__name__)

# A value over a window changes by less than this share of it until it is asked again: every 10 s for an hour, every 12 minutes for three
# days.
WINDOW_SHARE = 1 / 360
# The collector answers two questions of a project at a time.
QUESTIONS_AT_ONCE = 2
_S_PER_MIN = 60

Question: TypeAlias = tuple[Ask, int]
"""Whose calls, and the window in seconds."""


@dataclass(frozen=True, slots=True)
class _Answer:
    asked_s: float
    columns: frozenset[str]
    table: Table


class Measuring:
    """Answers of one project, kept as long as they are fresh."""

    def __init__(self, collector: Collector, project: str) -> None:
        self._collector = collector
        self._project = project
        self._answers: dict[Question, _Answer] = {}

    async def refresh(self, rules: Iterable[Rule], now_s: float) -> None:
        """Asks what the rules need and is not fresh. What cannot be answered is missing from the tables until it is."""
        needed: dict[Question, frozenset[str]] = {}
        for rule in rules:
            ask = Ask.of(rule.group_by, rule.chosen)
            for window_s in windows_of(rule.condition):
                columns = needed.get((ask, window_s), frozenset())
                needed[ask, window_s] = columns | columns_needed(rule.condition)
        self._answers = {asked: answer for asked, answer in self._answers.items() if asked in needed}
        due = [(asked, columns) for asked, columns in needed.items() if self._is_due(asked, columns, now_s)]
        turns = asyncio.Semaphore(QUESTIONS_AT_ONCE)
        await asyncio.gather(*(self._ask(asked, columns, now_s, turns) for asked, columns in due))

    def tables(self, rule: Rule) -> Mapping[int, Table] | None:
        """A table for each of the rule's windows, None while one of them is missing."""
        ask = Ask.of(rule.group_by, rule.chosen)
        found = {window_s: self._answers.get((ask, window_s)) for window_s in windows_of(rule.condition)}
        tables = {window_s: answer.table for window_s, answer in found.items() if answer is not None}
        return tables if len(tables) == len(found) else None

    def _is_due(self, asked: Question, columns: frozenset[str], now_s: float) -> bool:
        answer = self._answers.get(asked)
        return answer is None or not columns <= answer.columns or now_s - answer.asked_s >= asked[1] * WINDOW_SHARE

    async def _ask(self, asked: Question, columns: frozenset[str], now_s: float, turns: asyncio.Semaphore) -> None:
        ask, window_s = asked
        start_s = int(now_s) // _S_PER_MIN * _S_PER_MIN - window_s
        try:
            async with turns:
                response = await self._collector.query(question(self._project, ask, start_s, now_s, columns=columns))
        except AssayError as error:
            self._answers.pop(asked, None)
            _log.warning("the collector does not answer", project=self._project, reason=error.reason, why=error.message)
            return
        self._answers[asked] = _Answer(now_s, columns, whole_table(response, ask, columns))
