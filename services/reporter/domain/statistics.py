"""How sure a change is: spreads that windows themselves show, moderated; p values, corrected for the number looked at."""

import math
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np
from scipy.special import stdtr, stdtrit

from services.reporter.domain.arrays import Bools, Floats

# The family-wise error of all that a report calls significant.
SIGNIFICANCE: Final = 0.05
# A cell's own spread counts beside so many degrees of freedom of all cells' common one (Smyth, Stat. Appl. Genet. Mol. Biol. 2004).
_COMMON_DEGREES = 8.0
_LOGARITHM_MAX = math.log(1_000.0)
# Blocks' and windows' own levels are taken off in turn; with unequal numbers of calls neither is right before the other is.
_SWEEPS = 4
# The least relative variance of one unit: prices by the token vary as little as rounding, and no change is surer than that.
_LEAST_VARIANCE = 1e-6


class Spread(Enum):
    """What the variance of a cell is compared by, across cells."""

    PROPORTIONAL = "the square of the value"
    BINOMIAL = "ratio × (1 − ratio)"
    CONSTANT = "alike"


@dataclass(frozen=True)
class Dispersion:
    """`variance`: of the quotient of one unit of the denominator, shape (cells,); of n units, variance / n. `degrees`: of freedom."""

    variance: Floats
    degrees: Floats


@dataclass(frozen=True)
class Change:
    """A difference (of logarithms, where the measure is compared by shares) with its standard error and degrees of freedom, (cells,).

    NaN where there is nothing to compare.
    """

    value: Floats
    error: Floats
    degrees: Floats

    @property
    def p_value(self) -> Floats:
        """Two-sided; 1 where there is nothing to compare."""
        with np.errstate(invalid="ignore", divide="ignore"):
            result = 2 * stdtr(self.degrees, -np.abs(self.value / self.error))
        return np.where(np.isfinite(result), result, 1.0)

    def interval(self, ratio: float = 0.9) -> tuple[Floats, Floats]:
        """Both ends of the interval."""
        half = stdtrit(self.degrees, 0.5 + ratio / 2) * self.error
        return self.value - half, self.value + half


def dispersion(above: Floats, below: Floats, spread: Spread) -> Dispersion:
    """How much the quotient above / below varies between windows, from both with shape (cells, blocks, windows).

    What blocks differ in is taken off, and what the same windows of all blocks differ in (weekdays, hours), so that neither a change nor
    the season counts as noise. Windows of `below` units are taken to vary by variance / below: calls of a window go together, and are worth
    fewer than independent ones. Cells with few windows borrow from all.
    """
    seen = below > 0
    rest = np.where(seen, above, 0.0)
    for _ in range(_SWEEPS):
        rest = rest - _divided(rest.sum(-1), below.sum(-1))[..., None] * below
        rest = rest - _divided(rest.sum(1), below.sum(1))[:, None] * below
    squares = _divided(rest**2, below).sum((1, 2))
    used = seen.sum((1, 2)) - seen.any(2).sum(1) - np.maximum(seen.any(1).sum(1) - 1, 0)
    degrees = np.maximum(used, 0).astype(float)
    squares = np.where(degrees > 0, squares, 0.0)
    by = _compared_by(_divided(above.sum((1, 2)), below.sum((1, 2))), below.sum((1, 2)), spread)
    common = float((squares / by).sum() / degrees.sum()) if degrees.sum() > 0 else 1.0
    borrowed = min(_COMMON_DEGREES, max(float(degrees.sum()), 1.0))
    least = {Spread.BINOMIAL: by, Spread.PROPORTIONAL: _LEAST_VARIANCE * by, Spread.CONSTANT: np.full_like(by, _LEAST_VARIANCE)}[spread]
    variance = (squares + borrowed * common * by) / (degrees + borrowed)
    return Dispersion(np.maximum(variance, least), degrees + borrowed)


def _compared_by(value: Floats, below: Floats, spread: Spread) -> Floats:
    if spread is Spread.CONSTANT:
        return np.ones_like(value)
    if spread is Spread.BINOMIAL:
        ratio = np.clip((value * below + 0.5) / (below + 1.0), 1e-9, 1 - 1e-9)
        return np.asarray(ratio * (1 - ratio))
    return np.maximum(value**2, np.finfo(float).tiny)


def change(above: tuple[Floats, Floats], below: tuple[Floats, Floats], spread: Dispersion, *, is_relative: bool) -> Change:
    """From the second to the first of two periods, each (cells,): the quotient's difference, or that of its logarithm."""
    now, then = (_quotient(*pair) for pair in zip(above, below, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        if is_relative:
            value = np.log(now) - np.log(then)
            error = np.sqrt(spread.variance * (1 / (below[0] * now**2) + 1 / (below[1] * then**2)))
        else:
            value = now - then
            error = np.sqrt(spread.variance * (1 / below[0] + 1 / below[1]))
    is_told = np.isfinite(value) & np.isfinite(error) & (error > 0)
    return Change(np.where(is_told, value, np.nan), np.where(is_told, error, np.nan), spread.degrees)


def growth(logarithm: float) -> float:
    """What a change of a logarithm comes to, as a share: a thousandfold at most, since nobody knows more from a few windows."""
    return math.expm1(min(logarithm, _LOGARITHM_MAX))


def holm(p_values: Floats) -> Floats:
    """p values corrected so that among all of them there is a false one with no more than the given probability (Holm 1979); (n,)."""
    count = len(p_values)
    order = np.argsort(p_values, kind="stable")
    stepped = np.maximum.accumulate(p_values[order] * (count - np.arange(count)))
    result = np.empty(count)
    result[order] = np.minimum(stepped, 1.0)
    return result


def is_significant(p_values: Floats) -> Bools:
    """Which of them are, after correction."""
    result: Bools = holm(p_values) <= SIGNIFICANCE
    return result


def _divided(above: Floats, below: Floats) -> Floats:
    """The quotient, 0 where there is nothing to divide by."""
    result: Floats = np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)
    return result


def _quotient(above: Floats, below: Floats) -> Floats:
    result: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
    return result
