"""How much each component counts, by kind of task."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from services.analyzer.domain.quality.reading import Component

# Tests show whether it works, people whether it was wanted; the rest says how well it is made. They sum to 1.
_DEFAULT: Mapping[Component, float] = MappingProxyType(
    {
        Component.CODE: 0.15,
        Component.TESTS: 0.25,
        Component.COVERAGE: 0.10,
        Component.STATIC_ANALYSIS: 0.10,
        Component.FEEDBACK: 0.20,
        Component.REVISIONS: 0.05,
        Component.EVALUATION: 0.15,
    }
)


@dataclass(frozen=True)
class Weights:
    """Weights of the components, each more than 0: those of a kind of task where it has its own, else the default's.

    `version` names them in the scores made with them. Raises ValueError where a component has no weight or one that is none.
    """

    version: int = 1
    default: Mapping[Component, float] = field(default_factory=lambda: _DEFAULT)
    by_task_type: Mapping[str, Mapping[Component, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for weights in (self.default, *self.by_task_type.values()):
            if set(weights) != set(Component) or not all(0.0 < weight < math.inf for weight in weights.values()):
                raise ValueError("weights are more than 0, one for each component")

    def of(self, task_type: str) -> Mapping[Component, float]:
        """The weights for a kind of task, summing to 1."""
        weights = self.by_task_type.get(task_type, self.default)
        total = sum(weights.values())
        return {component: weight / total for component, weight in weights.items()}


DEFAULT_WEIGHTS = Weights()
