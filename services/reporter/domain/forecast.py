"""What the month will have cost, from its days so far and those before."""

import calendar
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
from scipy.special import stdtrit

from services.reporter.domain.arrays import Floats
from services.reporter.domain.period_data import DayTotal

# Days looked back, and the least that tell anything.
HISTORY_DAYS: Final = 42
DAYS_MIN: Final = 5
# The level follows what is new with a memory of two weeks; weekdays are drawn to alike as if each had been seen twice.
_LEVEL_HALF_LIFE_DAYS = 7.0
_WEEKDAY_PRIOR = 2.0
_INTERVAL = 0.9


class Forecast(NamedTuple):
    """US dollars of the whole month, with its 90 % interval; `to_date`: of its days that are over."""

    to_date: float
    value: float
    low: float
    high: float


def month_forecast(days: tuple[DayTotal, ...], last: date) -> Forecast | None:
    """The spend of `last`'s month, of which all days up to `last` are over. None with too few days.

    Days are a level by a weekday's factor by noise, in logarithms of spend: the level is an exponentially weighted mean (Holt and Winters
    without a trend), weekdays are means of what is left, drawn to alike. The rest of the month is the sum of its days; the error is that
    of the level, common to all of them, and each day's own, autocorrelated as it was seen to be.
    """
    # Days without calls are not told of; since the first day with a cost they cost nothing.
    known = {each.day: each for each in days}
    back = [last - timedelta(days=number) for number in reversed(range(HISTORY_DAYS))]
    seen = [known.get(day) or DayTotal(day, 0.0, 0, 0) for day in back]
    to_date = sum(each.cost_usd for each in days if each.day <= last and (each.day.year, each.day.month) == (last.year, last.month))
    length = calendar.monthrange(last.year, last.month)[1]
    ahead = [last + timedelta(days=number) for number in range(1, length - last.day + 1)]
    if not ahead:
        return Forecast(to_date, to_date, to_date, to_date)
    first = next((place for place, each in enumerate(seen) if each.cost_usd > 0), len(seen))
    used = seen[first:]
    if len(used) < DAYS_MIN:
        return None
    spend = np.array([each.cost_usd for each in used])
    floor = 0.02 * spend.mean()
    logarithm = np.log(np.maximum(spend, floor))
    weekday = np.array([each.day.weekday() for each in used])
    factor = _weekday_effects(logarithm, weekday)
    rest = logarithm - factor[weekday]
    age = np.array([(last - each.day).days for each in used], float)
    return _summed(to_date, rest, age, factor[[each.weekday() for each in ahead]])


def _weekday_effects(logarithm: Floats, weekday: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> Floats:
    """What each weekday adds to the logarithm, shape (7,), around 0; weeks' own levels are taken off first where there are whole weeks."""
    trend = np.convolve(np.pad(logarithm, 3, mode="edge"), np.full(7, 1 / 7), mode="valid") if len(logarithm) >= 14 else logarithm.mean()
    rest = logarithm - trend
    total, count = np.bincount(weekday, rest, minlength=7), np.bincount(weekday, minlength=7)
    effect = total / (count + _WEEKDAY_PRIOR)
    result: Floats = effect - effect.mean()
    return result


def _summed(to_date: float, rest: Floats, age: Floats, ahead: Floats) -> Forecast:
    weight = 0.5 ** (age / _LEVEL_HALF_LIFE_DAYS)
    level = float(np.average(rest, weights=weight))
    noise = rest - level
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    degrees = max(len(rest) - 2.0, 2.0)
    variance = float(np.average(noise**2, weights=weight)) * effective / max(effective - 1.0, 1.0)
    follows = min(max(float((noise[1:] * noise[:-1]).sum() / max((noise**2).sum(), 1e-12)), 0.0), 0.9)
    # Of an autocorrelated series the mean is worth fewer days.
    inflated = (1 + follows) / (1 - follows)
    each = np.exp(level + ahead + variance / 2)
    own = float(((each**2).sum()) * variance * inflated)
    common = float(each.sum() ** 2) * variance * inflated / effective
    half = float(stdtrit(degrees, 0.5 + _INTERVAL / 2)) * float(np.sqrt(own + common))
    left = float(each.sum())
    return Forecast(to_date, to_date + left, to_date + max(left - half, 0.0), to_date + left + half)
