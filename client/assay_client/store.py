"""What waits to be sent, in bounded memory. The thread that encodes fills it, the one that sends empties it."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest

from assay_client.ids import time_ordered_id
from assay_client.intake import Intake
from assay_client.lane import Batch, Kind, Lane, Piece, Stats

# The collector takes 5,000 items and 8 MB; it gains nothing from batches over some hundreds.
BATCH_ITEMS_MAX = 2_000
BATCH_BYTES_MAX = 1024 * 1024
# A batch is built, and copied by gRPC, beside what waits, so it must be small against the whole.
BATCHES_PER_ROOM = 32
# A part of the room is kept for what is not encoded yet: at 32 MiB, what 60,000 calls/s bring in a tick.
INTAKE_SHARE = 16
# A collector that takes less than this takes nothing.
BATCH_BYTES_LEAST = 1024


class Store:
    """A lane for each kind. `condition` guards them and tells of changes; every method takes it."""

    def __init__(self, intakes: Mapping[Kind, Intake], bytes_max: int, batch_age_s: float, project: str) -> None:
        self.condition = threading.Condition()
        self.lanes = {kind: Lane(reports_drops=kind is Kind.CALLS) for kind in Kind}  # the contract has a count for calls alone
        self._intakes = intakes
        self._reserve_bytes = bytes_max // INTAKE_SHARE
        self._bytes_max = bytes_max - self._reserve_bytes
        self._batch_bytes_max = min(BATCH_BYTES_MAX, bytes_max // BATCHES_PER_ROOM)
        self._batch_age_s = batch_age_s
        self._project = project
        self._hurry_count = 0

    def collect(self) -> int:
        """Books what callers counted since it was last asked; gives how many there was no room for."""
        overflow = 0
        with self.condition:
            for kind, lane in self.lanes.items():
                refused, dropped = self._intakes[kind].refused.take(), self._intakes[kind].overflow.take()
                lane.taken += refused + dropped
                lane.rejected += refused
                lane.drop(dropped)
                overflow += dropped
            if overflow:
                self.condition.notify_all()
        return overflow

    def stats(self, kind: Kind) -> Stats:
        """The account at this moment. Calls that other threads are about to leave may be in it or not."""
        with self.condition:
            self.collect()
            lane = self.lanes[kind]
            waiting = len(self._intakes[kind].items)
            return Stats(lane.taken + waiting, lane.sent, lane.rejected, lane.dropped, lane.buffered + waiting, lane.recovered)

    def take(self, kind: Kind, items_max: int) -> list[Any]:
        """The oldest of what callers left; `add` or `refuse` it next."""
        with self.condition:
            taken = self._intakes[kind].take(items_max)
            self.lanes[kind].taken += len(taken)
            self.lanes[kind].in_hand += len(taken)
        return taken

    def add(self, kind: Kind, content: bytes, count: int) -> None:
        """Takes in what was encoded; `trim` afterwards."""
        piece = Piece(content, count, time.monotonic())
        with self.condition:
            lane = self.lanes[kind]
            lane.in_hand -= count
            lane.push(piece)
            if len(lane.pieces) == 1 or self._is_due(kind, piece.added_s):
                self.condition.notify_all()

    def refuse(self, kind: Kind, count: int) -> None:
        """Counts what cannot be sent at all."""
        with self.condition:
            self.lanes[kind].in_hand -= count
            self.lanes[kind].rejected += count
            self.condition.notify_all()

    @property
    def intake_bytes(self) -> int:
        """Room for what callers leave: what is free, and what is kept free for them."""
        return self._reserve_bytes + max(0, self._free_bytes)

    @property
    def _free_bytes(self) -> int:
        with self.condition:
            return self._bytes_max - sum(lane.cost_bytes for lane in self.lanes.values())

    def trim(self, keep: Callable[[Batch], bool] | None) -> int:
        """Makes room: the oldest of the larger lane is given to `keep`, and dropped where that says no. Gives how many were dropped.

        The batch that is under way stays. It may have arrived, and would then be counted as sent and as dropped.
        """
        dropped = 0
        while self._free_bytes < 0:
            with self.condition:
                kind, lane = max(self.lanes.items(), key=lambda each: each[1].bytes_held)
                if not lane.pieces:
                    break
                batch = self._batch(kind, [lane.pop()] if keep is None else self._pop_batch(lane))
                lane.in_hand += batch.count
            is_kept = keep is not None and keep(batch)  # not under the lock, since it waits for the disk
            self.book(batch, is_kept=is_kept)
            dropped += 0 if is_kept else batch.count
        return dropped

    def next_batch(self, kind: Kind) -> Batch | None:
        """The batch that is to be sent now: the one under way, else one of what waits, if any is due."""
        now_s = time.monotonic()
        with self.condition:
            lane = self.lanes[kind]
            if now_s < lane.not_before_s:
                return None
            if lane.in_flight is None and self._is_due(kind, now_s):
                dropped_count, lane.dropped_unreported = lane.dropped_unreported, 0
                lane.in_flight = self._batch(kind, self._pop_batch(lane), dropped_count)
            return lane.in_flight

    def wait_s(self) -> float | None:
        """Seconds until something is to be sent, as things are; None: not before something is added."""
        now_s = time.monotonic()
        dues = []
        with self.condition:
            for kind, lane in self.lanes.items():
                if lane.in_flight is not None or self._is_due(kind, now_s):
                    dues.append(lane.not_before_s)
                elif lane.pieces:
                    dues.append(max(lane.not_before_s, lane.pieces[0].added_s + self._batch_age_s))
        return max(0.0, min(dues) - now_s) if dues else None

    def settle(self, batch: Batch, rejected: int) -> None:
        """The batch under way was taken, but for the items that were refused."""
        with self.condition:
            lane = self._landed(batch)
            lane.rejected += rejected
            lane.sent += batch.count - rejected
            self.condition.notify_all()

    def reject(self, batch: Batch) -> None:
        """The batch under way was refused as a whole, and what it told of dropped calls with it."""
        with self.condition:
            lane = self._landed(batch)
            lane.rejected += batch.count
            lane.dropped_unreported += batch.dropped_count
            self.condition.notify_all()

    def split(self, batch: Batch) -> bool:
        """The batch under way was refused as too large, so nothing of it was taken: it goes in smaller ones. False if it cannot."""
        with self.condition:
            if len(batch.pieces) < 2:
                return False
            lane = self._landed(batch)
            lane.dropped_unreported += batch.dropped_count
            for piece in reversed(batch.pieces):
                lane.push_back(piece)
            self._batch_bytes_max = max(BATCH_BYTES_LEAST, len(batch.request) // 2)
            return True

    def postpone(self, kind: Kind, delay_s: float) -> None:
        """Nothing of the kind is sent for so long."""
        with self.condition:
            self.lanes[kind].not_before_s = time.monotonic() + delay_s

    def hurry(self) -> None:
        """Until `relax`, all that waits is due; what was postponed is tried at once."""
        with self.condition:
            self._hurry_count += 1
            for lane in self.lanes.values():
                lane.not_before_s = 0.0
            self.condition.notify_all()

    def relax(self) -> None:
        """Undoes one `hurry`."""
        with self.condition:
            self._hurry_count -= 1

    @property
    def is_hurried(self) -> bool:
        """Whether somebody waits for all to be sent."""
        return self._hurry_count > 0

    def recover(self, batch: Batch, *, is_own: bool) -> None:
        """Takes a batch that was read from a spill file under way."""
        with self.condition:
            lane = self.lanes[batch.kind]
            lane.in_flight = batch
            if is_own:
                lane.spilled -= batch.count
            else:
                lane.recovered += batch.count

    def take_out(self) -> list[Batch]:
        """All that is left, as batches; those that lie in a file already stay there. `book` each of them."""
        batches = []
        with self.condition:
            for kind, lane in self.lanes.items():
                if lane.in_flight is not None and not lane.in_flight.is_spilled:
                    batches.append(lane.in_flight)
                    lane.in_flight = None
                while lane.pieces:
                    batches.append(self._batch(kind, self._pop_batch(lane)))
            for batch in batches:
                self.lanes[batch.kind].in_hand += batch.count
        return batches

    def book(self, batch: Batch, *, is_kept: bool) -> None:
        """What became of a batch that was taken out: it is in a file, or it is dropped."""
        with self.condition:
            lane = self.lanes[batch.kind]
            lane.in_hand -= batch.count
            if is_kept:
                lane.spilled += batch.count
            else:
                lane.drop(batch.count)
            self.condition.notify_all()

    def _landed(self, batch: Batch) -> Lane:
        lane = self.lanes[batch.kind]
        lane.in_flight = None
        lane.not_before_s = 0.0
        return lane

    def _is_due(self, kind: Kind, now_s: float) -> bool:
        """Whether a batch is full or old enough. To one who waits, all is due, once no more is on its way to the batch."""
        lane = self.lanes[kind]
        is_hurried = self.is_hurried and not self._intakes[kind].items
        if not lane.pieces:
            return is_hurried and lane.dropped_unreported > 0
        is_full = lane.count_held >= BATCH_ITEMS_MAX or lane.bytes_held >= self._batch_bytes_max
        return is_full or is_hurried or now_s >= lane.pieces[0].added_s + self._batch_age_s

    def _pop_batch(self, lane: Lane) -> list[Piece]:
        return lane.pop_fitting(BATCH_ITEMS_MAX, self._batch_bytes_max)

    def _batch(self, kind: Kind, pieces: list[Piece], dropped_count: int = 0) -> Batch:
        """A request with an id of its own. Pieces one after the other are one request: so repeated fields are written."""
        batch_id = time_ordered_id(int(time.time() * 1_000))
        if kind is Kind.CALLS:
            head = RecordCallsRequest(project=self._project, batch_id=batch_id, client_dropped_count=dropped_count).SerializeToString()
        else:
            head = RecordEvidenceRequest(project=self._project, batch_id=batch_id).SerializeToString()
        request = b"".join([head, *(piece.content for piece in pieces)])
        return Batch(kind, request, sum(piece.count for piece in pieces), dropped_count, tuple(pieces))
