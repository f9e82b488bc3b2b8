"""Rules: a condition, whom it is about, and how its alerts live."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

from services.alerter.domain.alert import Severity
from services.alerter.domain.metric import RuleMetric

DIMENSIONS = ("provider", "model", "task_type", "prompt_name", "prompt_version")
"""What a group may be told by, in the contract's order."""

S_PER_HOUR = 3_600
S_PER_DAY = 86_400


class Comparison(Enum):
    """On which side of the bound it is wrong."""

    ABOVE = 1
    BELOW = 2


@dataclass(frozen=True, slots=True)
class Threshold:
    """Holds while the metric over the last `window_s` is beyond `threshold`; over when it is not beyond `resolve_threshold` any more."""

    metric: RuleMetric
    window_s: int
    comparison: Comparison
    threshold: float
    resolve_threshold: float
    minimum_call_count: int


@dataclass(frozen=True, slots=True)
class BurnTier:
    """A speed at which the budget may be used up, seen in a long and a short window; severity None is the rule's."""

    factor: float
    long_window_s: int
    short_window_s: int
    severity: Severity | None = None


USUAL_TIERS = (
    BurnTier(14.4, S_PER_HOUR, 300),
    BurnTier(6.0, 6 * S_PER_HOUR, 1_800),
    BurnTier(1.0, 3 * S_PER_DAY, 6 * S_PER_HOUR, Severity.WARNING),
)
"""Of a 30-day objective: 2 % of its budget in an hour, 5 % in six, 10 % in three days (Google, Site Reliability Workbook, chapter 5)."""


@dataclass(frozen=True, slots=True)
class Burn:
    """Holds while calls fail so often that a 30-day objective's budget is used up too fast."""

    objective_ratio: float
    tiers: tuple[BurnTier, ...]
    minimum_call_count: int
    minimum_bad_count: int


@dataclass(frozen=True, slots=True)
class Absence:
    """Holds for a group that had at least `minimum_call_count` calls in the known window and has none in the absent one."""

    known_window_s: int
    absent_window_s: int
    minimum_call_count: int


@dataclass(frozen=True, slots=True)
class AnomalyMatch:
    """Holds while an anomaly is open that is severe enough and of these metrics and kinds; none named is any."""

    minimum_severity: Severity
    metrics: frozenset[str]
    kinds: frozenset[str]


class OwnStateCheck(Enum):
    """What may be wrong with Assay itself."""

    LAG = 1
    DEAD_LETTERS = 2
    CLIENT_DROPS = 3
    SERVICE_DOWN = 4


@dataclass(frozen=True, slots=True)
class OwnState:
    """Holds while the check's value is above the threshold."""

    check: OwnStateCheck
    threshold: float


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Always holds."""


@dataclass(frozen=True, slots=True)
class SpendForecast:
    """Holds while the month's spend will be above the limit with at least this probability."""

    limit_usd: float
    probability: float


Condition: TypeAlias = Threshold | Burn | Absence | AnomalyMatch | OwnState | Heartbeat | SpendForecast


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is evaluated. `severity` None is as severe as what was found, a warning where that says nothing.

    `chosen` has the values that are wanted by dimension, `group_by` names of dimensions.
    """

    rule_id: str
    name: str
    condition: Condition
    severity: Severity | None = None
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    group_by: tuple[str, ...] = ()
    for_s: float = 0.0
    keep_firing_s: float = 60.0
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    description: str = ""
    is_paused: bool = False
