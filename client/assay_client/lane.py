"""The parts of what waits to be sent: pieces, batches, and one kind's queue with its account."""

from collections import deque
from dataclasses import dataclass, field
from enum import Enum

# A piece in memory beside its content: the bytes' header, the object, its place in the queue, and what malloc rounds up.
PIECE_OVERHEAD_BYTES = 200


class Kind(Enum):
    """What is recorded."""

    CALLS = "calls"
    EVIDENCE = "evidence"


@dataclass(frozen=True, slots=True)
class Stats:
    """What became of everything recorded: recorded + recovered = sent + rejected + dropped + buffered.

    `sent` was acknowledged by the collector, `rejected` was refused by it or could not be sent at all, `dropped` was
    given up for want of room or after the end, `buffered` is here or in this process's spill file. `recovered` was read
    from spill files of processes that have ended.
    """

    recorded: int = 0
    sent: int = 0
    rejected: int = 0
    dropped: int = 0
    buffered: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class Piece:
    """Some items, encoded as a part of a request. `added_s` is monotonic."""

    content: bytes
    count: int
    added_s: float

    @property
    def cost_bytes(self) -> int:
        """What it takes in memory."""
        return len(self.content) + PIECE_OVERHEAD_BYTES


@dataclass(frozen=True, slots=True)
class Batch:
    """A request that may have been sent: it keeps its id and content until it is known what became of it.

    `pieces` are what it was made of. `is_spilled`: it was read from a file, where it stays until it is settled.
    """

    kind: Kind
    request: bytes
    count: int
    dropped_count: int = 0
    pieces: tuple[Piece, ...] = ()
    is_spilled: bool = False

    @property
    def cost_bytes(self) -> int:
        """What it takes in memory, its pieces included."""
        return len(self.request) + sum(piece.cost_bytes for piece in self.pieces)


@dataclass(slots=True)
class Lane:
    """One kind's pieces, oldest first, the batch that is under way, and the counts of what came and left.

    `taken` came out of the callers' hands; of those, `in_hand` are being encoded or written to a file, and `spilled` are
    in this process's file.
    """

    reports_drops: bool
    pieces: deque[Piece] = field(default_factory=deque)
    bytes_held: int = 0
    count_held: int = 0
    in_flight: Batch | None = None
    not_before_s: float = 0.0
    taken: int = 0
    in_hand: int = 0
    sent: int = 0
    rejected: int = 0
    dropped: int = 0
    dropped_unreported: int = 0
    spilled: int = 0
    recovered: int = 0

    def push(self, piece: Piece) -> None:
        """Adds the newest piece."""
        self.pieces.append(piece)
        self.bytes_held += piece.cost_bytes
        self.count_held += piece.count

    def push_back(self, piece: Piece) -> None:
        """Adds a piece that was popped."""
        self.pieces.appendleft(piece)
        self.bytes_held += piece.cost_bytes
        self.count_held += piece.count

    def pop(self) -> Piece:
        """Takes the oldest piece out."""
        piece = self.pieces.popleft()
        self.bytes_held -= piece.cost_bytes
        self.count_held -= piece.count
        return piece

    def pop_fitting(self, items_max: int, bytes_max: int) -> list[Piece]:
        """Takes the oldest pieces out as far as they fit together, at least one if there is any."""
        pieces: list[Piece] = []
        items_left, bytes_left = items_max, bytes_max
        while self.pieces and (not pieces or (self.pieces[0].count <= items_left and self.pieces[0].cost_bytes <= bytes_left)):
            piece = self.pop()
            pieces.append(piece)
            items_left -= piece.count
            bytes_left -= piece.cost_bytes
        return pieces

    def drop(self, count: int) -> None:
        """Counts what is given up, to be told to the collector if it wants to know of this kind."""
        self.dropped += count
        if self.reports_drops:
            self.dropped_unreported += count

    @property
    def cost_bytes(self) -> int:
        """What it takes in memory."""
        return self.bytes_held + (0 if self.in_flight is None else self.in_flight.cost_bytes)

    @property
    def buffered(self) -> int:
        """How many are still to be sent."""
        return self.in_hand + self.count_held + (0 if self.in_flight is None else self.in_flight.count) + self.spilled

    @property
    def settled(self) -> int:
        """How many have left for good."""
        return self.sent + self.rejected + self.dropped
