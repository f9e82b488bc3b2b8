"""The price book against the package it reads: real bills, and the same cost to the nano-dollar for every model."""

import random
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import ROUND_HALF_EVEN, Decimal

import genai_prices
import numpy as np
import pytest
from genai_prices import data_snapshot
from genai_prices.data import providers
from genai_prices.types import (
    ClauseEquals,
    ConditionalPrice,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    Tier,
    TieredPrices,
    TimeOfDateConstraint,
    Usage,
)

from services.collector import prices
from services.collector.domain.arrays import Ints
from services.collector.domain.price import DAY_US, DayRates, cost_nanos, token_rows
from services.collector.prices import DAY_RATES_MAX, NAMES_MAX, PriceBook, day_rates, rates_of

Tokens = dict[str, int]
SEED = 20_260_501
SPRING = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def book() -> PriceBook:
    return PriceBook()


def rows(tokens: Tokens) -> Ints:
    kinds = ("input", "output", "cache_read", "cache_write", "reasoning")
    return token_rows(*(np.array([tokens.get(kind, 0)], np.int64) for kind in kinds))


def usage(tokens: Tokens) -> Usage:
    return Usage(
        input_tokens=tokens.get("input", 0),
        output_tokens=tokens.get("output", 0),
        cache_read_tokens=tokens.get("cache_read", 0),
        cache_write_tokens=tokens.get("cache_write", 0),
        output_reasoning_tokens=tokens.get("reasoning", 0),
    )


def microseconds_of_day(at: datetime) -> int:
    return (at - datetime.combine(at.date(), time(), UTC)) // timedelta(microseconds=1)


def cost_of_day(rates: DayRates, at: datetime, tokens: Tokens) -> int:
    return int(cost_nanos([rates], np.zeros(1, np.intp), np.array([microseconds_of_day(at)]), rows(tokens))[0])


def cost_by_book(book: PriceBook, provider: str, model: str, at: datetime, tokens: Tokens) -> int | None:
    rates = book.resolve(provider, model, at.date())
    if rates is None:
        return None
    return cost_of_day(rates, at, tokens)


def nanos(usd: Decimal) -> int:
    return int((usd * 10**9).quantize(Decimal(1), ROUND_HALF_EVEN))


@pytest.mark.parametrize(
    ("provider", "model", "at", "tokens", "usd"),
    [
        # 500 plain, 8,000 read at 0.30 and 1,500 written at 3.75, 500 out at 15 (USD a million tokens)
        (
            "anthropic",
            "claude-sonnet-4-5",
            SPRING,
            {"input": 10_000, "output": 500, "cache_read": 8_000, "cache_write": 1_500},
            "0.017025",
        ),
        # 400 plain at 2.50 and 1,600 cached at 1.25, 300 out at 10
        ("openai", "gpt-4o", SPRING, {"input": 2_000, "output": 300, "cache_read": 1_600}, "0.006"),
        # up to 200,000 tokens of prompt 1.25 and 10, above it 2.50 and 15 for all tokens
        ("google", "gemini-2.5-pro", SPRING, {"input": 200_000, "output": 1_000}, "0.26"),
        ("google", "gemini-2.5-pro", SPRING, {"input": 200_001, "output": 1_000}, "0.5150025"),
        # 14 USD a thousand requests, beside 3 and 15
        ("perplexity", "sonar-pro", SPRING, {"input": 1_000, "output": 100}, "0.0185"),
        # reasoning at 3 within an output at 8
        ("perplexity", "sonar-deep-research", SPRING, {"input": 1_000, "output": 1_000, "reasoning": 600}, "0.007"),
        # 10 and 40 until the price fell to 2 and 8 on 10 June 2025
        ("openai", "o3", datetime(2025, 6, 9, 23, 59, tzinfo=UTC), {"input": 1_000, "output": 1_000}, "0.05"),
        ("openai", "o3", datetime(2025, 6, 10, tzinfo=UTC), {"input": 1_000, "output": 1_000}, "0.01"),
        # half price between 16:30 and 00:30 UTC
        ("deepseek", "deepseek-chat", datetime(2026, 5, 1, 0, 29, 59, tzinfo=UTC), {"input": 10_000}, "0.00135"),
        ("deepseek", "deepseek-chat", datetime(2026, 5, 1, 0, 30, tzinfo=UTC), {"input": 10_000}, "0.0027"),
        ("deepseek", "deepseek-chat", datetime(2026, 5, 1, 16, 30, tzinfo=UTC), {"input": 10_000}, "0.00135"),
        ("openrouter", "allenai/molmo-7b-d:free", SPRING, {"input": 10_000, "output": 1}, "0"),
    ],
)
def test_real_bills_come_out_to_the_nano(book: PriceBook, *, provider: str, model: str, at: datetime, tokens: Tokens, usd: str) -> None:
    assert cost_by_book(book, provider, model, at, tokens) == nanos(Decimal(usd))


@pytest.mark.parametrize(
    ("provider", "same_provider", "model"),
    [
        ("Anthropic", "anthropic", "claude-sonnet-4-5"),
        ("anthropic", "anthropic", "Claude-Sonnet-4-5-20250929"),
        ("google-vertex", "google", "gemini-2.5-pro"),
        ("google-vertex", "anthropic", "claude-opus-4-1"),
        ("mistralai", "mistral", "mistral-large-latest"),
        ("xai", "x-ai", "grok-4"),
    ],
)
def test_providers_are_known_by_their_other_names(book: PriceBook, provider: str, same_provider: str, model: str) -> None:
    found = book.resolve(provider, model, SPRING.date())
    assert found is not None
    assert found == book.resolve(same_provider, model, SPRING.date())


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("qwen", "gpt-4o"),  # a provider that is not in the table, though the model is
        ("openai", "no-such-model"),
        ("openai", "whisper-1"),  # billed by the hour of audio, which calls do not report
        ("mistral", "mistral-ocr-2505"),  # billed by the page
        ("\x01", "gpt-4o"),
    ],
)
def test_what_the_table_does_not_price_stays_unknown(book: PriceBook, provider: str, model: str) -> None:
    assert book.resolve(provider, model, SPRING.date()) is None


def token_mix(dice: random.Random) -> Tokens:
    input_count = dice.choice([dice.randrange(1_000), dice.randrange(600_000), 10**9, 200_000, 200_001, 272_001])
    output_count = dice.choice([0, dice.randrange(100_000), 10**9])
    cache_read = dice.choice([0, dice.randrange(input_count + 1)])
    cache_write = dice.choice([0, dice.randrange(input_count - cache_read + 1)])
    reasoning = dice.choice([0, dice.randrange(output_count + 1)])
    return {
        "input": input_count,
        "output": output_count,
        "cache_read": cache_read,
        "cache_write": cache_write,
        "reasoning": reasoning,
    }


def moments(model: ModelInfo, dice: random.Random) -> list[datetime]:
    """Any moment, and the ends of each of the model's conditions."""
    found = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(microseconds=dice.randrange(1_200 * DAY_US))]
    for price in [] if isinstance(model.prices, ModelPrice) else model.prices:
        if isinstance(price.constraint, StartDateConstraint):
            start = datetime.combine(price.constraint.start_date, time(), UTC)
            found += [start, start - timedelta(microseconds=1)]
        elif isinstance(price.constraint, TimeOfDateConstraint):
            ends = (price.constraint.start_time, price.constraint.end_time)
            edges = [datetime.combine(found[0].date(), end).astimezone(UTC) for end in ends]
            found += [edge + timedelta(microseconds=shift) for edge in edges for shift in (-1, 0)]
    return found


def test_every_model_of_the_table_costs_what_genai_prices_says() -> None:
    dice = random.Random(SEED)
    compared_count = unpriced_count = 0
    for model in (model for provider in providers for model in provider.models):
        for at in moments(model, dice):
            tokens = token_mix(dice)
            dated = model.get_prices(at)
            rates = day_rates(model, at.date())
            if rates is None:
                assert vars(dated), model.id
                assert not any(key.endswith("put_mtok") or key == "requests_kcount" for key in vars(dated)), model.id
                unpriced_count += 1
                continue
            ours = cost_of_day(rates, at, tokens)
            theirs = nanos(dated.calc_price(usage(tokens))["total_price"])
            assert ours == theirs, (model.id, at, tokens)
            compared_count += 1
    assert compared_count > 2_000
    assert 0 < unpriced_count < 50


def test_names_lead_to_the_model_that_genai_prices_finds(book: PriceBook) -> None:
    dice = random.Random(SEED)
    compared_count = 0
    named = [(provider.id, model.id) for provider in providers for model in provider.models]
    for provider, model in dice.sample(named, 150):
        tokens = token_mix(dice)
        ours = cost_by_book(book, provider, model, SPRING, tokens)
        if ours is None:
            continue  # no price by token, or an id that its own matching does not know
        compared_count += 1
        calculated = genai_prices.calc_price(usage(tokens), model, provider_id=provider, genai_request_timestamp=SPRING)
        assert ours == nanos(calculated.total_price), (provider, model)
    assert compared_count > 130


def conditional(*conditions: tuple[StartDateConstraint | TimeOfDateConstraint | None, str]) -> ModelInfo:
    priced = [ConditionalPrice(condition, prices=ModelPrice(input_mtok=Decimal(usd))) for condition, usd in conditions]
    return ModelInfo("m", ClauseEquals("m"), prices=priced)


def test_times_of_day_in_other_zones_are_moved_to_utc_and_equal_neighbours_joined() -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    model = conditional(
        (None, "1"),
        (TimeOfDateConstraint(time(3, 30, tzinfo=india), time(7, 30, tzinfo=india)), "2"),  # 22:00 to 02:00 UTC
        (TimeOfDateConstraint(time(12), time(13)), "1"),
    )
    found = day_rates(model, date(2026, 5, 1))
    assert found is not None
    assert found.from_us == (0, 2 * DAY_US // 24, 22 * DAY_US // 24)
    hours = [datetime(2026, 5, 1, hour, tzinfo=UTC) for hour in (1, 12, 23)]
    assert [cost_of_day(found, at, {"input": 1}) for at in hours] == [2_000, 1_000, 2_000]


def test_tiers_of_one_price_do_not_move_those_of_another() -> None:
    found = rates_of(
        ModelPrice(
            input_mtok=TieredPrices(Decimal(1), [Tier(100, Decimal(2)), Tier(300, Decimal(4))]),
            output_mtok=TieredPrices(Decimal(10), [Tier(200, Decimal(20))]),
        )
    )
    assert found is not None
    for input_count in (0, 100, 101, 200, 201, 300, 301):
        input_usd = 1 if input_count <= 100 else 2 if input_count <= 300 else 4
        output_usd = 10 if input_count <= 200 else 20
        cost = cost_of_day(DayRates((0,), (found,)), datetime(2026, 5, 1, tzinfo=UTC), {"input": input_count, "output": 7})
        assert cost == 1_000 * (input_usd * input_count + output_usd * 7)


def test_a_flood_of_names_is_remembered_within_bounds_and_not_by_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices, "NAMES_MAX", 50)
    monkeypatch.setattr(prices, "DAY_RATES_MAX", 5)
    book = PriceBook()
    shared = data_snapshot.get_snapshot()
    remembered_before = len(shared._provider_cache) + len(shared._provider_misses)
    assert book.resolve("openai", "gpt-4o", SPRING.date()) is not None
    for number in range(200):
        assert book.resolve("nowhere", f"made-up-{number}", SPRING.date()) is None
        assert book.resolve("openai", "gpt-4o", SPRING.date()) is not None
    for number in range(20):
        assert book.resolve("openai", "gpt-4o", SPRING.date() - timedelta(days=number)) is not None
    assert book._model.cache_info().currsize == 50
    assert book._day_rates.cache_info().currsize == 5
    assert len(shared._provider_cache) + len(shared._provider_misses) == remembered_before
    assert (NAMES_MAX, DAY_RATES_MAX) == (16_384, 4_096)


def test_an_answer_is_looked_up_once_whether_it_is_a_price_or_none() -> None:
    book = PriceBook()
    for provider in ("openai", "nowhere"):
        for _ in range(3):
            book.resolve(provider, "gpt-4o", SPRING.date())
    assert book._model.cache_info().misses == 2
    assert book._day_rates.cache_info().misses == 1


def test_the_version_names_the_package_and_its_number() -> None:
    assert PriceBook.version == f"genai-prices {genai_prices.__version__}" == "genai-prices 0.2.3"
