"""One metric of all series: held against its baseline, and taught to it when it was normal."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.evidence.alarms import Alarms
from services.analyzer.domain.evidence.baseline import Baselines, Expectation, Prior
from services.analyzer.domain.evidence.configuration import HOUR_S, EngineConfiguration, MetricPlan, Scale
from services.analyzer.domain.evidence.observations import Observations
from services.analyzer.domain.evidence.onsets import Onsets
from services.analyzer.domain.evidence.shift_tests import MeanTest, Normal, RatioTest, ShiftTest, Window
from services.analyzer.domain.evidence.units import in_range, in_unit, is_turned
from services.analyzer.domain.metric import AnomalyKind, Direction
from services.analyzer.domain.signals import NO_SIGNALS, AcceptedShift, Signals

_NORMAL_95 = 1.96
_NORMAL_95_ONE_SIDED = 1.645
# A shift is a drift once it has grown so much since it was told, by so many standard errors, in this time or more.
_GROWTH_MIN = 1.5
_GROWTH_DEVIATION_MIN = 4.0
_DRIFT_S = 2 * HOUR_S
_LOG_10 = float(np.log(10))


class Track:
    """Baselines, supposed onsets and alarms of one metric."""

    def __init__(self, plan: MetricPlan, configuration: EngineConfiguration) -> None:
        self.plan, self._configuration = plan, configuration
        self.baselines = Baselines(plan, configuration)
        self.test: ShiftTest = RatioTest(configuration) if plan.scale is Scale.RATIO else MeanTest(plan, configuration)
        self.onsets = Onsets(len(self.test.signs))
        self.alarms = Alarms()
        self.prior = Prior.nothing(0)

    @property
    def tables(self) -> tuple[Baselines, Onsets, Alarms]:
        """All that is kept, in the order of the state."""
        return self.baselines, self.onsets, self.alarms

    def grow(self, row_count: int) -> None:
        """Makes room for so many series."""
        for table in self.tables:
            table.grow(row_count)
        missing = row_count - len(self.prior.mean)
        if missing > 0:
            self.prior = self.prior.joined(Prior.nothing(missing))

    def begin_hour(self, rows: Ints, hour: Ints) -> None:
        """Goes on to these hours since 1970: teaches what was normal, forgets, and looks up what is expected. Rows are distinct."""
        baselines = self.baselines
        known = baselines.is_known(rows)
        clear_hour = (self.alarms.clear_s[rows] // HOUR_S).astype(np.int64)
        baselines.teach_until(rows, np.where(known, np.minimum(clear_hour, hour), hour))
        baselines.forget(rows, hour)
        baselines.refresh(rows, hour, self.prior)

    def restart(self, rows: Ints) -> None:
        """Begins to look anew, after a pause; what is normal is kept."""
        self.onsets.clear(rows)

    def observe(self, seen: Observations, windows_per_day: Floats, is_tested: Bools) -> Signals:
        """Takes a window of each series in, tests first. Series are distinct. Tells of alarms that are over.

        `windows_per_day`: how many windows the series have, which the evidence that an alarm takes rises with.
        """
        rows, baselines, alarms = seen.series, self.baselines, self.alarms
        normal = Normal(baselines.centre[rows], baselines.error[rows], baselines.spread[rows], baselines.freedom[rows])
        window = self.test.window(seen.count, seen.value, normal)
        is_on, is_known = alarms.is_on[rows], baselines.is_known(rows)
        self._teach(seen, window, ~is_on, is_known)
        alarms.clear_s[rows[~is_known]] = seen.start_s[~is_known]
        places = np.flatnonzero(is_known & is_tested & ~is_on)
        if len(places):
            self._look(seen.select(places), window.select(places), normal.select(places), self._log_bar(windows_per_day[places]))
        places = np.flatnonzero(is_on)
        if not len(places):
            return NO_SIGNALS
        log_bar = np.log(self._configuration.passing_ratio * windows_per_day[places] / self._configuration.false_ends_per_day)
        return self._go_on(seen.select(places), window.select(places), normal.select(places), log_bar)

    def _log_bar(self, windows_per_day: Floats) -> Floats:
        """Natural logarithm of the evidence that an alarm takes, so that each metric has its share of the false alarms of a day."""
        configuration = self._configuration
        allowed_per_day = configuration.false_alarms_per_series_day * self.plan.share
        bar: Floats = np.log(configuration.passing_ratio * windows_per_day / allowed_per_day)
        return bar

    def _teach(self, seen: Observations, window: Window, is_taught: Bools, is_known: Bools) -> None:
        is_plain = ~np.isfinite(window.deviation)
        count = np.where(is_plain, seen.count, window.count)
        deviation = np.where(is_plain, 0, window.deviation)
        # What is known is held against outliers; what is not yet known is taken as it comes.
        value = np.where(is_plain, seen.value, window.value)
        value = np.where(is_known, self.baselines.centre[seen.series] + deviation, value)
        squares = count * deviation**2
        self.baselines.wait(seen.series[is_taught], seen.hour[is_taught], count[is_taught], value[is_taught], squares[is_taught])

    def _look(self, seen: Observations, window: Window, normal: Normal, log_bar: Floats) -> None:
        rows, onsets, alarms = seen.series, self.onsets, self.alarms
        onsets.advance(rows, self.test.increment(window, normal), window, seen.start_s)
        log_e = self.test.log_e(onsets.count[rows], onsets.total[rows], normal)
        best = np.argmax(log_e, axis=1)
        strongest = log_e[np.arange(len(rows)), best]
        shift = np.abs(onsets.total[rows, best]) / np.maximum(onsets.count[rows, best], 1)
        is_relevant = shift >= self.plan.effect_min
        is_clear = ~is_relevant | (strongest < self._configuration.clear_log_e)
        alarms.clear_s[rows[is_clear]] = seen.start_s[is_clear]
        places = np.flatnonzero(is_relevant & (strongest >= log_bar))
        if len(places):
            self._begin(rows[places], best[places], strongest[places], normal.select(places), seen.end_s[places])

    def _begin(self, rows: Ints, best: Ints, log_e: Floats, normal: Normal, end_s: Floats) -> None:
        onsets = self.onsets
        count, onset_s = onsets.count[rows, best], onsets.onset_s[rows, best]
        expected = count * normal.centre
        total = onsets.plain_total[rows, best] + expected
        margin = _NORMAL_95 * np.sqrt(normal.error)
        self.alarms.begin(
            rows,
            sign=self.test.signs[best],
            kind=np.full(len(rows), AnomalyKind.SHIFT.value),
            onset_s=onset_s,
            begin_s=end_s,
            seen_s=end_s,
            count=count,
            total=total,
            expected=expected,
            begin_count=count,
            begin_total=total,
            begin_expected=expected,
            low=normal.centre - margin,
            high=normal.centre + margin,
            log_e=log_e,
        )
        self.baselines.drop_from(rows, (onset_s // HOUR_S).astype(np.int64))
        onsets.clear(rows)

    def _go_on(self, seen: Observations, window: Window, normal: Normal, log_bar: Floats) -> Signals:
        """Rows in alarm: more of the same, back to normal, or the new normal."""
        rows, alarms, configuration = seen.series, self.alarms, self._configuration
        sign = alarms.sign[rows].astype(np.float64)
        shift = sign * np.maximum(sign * (alarms.total[rows] - alarms.expected[rows]) / alarms.count[rows], self.plan.effect_min)
        alarms.back[rows] = np.maximum(alarms.back[rows] + self.test.back(window, shift, normal), 0)
        alarms.count[rows] += window.count
        alarms.total[rows] += window.count * window.value
        alarms.expected[rows] += window.count * normal.centre
        alarms.seen_s[rows] = np.maximum(alarms.seen_s[rows], seen.end_s)
        alarms.kind[rows[self._has_grown(rows, sign, normal)]] = AnomalyKind.DRIFT.value
        is_over = alarms.back[rows] >= log_bar
        has_stood = (alarms.seen_s[rows] - alarms.onset_s[rows] >= configuration.stand_s) & (alarms.count[rows] >= self.plan.stand_count)
        over, accepted = rows[is_over], rows[has_stood & ~is_over & (alarms.back[rows] == 0)]
        told = Signals.concatenated([self.signals(over, is_alarm=False), self.signals(accepted, is_alarm=False, is_accepted=True)])
        self._end(over)
        if len(accepted):
            self._accept(accepted)
        return told

    def _has_grown(self, rows: Ints, sign: Floats, normal: Normal) -> Bools:
        """Whether what came since the alarm was told is farther off than what it was told of."""
        alarms = self.alarms
        before = alarms.begin_count[rows]
        since = np.maximum(alarms.count[rows] - before, 1)
        early = sign * (alarms.begin_total[rows] - alarms.begin_expected[rows]) / before
        late = sign * (alarms.total[rows] - alarms.expected[rows] - alarms.begin_total[rows] + alarms.begin_expected[rows]) / since
        error = np.sqrt(normal.spread * (1 / before + 1 / since))
        is_old = alarms.seen_s[rows] - alarms.begin_s[rows] >= _DRIFT_S
        has_grown: Bools = is_old & (late > _GROWTH_MIN * early) & (late - early > _GROWTH_DEVIATION_MIN * error)
        return has_grown

    def _end(self, rows: Ints) -> None:
        self.alarms.is_on[rows] = False
        self.alarms.clear_s[rows] = self.alarms.seen_s[rows]
        self.onsets.clear(rows)

    def _accept(self, rows: Ints) -> None:
        """The mean since the onset is normal from now on; it is as certain as its calls make it."""
        alarms, baselines = self.alarms, self.baselines
        shift = (alarms.total[rows] - alarms.expected[rows]) / alarms.count[rows]
        baselines.move(rows, shift)
        baselines.scale(rows, np.minimum(1, alarms.count[rows] / np.maximum(baselines.call_count[rows], 1)))
        self._end(rows)
        baselines.refresh(rows, (alarms.seen_s[rows] // HOUR_S).astype(np.int64), self.prior)

    def accept(self, row: int) -> AcceptedShift | None:
        """Makes the level of this series' alarm normal; None if it is in no alarm."""
        if not self.alarms.is_on[row]:
            return None
        rows = np.array([row])
        told = self.signals(rows, is_alarm=False, is_accepted=True)
        self._accept(rows)
        return AcceptedShift(
            row, self.plan.metric, float(told.expected[0]), float(told.observed[0]), float(told.onset_s[0]), float(told.seen_s[0])
        )

    def expect(self, rows: Ints, hour: Ints) -> Expectation:
        """What is normal at these hours since 1970."""
        return self.baselines.expect(rows, hour, self.prior)

    def in_alarm(self, rows: Ints) -> Ints:
        """Those of the rows that are in alarm."""
        return rows[self.alarms.is_on[rows]]

    def signals(self, rows: Ints, *, is_alarm: bool, is_accepted: bool = False) -> Signals:
        """The alarms of these rows as they stand."""
        alarms, plan = self.alarms, self.plan
        count = alarms.count[rows]
        observed, expected = alarms.total[rows] / count, alarms.expected[rows] / count
        turned = is_turned(plan.metric)
        ends = np.sort(np.stack([in_unit(plan, in_range(plan.scale, end[rows])) for end in (alarms.low, alarms.high)]), axis=0)
        is_up = (alarms.sign[rows] > 0) != turned
        return Signals(
            series=rows,
            metric=np.full(len(rows), plan.metric.value),
            kind=alarms.kind[rows].astype(np.int64),
            direction=np.where(is_up, Direction.UP.value, Direction.DOWN.value),
            is_alarm=np.full(len(rows), is_alarm),
            is_accepted=np.full(len(rows), is_accepted),
            log10_e=alarms.log_e[rows] / _LOG_10,
            p_value=np.full(len(rows), np.nan),
            onset_s=alarms.onset_s[rows],
            seen_s=alarms.seen_s[rows],
            observed=in_unit(plan, observed),
            expected=in_unit(plan, expected),
            low=ends[0],
            high=ends[1],
            call_count=np.rint(count).astype(np.int64),
            affected_count=self._affected(rows, count, observed, expected),
        )

    def _affected(self, rows: Ints, count: Floats, observed: Floats, expected: Floats) -> Ints:
        if self.plan.scale is Scale.RATIO:
            share = observed
        else:
            share = ndtr(self.alarms.sign[rows] * (observed - expected) / np.sqrt(self.baselines.spread[rows]) - _NORMAL_95_ONE_SIDED)
        affected: Ints = np.rint(count * share).astype(np.int64)
        return affected
