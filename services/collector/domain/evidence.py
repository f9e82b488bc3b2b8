"""What the collector itself makes of evidence: the score of an answer as the mean of its evaluators, and whether a result was accepted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence. Exactly one of `call_id` and `task_id` is not empty.

    `score_nanos` (0..10⁹) is there for evaluations, `accepted` for feedback that says it. `payload` is the evidence as it was sent.
    """

    project_id: int
    message: int
    evidence_id: str
    call_id: str
    task_id: str
    observe_us: int
    receive_date: date
    evaluator: str | None
    score_nanos: int | None
    accepted: bool | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A score that an evaluator gave, and when."""

    subject: str
    evaluator: str
    observe_us: int
    evidence_id: str
    score_nanos: int


@dataclass(frozen=True, slots=True)
class ToldScore:
    """A score in billionths that the analyzer tells; the greater version is the newer."""

    version: int
    score_nanos: int


@dataclass(frozen=True, slots=True)
class SubjectScores:
    """Scores of calls and of tasks by their ids, of one project."""

    calls: Mapping[str, ToldScore]
    tasks: Mapping[str, ToldScore]


def newest_scores(told: Iterable[tuple[str, ToldScore]]) -> dict[str, ToldScore]:
    """Of each id the score with the greatest version."""
    newest: dict[str, ToldScore] = {}
    for name, score in told:
        if name not in newest or newest[name].version < score.version:
            newest[name] = score
    return newest


def mean_scores(evaluations: Iterable[Evaluation]) -> dict[str, int]:
    """The score of each subject in billionths: the newest of each evaluator, averaged and rounded half to even.

    Of two that were observed at the same time the greater evidence id counts, so that the order of arrival does not matter.
    """
    newest: dict[tuple[str, str], Evaluation] = {}
    for evaluation in evaluations:
        key = (evaluation.subject, evaluation.evaluator)
        known = newest.get(key)
        if known is None or (known.observe_us, known.evidence_id) < (evaluation.observe_us, evaluation.evidence_id):
            newest[key] = evaluation
    scores: dict[str, list[int]] = {}
    for (subject, _), evaluation in newest.items():
        scores.setdefault(subject, []).append(evaluation.score_nanos)
    return {subject: _rounded_mean(values) for subject, values in scores.items()}


def _rounded_mean(values: list[int]) -> int:
    whole, rest = divmod(sum(values), len(values))
    twice = 2 * rest
    return whole + (twice > len(values) or (twice == len(values) and whole % 2 == 1))


def first_of_each(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces without those that repeat the id of an earlier one of their project."""
    first: dict[tuple[int, str], Piece] = {}
    for piece in pieces:
        first.setdefault((piece.project_id, piece.evidence_id), piece)
    return list(first.values())
