"""Simulated histories of a project, six weeks by day, whose truth is known: what reports should find in them, and what not."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from services.reporter.domain.arrays import Floats
from services.reporter.domain.period_data import DayTotal, PeriodData, SeriesKey, Sum, Table

WEEKS, DAYS = 6, 7
START: Final = datetime(2026, 11, 16, tzinfo=UTC)
DAY_S: Final = 86_400
PROVIDERS: Final = ("alder", "birch", "cedar")
TASKS: Final = ("code_review", "extraction", "planning", "summary", "support")
MODELS_PER_PROVIDER = 2
# Tokens of a call vary by this much of their mean; scores and logarithms of latency likewise.
_TOKEN_VARIATION, _SCORE_SPREAD, _LATENCY_SPREAD = 0.8, 0.18, 0.6
# Days differ by more than calls do: in volume, tokens, success and latency.
_DAY_VOLUME, _DAY_TOKENS, _DAY_SUCCESS, _DAY_LATENCY = 0.10, 0.03, 0.006, 0.04
_WEEKDAYS: Final = np.array([1.1, 1.15, 1.1, 1.1, 1.0, 0.4, 0.35])
_SCORED_RATIO, _CALLS_PER_TASK = 0.4, 1.25


@dataclass
class World:
    """Means by series, shape (series,), or by series and week, (series, weeks), where something may be planted; prices by class.

    `seed`: of the history that `history` draws; the same world draws the same noise, whatever is planted.
    """

    seed: int
    keys: list[SeriesKey]
    volume: Floats  # calls a day, (series, weeks)
    input_tokens: Floats  # (series, weeks)
    output_tokens: Floats
    cached_ratio: Floats  # (series, weeks)
    price: Floats  # US dollars a fresh input token, (series, weeks)
    cache_price_ratio: Floats  # (series,)
    success: Floats
    accepted: Floats
    quality: Floats
    latency_s: Floats
    truth: dict[str, float] = field(default_factory=dict)

    def cost_per_call(self, week: int = -1) -> Floats:
        """The true mean cost of a call, US dollars, shape (series,)."""
        cached = self.cached_ratio[:, week]
        share = 1 - cached + cached * self.cache_price_ratio
        result: Floats = self.price[:, week] * (self.input_tokens[:, week] * share + 5.0 * self.output_tokens[:, week])
        return result

    def copy(self) -> World:
        """Another with its own arrays."""
        arrays = {name: value.copy() for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, keys=list(self.keys), truth=dict(self.truth), **arrays)  # type: ignore[arg-type]


def quiet_world(seed: int, effect_spread: float = 0.0) -> World:
    """Nothing to find: models trade cost against quality, success and speed, and no week is unlike another.

    `effect_spread`: instead, models differ in cost by a normal logarithm with that spread and in nothing else, so that all moves are
    between a little worse and a little better, and picking the best of them is picking luck.
    """
    chance = np.random.default_rng((seed, 1))
    models = [(provider, f"{provider}-{size}") for provider in PROVIDERS for size in ("large", "small")[:MODELS_PER_PROVIDER]]
    tier = chance.permutation(len(models)) / (len(models) - 1)
    keys, rows = [], []
    for task in TASKS:
        level = chance.normal(0, 0.5)
        tokens = np.exp(chance.normal(7.5, 0.5)), np.exp(chance.normal(5.5, 0.5))
        chosen = chance.choice(len(models), 4, replace=False)
        offset = dict(zip(chosen.tolist(), chance.normal(0, effect_spread, len(chosen)).tolist(), strict=True))
        for prompt in ("main", "follow-up"):
            factor = np.exp(chance.normal(0, 0.3))
            for place in chosen.tolist():
                keys.append(SeriesKey(models[place][0], models[place][1], task, f"{task}-{prompt}", "v1"))
                height = 0.5 if effect_spread else tier[place]
                rows.append(
                    {
                        "volume": np.exp(chance.normal(4.6, 0.5)),
                        "input_tokens": tokens[0] * factor,
                        "output_tokens": tokens[1] * factor,
                        "cached_ratio": 0.7 if prompt == "main" else 0.5,
                        "price": 3e-6 * np.exp(1.8 * (height - 0.5) + offset[place]),
                        "cache_price_ratio": 0.1,
                        "success": 0.90 + 0.08 * height,
                        "accepted": 0.70 + 0.2 * height,
                        "quality": 0.65 + 0.25 * height,
                        "latency_s": np.exp(1.0 + 0.3 * level + 0.4 * height),
                    }
                )
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    by_week = ("volume", "input_tokens", "output_tokens", "cached_ratio", "price")
    wide = {name: np.repeat(value[:, None], WEEKS, axis=1) if name in by_week else value for name, value in columns.items()}
    return World(seed, keys, **wide)  # type: ignore[arg-type]


def history(world: World, budget_usd: float | None = None) -> PeriodData:
    """A draw of the six weeks, the last of which is the period; noise is the world's own."""
    chance = np.random.default_rng((world.seed, 2))
    count = len(world.keys)
    shape = (count, WEEKS, DAYS)

    def normal(spread: float) -> Floats:
        return chance.normal(0, spread, shape)

    season = np.tile(_WEEKDAYS, (WEEKS, 1))
    calls = chance.poisson(world.volume[:, :, None] * season * np.exp(normal(_DAY_VOLUME))).astype(float)
    spread = 1 / np.sqrt(np.maximum(calls, 1))
    sums = np.zeros((len(Sum), *shape))
    sums[Sum.CALLS] = calls
    for which, mean in ((Sum.INPUT_TOKENS, world.input_tokens), (Sum.OUTPUT_TOKENS, world.output_tokens)):
        each = mean[:, :, None] * np.exp(normal(_DAY_TOKENS)) * np.maximum(1 + _TOKEN_VARIATION * spread * normal(1.0), 0.1)
        sums[which] = np.round(calls * each)
    ratio = np.clip(world.cached_ratio[:, :, None] + normal(0.03), 0.0, 0.95) * (world.cached_ratio[:, :, None] > 0)
    sums[Sum.CACHE_READ_TOKENS] = np.round(sums[Sum.INPUT_TOKENS] * ratio)
    read = sums[Sum.CACHE_READ_TOKENS]
    billed = sums[Sum.INPUT_TOKENS] - read + world.cache_price_ratio[:, None, None] * read + 5.0 * sums[Sum.OUTPUT_TOKENS]
    sums[Sum.COST_USD] = world.price[:, :, None] * billed
    success = np.clip(world.success[:, None, None] + normal(_DAY_SUCCESS), 0.0, 1.0)
    succeeded = chance.binomial(calls.astype(int), success).astype(float)
    sums[Sum.SUCCEEDED], sums[Sum.FAILED] = succeeded, calls - succeeded
    level = (
        np.log(world.latency_s)[:, None, None] + normal(_DAY_LATENCY) + _LATENCY_SPREAD * normal(1.0) / np.sqrt(np.maximum(succeeded, 1))
    )
    sums[Sum.LATENCY_LOG] = succeeded * level
    sums[Sum.LATENCY_LOG_SQUARE] = succeeded * (level**2 + _LATENCY_SPREAD**2)
    sums[Sum.LATENCY_S] = succeeded * np.exp(level + _LATENCY_SPREAD**2 / 2)
    scored = chance.binomial(succeeded.astype(int), _SCORED_RATIO).astype(float)
    sums[Sum.QUALITY_COUNT] = scored
    sums[Sum.QUALITY] = scored * (world.quality[:, None, None] + _SCORE_SPREAD * normal(1.0) / np.sqrt(np.maximum(scored, 1)))
    tasks = np.round(calls / _CALLS_PER_TASK)
    sums[Sum.TASKS] = tasks
    sums[Sum.ACCEPTED_TASKS] = chance.binomial(tasks.astype(int), np.clip(world.accepted, 0, 1)[:, None, None])
    sums[Sum.REVISIONS] = chance.poisson(tasks * 0.3)
    return _data(world, sums, budget_usd)


def _data(world: World, sums: Floats, budget_usd: float | None) -> PeriodData:
    start = START + timedelta(days=0)
    first = start - timedelta(weeks=WEEKS - 1)

    def table(weeks: slice) -> Table:
        chosen = sums[:, :, weeks]
        days = [first.timestamp() + DAY_S * (7 * week + day) for week in range(WEEKS)[weeks] for day in range(DAYS)]
        count = len(world.keys)
        flat = chosen.reshape(len(Sum), -1)
        series = np.repeat(np.arange(count), len(days))
        made = Table(tuple(world.keys), series, np.tile(np.array(days, np.int64), count), flat)
        return made.where(flat[Sum.CALLS] > 0)

    spend = sums[Sum.COST_USD].sum(0).ravel()
    calls = sums[Sum.CALLS].sum(0).ravel()
    days = tuple(
        DayTotal((first + timedelta(days=number)).date(), float(spend[number]), int(calls[number]), 0) for number in range(len(spend))
    )
    end = start + timedelta(days=7)
    return PeriodData(
        project="demo",
        zone="UTC",
        start=start,
        end=end,
        made_at=end + timedelta(hours=6),
        step_s=DAY_S,
        period=table(slice(WEEKS - 1, WEEKS)),
        previous=table(slice(WEEKS - 2, WEEKS - 1)),
        baseline=table(slice(0, WEEKS - 2)),
        baseline_period_count=WEEKS - 2,
        days=days,
        budget_usd=budget_usd,
        first_call_at=first,
        data_until=end,
    )
