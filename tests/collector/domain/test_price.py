"""The arithmetic of prices: exact to the nano-dollar, for whole batches, and honest about what is not known."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.arrays import Ints
from services.collector.domain.measures import Outcome
from services.collector.domain.price import (
    COUNT_MAX,
    DAY_US,
    EPOCH,
    CallColumns,
    DayRates,
    PriceOrigin,
    Rates,
    Tier,
    cost_nanos,
    price_columns,
    token_rows,
)

SUCCEEDED = Outcome.SUCCEEDED
UNKNOWN, CALLER, TABLE = PriceOrigin.UNKNOWN, PriceOrigin.CALLER, PriceOrigin.TABLE
MAY_1 = date(2026, 5, 1)
MAY_1_US = (MAY_1 - EPOCH).days * DAY_US
HOUR_US = 3_600_000_000

Call = tuple[int, int, int, int, int]  # input, output, cache read, cache write, reasoning


def tier(
    input_usd: str,
    output_usd: str,
    *,
    cache_read_usd: str | None = None,
    cache_write_usd: str | None = None,
    reasoning_usd: str | None = None,
    request_usd: str = "0",
    above_count: int = -1,
) -> Tier:
    """A tier from prices in USD per million tokens and per request."""
    return Tier(
        input_above_count=above_count,
        input=Fraction(input_usd) * 1_000,
        output=Fraction(output_usd) * 1_000,
        cache_read=Fraction(cache_read_usd or input_usd) * 1_000,
        cache_write=Fraction(cache_write_usd or input_usd) * 1_000,
        reasoning=Fraction(reasoning_usd or output_usd) * 1_000,
        request=Fraction(request_usd) * 10**9,
    )


def rows(*calls: Call) -> Ints:
    columns = np.array(calls, np.int64).reshape(len(calls), 5).T
    return token_rows(*columns)


def costs(rates: Rates, *calls: Call) -> list[int]:
    priced = cost_nanos([DayRates((0,), (rates,))], np.zeros(len(calls), np.intp), np.zeros(len(calls), np.int64), rows(*calls))
    assert priced.dtype == np.int64
    return [int(cost) for cost in priced]


PLAIN = Rates((tier("2", "10"),))
CACHING = Rates((tier("3", "15", cache_read_usd="0.30", cache_write_usd="3.75"),))
TIERED = Rates((tier("1.25", "10"), tier("2.50", "15", above_count=200_000), tier("5", "30", above_count=1_000_000)))


@pytest.mark.parametrize(
    ("rates", "call", "usd"),
    [
        (PLAIN, (1_000_000, 1_000_000, 0, 0, 0), "12"),
        (PLAIN, (0, 0, 0, 0, 0), "0"),
        (PLAIN, (1_000, 100, 900, 50, 80), "0.003"),
        (CACHING, (10_000, 500, 8_000, 1_500, 0), "0.017025"),
        (Rates((tier("2", "8", reasoning_usd="3"),)), (1_000, 1_000, 0, 0, 600), "0.007"),
        (Rates((tier("3", "15", request_usd="0.014"),)), (1_000, 100, 0, 0, 0), "0.0185"),
        (TIERED, (200_000, 1_000, 0, 0, 0), "0.26"),
        (TIERED, (200_001, 1_000, 0, 0, 0), "0.5150025"),
        (TIERED, (1_000_001, 1_000, 0, 0, 0), "5.030005"),
    ],
)
def test_a_call_costs_what_the_price_page_says(rates: Rates, call: Call, usd: str) -> None:
    assert costs(rates, call) == [int(Decimal(usd) * 10**9)]


def test_the_calls_of_a_batch_reach_their_own_tiers() -> None:
    calls: list[Call] = [(count, 1_000, 0, 0, 0) for count in (1, 200_000, 200_001, 1_000_000, 1_000_001)]
    assert costs(TIERED, *calls) == [costs(TIERED, call)[0] for call in calls]


@pytest.mark.parametrize(
    ("usd_per_mtok", "count", "nanos"),
    [("0.0005", 1, 0), ("0.0005", 3, 2), ("0.0005", 5, 2), ("0.0005", 7, 4), ("0.0004", 1, 0), ("0.0006", 1, 1)],
)
@pytest.mark.parametrize("digits", ["", "0000000000000000001"])
def test_halves_of_a_nano_go_to_the_even_neighbour(usd_per_mtok: str, count: int, nanos: int, digits: str) -> None:
    rates = Rates((tier(usd_per_mtok, f"1.0{digits}"),))
    assert costs(rates, (count, 0, 0, 0, 0)) == [nanos]


@pytest.mark.parametrize("usd", ["600", "0.09999999999999998", "0.000001"])
def test_the_largest_counts_are_exact(usd: str) -> None:
    rates = Rates((tier(usd, usd, cache_read_usd="0.1"),))
    expected = Fraction(usd) * 1_000 * 2 * COUNT_MAX
    assert costs(rates, (COUNT_MAX, COUNT_MAX, 0, 0, 0)) == [round(expected)]


def test_a_cost_is_given_up_to_the_last_number_of_64_bits_and_refused_above() -> None:
    rates = Rates((tier("0", "0", request_usd="9223372036.854775807"),))
    assert costs(rates, (1, 0, 0, 0, 0)) == [2**63 - 1]
    with pytest.raises(OverflowError):
        costs(Rates((tier("0", "0", request_usd="9223372036.854775808"),)), (1, 0, 0, 0, 0))


usd_prices = st.one_of(st.decimals(0, 600, places=3, allow_nan=False), st.decimals(0, 600, places=18, allow_nan=False)).map(str)


@st.composite
def token_mixes(draw: st.DrawFn) -> Call:
    input_count, output_count = draw(st.integers(0, COUNT_MAX)), draw(st.integers(0, COUNT_MAX))
    cache_read = draw(st.integers(0, input_count))
    return (
        input_count,
        output_count,
        cache_read,
        draw(st.integers(0, input_count - cache_read)),
        draw(st.integers(0, output_count)),
    )


@given(st.tuples(usd_prices, usd_prices, usd_prices, usd_prices, usd_prices), st.lists(token_mixes(), max_size=5))
def test_every_cost_is_the_exact_sum_rounded_once(prices: tuple[str, ...], calls: list[Call]) -> None:
    plain, output, read, write, reasoning = prices
    rates = Rates((tier(plain, output, cache_read_usd=read, cache_write_usd=write, reasoning_usd=reasoning),))
    assert costs(rates, *calls) == [
        exact_nanos((plain, c[0] - c[2] - c[3]), (output, c[1] - c[4]), (read, c[2]), (write, c[3]), (reasoning, c[4])) for c in calls
    ]


def exact_nanos(*parts: tuple[str, int]) -> int:
    """The sum of price times count, by decimals with room for all digits."""
    with localcontext(prec=100):
        usd = sum((Decimal(price) * count for price, count in parts), Decimal(0)) / 10**6
        return int((usd * 10**9).quantize(Decimal(1), ROUND_HALF_EVEN))


def test_prices_that_change_within_the_day_hold_from_their_microsecond_on() -> None:
    night, day = Rates((tier("1", "1"),)), Rates((tier("2", "2"),))
    rates = DayRates((0, 8 * HOUR_US, 20 * HOUR_US), (night, day, night))
    times = np.array([0, 8 * HOUR_US - 1, 8 * HOUR_US, 20 * HOUR_US - 1, 20 * HOUR_US, DAY_US - 1], np.int64)
    calls = rows(*[(1, 0, 0, 0, 0)] * 6)
    assert cost_nanos([rates], np.zeros(6, np.intp), times, calls).tolist() == [1_000, 1_000, 2_000, 2_000, 1_000, 1_000]


def test_calls_of_many_rates_are_priced_in_one_go_as_if_each_were_alone() -> None:
    short, long = Rates((tier("1", "2"),)), Rates((tier("0.12345678901234567", "9.87654321098765432"),))
    tiered = Rates((tier("3", "4"), tier("6", "8", above_count=100), tier("12", "16", above_count=1_000)))
    assert [each.whole_tiers.dtype.kind for each in (short, long)] == ["i", "O"]
    days = [DayRates((0,), (tiered,)), None, DayRates((0, 8 * HOUR_US, 20 * HOUR_US), (short, tiered, long)), DayRates((0,), (long,))]
    group = np.array([2, 0, 3, 1, 2, 0, 2, 0, 3, 2], np.intp)
    times = np.arange(10) * (24 * HOUR_US // 10)
    calls = rows(*[(10**count % 9_999, 7 + count, 0, 0, 0) for count in range(10)])
    alone = [
        int(cost_nanos([days[place]], np.zeros(1, np.intp), times[[index]], calls[:, [index]])[0]) for index, place in enumerate(group)
    ]
    assert cost_nanos(days, group, times, calls).tolist() == alone
    assert alone[3] == 0
    assert len({*alone}) > 7


class Table:
    """Prices two models; `b` gets dearer on 2 May and is cheap in the evening. Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, date]] = []

    def resolve(self, provider: str, model: str, day: date) -> DayRates | None:
        self.asked.append((provider, model, day))
        if model == "a":
            return DayRates((0,), (Rates((tier("1", "2", request_usd="0.005"),)),))
        if model == "b":
            morning = Rates((tier("3" if day == MAY_1 else "4", "5"),))
            return DayRates((0, 12 * HOUR_US), (morning, PLAIN))
        return None


def batch(calls: Sequence[tuple[int, int, int, int | None, Outcome]]) -> CallColumns:
    """Columns of calls, each given as (pair, start_us, input tokens, caller's cost, outcome)."""
    pair, start_us, input_count, caller_cost, outcome = zip(*calls, strict=True) if calls else [()] * 5
    zeros = np.zeros(len(calls), np.int64)
    return CallColumns(
        pair=np.array(pair, np.int64),
        start_us=np.array(start_us, np.int64),
        tokens=token_rows(np.array(input_count, np.int64), zeros, zeros, zeros, zeros),
        has_caller_cost=np.array([cost is not None for cost in caller_cost], np.bool_),
        caller_cost_nanos=np.array([cost or 0 for cost in caller_cost], np.int64),
        outcome=np.array(outcome, np.uint8),
    )


PAIRS = [("p", "a"), ("p", "b"), ("p", "unheard-of")]
A, B, UNHEARD_OF = range(3)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ((A, MAY_1_US, 1_000, None, SUCCEEDED), (6_000_000, TABLE)),
        ((A, MAY_1_US, 1_000, 77, SUCCEEDED), (77, CALLER)),
        ((A, MAY_1_US, 1_000, 0, SUCCEEDED), (0, CALLER)),
        ((UNHEARD_OF, MAY_1_US, 1_000, 77, SUCCEEDED), (77, CALLER)),
        ((UNHEARD_OF, MAY_1_US, 1_000, None, SUCCEEDED), (0, UNKNOWN)),
        ((UNHEARD_OF, MAY_1_US, 0, None, Outcome.FAILED), (0, UNKNOWN)),
        ((A, MAY_1_US, 0, None, SUCCEEDED), (0, UNKNOWN)),
        ((A, MAY_1_US, 0, None, Outcome.FAILED), (0, TABLE)),
        ((A, MAY_1_US, 0, None, Outcome.RATE_LIMITED), (0, TABLE)),
        ((A, MAY_1_US, 0, None, Outcome.TIMED_OUT), (0, UNKNOWN)),
        ((A, MAY_1_US, 0, None, Outcome.REFUSED), (0, UNKNOWN)),
        ((A, MAY_1_US, 0, None, Outcome.CANCELLED), (0, UNKNOWN)),
        ((A, MAY_1_US, 1_000, None, Outcome.FAILED), (6_000_000, TABLE)),
        ((B, MAY_1_US, 1_000, None, SUCCEEDED), (3_000_000, TABLE)),
        ((B, MAY_1_US + DAY_US - 1, 1_000, None, SUCCEEDED), (2_000_000, TABLE)),
        ((B, MAY_1_US + DAY_US, 1_000, None, SUCCEEDED), (4_000_000, TABLE)),
    ],
)
def test_a_price_is_the_callers_or_the_tables_or_unknown(
    call: tuple[int, int, int, int | None, Outcome], expected: tuple[int, PriceOrigin]
) -> None:
    priced = price_columns(Table(), PAIRS, batch([call]))
    assert (priced.cost_nanos.tolist(), priced.origin.tolist()) == ([expected[0]], [expected[1]])
    assert [column.dtype.name for column in priced] == ["int64", "uint8"]


def test_a_batch_without_calls_is_priced() -> None:
    priced = price_columns(Table(), [], batch([]))
    assert (priced.cost_nanos.shape, priced.origin.shape) == ((0,), (0,))


def test_the_table_is_asked_once_for_each_model_and_day_and_not_for_calls_with_a_price() -> None:
    table = Table()
    starts = [MAY_1_US, MAY_1_US + DAY_US]
    wanted = [(pair, start, 5, None, SUCCEEDED) for start in starts for pair in (B, A)]
    price_columns(table, PAIRS, batch([*wanted * 3, (UNHEARD_OF, MAY_1_US, 5, 9, SUCCEEDED)]))
    days = (MAY_1, MAY_1 + timedelta(days=1))
    assert sorted(table.asked) == [("p", model, day) for model in "ab" for day in days]


calls_of_any_kind = st.tuples(
    st.sampled_from([A, B, UNHEARD_OF]),
    st.datetimes(datetime(2026, 4, 30), datetime(2026, 5, 3)).map(  # noqa: DTZ001 - strategies take naive bounds
        lambda at: (at - datetime(1970, 1, 1)) // timedelta(microseconds=1)  # noqa: DTZ001
    ),
    st.integers(0, 10**6),
    st.none() | st.integers(0, 10**15),
    st.sampled_from(Outcome),
)


@given(st.lists(calls_of_any_kind, max_size=30))
def test_a_call_costs_the_same_in_any_batch(calls: list[tuple[int, int, int, int | None, Outcome]]) -> None:
    together = price_columns(Table(), PAIRS, batch(calls))
    alone = [price_columns(Table(), PAIRS, batch([call])) for call in calls]
    assert together.cost_nanos.tolist() == [priced.cost_nanos.item() for priced in alone]
    assert together.origin.tolist() == [priced.origin.item() for priced in alone]
