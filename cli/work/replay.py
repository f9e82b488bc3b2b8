"""Replays a file: reads, paces, sends, shows progress, and sums up."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import grpc.aio

from cli.work.batches import Batch, Batcher
from cli.work.connection import Target, ask
from cli.work.output import print_json
from cli.work.records import BadLine, Record, Source, open_source, read_records
from cli.work.sending import Sender, Tally, send_all
from cli.work.sending_progress import sending_progress
from kit.errors import AssayError, invalid

REFUSALS_SHOWN_MAX = 20
# What is due within this time is sent now: batches stay large, and a call that comes this much early hurts nobody.
EARLY_MAX_S = 0.1


@dataclass(frozen=True)
class Plan:
    """What to replay, and how: `speed` in times real time, None for as fast as it goes."""

    file: Path
    project: str
    speed: float | None
    is_rebased: bool


def show_replay(target: Target, plan: Plan, *, json: bool) -> None:
    """Replays and prints the sum. Raises AssayError when something else than single lines is wrong."""
    shift_ns = _rebasing_shift_ns(plan) if plan.is_rebased else 0
    refusals = _Refusals()
    with open_source(plan.file) as source:
        replaying = _Replaying(source, plan, shift_ns, refusals.add)
        try:
            with sending_progress(source.position_bytes, source.size_bytes, replaying.tally) as on_read:
                ask(target, lambda channel: replaying.run(channel, target.address, on_read))
        finally:
            refusals.show()
    if json:
        print_json(asdict(replaying.tally))
    else:
        tally = replaying.tally
        print(f"{tally.sent:,} sent: {tally.accepted:,} accepted, {tally.rejected:,} rejected, {tally.duplicates:,} duplicates")


class _Replaying:
    def __init__(self, source: Source, plan: Plan, shift_ns: int, on_refused: Callable[[int, str], None]) -> None:
        self.tally = Tally()
        self._source = source
        self._plan = plan
        self._shift_ns = shift_ns
        self._on_refused = on_refused

    async def run(self, channel: grpc.aio.Channel, address: str, on_read: Callable[[], None]) -> None:
        """Sends all and returns when all is stored. `on_read` is called whenever more of the file was read."""
        sender = Sender(channel, address, self._plan.project, self.tally, self._on_refused)
        await send_all(sender, self._batches(), on_read)

    async def _batches(self) -> AsyncIterator[Batch]:
        """Each batch when it is due. Raises FILE_DAMAGED after the last one that could be read."""
        batcher = Batcher(self._plan.project)
        pace = _Pace(self._plan.speed)
        damage: AssayError | None = None
        try:
            for record in self._records():
                wait_s = pace.wait_s(record)
                if wait_s > EARLY_MAX_S:
                    for batch in batcher.rest():
                        yield batch
                    await asyncio.sleep(wait_s)
                for batch in batcher.add(record):
                    yield batch
        except AssayError as error:
            damage = error
        for batch in batcher.rest():
            yield batch
        if damage is not None:
            raise damage

    def _records(self) -> Iterator[Record]:
        """The good lines, shifted; bad ones are counted and told."""
        for record in read_records(self._source.lines):
            if isinstance(record, BadLine):
                self.tally.sent += 1
                self.tally.rejected += 1
                self._on_refused(record.line_number, record.reason)
                continue
            if self._shift_ns:
                record.time.FromNanoseconds(record.time.ToNanoseconds() + self._shift_ns)
            yield record


class _Pace:
    """Says when records are due, counted from the first one. Those without a speed, or out of order, are due at once."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._first_ns: int | None = None
        self._started_s = time.monotonic()

    def wait_s(self, record: Record) -> float:
        """Seconds until the record is due; below zero when it is late."""
        if self._speed is None:
            return 0.0
        time_ns = record.time.ToNanoseconds()
        if self._first_ns is None:
            self._first_ns = time_ns
        return (time_ns - self._first_ns) / 1e9 / self._speed - (time.monotonic() - self._started_s)


class _Refusals:
    """Tells of the first refused lines at once, and of the others by their number."""

    def __init__(self) -> None:
        self._count = 0

    def add(self, line_number: int, reason: str) -> None:
        """A line, or a record of it, was refused."""
        self._count += 1
        if self._count <= REFUSALS_SHOWN_MAX:
            print(f"line {line_number}: {reason}", file=sys.stderr)

    def show(self) -> None:
        """Says how many were not told."""
        if self._count > REFUSALS_SHOWN_MAX:
            print(f"… and {self._count - REFUSALS_SHOWN_MAX:,} more", file=sys.stderr)


def _rebasing_shift_ns(plan: Plan) -> int:
    """By how much to shift, so that the last record's time is now at the moment when it is sent. Reads the whole file."""
    first_ns, last_ns = 0, 0
    with open_source(plan.file) as source:
        for record in read_records(source.lines):
            if isinstance(record, Record):
                time_ns = record.time.ToNanoseconds()
                first_ns = first_ns or time_ns
                last_ns = max(last_ns, time_ns)
    if not last_ns:
        raise invalid("--rebase", f"{plan.file} has no record with a time")
    lasts_ns = 0 if plan.speed is None else round((last_ns - first_ns) / plan.speed)
    return time.time_ns() + lasts_ns - last_ns
