"""The metrics that a project's rules need: questions that rules share are asked once, and again only when the answer can be another."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import TypeAlias

from kit import logs
from kit.errors import AssayError, Kind
from services.alerter.domain.rule import Rule
from services.alerter.domain.table import Table
from services.alerter.domain.verdict import columns_needed, windows_of
from services.alerter.messages.metric_tables import Ask, question, whole_table
from services.alerter.neighbours import Collector

_log = logs.get_logger(__name__)

# A value over a window changes by less than this share of it until it is asked again: every 10 s for an hour, every 12 minutes for three
# days.
WINDOW_SHARE = 1 / 360
# An announcement that nobody has heard, since the writer was killed between its commit and telling of it, is made up for so late.
KEPT_S = 300.0
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
    """Answers of one project, kept as long as they hold."""

    def __init__(self, collector: Collector, project: str) -> None:
        self._collector = collector
        self._project = project
        self._needed: dict[Question, frozenset[str]] = {}
        self._answers: dict[Question, _Answer] = {}
        self._is_away = False

    def need(self, rules: Iterable[Rule]) -> None:
        """Takes in what the rules ask; answers that none of them needs are forgotten."""
        self._needed = {}
        for rule in rules:
            ask = Ask.of(rule.group_by, rule.chosen)
            for window_s in windows_of(rule.condition):
                columns = self._needed.get((ask, window_s), frozenset())
                self._needed[ask, window_s] = columns | columns_needed(rule.condition)
        self._answers = {asked: answer for asked, answer in self._answers.items() if asked in self._needed}

    async def refresh(self, now_s: float, changed_s: float) -> None:
        """Asks what is due, windows of the project having changed last at `changed_s`.

        What cannot be answered is missing from the tables until it is.
        """
        due = [asked for asked in self._needed if self._asked_next_s(asked, changed_s) <= now_s]
        turns, self._is_away = asyncio.Semaphore(QUESTIONS_AT_ONCE), False
        await asyncio.gather(*(self._ask(asked, now_s, turns) for asked in due))

    def due_s(self, changed_s: float) -> float:
        """When the next question is to be asked if nothing else changes."""
        return min((self._asked_next_s(asked, changed_s) for asked in self._needed), default=inf)

    def tables(self, rule: Rule) -> Mapping[int, Table] | None:
        """A table for each of the rule's windows, None while one of them is missing."""
        ask = Ask.of(rule.group_by, rule.chosen)
        found = {window_s: self._answers.get((ask, window_s)) for window_s in windows_of(rule.condition)}
        tables = {window_s: answer.table for window_s, answer in found.items() if answer is not None}
        return tables if len(tables) == len(found) else None

    def _asked_next_s(self, asked: Question, changed_s: float) -> float:
        """When the answer can be another: after a change, or when calls leave the window, which begins at a whole minute."""
        answer = self._answers.get(asked)
        if answer is None or not self._needed[asked] <= answer.columns:
            return -inf
        paced_s = answer.asked_s + asked[1] * WINDOW_SHARE
        if changed_s >= answer.asked_s:
            return paced_s
        return max(paced_s, _minute(answer.asked_s) + _S_PER_MIN) if answer.table.keys else answer.asked_s + KEPT_S

    async def _ask(self, asked: Question, now_s: float, turns: asyncio.Semaphore) -> None:
        (ask, window_s), columns = asked, self._needed[asked]
        try:
            async with turns:
                if self._is_away:  # to have waited for it once is enough: other rules and projects wait for this
                    self._answers.pop(asked, None)
                    return
                response = await self._collector.query(question(self._project, ask, _minute(now_s) - window_s, now_s, columns=columns))
        except AssayError as error:
            self._is_away = error.kind in {Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED}
            self._answers.pop(asked, None)
            _log.warning("the collector does not answer", project=self._project, reason=error.reason, why=error.message)
            return
        self._answers[asked] = _Answer(now_s, columns, whole_table(response, ask, columns))


def _minute(unix_s: float) -> int:
    return int(unix_s) // _S_PER_MIN * _S_PER_MIN
