"""Scores as the analyzer tells them on the bus."""

from collections.abc import Iterable

from assay.events.v1.scores_pb2 import ScoresChanged, SubjectScore
from google.protobuf.message import DecodeError

from services.collector.domain.evidence import SubjectScores, ToldScore, newest_scores
from services.collector.domain.measures import QUALITY_NANOS

# Beyond the year 200,000 in microseconds: what PostgreSQL holds.
_VERSION_MAX = 2**63 - 1


def scores_of(payloads: Iterable[bytes]) -> SubjectScores:
    """The newest scores that messages of one project tell. Raises ValueError for a message that is none."""
    told: list[SubjectScore] = []
    for payload in payloads:
        try:
            told += ScoresChanged.FromString(payload).scores
        except DecodeError as error:
            raise ValueError(str(error)) from error
    if not all(_is_sound(score) for score in told):
        raise ValueError("a score is 0 to 1, has a subject, and its version is more than 0")
    return SubjectScores(
        calls=newest_scores((score.call_id, _told(score)) for score in told if score.call_id),
        tasks=newest_scores((score.task_id, _told(score)) for score in told if score.task_id),
    )


def _is_sound(score: SubjectScore) -> bool:
    return bool(score.call_id or score.task_id) and 0 <= score.score_nanos <= QUALITY_NANOS and 0 < score.version <= _VERSION_MAX


def _told(score: SubjectScore) -> ToldScore:
    return ToldScore(score.version, score.score_nanos)
