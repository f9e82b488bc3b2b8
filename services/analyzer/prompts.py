"""Answers which version of a prompt does better, from what the collector has summed up."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from assay.analyzer.v1 import prompt_service_pb2 as contract
from assay.collector.v1.metrics_service_pb2 import MetricSeries, QueryMetricsRequest
from google.protobuf.duration_pb2 import Duration

from kit import logs
from kit.errors import AssayError, Kind
from services.analyzer.collector import Collector
from services.analyzer.domain.comparison.gathered import VersionUse, table_of, uses_of
from services.analyzer.domain.comparison.strata import ComparedMetric
from services.analyzer.domain.comparison.versions import compare_versions, rank_table
from services.analyzer.messages import prompts as messages
from services.analyzer.messages.keys import timestamp
from services.analyzer.messages.prompts import VERSIONS_MAX, Asked, AskedComparison, Seen

_log = logs.get_logger(__name__)

HOUR_S, DAY_S = 3_600, 86_400
# How far back a prompt's first call is looked for.
HISTORY_S: Final = 400 * DAY_S
LISTED_S: Final = 30 * DAY_S
# A comparison has at most so many windows. Each step is as long as keeps to that, from as early on as windows of its length are kept.
WINDOWS_MAX: Final = 200
_STEPS_S: Final = (60, 300, 900, HOUR_S, 4 * HOUR_S, 12 * HOUR_S, DAY_S, 2 * DAY_S)
_MINUTES_KEPT_S: Final = 13 * DAY_S
_QUARTER_S: Final = 900
PROMPTS_TOLD_MAX: Final = 500
VERSIONS_TOLD_MAX: Final = 100
RETRY_S: Final = 5.0
NO_CALLS = "the prompt has no calls in this range"
ONE_VERSION = "the prompt has one version in this range: there is nothing to compare it with"


class Prompts:
    """Every answer is asked for anew: whoever compares prompts does so now and then."""

    def __init__(self, collector: Collector, now_s: Callable[[], float] = time.time) -> None:
        self._collector = collector
        self._now_s = now_s

    async def prompts(self, project: str, start_s: float | None, end_s: float | None) -> contract.ListPromptsResponse:
        """The prompts of a range, by the day. Raises AssayError."""
        until_s = self._end_s(end_s)
        since_s = int(until_s - LISTED_S if start_s is None else start_s) // _QUARTER_S * _QUARTER_S
        step_s = max(_step_s(since_s, until_s, self._now_s()), DAY_S)
        series, as_of_s = await self._series(messages.prompts_request(project, since_s, until_s, step_s))
        return await asyncio.to_thread(_listed, series, as_of_s)

    async def compare(self, project: str, wanted: AskedComparison) -> contract.ComparePromptsResponse:
        """Versions against a baseline. Raises AssayError, VERSION_UNKNOWN among them."""
        response = contract.ComparePromptsResponse(prompt_name=wanted.asked.prompt_name, task_type=wanted.asked.task_type)
        uses, seen = await self._seen(project, wanted.asked, lambda uses: _compared(uses, wanted))
        if seen is None:
            response.empty_reason = NO_CALLS
            return response
        baseline = _first_used(uses) if wanted.baseline is None else wanted.baseline
        response.baseline.CopyFrom(messages.version_to_message(uses[baseline]))
        compared = await asyncio.to_thread(compare_versions, seen.table, baseline, wanted.metrics, wanted.margins)
        response.versions.extend(messages.compared_to_message(seen, each) for each in compared)
        response.step.CopyFrom(Duration(seconds=seen.step_s))
        response.empty_reason = "" if compared else ONE_VERSION
        _tell_range(response, seen)
        return response

    async def rank(self, project: str, asked: Asked, metric: ComparedMetric) -> contract.RankPromptsResponse:
        """The order of versions. Raises AssayError, VERSION_UNKNOWN among them."""
        number = messages.metric_number(metric)
        response = contract.RankPromptsResponse(prompt_name=asked.prompt_name, task_type=asked.task_type, metric=number)
        _, seen = await self._seen(project, asked, lambda uses: _most_used(uses, asked.versions, VERSIONS_MAX))
        if seen is None:
            response.empty_reason = NO_CALLS
            return response
        places = await asyncio.to_thread(rank_table, seen.table, metric)
        response.versions.extend(messages.place_to_message(seen, each) for each in places)
        _tell_range(response, seen)
        return response

    async def _seen(
        self, project: str, asked: Asked, choose: Callable[[dict[str, VersionUse]], list[str]]
    ) -> tuple[dict[str, VersionUse], Seen | None]:
        """What was seen of the versions that are chosen; none if the prompt has no calls. By the day first, to find where it begins."""
        now_s, until_s = self._now_s(), self._end_s(asked.end_s)
        since_s = int(until_s - HISTORY_S) // DAY_S * DAY_S if asked.start_s is None else int(asked.start_s) // _QUARTER_S * _QUARTER_S
        days, as_of_s = await self._series(messages.prompt_request(project, asked, since_s, until_s, DAY_S, with_durations=False))
        uses = uses_of(messages.windows_from_message(days)) if days else {}
        if not uses:
            return {}, None
        _require_known(uses, asked.versions)
        versions = choose(uses)
        if asked.start_s is None:
            since_s = int(min(uses[version].first_s for version in versions))
        step_s = _step_s(since_s, until_s, now_s)
        request = messages.prompt_request(project, asked, since_s, until_s, step_s, versions=versions)
        series, as_of_s = await self._series(request)
        table = await asyncio.to_thread(lambda: table_of(messages.windows_from_message(series), versions))
        return uses, Seen(uses, table, since_s, min(until_s, now_s), step_s, as_of_s)

    async def _series(self, request: QueryMetricsRequest) -> tuple[Sequence[MetricSeries], float]:
        try:
            return await self._collector.series(request)
        except AssayError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            _log.warning("the collector cannot be asked for prompts", project=request.project, reason=error.reason, why=error.message)
            message = "what was measured cannot be asked for right now"
            raise AssayError(Kind.UNAVAILABLE, "COLLECTOR_UNAVAILABLE", message, retry_after_s=RETRY_S) from error

    def _end_s(self, end_s: float | None) -> int:
        """The end of the range, in whole quarters of an hour; now is the end of the one that has begun."""
        asked_s = self._now_s() if end_s is None else end_s
        return -int(-asked_s // _QUARTER_S) * _QUARTER_S


def _step_s(since_s: int, until_s: int, now_s: float) -> int:
    shortest_s = 0 if now_s - since_s < _MINUTES_KEPT_S else _QUARTER_S
    return next(step for step in _STEPS_S if step >= shortest_s and (until_s - since_s <= WINDOWS_MAX * step or step == _STEPS_S[-1]))


def _require_known(uses: dict[str, VersionUse], versions: Sequence[str]) -> None:
    """Raises VERSION_UNKNOWN."""
    for version in versions:
        if version not in uses:
            raise messages.version_unknown(version)


def _compared(uses: dict[str, VersionUse], wanted: AskedComparison) -> list[str]:
    """The baseline and the versions that are compared with it, those used last first. Raises VERSION_UNKNOWN."""
    base = _first_used(uses) if wanted.baseline is None else wanted.baseline
    _require_known(uses, [base])
    others = {version: use for version, use in uses.items() if version != base}
    chosen = {base, *_most_used(others, wanted.asked.versions, VERSIONS_MAX - 1)}
    return [version for version in uses if version in chosen]


def _most_used(uses: dict[str, VersionUse], versions: Sequence[str], count: int) -> list[str]:
    """The versions that are named, or those with the most calls; those used last first."""
    chosen = versions or sorted(uses, key=lambda version: -uses[version].call_count)[:count]
    return [version for version in uses if version in chosen]


def _first_used(uses: dict[str, VersionUse]) -> str:
    return min(uses.values(), key=lambda use: (use.first_s, use.last_s, use.version)).version


def _tell_range(response: contract.ComparePromptsResponse | contract.RankPromptsResponse, seen: Seen) -> None:
    for name, time_s in (("start_time", seen.start_s), ("end_time", seen.end_s), ("as_of_time", seen.as_of_s)):
        stamp = timestamp(time_s)
        if stamp is not None:
            getattr(response, name).CopyFrom(stamp)


def _listed(series: Sequence[MetricSeries], as_of_s: float) -> contract.ListPromptsResponse:
    prompts = []
    for name, own in messages.by_prompt(series).items():
        uses = list(uses_of(messages.windows_from_message(own)).values())
        versions = map(messages.version_to_message, uses[:VERSIONS_TOLD_MAX])
        prompts.append(contract.Prompt(prompt_name=name, call_count=sum(use.call_count for use in uses), versions=versions))
    prompts.sort(key=lambda prompt: (-prompt.call_count, prompt.prompt_name))
    return contract.ListPromptsResponse(prompts=prompts[:PROMPTS_TOLD_MAX], as_of_time=timestamp(as_of_s))
