"""Charts as SVG that stands for itself: no script, no style sheet; colours are the caller's."""

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from services.reporter.domain.report import Chart, ChartSeries, Sheet

WIDTH, HEIGHT = 520, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 34, 24
_FONT: Final = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', 'DejaVu Sans', sans-serif"
_SIZE = 12
# What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# About what a letter takes of the font's size.
_LETTER_RATIO = 0.56
_NAME_LENGTH_MAX = 22
_TICKS = 4
# Between an axis and its numbers.
_TICK_GAP = 6
_LABELS_MAX = 8
# Lines differ in dashes as well as in colour.
_DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "4 4")
_ROW = 30
_BAR = 14


def chart_svg(chart: Chart, colours: Mapping[str, str]) -> str:
    """A chart of stacked bars or of lines. Text in it is escaped; a window without a value is a gap."""
    low, high = _range(chart)
    ticks = _ticks(low, high)
    words = [_tick_words(tick, chart.unit, ticks) for tick in ticks]
    left = max(_LEFT, round(_SIZE * _LETTER_RATIO * max(map(len, words))) + _TICK_GAP)
    scale = _Scale(len(chart.labels), min(ticks[0], low), max(ticks[-1], high), left)
    parts = [_legend(chart.series, colours, is_line=chart.form == "lines")]
    for tick, name in zip(ticks, words, strict=True):
        y = scale.y(tick)
        parts.append(f'<line x1="{left}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="{colours["grid"]}"/>')
        parts.append(_text(left - _TICK_GAP, y + 4, name, colours["faint"], anchor="end"))
    every = -(-len(chart.labels) // _LABELS_MAX)
    parts += [
        _text(scale.x(place), HEIGHT - 6, label, colours["faint"], anchor="middle")
        for place, label in enumerate(chart.labels)
        if place % every == 0
    ]
    parts += _bars(chart, scale, colours) if chart.form == "bars" else _lines(chart, scale, colours)
    return _svg(HEIGHT, chart.title, parts)


def growth_svg(sheet: Sheet, colours: Mapping[str, str]) -> str:
    """The parts of a change as bars to both sides, one a row; the last row is their sum."""
    values = [row[1].value or 0.0 for row in sheet.rows]
    most = max((abs(value) for value in values), default=0.0) or 1.0
    # Names on the left, amounts beside the bars' ends; bars to the left want room only where there are some.
    has_less = any(value < 0 for value in values)
    middle, reach = (WIDTH * 0.6, WIDTH * 0.24) if has_less else (WIDTH * 0.25, WIDTH * 0.55)
    height = _ROW * len(values) + 8
    parts = []
    for place, (row, value) in enumerate(zip(sheet.rows, values, strict=True)):
        y = _ROW * place + 8
        length = round(abs(value) / most * reach, 1)
        x = middle - length if value < 0 else middle
        colour = colours["soft"] if place == len(values) - 1 else colours["bad"] if value > 0 else colours["good"]
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{length}" height="{_BAR}" rx="2" fill="{colour}"/>')
        parts.append(_text(0, y + 11, row[0].text.partition(":")[0], colours["ink"], weight=600 if place == len(values) - 1 else 400))
        end = x - 6 if value < 0 else x + length + 6
        parts.append(_text(end, y + 11, row[1].text, colours["soft"], anchor="end" if value < 0 else "start"))
    parts.append(f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="2" y2="{height - 4}" stroke="{colours["line"]}"/>')
    return _svg(height, sheet.title, parts)


class _Scale:
    """From places and values to pixels."""

    def __init__(self, count: int, low: float, high: float, left: int) -> None:
        self._low, self._high, self._left = low, high, left
        self.step = (WIDTH - left - _RIGHT) / max(count, 1)

    def x(self, place: int) -> float:
        return round(self._left + self.step * (place + 0.5), 1)

    def y(self, value: float) -> float:
        ratio = (value - self._low) / (self._high - self._low)
        return round(HEIGHT - _BOTTOM - ratio * (HEIGHT - _BOTTOM - _TOP), 1)


def _range(chart: Chart) -> tuple[float, float]:
    """Least and greatest that is drawn; bars begin at 0, and nothing is drawn flat."""
    if chart.form == "bars":
        totals = [sum(each.values[place] or 0.0 for each in chart.series) for place in range(len(chart.labels))]
        return 0.0, max(totals, default=0.0) or 1.0
    values = [value for each in chart.series for value in each.values if value is not None]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if chart.unit == "ratio":
        # A point of success is the least that is drawn large.
        return min(low, 0.99), 1.0
    return (0.0, high or 1.0) if low <= 0.6 * high else (low * 0.9, high)


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers from below the least to above the greatest, about as many as there is room for."""
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _tick_words(value: float, unit: str, ticks: Sequence[float]) -> str:
    step = ticks[1] - ticks[0]
    if unit == "ratio":
        return f"{value * 100:.{max(0, -math.floor(math.log10(step * 100) + 1e-9))}f} %"
    digits = max(0, -math.floor(math.log10(step) + 1e-9)) + (1 if str(step).endswith("25") else 0)
    words = f"{value:,.{digits}f}"
    return f"${words}" if unit == "USD" else f"{words} s" if unit == "s" else words


def _bars(chart: Chart, scale: _Scale, colours: Mapping[str, str]) -> list[str]:
    parts = []
    width = round(min(scale.step * 0.7, 40.0), 1)
    for place in range(len(chart.labels)):
        base = 0.0
        for number, each in enumerate(chart.series):
            value = each.values[place] or 0.0
            if value <= 0:
                continue
            top, bottom = scale.y(base + value), scale.y(base)
            x = round(scale.x(place) - width / 2, 1)
            box = f'x="{x}" y="{top}" width="{width}" height="{max(bottom - top, 0.3):.1f}"'
            parts.append(f'<rect {box} fill="{_colour(number, colours)}" stroke="{colours["page"]}" stroke-width="0.6"/>')
            base += value
    return parts


def _lines(chart: Chart, scale: _Scale, colours: Mapping[str, str]) -> list[str]:
    parts = []
    for number, each in enumerate(chart.series):
        colour, dash = _colour(number, colours), _DASHES[number % len(_DASHES)]
        for run in _runs(each):
            points = " ".join(f"{scale.x(place)},{scale.y(value)}" for place, value in run)
            if len(run) > 1:
                style = f' stroke-dasharray="{dash}"' if dash else ""
                parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{style}/>')
            else:
                x, y = points.split(",")
                parts.append(f'<circle cx="{x}" cy="{y}" r="2.5" fill="{colour}"/>')
    return parts


def _runs(series: ChartSeries) -> list[list[tuple[int, float]]]:
    """Stretches without a gap."""
    runs: list[list[tuple[int, float]]] = [[]]
    for place, value in enumerate(series.values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((place, value))
    return [run for run in runs if run]


def _legend(series: Sequence[ChartSeries], colours: Mapping[str, str], *, is_line: bool) -> str:
    parts = []
    x = float(_LEFT)
    for number, each in enumerate(series):
        name = each.name if len(each.name) <= _NAME_LENGTH_MAX else f"{each.name[: _NAME_LENGTH_MAX - 1]}…"
        colour, dash = _colour(number, colours), _DASHES[number % len(_DASHES)]
        if is_line:
            style = f' stroke-dasharray="{dash}"' if dash else ""
            parts.append(f'<line x1="{x:.0f}" x2="{x + 22:.0f}" y1="12" y2="12" stroke="{colour}" stroke-width="2.5"{style}/>')
        else:
            parts.append(f'<rect x="{x + 8:.0f}" y="6" width="12" height="12" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 27, 16, name, colours["soft"]))
        x += 27 + _SIZE * _LETTER_RATIO * len(name) + 14
    return "".join(parts)


def _colour(number: int, colours: Mapping[str, str]) -> str:
    return colours[f"data-{number % 5 + 1}"]


def _words(text: str) -> str:
    """Escaped, and without what XML 1.0 cannot hold even so."""
    return escape(_NO_XML.sub("\ufffd", text))


def _text(x: float, y: float, words: str, colour: str, *, anchor: str = "start", weight: int = 400) -> str:
    strong = f' font-weight="{weight}"' if weight != 400 else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"{strong}>{_words(words)}</text>'


def _svg(height: float, title: str, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{_words(title)}" '
    return f'{head}font-family="{_FONT}" font-size="{_SIZE}">{"".join(parts)}</svg>'
