"""Candidates whose truth is known, and how well rankings tell it."""

from collections.abc import Iterator

import numpy as np

from bench.figures import Figure, Report
from services.analyzer.domain.arrays import Bools, Floats, Ints
from services.analyzer.domain.ranking.answer import Ranking
from services.analyzer.domain.ranking.evidence import Candidate, Evidence, Sum
from services.analyzer.domain.ranking.hierarchy import Prior, posterior
from services.analyzer.domain.ranking.measures import TRAITS, RankedMetric, natural
from services.analyzer.domain.ranking.model import prepare
from services.analyzer.domain.ranking.question import PRESETS, SUCCESS, Objective, Question
from services.analyzer.domain.ranking.rank import rank

ARMS = 25
LEAST, MOST = 0.45, 0.75
EVEN = np.linspace(LEAST, MOST, ARMS)
TASK = "task"
BY_SUCCESS = Objective({SUCCESS: 1.0})
CALLS = (20, 100, 1_000)


def arms(count: int) -> tuple[Candidate, ...]:
    """So many candidates, each of a provider of its own."""
    return tuple(Candidate(f"provider-{number:02d}", "model") for number in range(count))


def evidence_of(
    sums: dict[Sum, Floats], task_types: tuple[str, ...] = (TASK,), candidates: tuple[Candidate, ...] | None = None
) -> Evidence:
    """Evidence with these sums, each of shape (candidates, task types); the others are 0."""
    shape = next(iter(sums.values())).shape
    table = np.zeros((len(Sum), *shape))
    for each, values in sums.items():
        table[each] = values
    return Evidence(candidates or arms(shape[0]), task_types, table, np.ones(shape), np.zeros(shape), 0.0, {})


def truths(name: str, chance: np.random.Generator, repeats: int) -> Floats:
    """Success ratios of candidates, shape (repeats, arms)."""
    if name == "even":
        return np.tile(EVEN, (repeats, 1))
    if name == "beta":
        return chance.beta(18, 2, (repeats, ARMS))
    drawn: Floats = np.clip(chance.normal(0.6, 0.09, (repeats, ARMS)), 0.05, 0.99)
    return drawn


def single_measure(report: Report, repeats: int) -> None:
    """90 % intervals of a success ratio, and those of the candidate that comes out first."""
    for name in ("even", "normal", "beta"):
        for calls in CALLS:
            chance = np.random.default_rng((1, calls))
            truth = truths(name, chance, repeats)
            is_covered, first = _covered(truth, chance.binomial(calls, truth), calls)
            ratio, of_first = is_covered.mean(), is_covered[np.arange(repeats), first].mean()
            band(report, f"{name}, {calls} calls", float(ratio), 0.88, 0.92)
            band(report, f"{name}, {calls} calls, first", float(of_first), 0.85, 0.95)


def _covered(truth: Floats, succeeded: Ints, calls: int) -> tuple[Bools, Ints]:
    value = np.arcsin(np.sqrt((succeeded + 0.25) / (calls + 0.5)))
    repeats = len(truth)
    nothing = np.zeros(repeats)
    prior = Prior(
        np.zeros_like(truth), np.zeros_like(truth), np.full(repeats, TRAITS[RankedMetric.SUCCESS].typical_spread), nothing, nothing
    )
    known = posterior(value, np.full(truth.shape, 4.0 * calls), prior)
    low, high = (natural(RankedMetric.SUCCESS, known.quantile(ratio)) for ratio in (0.05, 0.95))
    return (low <= truth) & (truth <= high), known.expected().argmax(1)


def band(report: Report, name: str, ratio: float, least: float, most: float) -> None:
    """A ratio that should be neither below nor above, told once for each."""
    report(Figure("ranking", f"covered: {name}", ratio, "", least, "higher"))
    report(Figure("ranking", f"covered at most: {name}", ratio, "", most, "lower"))


def rankings_of(succeeded: Ints, calls: int) -> Iterator[Ranking]:
    """Rankings by success, of each row."""
    question = Question(TASK, BY_SUCCESS)
    for row in succeeded:
        yield rank(prepare(evidence_of({Sum.CALLS: np.full((ARMS, 1), float(calls)), Sum.SUCCEEDED: row[:, None].astype(float)})), question)


def whole_rankings(report: Report, repeats: int) -> None:
    """25 arms spread evenly, 100 calls each: how much worse the first is than the best, and whether rank intervals hold the true ranks."""
    calls, chance = 100, np.random.default_rng(2)
    is_held, width, lost = np.zeros((repeats, ARMS)), [], []
    place = {each: number for number, each in enumerate(arms(ARMS))}
    for repeat, ranking in enumerate(rankings_of(chance.binomial(calls, EVEN, (repeats, ARMS)), calls)):
        lost.append(MOST - EVEN[place[ranking.candidates[0].candidate]])
        for each in ranking.candidates:
            number = place[each.candidate]
            is_held[repeat, number] = each.rank_low <= ARMS - number <= each.rank_high
            width.append(each.rank_high - each.rank_low + 1)
    report(Figure("ranking", "rank interval holds the rank, least of arms", float(is_held.mean(0).min()), "", 0.95, "higher"))
    report(Figure("ranking", "rank interval holds the rank, mean", float(is_held.mean()), "", None, "higher"))
    report(Figure("ranking", "rank interval, mean width", float(np.mean(width)), "of 25", 15, "lower"))
    report(Figure("ranking", "first below best, own tasks", float(np.mean(lost)), "", 0.025, "lower"))
    paired = np.array([_same_tasks(chance, calls) for _ in range(repeats)])
    lost = [MOST - EVEN[place[ranking.candidates[0].candidate]] for ranking in rankings_of(paired, calls)]
    report(Figure("ranking", "first below best, same tasks", float(np.mean(lost)), "", 0.018, "lower"))


def _same_tasks(chance: np.random.Generator, calls: int) -> Ints:
    """Successes of arms that served the same tasks: a task is as hard for any two arms that look at it alike, half of the pairs."""
    hardness = np.where(chance.random((calls, ARMS)) < np.sqrt(0.5), chance.random((calls, 1)), chance.random((calls, ARMS)))
    result: Ints = (hardness < EVEN).sum(0)
    return result


def fleets(report: Report, repeats: int) -> None:
    """Fleets of 40 models of 8 providers on 12 kinds of task, many cells with little evidence or none, ranked by four measures."""
    chance = np.random.default_rng(3)
    is_covered: list[bool] = []
    of_first: list[bool] = []
    of_new: list[bool] = []
    for _ in range(repeats):
        evidence, score = sized_fleet(chance, models=40, tasks=12)
        prepared = prepare(evidence)
        for task, name in enumerate(evidence.task_types):
            ranking = rank(prepared, Question(name, PRESETS["balanced"], candidates=evidence.candidates))
            held = []
            for each in ranking.candidates:
                truth = score[evidence.candidates.index(each.candidate), task]
                held.append(bool(each.score_low <= truth <= each.score_high))
                if not each.call_count:
                    of_new.append(held[-1])
            is_covered += held
            of_first.append(held[0])
    band(report, f"score in a fleet ({len(is_covered)})", float(np.mean(is_covered)), 0.88, 0.92)
    band(report, f"score of the first ({len(of_first)})", float(np.mean(of_first)), 0.85, 0.95)
    band(report, f"score of who is new ({len(of_new)})", float(np.mean(of_new)), 0.85, 0.95)


def sized_fleet(chance: np.random.Generator, models: int, tasks: int) -> tuple[Evidence, Floats]:
    """Evidence of a fleet of 8 providers, and the true balanced score of each cell, shape (models, tasks)."""
    providers = 8
    shape = (models, tasks)
    calls = chance.choice([0, 5, 20, 100, 400], shape).astype(np.int64)

    def cells(of_provider: float, of_model: float, of_cell: float, of_task: float) -> Floats:
        provider = chance.normal(0, of_provider, (providers, 1))[np.arange(models) % providers]
        result: Floats = (
            provider + chance.normal(0, of_model, (models, 1)) + chance.normal(0, of_cell, shape) + chance.normal(0, of_task, tasks)
        )
        return result

    success = np.sin(np.clip(1.2 + cells(0.05, 0.1, 0.08, 0.1), 0.1, 1.55)) ** 2
    quality = 0.75 + cells(0.02, 0.05, 0.05, 0.05)
    latency = 1.0 + cells(0.3, 0.6, 0.3, 0.4)
    cost = -5.0 + cells(0.5, 1.2, 0.3, 0.5)
    scored = chance.binomial(calls, 0.3)
    answers = np.maximum(calls, 1)
    seen_quality = quality + chance.normal(size=shape) * 0.2 / np.sqrt(np.maximum(scored, 1))
    seen_latency = latency + chance.normal(size=shape) * 0.55 / np.sqrt(answers)
    accepted = chance.binomial(calls, success)
    # Sums of log-normal costs are drawn as gamma sums with the same mean and variation.
    variation = 0.6
    total = np.where(calls > 0, chance.gamma(answers / variation**2, variation**2) * np.exp(cost) * success, 0.0)
    sums = {
        Sum.CALLS: calls, Sum.SUCCEEDED: chance.binomial(calls, success),
        Sum.QUALITY_COUNT: scored, Sum.QUALITY: scored * seen_quality,
        Sum.QUALITY_SQUARE: scored * seen_quality**2 + 0.04 * np.maximum(scored - 1, 0),
        Sum.LATENCY_COUNT: calls, Sum.LATENCY_LOG: calls * seen_latency,
        Sum.LATENCY_LOG_SQUARE: calls * seen_latency**2 + 0.55**2 * np.maximum(calls - 1, 0),
        Sum.TASKS: calls, Sum.ACCEPTED_TASKS: accepted,
        Sum.TASK_COST_USD: total, Sum.TASK_COST_SQUARE: total**2 / answers * (1 + variation**2),
    }  # fmt: skip
    candidates = tuple(Candidate(f"provider-{number % providers}", f"model-{number:02d}") for number in range(models))
    evidence = evidence_of(
        {each: values.astype(float) for each, values in sums.items()}, tuple(f"task-{number:02d}" for number in range(tasks)), candidates
    )
    weights = PRESETS["balanced"]
    worth = 0.25 * success + 0.4 * quality - 0.15 * (latency - np.log(100)) / (3 * np.log(10)) - 0.2 * cost / (4 * np.log(10))
    assert abs(sum(weights.weights.values()) - 1) < 1e-9  # noqa: S101 - the formula above has them
    return evidence, worth
