"""The time since the last call of each of many units (series, or groups of them), measured in calls that were to be expected."""

from __future__ import annotations

import numpy as np

from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.monitor_configuration import DAY_S, HOUR_S, MonitorConfiguration
from services.analyzer.domain.roster import grown

# Gaps in which more calls than this were expected tell how uneven the calls come; a guess of even calls is worth so many of them,
# no more than so many are remembered, and one counts for no more than so many expected calls.
_GAP_START = 2.0
_PRIOR_GAPS = 20.0
_GAPS_MAX = 200.0
_EXCESS_MAX = 10.0
_DAILY_MIN = 10.0


class Gaps:
    """Columns over units, all zero at first.

    If calls come by themselves at a known rate, the number expected in a gap is exponential with mean 1 (time rescaling: Brown et al.,
    Neural Computation 2002). Real calls cluster. So the mean excess of gaps beyond a threshold, which is 1 for an exponential and estimates
    the scale of an exponential tail otherwise (peaks over threshold: Pickands, Annals of Statistics 1975), stretches the measure, and never
    shrinks it. The rate is known from so many hours: with a gamma prior for it the number of calls is negative binomial, and no call where
    e were expected has the probability (1 + e / k)^-k. k counts hours with calls, not calls: those of one hour depend on each other.
    Each call begins a gap, so the bar for a gap's probability is the alarms allowed a day by the calls a day.
    """

    FIELDS = (
        "daily_calls",
        "daily_s",
        "hours",
        "last_hour",
        "expected",
        "gap_count",
        "gap_excess",
        "last_call_s",
        "silent_since_s",
        "silent_until_s",
        "is_heard",
    )

    def __init__(self, configuration: MonitorConfiguration) -> None:
        self._configuration = configuration
        self.columns: Floats = np.zeros((0, len(self.FIELDS)))

    def grow(self, count: int) -> None:
        """Makes room for so many units."""
        self.columns = grown(self.columns, count)

    def column(self, name: str) -> Floats:
        """One of FIELDS, as a view that may be written to."""
        return self.columns[:, self.FIELDS.index(name)]

    def count_calls(self, units: Ints, start_s: Ints, length_s: Ints, calls: Floats) -> None:
        """Counts calls a day and hours with calls, from windows ordered by start; a unit may come many times."""
        if not len(units):
            return
        daily, daily_s, hours, last_hour = (self.column(name) for name in ("daily_calls", "daily_s", "hours", "last_hour"))
        end_s = start_s + length_s
        newest_s = float(end_s.max())
        here = np.unique(units)
        daily[here] *= np.exp(-np.maximum(newest_s - daily_s[here], 0) / DAY_S)
        daily_s[here] = np.maximum(daily_s[here], newest_s)
        np.add.at(daily, units, calls * np.exp((end_s - newest_s) / DAY_S))
        hour = start_s // int(HOUR_S)
        pairs = np.unique(np.stack([units, hour], axis=1), axis=0)
        fresh = pairs[pairs[:, 1] > last_hour[pairs[:, 0]]]
        np.add.at(hours, fresh[:, 0], 1.0)
        np.maximum.at(last_hour, fresh[:, 0], fresh[:, 1].astype(np.float64))
        np.maximum.at(self.column("last_call_s"), units, end_s.astype(np.float64))

    def is_armed(self) -> Bools:
        """Of which units calls are expected at all."""
        return self.column("hours") >= self._configuration.silence_hours_min

    def end_gaps(self, units: Ints, now_s: float) -> None:
        """The units have calls: what their gaps were is learnt, and new ones begin."""
        self.learn_gaps(units, self.column("expected")[units])
        self.forget(units, now_s)
        self.column("is_heard")[units] = 1.0
        last_call_s = self.column("last_call_s")
        last_call_s[units] = np.minimum(last_call_s[units], now_s)

    def go_on(self, expected: Floats) -> None:
        """So many calls more were expected of each unit, since this was called last; those that had some since then begin after now."""
        is_heard = self.column("is_heard")
        self.column("expected")[:] += np.where(is_heard > 0, 0.0, expected)
        is_heard[:] = 0.0

    def learn_gaps(self, units: Ints, expected: Floats) -> None:
        """Takes in gaps that are over, by the calls that were expected in them; a unit may come many times."""
        is_long = expected > _GAP_START
        units, excess = units[is_long], np.minimum(expected[is_long] - _GAP_START, _EXCESS_MAX)
        gap_count, gap_excess = self.column("gap_count"), self.column("gap_excess")
        np.add.at(gap_count, units, 1.0)
        np.add.at(gap_excess, units, excess)
        here = np.unique(units)
        keep = np.minimum(1.0, _GAPS_MAX / gap_count[here])
        gap_count[here] *= keep
        gap_excess[here] *= keep

    def forget(self, units: Ints, now_s: float) -> None:
        """What was missed so far is not held against them any more."""
        silent = units[self.column("silent_since_s")[units] > 0]
        self.column("silent_until_s")[silent] = now_s
        self.column("expected")[units] = 0.0
        self.column("silent_since_s")[units] = 0.0

    def rest(self, units: Ints, now_s: float) -> None:
        """The units are expected to have no calls from now on, until they have had some again for long enough."""
        self.forget(units, now_s)
        self.column("hours")[units] = 0.0

    def log10_p(self) -> Floats:
        """Probability of a gap as long as the present one, as its decimal logarithm (≤ 0)."""
        hours_max = self._configuration.silence_hours_max
        hours = np.clip(self.column("hours"), 1.0, hours_max)
        stretch = np.maximum(1.0, (_PRIOR_GAPS + self.column("gap_excess")) / (_PRIOR_GAPS + self.column("gap_count")))
        log10_p: Floats = -hours * np.log10(1 + self.column("expected") / (stretch * hours))
        return log10_p

    def is_beyond(self) -> Bools:
        """Whose present gap is too long to be chance."""
        daily = np.maximum(self.column("daily_calls"), _DAILY_MIN)
        return self.is_armed() & (self.log10_p() < np.log10(self._configuration.silence_alarms_a_day / daily))
