"""Rankings learnt from the first half of real calls, held against the second."""

import gzip
import json
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.figures import Figure, Report
from services.analyzer.domain.ranking.evidence import Candidate, Evidence, Sum
from services.analyzer.domain.ranking.model import Prepared, prepare
from services.analyzer.domain.ranking.question import PRESETS, Question
from services.analyzer.domain.ranking.rank import rank

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CALLS, EVIDENCE = DATA / "llm_calls.jsonl.gz", DATA / "llm_evidence.jsonl.gz"
# Resamples of the kinds of task, for the intervals.
_RESAMPLES = 2_000


class Call(NamedTuple):
    """What is taken of a call; quality is None where nobody judged the answer."""

    candidate: Candidate
    task_type: str
    is_succeeded: bool
    latency_s: float
    quality: float | None


Rule = Callable[[list[Call], set[Candidate], str], Candidate]


def history(report: Report) -> None:
    """Mean quality in the second half of each kind's calls: of the first-ranked model, and beside it that of two usual rules.

    Every rule chooses among the models that have judged calls in the second half: of others nothing can be said.
    """
    if not CALLS.exists():
        print("the back-test on real calls is skipped: there are none beside the project", file=sys.stderr)
        return
    halves = {task_type: (calls[: len(calls) // 2], calls[len(calls) // 2 :]) for task_type, calls in _calls().items()}
    prepared = prepare(_evidence({task_type: first for task_type, (first, _) in halves.items()}))
    rules: dict[str, Rule] = {"ranking": _ranked(prepared), "most used": _most_used, "lowest mean latency": _fastest}
    found = np.array([_qualities(task_type, *half, list(rules.values())) for task_type, half in halves.items() if _served(half[1])])
    drawn = np.random.default_rng(1).integers(0, len(found), (_RESAMPLES, len(found)))
    report(
        Figure("ranking", f"real calls: quality of the first-ranked ({len(found)} kinds)", float(found[:, 0].mean()), "", None, "higher")
    )
    for place, name in list(enumerate(rules))[1:]:
        gain = found[:, 0] - found[:, place]
        low = float(np.quantile(gain[drawn].mean(1), 0.05))
        report(Figure("ranking", f"real calls: quality above the {name}'s", float(gain.mean()), "", 0.0, "higher"))
        report(Figure("ranking", f"real calls: above the {name}'s, low of 90 %", low, "", None, "higher"))


def _calls() -> dict[str, list[Call]]:
    scores = defaultdict(list)
    with gzip.open(EVIDENCE, "rt") as file:
        for line in file:
            each = json.loads(line)
            scores[each["call_id"]].append(each["evaluation"]["score_ratio"])
    calls = defaultdict(list)
    with gzip.open(CALLS, "rt") as file:
        for line in file:
            each = json.loads(line)
            quality = float(np.mean(scores[each["call_id"]])) if each["call_id"] in scores else None
            is_succeeded = each["outcome"] == "CALL_OUTCOME_SUCCEEDED"
            candidate = Candidate(each["provider"], each["model"])
            calls[each["task_type"]].append(Call(candidate, each["task_type"], is_succeeded, float(each["latency"][:-1]), quality))
    return calls


def _evidence(calls: dict[str, list[Call]]) -> Evidence:
    candidates = sorted({call.candidate for each in calls.values() for call in each})
    task_types = sorted(calls)
    sums = np.zeros((len(Sum), len(candidates), len(task_types)))
    for call in (call for each in calls.values() for call in each):
        cell = sums[:, candidates.index(call.candidate), task_types.index(call.task_type)]
        cell[[Sum.CALLS, Sum.SUCCEEDED]] += 1.0, call.is_succeeded
        if call.quality is not None:
            cell[[Sum.QUALITY_COUNT, Sum.QUALITY, Sum.QUALITY_SQUARE]] += 1.0, call.quality, call.quality**2
    shape = sums.shape[1:]
    return Evidence(tuple(candidates), tuple(task_types), sums, np.ones(shape), np.zeros(shape), 0.0, {})


def _served(calls: list[Call]) -> set[Candidate]:
    return {call.candidate for call in calls if call.quality is not None}


def _qualities(task_type: str, first: list[Call], second: list[Call], rules: list[Rule]) -> list[float]:
    served = _served(second)
    chosen = [rule(first, served, task_type) for rule in rules]
    return [float(np.mean([call.quality for call in second if call.candidate == each and call.quality is not None])) for each in chosen]


def _ranked(prepared: Prepared) -> Rule:
    def first_ranked(_calls: list[Call], served: set[Candidate], task_type: str) -> Candidate:
        return rank(prepared, Question(task_type, PRESETS["quality"], candidates=tuple(sorted(served)))).candidates[0].candidate

    return first_ranked


def _most_used(calls: list[Call], served: set[Candidate], _task_type: str) -> Candidate:
    return max(sorted(served), key=lambda candidate: sum(call.candidate == candidate for call in calls))


def _fastest(calls: list[Call], served: set[Candidate], _task_type: str) -> Candidate:
    def mean_latency_s(candidate: Candidate) -> float:
        own = [call.latency_s for call in calls if call.candidate == candidate and call.is_succeeded]
        return float(np.mean(own)) if own else float("inf")

    return min(sorted(served), key=mean_latency_s)
