"""What a rule's condition says of each group at each step: columns of verdicts, computed for all groups at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from services.alerter.domain.alert import Severity
from services.alerter.domain.arrays import Bools, Floats
from services.alerter.domain.metric import CALL_COUNT_COLUMN, COUNTED_COLUMN, SUCCEEDED_COLUMN, columns_of, values
from services.alerter.domain.rule import Absence, Burn, Comparison, Condition, Threshold
from services.alerter.domain.table import Key, Table, all_keys


class Verdict(IntEnum):
    """What is said of one group at one time."""

    UNKNOWN = 0
    """There is too little to say anything."""
    CLEAR = 1
    BETWEEN = 2
    """Not beyond the bound, but not back at the level where it is over either."""
    BREACH = 3


UNSAID = 0
"""A severity that the condition leaves to its rule."""

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, eq=False, slots=True)
class Verdicts:
    """Arrays of shape (groups, steps): Verdict, the value looked at (NaN for none), and the Severity, UNSAID where it is the rule's."""

    keys: Sequence[Key]
    verdict: Codes
    observed: Floats
    severity: Codes


MeasuredCondition = Threshold | Burn | Absence


def is_measured(condition: Condition) -> bool:
    """Whether the condition is about metrics, and so has a past."""
    return isinstance(condition, MeasuredCondition)


def windows_of(condition: Condition) -> tuple[int, ...]:
    """The windows that the condition looks at, in seconds, each once."""
    if isinstance(condition, Threshold):
        return (condition.window_s,)
    if isinstance(condition, Burn):
        return tuple(dict.fromkeys(window for tier in condition.tiers for window in (tier.long_window_s, tier.short_window_s)))
    if isinstance(condition, Absence):
        return tuple(dict.fromkeys((condition.known_window_s, condition.absent_window_s)))
    return ()


def columns_needed(condition: Condition) -> frozenset[str]:
    """The columns of a table that the condition is computed from."""
    if isinstance(condition, Threshold):
        return columns_of(condition.metric)
    if isinstance(condition, Burn):
        return frozenset({COUNTED_COLUMN, SUCCEEDED_COLUMN})
    return frozenset({CALL_COUNT_COLUMN})


def verdicts(condition: MeasuredCondition, tables: Mapping[int, Table]) -> Verdicts:
    """What the condition says, given a table for each of its windows by their length; all have the same steps."""
    if isinstance(condition, Threshold):
        return _threshold(condition, tables[condition.window_s])
    keys = all_keys(tables[window] for window in windows_of(condition))
    aligned = {window: tables[window].aligned(keys) for window in windows_of(condition)}
    return _burn(condition, aligned) if isinstance(condition, Burn) else _absence(condition, aligned)


def _threshold(condition: Threshold, table: Table) -> Verdicts:
    observed = values(condition.metric, table.columns)
    sign = 1.0 if condition.comparison is Comparison.ABOVE else -1.0
    with np.errstate(invalid="ignore"):  # NaN compares as false, which is meant
        is_breach = sign * observed > sign * condition.threshold
        is_clear = sign * observed <= sign * condition.resolve_threshold
    is_known = ~np.isnan(observed) & (table.columns[CALL_COUNT_COLUMN] >= condition.minimum_call_count)
    return Verdicts(table.keys, _coded(is_known, is_breach, is_clear), observed, np.zeros(observed.shape, np.int8))


def _burn(condition: Burn, tables: Mapping[int, Table]) -> Verdicts:
    """The value is the burn rate over the long window of the worst tier that burns, else of the first tier.

    Of tiers that burn the most severe one counts, and the first among equals. A tier that has too few calls does not burn; where all have
    too few, nothing is said.
    """
    first = tables[condition.tiers[0].long_window_s]
    observed = _burn_rate(first, condition)
    burns = np.zeros(observed.shape, np.bool_)
    severity = np.full(observed.shape, -1, np.int8)
    is_known = np.zeros(observed.shape, np.bool_)
    for tier in condition.tiers:
        long = tables[tier.long_window_s]
        rate = _burn_rate(long, condition)
        enough = long.columns[COUNTED_COLUMN] >= condition.minimum_call_count
        bad = long.columns[COUNTED_COLUMN] - long.columns[SUCCEEDED_COLUMN]
        with np.errstate(invalid="ignore"):
            fast = (rate >= tier.factor * _NEARLY) & (_burn_rate(tables[tier.short_window_s], condition) >= tier.factor * _NEARLY)
        is_burning = enough & fast & (bad >= condition.minimum_bad_count)
        code = _rank(tier.severity)
        is_worst = is_burning & (code > severity)
        observed = np.where(is_worst, rate, observed)
        severity = np.where(is_worst, code, severity).astype(np.int8)
        burns |= is_burning
        is_known |= enough
    said = np.where(severity == _RULES_OWN, UNSAID, np.maximum(severity, UNSAID)).astype(np.int8)
    return Verdicts(first.keys, _coded(is_known, burns, ~burns), observed, said)


# 1 - 0.99 is a little more than a hundredth in floating point; a rate that is the factor exactly counts.
_NEARLY = 1.0 - 1e-9
# A tier that leaves it to the rule ranks above those that say something: tiers that say something are the milder ones.
_RULES_OWN = max(severity.value for severity in Severity) + 1


def _rank(severity: Severity | None) -> int:
    return _RULES_OWN if severity is None else severity.value


def _burn_rate(table: Table, condition: Burn) -> Floats:
    counted = table.columns[COUNTED_COLUMN]
    rate = np.full(counted.shape, np.nan)
    budget_ratio = 1.0 - condition.objective_ratio
    np.divide(counted - table.columns[SUCCEEDED_COLUMN], counted * budget_ratio, out=rate, where=counted > 0)
    return rate


def _absence(condition: Absence, tables: Mapping[int, Table]) -> Verdicts:
    """The value is the count of calls in the known window."""
    known = tables[condition.known_window_s].columns[CALL_COUNT_COLUMN]
    now = tables[condition.absent_window_s].columns[CALL_COUNT_COLUMN]
    is_breach = (known >= condition.minimum_call_count) & (now == 0)
    keys = tables[condition.known_window_s].keys
    return Verdicts(keys, _coded(np.ones(known.shape, np.bool_), is_breach, ~is_breach), known, np.zeros(known.shape, np.int8))


def _coded(is_known: Bools, is_breach: Bools, is_clear: Bools) -> Codes:
    said = np.select([is_breach, is_clear], [Verdict.BREACH, Verdict.CLEAR], Verdict.BETWEEN)
    return np.where(is_known, said, Verdict.UNKNOWN).astype(np.int8)
