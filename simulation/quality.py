"""How good the answers are, and the evidence of it that comes in."""

from dataclasses import dataclass

import numpy as np

from simulation import parameters
from simulation.answers import pair_effects
from simulation.arrays import Array, Bools, Floats, Ints, Texts
from simulation.calls import Asked, Evidence, EvidenceKind
from simulation.fleet import Fleet
from simulation.randomness import ids

# Chosen: when evidence is there, after the call or task is over. Judges are quick, programs take a minute, people their time.
_JUDGE_S = (1.0, 30.0)
_CHECK_S = (5.0, 60.0)
_FEEDBACK_MEAN_S = 600.0
_FEEDBACK_MAX_S = 3_600.0
_REVISION_S = (0.1, 0.2)
# Whether a result is kept rises with its score: by half at this one, and from a quarter to three quarters over twice this.
_KEPT_AT_SCORE = 0.45
_KEPT_OVER = 0.12
_TESTS_MAX = 40
_LINES = (40.0, 400.0)
_WARNINGS_MAX = 12.0
_ERRORS_MAX = 4.0

TASK_DRAWS = 8
TASK_IDS = 5
_NUMBERS = 3


def scores(fleet: Fleet, seed: int, asked: Asked, z: Floats, loss: Floats) -> Floats:
    """The true score of each answer, 0..1; `loss` is what incidents take from it before it is cut."""
    of_task = np.array([each.quality for each in fleet.task_types])[asked.task_type]
    of_model = np.array([each.quality_delta for each in fleet.models])[asked.model]
    of_version = np.array([each.quality_delta for _, each in fleet.versions])[asked.version]
    of_pair = pair_effects(fleet, seed).quality[asked.model, asked.task_type]
    latent = of_task + of_model + of_version + of_pair + parameters.SCORE_CUT_SHIFT + parameters.LATENT_CELL_SD * z - loss
    score: Floats = np.clip(np.round(latent, 3), 0, 1)
    return score


@dataclass(frozen=True)
class Judged:
    """What evidence is about: calls or tasks by their id, when the answer was there, and its true score."""

    subject_id: Texts
    end_us: Ints
    score: Floats


def evaluations(answers: Judged, chance: Floats, bits: Ints) -> Evidence:
    """The scores that are given to the answers of calls, from uniform draws of shape (2, calls) and 48 random bits a call."""
    is_scored_by, delay = chance
    is_judged = is_scored_by < parameters.SCORED_RATIO * parameters.JUDGE_RATIO
    kind = np.where(is_judged, EvidenceKind.JUDGED, EvidenceKind.VERIFIED).astype(np.int8)
    return _evidence(answers, kind, between(_JUDGE_S, delay), bits, answers.score).take(is_scored_by < parameters.SCORED_RATIO)


def task_evidence(results: Judged, revision_count: Ints, writes_code: Bools, chance: Floats, bits: Ints) -> list[Evidence]:
    """What becomes known of the results of tasks, from uniform draws of shape (TASK_DRAWS, tasks) and bits of shape (TASK_IDS, tasks)."""
    has_feedback, kept, after, checked, amount, spread, tested, delay = chance
    score = results.score

    def evidence(kind: EvidenceKind, delay_s: Floats, *numbers: Floats) -> Evidence:
        return _evidence(results, np.full(len(score), kind, np.int8), delay_s, bits[kind - EvidenceKind.FEEDBACK], *numbers)

    is_kept = kept < 1 / (1 + np.exp((_KEPT_AT_SCORE - score) / _KEPT_OVER))
    feedback_s = np.minimum(-_FEEDBACK_MEAN_S * np.log1p(-after), _FEEDBACK_MAX_S)
    check_s = between(_CHECK_S, delay)
    test_count = np.ceil(amount * _TESTS_MAX)
    passed = np.rint(test_count * np.minimum(score + 0.2 * (1 - score) * tested, 1))
    lines = np.rint(between(_LINES, spread))
    errors, warnings = np.rint(_ERRORS_MAX * (1 - score) * tested), np.rint(_WARNINGS_MAX * (1 - score) * spread)
    is_told, is_checked = has_feedback < parameters.FEEDBACK_RATIO, (checked < parameters.CHECKED_RATIO) & writes_code
    return [
        evidence(EvidenceKind.FEEDBACK, feedback_s, np.round(4 * score) / 4, is_kept.astype(float)).take(is_told),
        evidence(EvidenceKind.TESTS, check_s, passed, test_count - passed).take(is_checked),
        evidence(EvidenceKind.COVERAGE, check_s, np.round(0.4 + 0.6 * score * spread, 3)).take(is_checked),
        evidence(EvidenceKind.STATIC_ANALYSIS, check_s, errors, warnings, lines).take(is_checked),
        evidence(EvidenceKind.REVISION, between(_REVISION_S, delay), revision_count.astype(float)).take(revision_count > 0),
    ]


def _evidence(about: Judged, kind: Array, delay_s: Floats, bits: Ints, *numbers: Floats) -> Evidence:
    observe_us = about.end_us + (delay_s * 1e6).astype(np.int64)
    numbers += (np.zeros(len(kind)),) * (_NUMBERS - len(numbers))
    return Evidence(ids(observe_us, bits), about.subject_id, observe_us, kind, *numbers)


def between(limits: tuple[float, float], chance: Floats) -> Floats:
    """Spreads uniform draws evenly from the one limit to the other."""
    least, most = limits
    return least + (most - least) * chance
