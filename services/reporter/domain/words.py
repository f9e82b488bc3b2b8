"""Numbers for people: rounded to what matters, with units and separators; the value is rounded with its text."""

import math
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.reporter.domain.measures import Unit
from services.reporter.domain.report import Cell, Estimate, Mark

UNKNOWN: Final = Cell("–")
MINUS: Final = "\u2212"
_MINUTES_FROM_S = 120.0
_HOURS_FROM_S = 7_200.0
# Half of a nano-dollar, which is the least that money is counted in: sums of floats leave less than that of nothing.
_USD_LEAST = 5e-10


def cell(value: float, unit: Unit, mark: Mark = Mark.NONE) -> Cell:
    """A number in its unit; unknown for one that is none."""
    if not math.isfinite(value):
        return UNKNOWN
    shown, text = {
        Unit.COUNT: _count,
        Unit.USD: _usd,
        Unit.RATIO: _percent,
        Unit.SECONDS: _seconds,
        Unit.TOKENS: _tokens,
        Unit.PER_TASK: _plain,
    }[unit](value)
    return Cell(text, shown, unit.value, mark)


def text(value: float, unit: Unit) -> str:
    """The same as words alone."""
    return cell(value, unit).text


def change_cell(now: float, then: float, *, is_difference: bool, mark: Mark = Mark.NONE) -> Cell:
    """From `then` to `now`: in points for ratios, in percent of `then` for anything else."""
    if not (math.isfinite(now) and math.isfinite(then)) or (not is_difference and then <= 0):
        return UNKNOWN
    return points(now - then, mark) if is_difference else share(now / then - 1, mark)


def points(difference: float, mark: Mark = Mark.NONE) -> Cell:
    """A difference of ratios, in points."""
    shown = round(difference, 3)
    return Cell(f"{_signed(shown * 100, 1)} points", shown, "ratio difference", mark)


def share(ratio: float, mark: Mark = Mark.NONE) -> Cell:
    """A growth; from four times on as a multiple."""
    if ratio >= 3:
        shown = _rounded(ratio + 1, 2) - 1
        return Cell(f"× {_trimmed(shown + 1)}", shown, "growth", mark)
    digits = 0 if abs(ratio) >= 0.0995 else 1
    shown = round(ratio, digits + 2)
    return Cell(f"{_signed(shown * 100, digits)} %", shown, "growth", mark)


def moved(ratio: float) -> str:
    """A growth as what something did: rose by 11 %."""
    return f"{'fell' if ratio < 0 else 'rose'} by {_size(ratio)}"


def more(ratio: float) -> str:
    """A growth as an amount: 11 % more."""
    return f"{_size(ratio)} {'less' if ratio < 0 else 'more'}"


def _size(ratio: float) -> str:
    return f"{abs(ratio) * 100:,.{0 if abs(ratio) >= 0.0995 else 1}f} %"


def usd_estimate(value: float, low: float, high: float) -> Estimate:
    """US dollars and an interval, all with the digits that the interval allows."""
    digits = _digits_of(high - low, value)
    if abs(value) >= 1 and digits > 0:  # nobody writes $1.5, nor a tenth of a cent
        digits = 0 if digits == 1 and abs(value) >= 10 else 2
    shown = [round(each, digits) + 0.0 for each in (value, low, high)]
    words = [f"{MINUS if each < 0 else ''}${abs(each):,.{max(digits, 0)}f}" for each in shown]
    return Estimate(shown[0], shown[1], shown[2], Unit.USD.value, f"{words[0]} ({words[1]} to {words[2]})")


def ratio_estimate(value: float, low: float, high: float, *, is_points: bool) -> Estimate:
    """A share or a difference in points with the half width of its interval."""
    digits = max(min(_digits_of(100 * (high - low), 100 * value), 2), 0)
    shown = [round(each, digits + 2) + 0.0 for each in (value, low, high)]
    half = round((high - low) / 2, digits + 2)
    unit = "points" if is_points else "%"
    words = f"{_signed(shown[0] * 100, digits)} ± {half * 100:.{digits}f} {unit}"
    return Estimate(shown[0], shown[1], shown[2], "ratio difference" if is_points else "growth", words)


def duration(length: timedelta) -> str:
    """How long something took, in the two units that matter."""
    minutes = max(round(length.total_seconds() / 60), 0)
    days, hours, rest = minutes // 1_440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    return f"{rest} min"


def moment(time: datetime, zone: ZoneInfo) -> str:
    """A moment as clocks of the zone show it."""
    local = time.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def listed(names: list[str]) -> str:
    """Names as a sentence has them."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def plural(count: int, one: str, more: str = "") -> str:
    """A count and its word."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def _count(value: float) -> tuple[float, str]:
    shown = float(round(value))
    return shown, f"{shown:,.0f}"


def _usd(value: float) -> tuple[float, str]:
    if abs(value) < _USD_LEAST:
        value = 0.0
    digits = 0 if abs(value) >= 99.995 else 2 if abs(value) >= 0.9995 or value == 0 else 2 - math.floor(math.log10(abs(value)))
    shown = round(value, min(digits, 9)) + 0.0
    return shown, f"{MINUS if shown < 0 else ''}${abs(shown):,.{min(digits, 9)}f}"


def _percent(value: float) -> tuple[float, str]:
    digits = 2 if 0.99 < value < 1 else 1
    shown = round(value, digits + 2)
    return shown, f"{shown * 100:.{digits}f} %"


def _seconds(value: float) -> tuple[float, str]:
    for limit, length, name in ((_HOURS_FROM_S, 3_600.0, "h"), (_MINUTES_FROM_S, 60.0, "min")):
        if value >= limit:
            shown = round(value / length, 1)
            return shown * length, f"{shown:,.1f} {name}"
    shown = _rounded(value, 3)
    return shown, f"{_trimmed(shown)} s"


def _tokens(value: float) -> tuple[float, str]:
    if value >= 1e6:
        shown = _rounded(value, 3)
        return shown, f"{_trimmed(shown / 1e6)} million"
    return _count(value) if value >= 10 else _plain(value)


def _plain(value: float) -> tuple[float, str]:
    shown = round(value, 2)
    return shown, f"{shown:.2f}"


def _signed(value: float, digits: int) -> str:
    shown = round(value, digits)
    sign = MINUS if shown < 0 else "+" if shown > 0 else "±"
    return f"{sign}{abs(shown):.{digits}f}"


def _rounded(value: float, digits: int) -> float:
    """To so many significant digits."""
    return 0.0 if value == 0 else round(value, digits - 1 - math.floor(math.log10(abs(value))))


def _trimmed(value: float) -> str:
    """Without an exponent, and without zeros at the end."""
    words = f"{value:,.6f}"
    return words.rstrip("0").rstrip(".")


def _digits_of(width: float, value: float) -> int:
    """Decimals at which two digits of an interval's width are shown; those of the value where it has no width."""
    size = width if width > 0 else abs(value)
    return 0 if size == 0 else 1 - math.floor(math.log10(size))
