"""What is measured of a group of calls: a sum by another, and the scale on which two periods are compared."""

from enum import Enum
from typing import NamedTuple

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.grid import Grid
from services.reporter.domain.period_data import Sum
from services.reporter.domain.statistics import Spread


class Unit(Enum):
    """What a number is a number of."""

    COUNT = "count"
    USD = "USD"
    RATIO = "ratio"
    SECONDS = "s"
    TOKENS = "tokens"
    PER_TASK = "per task"


class Direction(Enum):
    """Which way is good."""

    MORE = 1
    LESS = -1
    NEITHER = 0


class Measure(NamedTuple):
    """`above`, `below`: sums that are added up and divided; no `below`: a total. `minus`: what is taken off `below`.

    `is_logarithm`: the quotient is a mean of logarithms already (of seconds). `spread`: how the quotient of a window varies.
    """

    name: str
    words: str
    unit: Unit
    good: Direction
    above: tuple[Sum, ...]
    below: tuple[Sum, ...] = ()
    minus: tuple[Sum, ...] = ()
    is_logarithm: bool = False
    spread: Spread = Spread.PROPORTIONAL

    @property
    def is_difference(self) -> bool:
        """Whether a change is told as a difference (of ratios: points) and not as a share of what it was."""
        return self.unit is Unit.RATIO

    def parts(self, sums: Floats) -> tuple[Floats, Floats]:
        """Numerator and denominator of sums, shape (sums, …)."""
        above: Floats = sums[list(self.above)].sum(0)
        if not self.below:
            return above, np.ones_like(above)
        return above, sums[list(self.below)].sum(0) - sums[list(self.minus)].sum(0)

    def value(self, sums: Floats) -> Floats:
        """The measure of sums, shape (sums, …), in its unit; NaN where there is nothing to divide by."""
        above, below = self.parts(sums)
        quotient: Floats = np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
        return np.exp(quotient) if self.is_logarithm else quotient

    def of(self, grid: Grid, block: int) -> Floats:  # type: ignore[type-arg]
        """The measure of each cell in one block."""
        return self.value(grid.sums[:, :, block].sum(-1))


CALLS = Measure("calls", "calls", Unit.COUNT, Direction.NEITHER, (Sum.CALLS,))
SPEND = Measure("spend", "spend", Unit.USD, Direction.LESS, (Sum.COST_USD,))
SUCCESS = Measure(
    "success", "success", Unit.RATIO, Direction.MORE, (Sum.SUCCEEDED,), (Sum.CALLS,), (Sum.CANCELLED,), spread=Spread.BINOMIAL
)
LATENCY = Measure(
    "latency",
    "typical latency",
    Unit.SECONDS,
    Direction.LESS,
    (Sum.LATENCY_LOG,),
    (Sum.SUCCEEDED,),
    is_logarithm=True,
    spread=Spread.CONSTANT,
)
FIRST_TOKEN = Measure(
    "first_token",
    "typical time to first token",
    Unit.SECONDS,
    Direction.LESS,
    (Sum.FIRST_TOKEN_LOG,),
    (Sum.FIRST_TOKEN_COUNT,),
    is_logarithm=True,
    spread=Spread.CONSTANT,
)
TOKENS_PER_CALL = Measure(
    "tokens_per_call", "tokens per call", Unit.TOKENS, Direction.NEITHER, (Sum.INPUT_TOKENS, Sum.OUTPUT_TOKENS), (Sum.CALLS,)
)
COST_PER_CALL = Measure("cost_per_call", "cost per call", Unit.USD, Direction.LESS, (Sum.COST_USD,), (Sum.CALLS,), (Sum.COST_UNKNOWN,))
COST_PER_ACCEPTED = Measure(
    "cost_per_accepted_task", "cost per accepted task", Unit.USD, Direction.LESS, (Sum.COST_USD,), (Sum.ACCEPTED_TASKS,)
)
TIME_PER_ACCEPTED = Measure(
    "time_per_accepted_task", "waiting per accepted task", Unit.SECONDS, Direction.LESS, (Sum.LATENCY_S,), (Sum.ACCEPTED_TASKS,)
)
ACCEPTED = Measure("accepted", "tasks accepted", Unit.RATIO, Direction.MORE, (Sum.ACCEPTED_TASKS,), (Sum.TASKS,), spread=Spread.BINOMIAL)
REVISIONS = Measure("revisions", "revisions per task", Unit.PER_TASK, Direction.LESS, (Sum.REVISIONS,), (Sum.TASKS,))
QUALITY = Measure("quality", "quality", Unit.RATIO, Direction.MORE, (Sum.QUALITY,), (Sum.QUALITY_COUNT,), spread=Spread.CONSTANT)
CACHE_READ = Measure(
    "cache_read",
    "input read from the cache",
    Unit.RATIO,
    Direction.MORE,
    (Sum.CACHE_READ_TOKENS,),
    (Sum.INPUT_TOKENS,),
    spread=Spread.BINOMIAL,
)

# What the whole project is looked at by, in the order in which it is told.
OVERALL = (
    CALLS,
    SPEND,
    SUCCESS,
    LATENCY,
    FIRST_TOKEN,
    TOKENS_PER_CALL,
    COST_PER_CALL,
    COST_PER_ACCEPTED,
    TIME_PER_ACCEPTED,
    REVISIONS,
    QUALITY,
)
# What each provider on each kind of task is looked at by.
BY_PROVIDER_AND_TASK = (SUCCESS, LATENCY, COST_PER_CALL, COST_PER_ACCEPTED, REVISIONS, QUALITY)
