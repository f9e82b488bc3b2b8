"""What candidates are ranked by, the scale that each measure is estimated on, and what it is worth."""

import math
from enum import Enum, IntEnum
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtri

from services.analyzer.domain.arrays import Floats


class RankedMetric(IntEnum):
    """What a candidate is measured by. The numbers are the rows of `SAME_CALLS_CORRELATION`."""

    SUCCESS = 0
    QUALITY = 1
    LATENCY = 2
    TIME_TO_FIRST_TOKEN = 3
    COST_PER_ACCEPTED_TASK = 4
    TIME_PER_ACCEPTED_TASK = 5


class Scale(Enum):
    """The scale on which a metric is close to normal, whatever its value."""

    ARCSINE = "angle whose squared sine is the ratio: its variance is 1 / 4n at any ratio"
    LINEAR = "the ratio itself"
    LOGARITHM = "natural logarithm of seconds or US dollars"


class Trait(NamedTuple):
    """What is known of a metric before any evidence.

    `typical_spread`: standard deviation between the models of a task, on the metric's scale. From 16,284 real calls to 84 models on 37
    tasks: success 0.32, quality 0.07, log latency 0.92, log cost 2.6, and somewhat more here. It is where the prior of the spread has its
    bend, and no more. `worst`, `decades`: value whose utility is 0, and how many powers of ten better the one is whose utility is 1
    (logarithmic metrics).
    """

    scale: Scale
    typical_spread: float
    words: str
    unit: str
    worst: float = 0.0
    decades: float = 0.0


TRAITS: Final[dict[RankedMetric, Trait]] = {
    RankedMetric.SUCCESS: Trait(Scale.ARCSINE, 0.4, "success", ""),
    RankedMetric.QUALITY: Trait(Scale.LINEAR, 0.12, "quality", ""),
    RankedMetric.LATENCY: Trait(Scale.LOGARITHM, 1.2, "latency", " s", 100.0, 3.0),
    RankedMetric.TIME_TO_FIRST_TOKEN: Trait(Scale.LOGARITHM, 1.2, "time to first token", " s", 100.0, 3.0),
    RankedMetric.COST_PER_ACCEPTED_TASK: Trait(Scale.LOGARITHM, 3.0, "cost per accepted task", " USD", 1.0, 4.0),
    RankedMetric.TIME_PER_ACCEPTED_TASK: Trait(Scale.LOGARITHM, 1.2, "time per accepted task", " s", 1_000.0, 3.0),
}
# How errors of two metrics go together when both rest on the same calls, on the metrics' scales. Inside a cell of the same real calls: log
# latency and log cost 0.68, quality and either 0.05. A task that is not accepted raises cost and time per accepted one, which links them
# to success.
SAME_CALLS_CORRELATION: Final = np.array(
    [
        [1.0, 0.0, 0.0, 0.0, -0.3, -0.3],
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 1.0, 0.5, 0.7, 0.7],
        [0.0, 0.0, 0.5, 1.0, 0.3, 0.3],
        [-0.3, 0.0, 0.7, 0.3, 1.0, 0.7],
        [-0.3, 0.0, 0.7, 0.3, 0.7, 1.0],
    ]
)
_HALF_TURN = math.pi / 2


class Measure(NamedTuple):
    """A metric, and for LATENCY and TIME_TO_FIRST_TOKEN its quantile (0.5: the median); the other metrics are means."""

    metric: RankedMetric
    quantile: float = 0.5

    @property
    def quantile_deviation(self) -> float:
        """How many standard deviations the quantile of a normal distribution lies above its mean."""
        return float(ndtri(self.quantile))

    @property
    def words(self) -> str:
        """The measure's name, as people read it."""
        if self.metric in (RankedMetric.LATENCY, RankedMetric.TIME_TO_FIRST_TOKEN):
            return f"{TRAITS[self.metric].words} p{self.quantile * 100:g}"
        return TRAITS[self.metric].words

    def told(self, value: float) -> str:
        """A value of the measure, as people read it."""
        return f"{value:.3g}{TRAITS[self.metric].unit}"


def is_lower_better(metric: RankedMetric) -> bool:
    """Whether a candidate is better for having less of it."""
    return TRAITS[metric].scale is Scale.LOGARITHM


def natural(metric: RankedMetric, values: Floats) -> Floats:
    """Values on the metric's scale as ratios, seconds or US dollars."""
    scale = TRAITS[metric].scale
    if scale is Scale.ARCSINE:
        result: Floats = np.sin(np.clip(values, 0.0, _HALF_TURN)) ** 2
        return result
    return np.clip(values, 0.0, 1.0) if scale is Scale.LINEAR else np.exp(values)


def on_scale(metric: RankedMetric, value: float) -> float:
    """A ratio, seconds or US dollars on the metric's scale."""
    scale = TRAITS[metric].scale
    if scale is Scale.ARCSINE:
        return math.asin(math.sqrt(min(max(value, 0.0), 1.0)))
    return value if scale is Scale.LINEAR else math.log(value)


def utility(metric: RankedMetric, values: Floats) -> Floats:
    """What values on the metric's scale are worth: 1 is as good as one hopes for, 0 useless.

    Ratios are their own worth. Times and costs are worth the more the smaller, evenly by powers: halving any latency is worth 0.1, as much
    as a tenth more of success, and halving any cost 0.075. So neither a unit nor a factor common to all candidates moves the order.
    """
    trait = TRAITS[metric]
    if trait.scale is Scale.LOGARITHM:
        per_unit = 1 / (trait.decades * math.log(10.0))
        return math.log(trait.worst) * per_unit - values * per_unit
    return natural(metric, values) if trait.scale is Scale.ARCSINE else values
