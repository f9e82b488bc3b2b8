"""The scoring of one project: reads new evidence in the order in which it was stored, scores what it is about, and tells the collector."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from assay.events.v1.scores_pb2 import ScoresChanged, SubjectScore

from kit import logs, metrics, patience
from kit.bus import Bus
from services.analyzer import streams
from services.analyzer.bell import Bells
from services.analyzer.contents import Contents
from services.analyzer.domain.quality.reading import READER_VERSION
from services.analyzer.evidence_reading import Reader
from services.analyzer.piece_reading import PieceReader, within_memory
from services.analyzer.scored import merged, next_look_us, scored
from services.analyzer.store.quality import QualityStore
from services.analyzer.store.quality_json import weights_from_json
from services.analyzer.store.quality_records import ProjectQuality, ReadPiece, ScoringProgress, Subject, SubjectState
from services.analyzer.store.records import Claim
from services.analyzer.store.work import OwnershipLostError
from services.analyzer.stored_evidence import StoredEvidence

_log = logs.get_logger(__name__)
_SCORES = metrics.counter("assay_scores_total", "Scores that were made, whether or not they are different from before.")

# Without a bell, new evidence is found after so long, and scores that are to be made anew; with calls to wait for, sooner.
LOOK_EVERY_S = 30.0
WAITING_LOOK_S = 2.0
# Of projects that never had any evidence.
EMPTY_LOOK_EVERY_S = 60.0
RETRY_S = 2.0
FORGET_EVERY_S = 6 * 3_600.0
# Subjects of one transaction.
SUBJECTS_AT_ONCE = 500
_NANOS = 1_000_000_000
_US_PER_S = 1_000_000


def _now_us() -> int:
    return time.time_ns() // 1_000


@dataclass(frozen=True)
class ScoringTools:
    """What the scoring of every project needs."""

    bus: Bus
    evidence: StoredEvidence
    contents: Contents
    reader: Reader
    store: QualityStore
    bells: Bells
    kept: timedelta
    now_us: Callable[[], int] = _now_us


class Scorer:
    """Scores one project that is ours. All that it knows is in the database, so that another goes on from there when it is killed."""

    def __init__(self, tools: ScoringTools, claim: Claim) -> None:
        self._tools = tools
        self._pieces = PieceReader(tools.contents, tools.reader)
        self._claim = claim
        self._project = claim.project
        self._forgotten_at = float("-inf")

    async def run(self) -> None:
        """Scores until somebody else owns the project. What fails is tried again, and told where it is no neighbour's being away."""
        try:
            while True:
                try:
                    is_busy = await self._look()
                    await self._forget_if_due()
                    if not is_busy:
                        await self._tools.bells.wait(self._project, await self._rest_s())
                except OwnershipLostError:
                    return
                except Exception as error:  # noqa: BLE001 - told here, and tried again
                    if patience.is_passing(error):
                        _log.warning("scoring waits", project=self._project, why=str(error) or repr(error))
                    else:
                        _log.error("scoring failed", project=self._project, error=error)
                    await asyncio.sleep(RETRY_S)
        finally:
            self._tools.bells.forget(self._project)

    async def _look(self) -> bool:
        """Does some of everything that there is to do, so that nothing waits for ever; whether there may be more."""
        has_more = await self._take_page()
        await self._tell()
        await self._locate()
        has_more |= await self._make_due()
        await self._tell()
        return has_more

    async def _forget_if_due(self) -> None:
        """Drops what is older than it is kept."""
        if time.monotonic() - self._forgotten_at >= FORGET_EVERY_S:
            self._forgotten_at = time.monotonic()
            await self._tools.store.forget(self._project, self._tools.now_us() - self._tools.kept // timedelta(microseconds=1))

    async def _rest_s(self) -> float:
        """How long nothing is to be done, unless the bell rings."""
        if not (await self._tools.store.project(self._project)).position:
            return EMPTY_LOOK_EVERY_S
        next_us = await self._tools.store.next_locate_us(self._project)
        if next_us is None:
            return LOOK_EVERY_S
        return min(max((next_us - self._tools.now_us()) / _US_PER_S, WAITING_LOOK_S), LOOK_EVERY_S)

    async def _take_page(self) -> bool:
        """Scores what the next pieces are about; whether there were any."""
        known = await self._tools.store.project(self._project)
        page = within_memory(await self._tools.evidence.after(self._project, known.position))
        if not page:
            return False
        pieces = await self._pieces.read(self._project, page, keep_content=known.keep_content)
        states = await self._scored(sorted({piece.subject for piece in pieces}), known, pieces)
        progress = ScoringProgress(page[-1].position, known.weights_version, pieces, states)
        if await self._tools.store.keep(self._claim, progress):
            await self._pieces.drop_contents(self._project, page)
        return True

    async def _locate(self) -> None:
        """Looks for calls and tasks that are still not known, and scores those that are by now as their kind of task wants it."""
        now_us = self._tools.now_us()
        waiting = await self._tools.store.to_locate(self._project, now_us, SUBJECTS_AT_ONCE)
        if not waiting:
            return
        found = await self._tools.evidence.locate(self._project, [state.subject for state in waiting])
        await self._make_anew([state.subject for state in waiting if state.subject in found])
        later = {state.subject: next_look_us(state, now_us) for state in waiting if state.subject not in found}
        await self._tools.store.postpone(self._project, later)

    async def _make_due(self) -> bool:
        """Makes some of the scores anew that are to be; whether there were any."""
        due = await self._tools.store.due(self._project, SUBJECTS_AT_ONCE)
        if due:
            await self._make_anew([state.subject for state in due])
        return bool(due)

    async def _make_anew(self, subjects: Sequence[Subject]) -> None:
        """Scores subjects again, with the present weights and as far as possible the present readers."""
        if not subjects:
            return
        known = await self._tools.store.project(self._project)
        stored = await self._tools.store.pieces(self._project, subjects, content_older_than=READER_VERSION)
        renewed = await self._pieces.renewed([piece for pieces in stored.values() for piece in pieces])
        states = await self._scored(subjects, known, renewed)
        await self._tools.store.keep(self._claim, ScoringProgress(known.position, known.weights_version, renewed, states))

    async def _scored(self, subjects: Sequence[Subject], known: ProjectQuality, new: Sequence[ReadPiece]) -> list[SubjectState]:
        """The scores of subjects, with new pieces beside those that are kept."""
        kept = await self._tools.store.pieces(self._project, subjects)
        before = await self._tools.store.states(self._project, subjects)
        # A call stays where it is; a task moves with its latest call.
        moving = [subject for subject in subjects if subject.is_task or not (subject in before and before[subject].location)]
        locations = await self._tools.evidence.locate(self._project, moving)
        locations |= {subject: state.location for subject, state in before.items() if state.location and subject not in locations}
        weights, now_us = weights_from_json(known.weights, known.weights_version), self._tools.now_us()
        of_subject = merged(kept, new)

        def score_all() -> list[SubjectState]:
            return [
                scored(subject, of_subject[subject], before.get(subject), locations.get(subject), weights, now_us)
                if subject in of_subject
                else before[subject]  # nothing is left to make it of: it stays as it is
                for subject in subjects
            ]

        _SCORES.inc(len(subjects))
        return await asyncio.to_thread(score_all)

    async def _tell(self) -> None:
        """Tells the collector what it has not been told. If that is lost it is told again: a score says which version it is."""
        while untold := await self._tools.store.untold(self._project, SUBJECTS_AT_ONCE):
            event = ScoresChanged(scores=map(_told, untold))
            await self._tools.bus.publish(f"{streams.SCORES_SUBJECT}.{self._project}", event.SerializeToString(), {})
            await self._tools.store.note_told(self._project, untold)


def _told(state: SubjectState) -> SubjectScore:
    name = {"task_id" if state.subject.is_task else "call_id": state.subject.subject_id}
    value = state.score.value_ratio if state.score else 0.0
    return SubjectScore(version=state.version, score_nanos=round(value * _NANOS), **name)
