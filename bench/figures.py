"""A measured figure, beside what it should be."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a bench. `goal` is None where a figure is only told."""

    area: str
    figure: str
    value: float
    unit: str
    goal: float | None
    better: Literal["lower", "higher"]

    @property
    def is_reached(self) -> bool:
        """Whether the value is as good as the goal; true without one."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal

    def to_json(self) -> str:
        """The figure as one line."""
        return json.dumps(asdict(self))


Report = Callable[[Figure], None]
