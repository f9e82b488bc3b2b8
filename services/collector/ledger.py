"""The account of everything received: what is booked, and what is in flight.

A message is on exactly one side. Those in flight are read from the stream first; then one snapshot of the database tells both the ledger's
lines and which of these messages the lines contain already. What was published in between is either in the lines or not received yet.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime

from services.collector.domain.account import Account, LedgerCounts
from services.collector.domain.batch import RecordKind
from services.collector.store.ledger import LedgerLine
from services.collector.store.read_ledger import LedgerReader
from services.collector.unstored import UnstoredMessage, UnstoredReader


def _now() -> datetime:
    return datetime.now(UTC)


class Ledger:
    """Draws up accounts."""

    def __init__(self, booked: LedgerReader, unstored: UnstoredReader, *, now: Callable[[], datetime] = _now) -> None:
        self._booked = booked
        self._unstored = unstored
        self._now = now

    async def account(self, project: str, project_id: int, first: date, last: date) -> Account:
        """The account of the days from `first` to `last`, both included. Raises BUS_UNAVAILABLE or DATABASE_UNAVAILABLE."""
        unstored = await self._unstored.scan(project)
        sequences = [message.sequence for message in unstored.messages]
        booked = await self._booked.booked(project_id, first, last, unstored.incarnation, sequences)
        in_flight = [message for message in unstored.messages if message.sequence not in booked.claimed]
        oldest = min((message.stream_time for message in in_flight), default=None)
        return Account(
            days=_days(booked.lines, (message for message in in_flight if first <= message.stream_time.date() <= last)),
            lag_s=max(0.0, (self._now() - oldest).total_seconds()) if oldest else 0.0,
            waiting_evidence_count=booked.waiting_evidence_count,
        )


def _days(lines: Sequence[LedgerLine], in_flight: Iterable[UnstoredMessage]) -> dict[tuple[date, RecordKind], LedgerCounts]:
    days = {
        (line.receive_date, line.kind): LedgerCounts(
            stored_count=line.stored_count,
            rejected_count=line.rejected_count,
            duplicate_count=line.duplicate_count,
            dead_lettered_count=line.dead_lettered_count,
            client_dropped_count=line.client_dropped_count,
            too_late_count=line.too_late_count,
        )
        for line in lines
    }
    for message in in_flight:
        key = message.stream_time.date(), message.kind
        days[key] = days.get(key, LedgerCounts()).plus(LedgerCounts(in_flight_count=message.record_count))
    return dict(sorted(days.items()))
