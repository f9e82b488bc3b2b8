"""From the scale on which a metric is averaged to its unit."""

import numpy as np

from services.analyzer.domain.arrays import Floats
from services.analyzer.domain.evidence.configuration import MetricPlan, Scale
from services.analyzer.domain.evidence.observations import ANSCOMBE, REVISIONS_PER_TASK_MAX
from services.analyzer.domain.metric import Metric


def is_turned(metric: Metric) -> bool:
    """Whether more on the scale is less in the unit: calls that did not succeed are what is counted."""
    return metric is Metric.SUCCESS_RATIO


def in_unit(plan: MetricPlan, value: Floats) -> Floats:
    """The value in the metric's unit."""
    if plan.scale in {Scale.LOG, Scale.MEAN_LOG}:
        return np.exp(value)
    if plan.scale is Scale.COUNT:
        return np.maximum((value / 2) ** 2 - ANSCOMBE, 0)
    if plan.metric is Metric.REVISIONS:
        return value * REVISIONS_PER_TASK_MAX
    return 1 - value if is_turned(plan.metric) else value


def in_range(scale: Scale, value: Floats) -> Floats:
    """The value, cut where its scale has an end: the end of an interval may lie beyond it."""
    if scale in {Scale.RATIO, Scale.MEAN}:
        return np.clip(value, 0, 1)
    return np.maximum(value, 0) if scale is Scale.COUNT else value
