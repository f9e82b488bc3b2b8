"""One metric of one series that is not as it was: what episodes are made of, whichever test found it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from services.analyzer.domain.metric import AnomalyKind, Direction, Metric
from services.analyzer.domain.series import SeriesKey


class Form(Enum):
    """What kinds of anomaly are alike: a level that moved is one thing, however fast it did."""

    LEVEL = 1
    FIELD = 2
    SILENCE = 3


_FORMS = {AnomalyKind.SILENCE: Form.SILENCE, AnomalyKind.FIELD_MISSING: Form.FIELD}


class Family(NamedTuple):
    """Findings of one family on several series may be one anomaly."""

    form: Form
    metric: Metric
    direction: Direction


class FindingId(NamedTuple):
    """At most one finding of each is in alarm at a time."""

    key: SeriesKey
    family: Family


@dataclass(frozen=True, slots=True)
class Finding:
    """As it is now. Times in seconds since 1970, values in the metric's unit; `p_value` is None where there is none.

    `call_count`: calls since the onset; of a silence, those that were expected. `affected_count`: those that show it.
    """

    key: SeriesKey
    kind: AnomalyKind
    metric: Metric
    direction: Direction
    log10_e: float
    p_value: float | None
    onset_s: float
    seen_s: float
    observed: float
    expected: float
    low: float
    high: float
    call_count: int
    affected_count: int
    # The series' work is done by another series since: nobody has to be woken.
    is_replaced: bool = False
    # It may be chance, were it not for others of its group: it is not told alone.
    is_weak: bool = False

    @property
    def form(self) -> Form:
        """What it is like."""
        return _FORMS.get(self.kind, Form.LEVEL)

    @property
    def id(self) -> FindingId:
        """What identifies it."""
        return FindingId(self.key, self.family)

    @property
    def family(self) -> Family:
        """What it may be one anomaly with."""
        return Family(self.form, self.metric, self.direction)

    @property
    def rank(self) -> tuple[float, float, SeriesKey, int]:
        """Ascending order of who leads: silences and missing fields explain what moves with them; then the strongest."""
        return (-self.form.value, -self.log10_e, self.key, self.metric.value)
