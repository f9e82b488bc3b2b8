"""What is asked of a ranking: for which kind of task, by what, and under which conditions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from kit.errors import invalid
from services.analyzer.domain.ranking.evidence import Candidate
from services.analyzer.domain.ranking.measures import Measure, RankedMetric

# A measure beyond these says more of single calls than of the candidate.
QUANTILE_MIN, QUANTILE_MAX = 0.01, 0.999
# How sure one must be that a condition is met: the 90 % interval then lies wholly on its side.
CONSTRAINT_PROBABILITY = 0.95
CONSTRAINTS_MAX = 16
# Named candidates beyond this are refused: the answer is a table that somebody chooses from.
CANDIDATES_MAX = 500
# Data older than this is no basis for a choice now, unless the question says otherwise.
STALE_AFTER_S = 900.0

QUALITY = Measure(RankedMetric.QUALITY)
SUCCESS = Measure(RankedMetric.SUCCESS)
LATENCY_P50 = Measure(RankedMetric.LATENCY)
LATENCY_P95 = Measure(RankedMetric.LATENCY, 0.95)
FIRST_TOKEN_P50 = Measure(RankedMetric.TIME_TO_FIRST_TOKEN)
COST = Measure(RankedMetric.COST_PER_ACCEPTED_TASK)
TIME = Measure(RankedMetric.TIME_PER_ACCEPTED_TASK)
# What is told of every candidate, whatever it is ranked by.
USUAL_MEASURES: Final = (SUCCESS, QUALITY, LATENCY_P50, LATENCY_P95, FIRST_TOKEN_P50, COST, TIME)


def _check_quantile(measure: Measure) -> None:
    """Raises AssayError for a quantile that is not estimated."""
    if not QUANTILE_MIN <= measure.quantile <= QUANTILE_MAX:
        raise invalid("quantile", f"a quantile lies between {QUANTILE_MIN} and {QUANTILE_MAX}")


@dataclass(frozen=True, slots=True)
class Objective:
    """What a good candidate is: the mean of the measures' utilities, so weighted. Weights are at least 0, one of them above."""

    weights: Mapping[Measure, float]

    def __post_init__(self) -> None:
        """Raises AssayError for weights that order nothing."""
        if any(not 0.0 <= weight < float("inf") for weight in self.weights.values()) or not any(self.weights.values()):
            raise invalid("weights", "the weights of an objective are at least 0, and one is above")
        if len({measure.metric for measure in self.weights}) < len(self.weights):
            raise invalid("weights", "an objective has one weight a metric")
        for measure in self.weights:
            _check_quantile(measure)

    def ratio(self, measure: Measure) -> float:
        """The measure's share of all weights."""
        return self.weights.get(measure, 0.0) / sum(self.weights.values())


PRESETS: Final[Mapping[str, Objective]] = MappingProxyType(
    {
        "balanced": Objective({QUALITY: 0.4, SUCCESS: 0.25, COST: 0.2, LATENCY_P50: 0.15}),
        "quality": Objective({QUALITY: 0.8, SUCCESS: 0.2}),
        "cheapest": Objective({COST: 0.8, SUCCESS: 0.1, QUALITY: 0.1}),
        "fastest": Objective({LATENCY_P50: 0.5, FIRST_TOKEN_P50: 0.2, TIME: 0.1, SUCCESS: 0.1, QUALITY: 0.1}),
        "reliable": Objective({SUCCESS: 0.8, LATENCY_P95: 0.1, QUALITY: 0.1}),
    }
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound that a candidate must surely keep: at least so much success or quality, at most so much time or cost."""

    measure: Measure
    bound: float
    probability: float = CONSTRAINT_PROBABILITY

    def __post_init__(self) -> None:
        """Raises AssayError for a bound that is none."""
        _check_quantile(self.measure)
        if not 0.0 < self.bound < float("inf") or not 0.0 < self.probability < 1.0:
            raise invalid("constraints", "a bound is above 0, and its probability between 0 and 1")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `candidates`: who is ranked, known or not; empty: all that have served the kind of task, or any if nobody has.

    `allowed_…`: empty allows all. `call_count_min`: decayed calls that a candidate must have had. `now_s`: when it is asked.
    """

    task_type: str
    objective: Objective = PRESETS["balanced"]
    constraints: tuple[Constraint, ...] = ()
    call_count_min: float = 0.0
    candidates: tuple[Candidate, ...] = ()
    allowed_providers: frozenset[str] = field(default_factory=frozenset)
    allowed_models: frozenset[str] = field(default_factory=frozenset)
    denied_providers: frozenset[str] = field(default_factory=frozenset)
    denied_models: frozenset[str] = field(default_factory=frozenset)
    now_s: float = 0.0
    stale_after_s: float = STALE_AFTER_S

    def __post_init__(self) -> None:
        """Raises AssayError for more than a question may hold."""
        if len(self.candidates) > CANDIDATES_MAX or len(self.constraints) > CONSTRAINTS_MAX:
            raise invalid("candidates", f"a question names at most {CANDIDATES_MAX} candidates and {CONSTRAINTS_MAX} constraints")

    def measures(self) -> tuple[Measure, ...]:
        """All that the answer tells, the usual ones first."""
        asked = (*self.objective.weights, *(constraint.measure for constraint in self.constraints))
        return tuple(dict.fromkeys((*USUAL_MEASURES, *asked)))

    def forbids(self, candidate: Candidate) -> bool:
        """Whether the question leaves the candidate out by its name."""
        return (
            candidate.provider in self.denied_providers
            or candidate.model in self.denied_models
            or (bool(self.allowed_providers) and candidate.provider not in self.allowed_providers)
            or (bool(self.allowed_models) and candidate.model not in self.allowed_models)
        )
