"""Reads pieces of evidence with their contents, as many at a time as memory allows."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace

from assay.collector.v1.evidence_service_pb2 import StoredEvidence
from assay.telemetry.v1.evidence_pb2 import Evidence

from services.analyzer.contents import Contents
from services.analyzer.domain.quality.reading import READER_VERSION, Reading
from services.analyzer.evidence_reading import DIFF_FORM, Reader, form_of, inline_content, plain_readings, report_readings
from services.analyzer.store.quality_records import ReadPiece, Subject

# Contents that are in memory at a time for one project, but for one that is larger by itself.
CONTENT_BYTES_AT_ONCE = 16 * 1024 * 1024
# And so many: then other projects' pieces have their turn with the readers, and what was read is kept.
CONTENTS_AT_ONCE = 20


def within_memory(page: Sequence[StoredEvidence]) -> Sequence[StoredEvidence]:
    """The first pieces, as many as have contents that fit. What was observed of a subject at one moment stays together where it fits."""
    total = count = 0
    for place, one in enumerate(page):
        total += one.evidence.content_reference.byte_count
        count += bool(form_of(one.evidence))
        if place and (total > CONTENT_BYTES_AT_ONCE or count > CONTENTS_AT_ONCE):
            begin = place
            while begin and _moment(page[begin - 1]) == _moment(one):
                begin -= 1
            return page[: begin or place]
    return page


class PieceReader:
    """Reads what evidence says."""

    def __init__(self, contents: Contents, reader: Reader) -> None:
        self._contents = contents
        self._reader = reader

    async def read(self, project: str, page: Sequence[StoredEvidence], *, keep_content: bool) -> list[ReadPiece]:
        """What pieces of a project say; coverage and analysis are read for what a diff of the same moment changed."""
        pieces = [one.evidence for one in page]
        contents = await asyncio.gather(*(self._content(project, piece) for piece in pieces))
        diffs = {_moment(one): content or b"" for one, content in zip(page, contents, strict=True) if form_of(one.evidence) == DIFF_FORM}
        readings = await asyncio.gather(
            *(self._readings(one.evidence, content, diffs.get(_moment(one), b"")) for one, content in zip(page, contents, strict=True))
        )
        return [
            ReadPiece(
                subject=_subject(piece),
                evidence_id=piece.evidence_id,
                observe_us=piece.observe_time.ToMicroseconds(),
                readings=some,
                evidence=_without_content(piece),
                content=content if keep_content else None,
            )
            for piece, content, some in zip(pieces, contents, readings, strict=True)
        ]

    async def renewed(self, pieces: Sequence[ReadPiece]) -> list[ReadPiece]:
        """The pieces that were read by older readers and can be read again, as they are read now."""
        found = []
        diffs = {piece.subject: piece.content for piece in pieces if piece.content and form_of(_evidence(piece)) == DIFF_FORM}
        for piece in pieces:
            evidence = _evidence(piece)
            is_old = any(reading.reader_version < READER_VERSION for reading in piece.readings)
            if is_old and (piece.content is not None or not form_of(evidence)):
                readings = await self._readings(evidence, piece.content, diffs.get(piece.subject, b""))
                found.append(replace(piece, readings=readings))
        return found

    async def drop_contents(self, project: str, page: Iterable[StoredEvidence]) -> None:
        """Forgets the contents that have been read."""
        for one in page:
            if one.evidence.HasField("content_reference"):
                await self._contents.drop(project, one.evidence.content_reference)

    async def _content(self, project: str, evidence: Evidence) -> bytes | None:
        if evidence.HasField("content_reference"):
            return await self._contents.fetch(project, evidence.content_reference)
        return inline_content(evidence)

    async def _readings(self, evidence: Evidence, content: bytes | None, diff: bytes) -> tuple[Reading, ...]:
        if not form_of(evidence):
            return plain_readings(evidence)
        return await report_readings(self._reader, evidence, content, diff)


def _subject(evidence: Evidence) -> Subject:
    is_task = evidence.WhichOneof("subject") == "task_id"
    return Subject(is_task, evidence.task_id if is_task else evidence.call_id)


def _moment(one: StoredEvidence) -> tuple[Subject, int]:
    return _subject(one.evidence), one.evidence.observe_time.ToMicroseconds()


def _evidence(piece: ReadPiece) -> Evidence:
    return Evidence.FromString(piece.evidence)


def _without_content(evidence: Evidence) -> bytes:
    """The piece as it is kept; of content that it still had in itself, what it would refer to."""
    content = inline_content(evidence)
    if content is None:
        return evidence.SerializeToString()
    kept = Evidence()
    kept.CopyFrom(evidence)
    form = form_of(evidence)
    getattr(kept, evidence.WhichOneof("kind") or "").ClearField(form)
    kept.content_reference.form, kept.content_reference.byte_count = form, len(content)
    return kept.SerializeToString()
