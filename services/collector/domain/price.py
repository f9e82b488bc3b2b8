"""What calls cost: exact rates per token, and whole batches of calls priced column by column. Knows no price list."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from services.collector.domain.arrays import Bools, Bytes, Ints, run_starts
from services.collector.domain.measures import Outcome

COUNT_MAX = 10**9  # calls with more tokens of a kind are refused on entry; up to here all arithmetic is exact
DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)
_INT64_MAX = 2**63 - 1


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


class _ScaledTier(NamedTuple):
    """A tier in whole numbers, as many per nano-dollar as the denominator says."""

    input_above_count: int
    weights: npt.NDArray[Any]  # shape (5,); int64, or Python's integers where those could overflow
    request: int


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
    def scaled_tiers(self) -> tuple[_ScaledTier, ...]:
        """The tiers times the denominator, worked out once, since many batches are priced with the same rates."""
        scale = self.denominator
        whole = [
            (tier.input_above_count, [int(weight * scale) for weight in tier.weights()], int(tier.request * scale)) for tier in self.tiers
        ]
        largest = max(request + COUNT_MAX * sum(map(abs, weights)) for _, weights, request in whole)
        greatest_on_the_way = 2 * largest + scale  # in _divide_half_even
        dtype = np.int64 if greatest_on_the_way <= _INT64_MAX else np.object_
        return tuple(_ScaledTier(above, np.array(weights, dtype), request) for above, weights, request in whole)


def cost_nanos(rates: Rates, tokens: Ints) -> Ints:
    """Cost of each call in nano-dollars, shape (calls,), from token_rows: exact, then rounded once, half to even.

    Prices with very long decimals (a few lists have 17 digits) would overflow 64 bits on the way; they are worked out
    in Python's integers, slower and as exact. Raises OverflowError where a cost itself is above 2^63 - 1.
    """
    first, *higher = rates.scaled_tiers
    total = first.weights @ tokens + first.request
    for tier in higher:
        total = np.where(tokens[0] > tier.input_above_count, tier.weights @ tokens + tier.request, total)
    if rates.denominator > 1:
        total = _divide_half_even(total, rates.denominator)
    nanos: Ints = total.astype(np.int64, copy=False)
    return nanos


def _divide_half_even(total: npt.NDArray[Any], denominator: int) -> npt.NDArray[Any]:
    shifted = 2 * total + denominator
    quotient = shifted // (2 * denominator)
    is_half = quotient * (2 * denominator) == shifted
    quotient -= is_half & quotient & 1  # the half was rounded up: one less where that made it odd
    return quotient


@dataclass(frozen=True, slots=True)
class DayRates:
    """A model's rates through one UTC day: `rates[i]` holds from `from_us[i]` microseconds after midnight to the next.

    One, from 0, for nearly every model; several where the hour decides, as with off-peak prices.
    """

    from_us: tuple[int, ...]
    rates: tuple[Rates, ...]

    def cost_nanos(self, time_of_day_us: Ints, tokens: Ints) -> Ints:
        """Cost of calls of this day in nano-dollars, shape (calls,); `time_of_day_us` is since midnight UTC."""
        if len(self.rates) == 1:
            return cost_nanos(self.rates[0], tokens)
        period = np.searchsorted(self.from_us, time_of_day_us, side="right") - 1
        costs = np.empty(len(period), np.int64)
        for index, rates in enumerate(self.rates):
            inside = np.flatnonzero(period == index)
            costs[inside] = cost_nanos(rates, tokens[:, inside])
        return costs


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
    day = calls.start_us // DAY_US
    key = day * len(pairs) + calls.pair
    unpriced = np.flatnonzero(~calls.has_caller_cost)
    unpriced = unpriced[np.argsort(key[unpriced], kind="stable")]  # a group is then a slice, which numpy does not copy

    tokens = calls.tokens[:, unpriced]
    time_of_day_us = (calls.start_us - day * DAY_US)[unpriced]
    table_costs = np.zeros(len(unpriced), np.int64)
    known = np.zeros(len(unpriced), np.bool_)
    for group_key, group in _runs(key[unpriced]):
        epoch_day, pair = divmod(group_key, len(pairs))
        day_rates = table.resolve(*pairs[pair], EPOCH + timedelta(days=epoch_day))
        if day_rates is not None:
            table_costs[group] = day_rates.cost_nanos(time_of_day_us[group], tokens[:, group])
            known[group] = True

    has_usage = (tokens[0] + tokens[1]) > 0
    known &= has_usage | _was_not_served(calls.outcome[unpriced])
    costs[unpriced] = np.where(known & has_usage, table_costs, 0)
    origin[unpriced[known]] = PriceOrigin.TABLE
    return PricedColumns(costs, origin)


def _was_not_served(outcome: Ints | Bytes) -> Bools:
    was_not_served: Bools = (outcome == Outcome.FAILED) | (outcome == Outcome.RATE_LIMITED)
    return was_not_served


def _runs(sorted_keys: Ints) -> Iterator[tuple[int, slice]]:
    """Each distinct key and where it stands."""
    starts = np.flatnonzero(run_starts(sorted_keys))
    bounds = pairwise([*starts.tolist(), len(sorted_keys)])
    for key, (start, end) in zip(sorted_keys[starts].tolist(), bounds, strict=True):
        yield key, slice(start, end)
