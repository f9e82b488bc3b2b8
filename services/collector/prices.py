"""The price table inside the pinned package genai-prices, as rates of the domain; nothing is fetched."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import genai_prices
from genai_prices.data import providers as bundled_providers
from genai_prices.data_snapshot import DataSnapshot
from genai_prices.types import ModelInfo, ModelPrice, Provider, TieredPrices, TimeOfDateConstraint

from services.collector.domain.price import DayRates, Rates, Tier

NAMES_MAX = 16_384  # names looked up, known or not: a client that sends 10,000 pays for each of them once
DAY_RATES_MAX = 4_096  # models in use times days in flight; unknown names take no place here
# What a call reports can be billed at these; the other prices of the table are for audio, pages, characters, searches.
_BILLABLE = frozenset({"input_mtok", "output_mtok", "requests_kcount"})


class PriceBook:
    """The rates of a model on a day, found by genai-prices' own matching of names; safe to share between threads."""

    version = f"genai-prices {genai_prices.__version__}"

    def __init__(self, providers: Sequence[Provider] = bundled_providers) -> None:
        self._providers = list(providers)
        self._model = lru_cache(NAMES_MAX)(self._find_model)
        self._day_rates = lru_cache(DAY_RATES_MAX)(self._find_day_rates)

    def resolve(self, provider: str, model: str, day: date) -> DayRates | None:
        """The rates of a model on a UTC day; None if the table does not know the name, or no price by token or request.

        A first look-up takes 20 to 700 µs, a repeated one less than 1 µs.
        """
        if self._model(provider, model) is None:
            return None
        return self._day_rates(provider, model, day)

    def _find_model(self, provider: str, model: str) -> ModelInfo | None:
        # A snapshot remembers every name it ever saw, without a limit; this one is gone after the look-up.
        snapshot = DataSnapshot(self._providers, from_auto_update=False)
        try:
            return snapshot.find_provider_model(model, None, provider, None)[1]
        except LookupError:
            return None

    def _find_day_rates(self, provider: str, model: str, day: date) -> DayRates | None:
        found = self._model(provider, model)
        return None if found is None else day_rates(found, day)


def day_rates(model: ModelInfo, day: date) -> DayRates | None:
    """A model's rates through one UTC day; None if at some time of it the model has no price by token or request."""
    midnight = datetime.combine(day, time(), UTC)
    from_us: list[int] = []
    rates: list[Rates] = []
    for start_us in _price_changes_us(model):
        current = rates_of(model.get_prices(midnight + timedelta(microseconds=start_us)))
        if current is None:
            return None
        if not rates or rates[-1] != current:
            from_us.append(start_us)
            rates.append(current)
    return DayRates(tuple(from_us), tuple(rates))


def _price_changes_us(model: ModelInfo) -> list[int]:
    """Times of day at which a price may begin or end, ascending, in microseconds since midnight UTC, 0 included."""
    conditions = [] if isinstance(model.prices, ModelPrice) else [price.constraint for price in model.prices]
    times = {0}
    for condition in conditions:
        if isinstance(condition, TimeOfDateConstraint):
            times |= {_time_of_day_us(condition.start_time), _time_of_day_us(condition.end_time)}
    return sorted(times)


def _time_of_day_us(at: time) -> int:
    """Microseconds since midnight UTC; a time without a zone is UTC, as genai-prices has it."""
    moment = datetime.combine(date(1970, 1, 1), at)
    utc = moment if moment.tzinfo is None else moment.astimezone(UTC)
    since_midnight = timedelta(hours=utc.hour, minutes=utc.minute, seconds=utc.second, microseconds=utc.microsecond)
    return since_midnight // timedelta(microseconds=1)


def rates_of(prices: ModelPrice) -> Rates | None:
    """The rates with which cost_nanos equals genai-prices' calc_price; None if nothing is billed by token or request.

    An entry without any price is how genai-prices writes "free of charge": its rates are zero.
    """
    given = {key: price for key, price in vars(prices).items() if price is not None}
    if given and not _BILLABLE & given.keys():
        return None
    starts = {tier.start for price in given.values() if isinstance(price, TieredPrices) for tier in price.tiers}
    return Rates(tuple(_tier(given, above_count) for above_count in [-1, *sorted(starts)]))


def _tier(given: dict[str, Decimal | TieredPrices], above_count: int) -> Tier:
    """The prices from a number of input tokens on; tokens without a price of their own pay that of their whole."""

    def nanos_per_token(key: str, otherwise: Fraction = Fraction(0)) -> Fraction:
        return Fraction(_price_at(given[key], above_count)) * 1_000 if key in given else otherwise

    plain_input, output = nanos_per_token("input_mtok"), nanos_per_token("output_mtok")
    return Tier(
        input_above_count=above_count,
        input=plain_input,
        output=output,
        cache_read=nanos_per_token("cache_read_mtok", plain_input),
        cache_write=nanos_per_token("cache_write_mtok", plain_input),
        reasoning=nanos_per_token("output_reasoning_mtok", output),
        request=nanos_per_token("requests_kcount") * 1_000,
    )


def _price_at(price: Decimal | TieredPrices, above_count: int) -> Decimal:
    """The price in USD once a call has more than `above_count` input tokens."""
    if isinstance(price, Decimal):
        return price
    reached = [tier.price for tier in price.tiers if tier.start <= above_count]
    return reached[-1] if reached else price.base
