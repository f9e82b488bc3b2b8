"""Rules and tables to start from."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from services.alerter.domain.metric import RuleMetric
from services.alerter.domain.rule import Comparison, Condition, Rule, Threshold
from services.alerter.domain.table import Key, Table

START = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """So long after START."""
    return START + timedelta(seconds=seconds)


def threshold(**fields: Any) -> Threshold:
    """Success below 90 % over five minutes, over at 95 %, of ten calls and more."""
    values: dict[str, Any] = {
        "metric": RuleMetric.SUCCESS_RATIO,
        "window_s": 300,
        "comparison": Comparison.BELOW,
        "threshold": 0.9,
        "resolve_threshold": 0.95,
        "minimum_call_count": 10,
    }
    return Threshold(**(values | fields))


def rule(condition: Condition | None = None, **fields: Any) -> Rule:
    """A rule that fires at once and resolves at once."""
    values: dict[str, Any] = {"rule_id": "r", "name": "Rule", "group_by": ("provider",), "keep_firing_s": 0.0}
    return Rule(condition=condition or threshold(), **(values | fields))


def table(keys: Sequence[Key], **columns: Sequence[Sequence[float]]) -> Table:
    """A table of these columns, each a list of steps for each group."""
    arrays: Mapping[str, Any] = {name: np.array(values, np.float64).reshape(len(keys), -1) for name, values in columns.items()}
    return Table(keys, next(iter(arrays.values())).shape[1], arrays)


def outcomes(keys: Sequence[Key], called: Sequence[Sequence[float]], succeeded: Sequence[Sequence[float]]) -> Table:
    """A table of calls, none of which was cancelled."""
    return table(keys, call_count=called, counted_count=called, succeeded_count=succeeded)
