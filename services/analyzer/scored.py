"""The score of a subject, from what was read of its evidence: no clock, no I/O."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.analyzer.domain.quality.current import Observed, current_readings
from services.analyzer.domain.quality.reading import READER_VERSION, Component
from services.analyzer.domain.quality.score import Missing, score
from services.analyzer.domain.quality.weights import Weights
from services.analyzer.store.quality_records import SUBJECT_PIECES_MAX, Location, ReadPiece, Subject, SubjectState

# Where a call or a task is not known yet: between two looks, doubled each time.
LOCATE_FIRST_US = 1_000_000
LOCATE_MAX_US = 3_600_000_000
_DOUBLINGS_MAX = 12


def scored(  # noqa: PLR0917 - each is another thing, and none has a default
    subject: Subject, pieces: Sequence[ReadPiece], before: SubjectState | None, location: Location | None, weights: Weights, now_us: int
) -> SubjectState:
    """The subject's score, whose version is later than the one before if anything is different.

    The collector makes the mean of evaluations itself: it is told of scores that anything else has a part in, or that it was told before.
    """
    readings = current_readings([Observed(piece.observe_us, piece.readings) for piece in _current_evaluations(pieces)])
    made = score(readings, weights, location.key.task_type if location else "")
    was_told = before is not None and before.location is not None and _is_for_collector(before)
    state = SubjectState(
        subject=subject,
        version=max(before.version + 1 if before else 1, now_us),
        location=location,
        score=made,
        missing=tuple(Missing(each.component, each.source, each.missing_reason) for each in readings if each.missing_reason),
        evidence_count=len(pieces),
        evidence_counts=dict(Counter(reading.component for piece in pieces for reading in piece.readings)),
        weights_version=weights.version,
        reader_version=made.reader_version if made else READER_VERSION,
        score_us=now_us,
        is_told=True,
        locate_us=None if location else now_us + LOCATE_FIRST_US,
    )
    if location is not None and made is not None and (was_told or _is_for_collector(state)):
        state = replace(state, is_told=False)
    if before is not None and replace(state, version=before.version, score_us=before.score_us, is_told=before.is_told) == before:
        return before
    return state


def merged(kept: Mapping[Subject, Sequence[ReadPiece]], new: Sequence[ReadPiece]) -> dict[Subject, list[ReadPiece]]:
    """The pieces of each subject in the order of observation, new ones in place of those of the same id; of each subject the newest."""
    by_id = {piece.evidence_id: piece for pieces in kept.values() for piece in pieces} | {piece.evidence_id: piece for piece in new}
    of_subject: dict[Subject, list[ReadPiece]] = {}
    for piece in sorted(by_id.values(), key=lambda piece: (piece.observe_us, piece.evidence_id)):
        of_subject.setdefault(piece.subject, []).append(piece)
    return {subject: pieces[-SUBJECT_PIECES_MAX:] for subject, pieces in of_subject.items()}


def next_look_us(state: SubjectState, now_us: int) -> int:
    """When to look again for a call or a task that is still not known."""
    return now_us + min(LOCATE_FIRST_US << min(state.locate_count + 1, _DOUBLINGS_MAX), LOCATE_MAX_US)


def _is_for_collector(state: SubjectState) -> bool:
    return state.score is not None and any(part.component is not Component.EVALUATION for part in state.score.components)


def _current_evaluations(pieces: Sequence[ReadPiece]) -> list[ReadPiece]:
    """The pieces in their order, without evaluations of which there is a later one of the same evaluator: as the collector has them."""
    last: dict[str, int] = {}
    for place, piece in enumerate(pieces):
        for reading in piece.readings:
            if reading.component is Component.EVALUATION:
                last[reading.source] = place
    return [
        piece
        for place, piece in enumerate(pieces)
        if all(reading.component is not Component.EVALUATION or last[reading.source] == place for reading in piece.readings)
    ]
