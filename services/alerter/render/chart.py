"""A small picture of what was observed, for messages: lines without words, since there may be no font where it is drawn."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan

import resvg_py

WIDTH, HEIGHT = 592, 120
# Of the picture's height, kept free above and below, so that a line at the edge can be seen.
MARGIN_RATIO = 0.08
# For screens that show two dots where there was one.
ZOOM = 2
LINE, BOUND, GROUND = "#1f4fd8", "#c0392b", "#f4f5f7"


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture as PNG, and what it shows in words."""

    png: bytes
    caption: str


def drawn(values: Sequence[float], bound: float) -> bytes:
    """The PNG of values, one after the other and NaN for none, with the bound as a dashed line. At least one value is a number."""
    return bytes(resvg_py.svg_to_bytes(svg_string=svg(values, bound), zoom=ZOOM, skip_system_fonts=True))


def svg(values: Sequence[float], bound: float) -> str:
    """The same as SVG."""
    known = [value for value in values if not isnan(value)]
    low, high = min(*known, bound), max(*known, bound)
    scale = HEIGHT * (1 - 2 * MARGIN_RATIO) / ((high - low) or 1.0)

    def y(value: float) -> float:
        return HEIGHT * (1 - MARGIN_RATIO) - (value - low) * scale

    step = WIDTH / max(len(values) - 1, 1)
    path = " ".join(_moves([(place * step, None if isnan(value) else y(value)) for place, value in enumerate(values)]))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}"><rect width="100%" height="100%" fill="{GROUND}"/>'
        f'<path d="M0 {y(bound):.1f}H{WIDTH}" stroke="{BOUND}" stroke-width="1.5" stroke-dasharray="6 4"/>'
        f'<path d="{path}" fill="none" stroke="{LINE}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/></svg>'
    )


def _moves(points: Sequence[tuple[float, float | None]]) -> Iterator[str]:
    """A path through the points, with a gap where there is none; a point alone is a dot."""
    is_drawing = False
    for x, y in points:
        if y is not None:
            yield f"L{x:.1f} {y:.1f}" if is_drawing else f"M{x:.1f} {y:.1f}h0"
        is_drawing = y is not None
