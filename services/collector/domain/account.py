"""The account of a project: what was received, and what became of it."""

from dataclasses import dataclass, fields
from datetime import date

from services.collector.domain.batch import RecordKind


@dataclass(frozen=True, slots=True)
class LedgerCounts:
    """What was received, and what became of it: received = stored + rejected + duplicate + dead-lettered + in flight."""

    stored_count: int = 0
    rejected_count: int = 0
    duplicate_count: int = 0
    dead_lettered_count: int = 0
    in_flight_count: int = 0
    client_dropped_count: int = 0
    too_late_count: int = 0

    @property
    def received_count(self) -> int:
        """Items of acknowledged batches."""
        return self.stored_count + self.rejected_count + self.duplicate_count + self.dead_lettered_count + self.in_flight_count

    def plus(self, other: "LedgerCounts") -> "LedgerCounts":
        """Both together."""
        return LedgerCounts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class Account:
    """The counts by UTC day of receipt and kind, in that order; age of the oldest message in flight in seconds; evidence that waits."""

    days: dict[tuple[date, RecordKind], LedgerCounts]
    lag_s: float
    waiting_evidence_count: int

    def totals(self) -> dict[RecordKind, LedgerCounts]:
        """The sum of the days for each kind that has any."""
        sums: dict[RecordKind, LedgerCounts] = {}
        for (_, kind), counts in self.days.items():
            sums[kind] = sums.get(kind, LedgerCounts()).plus(counts)
        return dict(sorted(sums.items()))
