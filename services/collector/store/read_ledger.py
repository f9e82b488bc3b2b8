"""Reading the ledger's lines together with which of some messages they contain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.batch import RecordKind
from services.collector.store.ledger import LedgerLine
from services.collector.store.reading import snapshot

_LINES = text(
    "SELECT receive_date, kind, stored_count, rejected_count, duplicate_count, dead_lettered_count, client_dropped_count, too_late_count "
    "FROM collector.ledger WHERE project_id = :project_id AND receive_date >= :first AND receive_date <= :last ORDER BY receive_date, kind"
)
_CLAIMED = text(
    "SELECT m.sequence FROM collector.message m JOIN collector.stream s ON s.stream_id = m.stream_id "
    "WHERE s.incarnation = :incarnation AND m.sequence BETWEEN :first AND :last AND m.project_id = :project_id"
)
_WAITING = text("SELECT count(*) FROM collector.evidence WHERE project_id = :project_id AND is_waiting")


@dataclass(frozen=True, slots=True)
class Booked:
    """What is booked at one moment: the lines, the sequences of those messages that they contain, and how much evidence waits."""

    lines: Sequence[LedgerLine]
    claimed: frozenset[int]
    waiting_evidence_count: int


class LedgerReader:
    """Reads the ledger."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def booked(self, project_id: int, first: date, last: date, incarnation: str, sequences: Sequence[int]) -> Booked:
        """The lines of the days from `first` to `last`, both included, and which messages of the stream, ascending, are booked in all."""
        async with snapshot(self._engine) as connection:
            lines = await connection.execute(_LINES, {"project_id": project_id, "first": first, "last": last})
            booked = [LedgerLine(row[0], RecordKind(row[1]), *row[2:]) for row in lines]
            claimed: frozenset[int] = frozenset()
            if sequences:
                span = {"incarnation": incarnation, "first": sequences[0], "last": sequences[-1], "project_id": project_id}
                claimed = frozenset(await connection.scalars(_CLAIMED, span))
            waiting = await connection.execute(_WAITING, {"project_id": project_id})
            return Booked(booked, claimed, int(waiting.scalar_one()))
