"""What is drawn: the period window by window."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import PERIOD, Grid
from services.reporter.domain.insights.scene import Scene
from services.reporter.domain.measures import LATENCY, SUCCESS, Measure, Unit
from services.reporter.domain.period_data import Sum
from services.reporter.domain.report import Chart, ChartSeries
from services.reporter.domain.spans import DAY_S

# More lines or parts cannot be told apart; the rest is one part.
SERIES_MAX: Final = 5
OTHERS: Final = "others"
# Fewer calls of a window do not make a point of a line.
_POINT_CALLS_MIN = 5


def charts(scene: Scene, zone: ZoneInfo) -> tuple[Chart, ...]:
    """Spend, success and latency by provider; none without calls."""
    if not scene.grid.of(Sum.CALLS).sum():
        return ()
    every: Grid[str] = scene.grid.grouped(lambda key: key.provider)
    order = np.argsort(-every.of(Sum.CALLS), kind="stable")
    kept = {every.cells[place] for place in order[: SERIES_MAX if len(order) <= SERIES_MAX else SERIES_MAX - 1].tolist()}
    grid = every.grouped(lambda name: name if name in kept else OTHERS)
    # The same provider has the same colour in all charts.
    grid = grid.chosen(sorted(range(len(grid.cells)), key=lambda place: (grid.cells[place] == OTHERS, grid.cells[place])))
    labels = _labels(scene, grid.sums.shape[3], zone)
    by = "day" if scene.data.step_s >= DAY_S else "hour"
    return (
        _chart("spend", f"Spend by {by}, US dollars", labels, grid, values=grid.sums[Sum.COST_USD, :, PERIOD], unit=Unit.USD),
        _chart("success", f"Success by {by}", labels, grid, values=_points(grid, SUCCESS), unit=Unit.RATIO),
        _chart("latency", f"Typical latency by {by}, seconds", labels, grid, values=_points(grid, LATENCY), unit=Unit.SECONDS),
    )


def _points(grid: Grid[str], measure: Measure) -> Floats:
    sums = grid.sums[:, :, PERIOD]
    values: Floats = np.where(sums[Sum.CALLS] >= _POINT_CALLS_MIN, measure.value(sums), np.nan)
    return values


def _chart(name: str, title: str, labels: tuple[str, ...], grid: Grid[str], *, values: Floats, unit: Unit) -> Chart:
    digits = 2 if unit is Unit.USD else 4
    series = tuple(
        ChartSeries(provider, tuple(round(each, digits) if np.isfinite(each) else None for each in row))
        for provider, row in zip(grid.cells, values.tolist(), strict=True)
    )
    form = "bars" if unit is Unit.USD else "lines"
    return Chart(name, title, form, unit.value, labels, series)


def _labels(scene: Scene, count: int, zone: ZoneInfo) -> tuple[str, ...]:
    """What each window is called. Half a day is added before a day is read off, since clocks may have changed in between."""
    start, step = scene.data.start.timestamp(), scene.data.step_s
    if step < DAY_S:
        return tuple(f"{datetime.fromtimestamp(start + step * number, zone):%H:%M}" for number in range(count))
    days = [datetime.fromtimestamp(start + step * (number + 0.5), zone) for number in range(count)]
    return tuple(f"{day:%a} {day.day}" for day in days)
