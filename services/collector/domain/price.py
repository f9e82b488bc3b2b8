"""What calls cost: exact rates per token, and whole batches of calls priced column by column. Knows no price list."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from services.collector.domain.arrays import Bools, Bytes, Ints
from services.collector.domain.measures import Outcome

COUNT_MAX = 10**9  # calls with more tokens of a kind are refused on entry; up to here all arithmetic is exact
DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)
_INT64_MAX = 2**63 - 1
# Columns of Rates.whole_tiers.
_WEIGHTS, _REQUEST, _INPUT_ABOVE, _DENOMINATOR = slice(0, 5), 5, 6, 7

Places: TypeAlias = npt.NDArray[np.intp]


class PriceOrigin(IntEnum):
    """Who said what a call costs."""

    UNKNOWN = 0
    CALLER = 1
    TABLE = 2


def token_rows(
    input_count: Ints,
    output_count: Ints,
    cache_read_count: Ints,
    cache_write_count: Ints,
    reasoning_count: Ints,
) -> Ints:
    """Tokens of each call by kind as int64 of shape (5, calls), in the order of these parameters.

    Each count is 0 to COUNT_MAX. Input includes cache reads and writes, which together do not exceed it; output
    includes reasoning.
    """
    return np.array((input_count, output_count, cache_read_count, cache_write_count, reasoning_count), np.int64)


@dataclass(frozen=True, slots=True)
class Tier:
    """What a call pays when it has more than `input_above_count` input tokens, in nano-dollars per token of each kind.

    `input` is for tokens neither read from nor written to a cache, `output` for those that are not reasoning;
    `request` is paid once a call. Fractions, since $0.0375 per million tokens is 37.5 nano-dollars a token.
    """

    input_above_count: int
    input: Fraction
    output: Fraction
    cache_read: Fraction
    cache_write: Fraction
    reasoning: Fraction
    request: Fraction

    def weights(self) -> tuple[Fraction, ...]:
        """Factor of each of the token rows: a part is counted in its whole too, so it weighs the difference."""
        return (
            self.input,
            self.output,
            self.cache_read - self.input,
            self.cache_write - self.input,
            self.reasoning - self.output,
        )


@dataclass(frozen=True)
class Rates:
    """What a model's calls cost: the last tier that a call reaches prices all of its tokens, as providers bill.

    `tiers` ascend by `input_above_count`, and every call reaches the first.
    """

    tiers: tuple[Tier, ...]

    @cached_property
    def denominator(self) -> int:
        """The smallest number that makes each rate whole when multiplied by it."""
        rates = (rate for tier in self.tiers for rate in (*tier.weights(), tier.request))
        return math.lcm(*(rate.denominator for rate in rates))

    @cached_property
    def whole_tiers(self) -> npt.NDArray[Any]:
        """A row a tier, times the denominator: the five weights, the price of a request, `input_above_count`, the denominator.

        Worked out once, since many batches are priced with the same rates. int64, or Python's integers where those could overflow.
        """
        scale = self.denominator
        rows = [
            [*(int(weight * scale) for weight in tier.weights()), int(tier.request * scale), tier.input_above_count, scale]
            for tier in self.tiers
        ]
        largest = max(row[_REQUEST] + COUNT_MAX * sum(map(abs, row[_WEIGHTS])) for row in rows)
        greatest_on_the_way = 2 * largest + scale  # in _divide_half_even
        whole: npt.NDArray[Any] = np.array(rows, np.int64 if greatest_on_the_way <= _INT64_MAX else np.object_)
        return whole


@dataclass(frozen=True, slots=True)
class DayRates:
    """A model's rates through one UTC day: `rates[i]` holds from `from_us[i]` microseconds after midnight to the next.

    One, from 0, for nearly every model; several where the hour decides, as with off-peak prices.
    """

    from_us: tuple[int, ...]
    rates: tuple[Rates, ...]


_NO_RATES = DayRates((0,), (Rates((Tier(0, *[Fraction(0)] * 6),)),))


def cost_nanos(rates_of_group: Sequence[DayRates | None], group: Places, time_of_day_us: Ints, tokens: Ints) -> Ints:
    """Cost of each call in nano-dollars, shape (calls,): `group` says whose rates are each call's; 0 where those are None.

    `time_of_day_us` is since midnight UTC, `tokens` as token_rows has it. The cost is exact, then rounded once, half to even. Prices
    with very long decimals (a few lists have 17 digits) would overflow 64 bits on the way; they are worked out in Python's
    integers, slower and as exact; all others in one go. Raises OverflowError where a cost itself is above 2^63 - 1.
    """
    if not rates_of_group:
        return np.zeros(0, np.int64)
    days = [rates or _NO_RATES for rates in rates_of_group]
    tiers = [rates.whole_tiers for day in days for rates in day.rates]
    period_count = np.array([len(day.rates) for day in days], np.intp)
    period = (np.cumsum(period_count) - period_count)[group]
    for index in np.flatnonzero(period_count > 1).tolist():
        inside = np.flatnonzero(group == index)
        period[inside] += np.searchsorted(days[index].from_us, time_of_day_us[inside], side="right") - 1

    is_long = np.array([rows.dtype == np.object_ for rows in tiers], np.bool_)
    [free] = (rates.whole_tiers for rates in _NO_RATES.rates)
    costs = _cost_by_tiers([free if long else rows for rows, long in zip(tiers, is_long, strict=True)], period, tokens)
    for index in np.flatnonzero(is_long).tolist():
        inside = np.flatnonzero(period == index)
        costs[inside] = _cost_by_tiers([tiers[index]], np.zeros(len(inside), np.intp), tokens[:, inside])
    return costs


def _cost_by_tiers(tiers: Sequence[npt.NDArray[Any]], period: Places, tokens: Ints) -> Ints:
    """Cost of each call by the tiers of its period; each reaches the first tier."""
    rows = np.concatenate(tiers)
    tier_count = np.array([len(each) for each in tiers], np.intp)
    first = (np.cumsum(tier_count) - tier_count)[period]
    reached = first.copy()
    for tier in range(1, tier_count.max()):
        may_reach = np.flatnonzero(tier_count[period] > tier)
        higher = first[may_reach] + tier
        is_above = (tokens[0, may_reach] > rows[higher, _INPUT_ABOVE]).astype(np.bool_)
        reached[may_reach[is_above]] = higher[is_above]
    paid = rows[reached]
    total = (paid[:, _WEIGHTS] * tokens.T).sum(axis=1) + paid[:, _REQUEST]
    costs: Ints = _divide_half_even(total, paid[:, _DENOMINATOR]).astype(np.int64, copy=False)
    return costs


def _divide_half_even(total: npt.NDArray[Any], denominator: npt.NDArray[Any]) -> npt.NDArray[Any]:
    shifted = 2 * total + denominator
    quotient: npt.NDArray[Any] = shifted // (2 * denominator)
    is_half = quotient * (2 * denominator) == shifted
    quotient -= is_half & quotient & 1  # the half was rounded up: one less where that made it odd
    return quotient


class PriceTable(Protocol):
    """Where the rates of a day come from."""

    def resolve(self, provider: str, model: str, day: date) -> DayRates | None:
        """The rates of a model on a UTC day; None if the table has no price for it."""


@dataclass(frozen=True, slots=True)
class CallColumns:
    """The part of a batch of calls that decides what they cost; shape (calls,), but `tokens` as token_rows has it.

    `pair` is each call's place in the list of distinct (provider, model) pairs, `start_us` UTC microseconds since 1970.
    `caller_cost_nanos` counts where `has_caller_cost`; `outcome` holds numbers of Outcome.
    """

    pair: Ints
    start_us: Ints
    tokens: Ints
    has_caller_cost: Bools
    caller_cost_nanos: Ints
    outcome: Ints | Bytes


class PricedColumns(NamedTuple):
    """Costs in nano-dollars (0 where unknown) and who said so (PriceOrigin), each of shape (calls,)."""

    cost_nanos: Ints
    origin: Bytes


def price_columns(table: PriceTable, pairs: Sequence[tuple[str, str]], calls: CallColumns) -> PricedColumns:
    """Prices a batch: by its caller, else by the table of the UTC day on which the call started, else unknown.

    A call with no input and no output token has not reported its usage: no model answers nothing from nothing. Its
    cost is unknown, not zero, or a source that never fills in usage would look free. FAILED and RATE_LIMITED are the
    exception: providers do not bill what they did not serve, so such a call costs 0 if the table knows the model,
    per-request price or not. TIMED_OUT, CANCELLED and REFUSED stay unknown: work given up on or withheld may be billed.
    """
    costs = np.where(calls.has_caller_cost, calls.caller_cost_nanos, 0)
    origin = np.where(calls.has_caller_cost, np.uint8(PriceOrigin.CALLER), np.uint8(PriceOrigin.UNKNOWN))
    unpriced = np.flatnonzero(~calls.has_caller_cost)
    day, time_of_day_us = np.divmod(calls.start_us[unpriced], DAY_US)
    keys, group = np.unique(day * len(pairs) + calls.pair[unpriced], return_inverse=True)
    rates_of_group = []
    for key in keys.tolist():
        epoch_day, pair = divmod(key, len(pairs))
        provider, model = pairs[pair]
        rates_of_group.append(table.resolve(provider, model, EPOCH + timedelta(days=epoch_day)))
    tokens = calls.tokens[:, unpriced]
    table_costs = cost_nanos(rates_of_group, group, time_of_day_us, tokens)
    has_usage = (tokens[0] + tokens[1]) > 0
    known = np.array([rates is not None for rates in rates_of_group], np.bool_)[group]
    known &= has_usage | _was_not_served(calls.outcome[unpriced])
    costs[unpriced] = np.where(known & has_usage, table_costs, 0)
    origin[unpriced[known]] = PriceOrigin.TABLE
    return PricedColumns(costs, origin)


def _was_not_served(outcome: Ints | Bytes) -> Bools:
    was_not_served: Bools = (outcome == Outcome.FAILED) | (outcome == Outcome.RATE_LIMITED)
    return was_not_served
