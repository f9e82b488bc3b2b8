"""Replays recorded calls against rankings and other ways of choosing."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import numpy as np
from assay.analyzer.v1.ranking_service_pb2 import BacktestRankingResponse

from kit.errors import AssayError, Kind
from services.analyzer.collector import MINUTE_S, Collector
from services.analyzer.domain.arrays import Ints
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.gathered import CellWindows, concatenated
from services.analyzer.domain.replaying.logged import LoggedCalls
from services.analyzer.domain.replaying.policies import targets
from services.analyzer.domain.replaying.replay import replay
from services.analyzer.evidence_reader import DAY_S, HISTORY_S, HOUR_S
from services.analyzer.messages import replays as messages
from services.analyzer.rankings import Asked

# A minute of the collector's time, and 10 MB here.
CALLS_MAX: Final = 50_000
# How often policies learn anew; each time takes some 50 ms. Steps are as long as keeps to that.
STEPS_MAX: Final = 100
_STEPS_S: Final = (HOUR_S, 4 * HOUR_S, 12 * HOUR_S, DAY_S)
# At once; each keeps a core busy for seconds.
BACKTESTS_MAX: Final = 1
RETRY_S: Final = 5.0
NO_CALLS = "no calls on this kind of task were recorded in this range"


class Backtests:
    """Every back-test reads what it needs, and keeps nothing."""

    def __init__(self, collector: Collector, half_life_s: float, now_s: Callable[[], float] = time.time) -> None:
        self._collector = collector
        self._half_life_s = half_life_s
        self._now_s = now_s
        self._turn = asyncio.Semaphore(BACKTESTS_MAX)

    def now_s(self) -> float:
        """The present, where a range without an end ends."""
        return self._now_s()

    async def run(self, asked: Asked, start_s: float, end_s: float) -> BacktestRankingResponse:
        """What each policy would have brought between two instants. Raises AssayError, RANGE_TOO_LARGE among them."""
        try:
            async with self._turn:
                return await self._run(asked, start_s, end_s)
        except AssayError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            message = "recorded calls cannot be asked for right now"
            raise AssayError(Kind.UNAVAILABLE, "COLLECTOR_UNAVAILABLE", message, retry_after_s=RETRY_S) from error

    async def _run(self, asked: Asked, start_s: float, end_s: float) -> BacktestRankingResponse:
        calls = await self._calls(asked, start_s, end_s)
        if calls is None:
            return BacktestRankingResponse(empty_reason=NO_CALLS)
        step_s = _step_s(float(calls.start_s[0]), float(calls.start_s[-1]))
        first_s = int(calls.start_s[0]) // step_s * step_s
        steps = np.arange(first_s, int(calls.start_s[-1]) + 1, step_s)
        windows = await self._windows(asked, first_s, int(steps[-1]), step_s)
        return await asyncio.to_thread(_replayed, asked, calls, windows, steps, asked.half_life_s or self._half_life_s)

    async def _calls(self, asked: Asked, start_s: float, end_s: float) -> LoggedCalls | None:
        """The latest calls of the range, None where there are none."""
        project, prompt = asked.basis
        request = messages.calls_request(project, asked.question.task_type, prompt, start_s, end_s)
        found: list[messages.LoggedCall] = []
        async for page in self._collector.latest_calls(request, CALLS_MAX):
            found += await asyncio.to_thread(messages.logged_from_message, page)
        return await asyncio.to_thread(messages.columns_of, found) if found else None

    async def _windows(self, asked: Asked, first_s: int, last_s: int, step_s: int) -> CellWindows:
        """What was known at each step: days before the first one's, and steps."""
        project, prompt = asked.basis
        day_s = first_s // DAY_S * DAY_S
        parts = [(await self._collector.cells(project, day_s - HISTORY_S, day_s, DAY_S, prompt=prompt))[0]]
        until_s = max(last_s, day_s + MINUTE_S)
        parts.append((await self._collector.cells(project, day_s, until_s, step_s, prompt=prompt))[0])
        return concatenated(parts)


def _step_s(first_s: float, last_s: float) -> int:
    """Raises RANGE_TOO_LARGE."""
    for step_s in _STEPS_S:
        if last_s - first_s <= (STEPS_MAX - 1) * step_s:
            return step_s
    message = f"between the first call and the last lie more than {STEPS_MAX - 1} days: take a shorter range"
    raise AssayError(Kind.INVALID_ARGUMENT, "RANGE_TOO_LARGE", message, details={"field": "start_time"})


def _replayed(asked: Asked, calls: LoggedCalls, windows: CellWindows, steps: Ints, half_life_s: float) -> BacktestRankingResponse:
    candidates = tuple(sorted({*calls.candidates, *asked.question.candidates, *_served(windows, asked.question.task_type)}))
    tables = targets(windows, asked.question, half_life_s=half_life_s, step_starts_s=steps.tolist(), candidates=candidates)
    whole = calls.among(candidates)
    step = np.searchsorted(steps, calls.start_s, side="right") - 1
    return messages.replay_to_message(calls, len(steps), replay(whole, step, tables))


def _served(windows: CellWindows, task_type: str) -> set[Candidate]:
    return {cell.candidate for cell in windows.cells if cell.task_type == task_type}
