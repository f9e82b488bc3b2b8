"""The account of what waits: whatever happens in whichever order, every item is in one place."""

from assay_client.intake import ITEMS_MIN, Intake
from assay_client.lane import Batch, Kind
from assay_client.store import Store
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

KINDS = st.sampled_from(list(Kind))
ROOM_BYTES = 100_000


class StoreMachine(RuleBasedStateMachine):
    """A store with callers, both threads and a file, one step at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.intakes = {kind: Intake(lambda: None, ITEMS_MIN) for kind in Kind}
        self.store = Store(self.intakes, ROOM_BYTES, 0.0, "")
        self.recorded = dict.fromkeys(Kind, 0)
        self.in_hand: list[tuple[Kind, int]] = []
        self.files: list[Batch] = []
        self.reported = 0

    @rule(kind=KINDS, count=st.integers(1, 100))
    def record(self, kind: Kind, count: int) -> None:
        for _ in range(count):
            self.intakes[kind].put(b"")
        self.recorded[kind] += count

    @rule(kind=KINDS)
    def refuse(self, kind: Kind) -> None:
        self.intakes[kind].refuse()
        self.recorded[kind] += 1

    @rule(kind=KINDS, count=st.integers(1, 50))
    def take(self, kind: Kind, count: int) -> None:
        taken = self.store.take(kind, count)
        if taken:
            self.in_hand.append((kind, len(taken)))

    @precondition(lambda self: self.in_hand)
    @rule(size=st.integers(1, 5_000), refused=st.integers(0, 3))
    def encode(self, size: int, refused: int) -> None:
        kind, count = self.in_hand.pop()
        refused = min(refused, count)
        if refused:
            self.store.refuse(kind, refused)
        if count > refused:
            self.store.add(kind, b"x" * size, count - refused)

    @rule(keeps=st.sampled_from([None, True, False]))
    def trim(self, keeps: bool | None) -> None:
        def keep(batch: Batch) -> bool:
            if keeps:
                self.files.append(batch)
            return bool(keeps)

        self.store.trim(None if keeps is None else keep)
        assert self.store.intake_bytes >= ROOM_BYTES // 16

    @rule(kind=KINDS, answer=st.sampled_from(["taken", "rejected", "split", "lost"]), hurried=st.booleans(), part=st.floats(0, 1))
    def send(self, kind: Kind, answer: str, hurried: bool, part: float) -> None:
        if hurried:
            self.store.hurry()
        batch = self.store.next_batch(kind)
        if hurried:
            self.store.relax()
        if batch is None:
            return
        assert self.store.next_batch(kind) is batch
        if answer == "taken" or (answer == "split" and not self.store.split(batch)):
            self.store.settle(batch, int(part * batch.count))
            self.reported += batch.dropped_count if kind is Kind.CALLS else 0
        elif answer == "rejected":
            self.store.reject(batch)
        elif answer == "lost":
            self.store.postpone(kind, 0.0)

    @precondition(lambda self: self.files)
    @rule()
    def recover(self) -> None:
        batch = self.files[-1]
        if self.store.lanes[batch.kind].in_flight is None:
            self.files.pop()
            self.store.recover(Batch(batch.kind, batch.request, batch.count, is_spilled=True), is_own=True)

    @invariant()
    def every_item_is_in_one_place(self) -> None:
        for kind in Kind:
            stats = self.store.stats(kind)
            assert stats.recorded == self.recorded[kind]
            assert stats.recorded == stats.sent + stats.rejected + stats.dropped + stats.buffered
            assert min(stats.sent, stats.rejected, stats.dropped, stats.buffered) >= 0

    @invariant()
    def the_collector_hears_of_every_dropped_call_once(self) -> None:
        calls = self.store.lanes[Kind.CALLS]
        on_the_way = 0 if calls.in_flight is None else calls.in_flight.dropped_count
        assert calls.dropped == self.reported + on_the_way + calls.dropped_unreported

    def teardown(self) -> None:
        for batch in self.store.take_out():
            self.store.book(batch, is_kept=False)
        self.every_item_is_in_one_place()


TestStore = StoreMachine.TestCase
TestStore.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
