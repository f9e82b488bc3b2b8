"""How much of a change of latency is the model's own: longer answers and other hours of the day taken off."""

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import PERIOD, PREVIOUS, Grid
from services.reporter.domain.period_data import PeriodData, Sum, Table
from services.reporter.domain.prices import Model
from services.reporter.domain.spans import zone_of
from services.reporter.domain.statistics import growth
from services.reporter.domain.words import share

_HOURS = 24
# Windows in which a model has fewer answers say little of how its latency goes with their length.
_WINDOW_CALLS_MIN = 5
_WINDOWS_MIN = 8
# A part below this is not told.
_PART_MIN = 0.01


def latency_parts(data: PeriodData, grid: Grid[Model], place: int) -> str:
    """A sentence; empty where neither the length of answers nor the hour has a part in it."""
    size = _by_size(grid, place)
    hour = _by_hour(data, grid.cells[place])
    parts = [
        f"{share(growth(each)).text} by {name}"
        for name, each in (("the length of answers", size), ("the hours at which it was called", hour))
        if abs(each) >= _PART_MIN
    ]
    return f"Of that, {' and '.join(parts)}." if parts else ""


def _by_size(grid: Grid[Model], place: int) -> float:
    """The slope of log latency in log output tokens over the windows before, times what answers grew by; 0 where it cannot be told."""
    count = grid.sums[Sum.SUCCEEDED, place]
    tokens, logarithm = grid.sums[Sum.OUTPUT_TOKENS, place], grid.sums[Sum.LATENCY_LOG, place]
    totals = [(tokens[block].sum(), count[block].sum()) for block in (PERIOD, PREVIOUS)]
    if min(min(pair) for pair in totals) <= 0:
        return 0.0
    used = (count[:PERIOD] >= _WINDOW_CALLS_MIN) & (tokens[:PERIOD] > 0)
    weight = count[:PERIOD][used]
    if len(weight) < _WINDOWS_MIN:
        return 0.0
    size = np.log(tokens[:PERIOD][used] / weight)
    level = logarithm[:PERIOD][used] / weight
    size -= np.average(size, weights=weight)
    spread = float((weight * size**2).sum())
    slope = float((weight * size * level).sum()) / spread if spread > 0 else 0.0
    # Latency grows with the answer at most in proportion; a slope beyond is noise.
    grown = math.log(totals[0][0] / totals[0][1]) - math.log(totals[1][0] / totals[1][1])
    return min(max(slope, 0.0), 1.0) * grown


def _by_hour(data: PeriodData, model: Model) -> float:
    """What other hours of the day make of log latency, at the latency that those hours had before.

    An hour's level is the logarithm of its mean latency: above the mean of logarithms by what the spread of calls makes of it, which is
    alike in all hours and so taken off again where shares of hours are subtracted.
    """
    zone = zone_of(data.zone)
    now, then = (_hours(table, model, zone) for table in (data.period_hours, data.previous_hours))
    if now[0].sum() <= 0 or then[0].sum() <= 0:
        return 0.0
    overall = then[1].sum() / then[0].sum()
    mean_s = np.divide(then[1], then[0], out=np.full(_HOURS, overall), where=then[0] > 0)
    if not (mean_s > 0).all():  # calls that took no time
        return 0.0
    level = np.log(mean_s)
    return float(((now[0] / now[0].sum() - then[0] / then[0].sum()) * level).sum())


def _hours(table: Table, model: Model, zone: ZoneInfo) -> Floats:
    rows = [place for place, number in enumerate(table.series.tolist()) if table.keys[number][:2] == model]
    found = np.zeros((2, _HOURS))
    for row in rows:
        hour = datetime.fromtimestamp(int(table.start_s[row]), zone).hour
        found[:, hour] += table.sums[[Sum.SUCCEEDED, Sum.LATENCY_S], row]
    return found
