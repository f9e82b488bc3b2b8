"""What the tests of a monitor find, in the one form that episodes are made of."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from services.analyzer.domain.arrays import Floats, Ints
from services.analyzer.domain.engine import Engine
from services.analyzer.domain.failures import FailingSeries
from services.analyzer.domain.fields import MissingFields
from services.analyzer.domain.finding import Finding
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric
from services.analyzer.domain.monitor_configuration import HOUR_S
from services.analyzer.domain.recent_calls import RecentCalls
from services.analyzer.domain.roster import Roster
from services.analyzer.domain.signals import Signals
from services.analyzer.domain.silence import Silences, SilenceWatch

_NORMAL_95 = 1.96
# A series that took over had no calls in more hours than these beside those since it did.
_OLD_HOURS_MAX = 2.0


def of_signal(signals: Signals, row: int, roster: Roster) -> Finding:
    """One row of what the engine tells."""
    p_value = float(signals.p_value[row])
    return Finding(
        key=roster.keys[int(signals.series[row])],
        kind=AnomalyKind(int(signals.kind[row])),
        metric=Metric(int(signals.metric[row])),
        direction=Direction(int(signals.direction[row])),
        log10_e=float(signals.log10_e[row]),
        p_value=None if math.isnan(p_value) else p_value,
        onset_s=float(signals.onset_s[row]),
        seen_s=float(signals.seen_s[row]),
        observed=float(signals.observed[row]),
        expected=float(signals.expected[row]),
        low=float(signals.low[row]),
        high=float(signals.high[row]),
        call_count=int(signals.call_count[row]),
        affected_count=int(signals.affected_count[row]),
    )


def of_failing(failing: FailingSeries, roster: Roster, engine: Engine, alone_log10_e: float) -> Iterator[Finding]:
    """Series that fail together; those with less evidence than `alone_log10_e` are not told alone."""
    baseline = engine.baselines(failing.series, Metric.SUCCESS_RATIO, failing.seen_s)
    for row, series in enumerate(failing.series.tolist()):
        decided = int(failing.decided[row])
        yield Finding(
            key=roster.keys[series],
            kind=AnomalyKind.SHIFT,
            metric=Metric.SUCCESS_RATIO,
            direction=Direction.DOWN,
            log10_e=float(failing.log10_e[row]),
            p_value=None,
            onset_s=float(failing.onset_s[row]),
            seen_s=float(failing.seen_s[row]),
            observed=1 - int(failing.failed[row]) / decided,
            expected=1 - float(failing.expected[row]) / decided,
            low=float(baseline.low[row]),
            high=float(baseline.high[row]),
            call_count=decided,
            affected_count=int(failing.failed[row]),
            is_weak=bool(failing.log10_e[row] < alone_log10_e),
        )


def of_missing(missing: MissingFields, roster: Roster) -> Iterator[Finding]:
    """Fields that are no longer filled. Values are the part of the calls that carry the field."""
    margin = _NORMAL_95 * np.sqrt(missing.filled_ratio * (1 - missing.filled_ratio) / missing.remembered_count)
    for row, series in enumerate(missing.series.tolist()):
        calls, lacking, ratio = int(missing.call_count[row]), int(missing.missing_count[row]), float(missing.filled_ratio[row])
        yield Finding(
            key=roster.keys[series],
            kind=AnomalyKind.FIELD_MISSING,
            metric=Metric(int(missing.metric[row])),
            direction=Direction.DOWN,
            log10_e=float(missing.log10_e[row]),
            p_value=None,
            onset_s=float(missing.onset_s[row]),
            seen_s=float(missing.seen_s[row]),
            observed=1 - lacking / max(calls, 1),
            expected=ratio,
            low=ratio - float(margin[row]),
            high=min(ratio + float(margin[row]), 1.0),
            call_count=calls,
            affected_count=lacking,
        )


class SilenceReader:
    """Tells what a silence is: nobody calls; or the calls come without their prompt's version, and so as another series."""

    def __init__(self, roster: Roster, recent: RecentCalls, watch: SilenceWatch, engine: Engine) -> None:
        self._roster = roster
        self._recent = recent
        self._watch = watch
        self._engine = engine

    def findings(self, silences: Silences, now_s: float) -> Iterator[Finding]:
        """One for each silent series."""
        if not len(silences.series):
            return
        baseline = self._engine.baselines(silences.series, Metric.CALL_VOLUME, np.full(len(silences.series), now_s))
        siblings = self._siblings()
        newest_s = self._recent.newest_s(np.arange(len(self._roster.keys)))
        for row, series in enumerate(silences.series.tolist()):
            key, since_s = self._roster.keys[series], float(silences.since_s[row])
            taking = [each for each in siblings[key[:3]] if each != series and newest_s[each] >= since_s]
            unversioned = [each for each in taking if key.prompt_version and self._lost_version(each, since_s, now_s)]
            if unversioned:
                yield self._missing_version(silences, row, np.array(unversioned), now_s)
            else:
                interval = np.nan_to_num([baseline.low[row], baseline.high[row]])
                yield self._silence(silences, row, interval, now_s, is_replaced=bool(taking))

    def _siblings(self) -> dict[tuple[str, ...], list[int]]:
        siblings: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, key in enumerate(self._roster.keys):
            siblings[key[:3]].append(number)
        return siblings

    def _lost_version(self, series: int, since_s: float, now_s: float) -> bool:
        """Whether these are calls without a version that began when the others ended."""
        hours = self._watch.series.column("hours")[series]
        return self._roster.keys[series].prompt_version == "" and bool(hours <= (now_s - since_s) / HOUR_S + _OLD_HOURS_MAX)

    def _silence(self, silences: Silences, row: int, interval: Floats, now_s: float, *, is_replaced: bool) -> Finding:
        log10_p, expected = float(silences.log10_p[row]), round(float(silences.expected[row]))
        return Finding(
            key=self._roster.keys[int(silences.series[row])],
            kind=AnomalyKind.SILENCE,
            metric=Metric.CALL_VOLUME,
            direction=Direction.DOWN,
            log10_e=_log10_e(log10_p),
            p_value=10**log10_p,
            onset_s=float(silences.since_s[row]),
            seen_s=now_s,
            observed=0.0,
            expected=float(silences.rate[row]),
            low=float(interval[0]),
            high=float(interval[1]),
            call_count=expected,
            affected_count=expected,
            is_replaced=is_replaced,
        )

    def _missing_version(self, silences: Silences, row: int, unversioned: Ints, now_s: float) -> Finding:
        log10_p = float(silences.log10_p[row])
        calls = int(self._recent.calls_since(unversioned, float(silences.since_s[row])).sum())
        return Finding(
            key=self._roster.keys[int(silences.series[row])],
            kind=AnomalyKind.FIELD_MISSING,
            metric=Metric.CALL_VOLUME,
            direction=Direction.DOWN,
            log10_e=_log10_e(log10_p),
            p_value=10**log10_p,
            onset_s=float(silences.since_s[row]),
            seen_s=now_s,
            observed=0.0,
            expected=1.0,
            low=1.0,
            high=1.0,
            call_count=calls,
            affected_count=calls,
        )


def _log10_e(log10_p: float) -> float:
    """An e-value from a p-value: 1 / (2 √p) (Vovk, Wang, Annals of Statistics 2021, calibrators)."""
    return max(-log10_p / 2 - math.log10(2), 0.0)
