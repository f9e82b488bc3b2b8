"""What is done to a constellation under load, and what the clients' logs say of it afterwards."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from assay.collector.v1.collector_service_pb2 import RECORD_KIND_CALL, RECORD_KIND_EVIDENCE, RecordCallsRequest
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence

from tests.system.constellation import FRONT, NATS, POSTGRES, WRITERS, Constellation
from tests.system.load import Load, now_base, read_log
from tests.system.suite import eventually

CLIENTS = ("client-1", "client-2")
KINDS = ((FRONT,), WRITERS, (NATS,), (POSTGRES,), CLIENTS)  # what is killed equally often
CALLS_PER_S = 1_500  # of each client
FULL_TIMEOUT_S = 600.0
END_TIMEOUT_S = 900.0


@dataclass
class Sent:
    """What the clients' logs say: everything that was sent, all of it acknowledged in the end, and how often each batch was tried."""

    calls: dict[str, Call] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    item_count: Counter[int] = field(default_factory=Counter)  # by RecordKind, of the batches
    repeated_count: Counter[int] = field(default_factory=Counter)  # likewise, of all attempts but the first
    refusals: Counter[str] = field(default_factory=Counter)
    attempt_count: int = 0
    batch_count: int = 0

    def add(self, load: Load, lines: Sequence[str]) -> None:
        """Adds a client's log. AssertionError unless each of its batches was acknowledged, in full."""
        log = list(read_log(iter(lines)))
        tries = Counter(each.number for each in log if each.accepted_count is None)
        accepted = {each.number: each.accepted_count for each in log if each.accepted_count is not None}
        assert tries.keys() == accepted.keys() == set(range(len(tries)))
        self.refusals.update(" ".join(line.split()[2:]) for line in lines if line.startswith("refused"))
        self.attempt_count += tries.total()
        self.batch_count += len(tries)
        for number, accepted_count in accepted.items():
            assert self._add_batch(load, number, tries[number]) == accepted_count

    def _add_batch(self, load: Load, number: int, tries: int) -> int:
        """Adds what is in a batch and says how many items that are."""
        batch = load.batch(number, is_fat=False)
        if isinstance(batch, RecordCallsRequest):
            kind, size = RECORD_KIND_CALL, len(batch.calls)
            self.calls.update((call.call_id, call) for call in batch.calls)
        else:
            kind, size = RECORD_KIND_EVIDENCE, len(batch.evidence)
            self.evidence.update((piece.evidence_id, piece) for piece in batch.evidence)
        self.item_count[kind] += size
        self.repeated_count[kind] += (tries - 1) * size
        return size


class Chaos:
    """The load on a constellation, and blows to its processes. `killed` counts them by name."""

    def __init__(self, running: Constellation, directory: Path, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self.base: datetime = now_base()
        self._running = running
        self._directory = directory
        self._random = random.Random(seed)
        self._next_kinds: list[tuple[str, ...]] = []
        self._fat, self._stop = directory / "fat", directory / "stop"

    async def start_load(self) -> None:
        """Starts the clients, which send until `end_load`."""
        for client in CLIENTS:
            files = map(str, (self._log(client), self._fat, self._stop))
            arguments = (self._running.front, client, self.base.isoformat(), str(CALLS_PER_S), *files)
            await self._running.add_client(client, ("tests.system.load_client", *arguments))

    async def kill_some(self, count: int, pause_s: tuple[float, float]) -> None:
        """Kills one process after the other, at random, but of each kind as many as of the others."""
        for _ in range(count):
            self._next_kinds = self._next_kinds or self._random.sample(KINDS, len(KINDS))
            name = self._random.choice(self._next_kinds.pop())
            await self._running.kill(name)
            self.killed[name] += 1
            await asyncio.sleep(self._random.uniform(*pause_s))

    async def postgres_away(self, away_s: float) -> None:
        """PostgreSQL is killed, and there is none for a while."""
        await self._running.take_away(POSTGRES)
        self.killed[f"postgres for {away_s:g} s"] += 1
        await asyncio.sleep(away_s)
        self._running.give_back(POSTGRES)
        await self._running.running(POSTGRES)

    async def stream_full(self) -> None:
        """Without writers nothing empties the stream; the batches that it refuses are sent again until it takes them."""
        for writer in WRITERS:
            await self._running.take_away(writer)
            self.killed[f"{writer} until the stream is full"] += 1
        self._fat.touch()

        async def is_full() -> bool:
            return any("STREAM_FULL" in self._log(client).read_text() for client in CLIENTS)

        await eventually(is_full, FULL_TIMEOUT_S, "the stream full")
        self._fat.unlink()
        for writer in WRITERS:
            self._running.give_back(writer)
            await self._running.running(writer)

    async def end_load(self) -> Sent:
        """Has the clients end what they have begun, and reads their logs."""
        self._stop.touch()

        async def has_ended() -> bool:
            return all("ended" in self._log(client).read_text() for client in CLIENTS)

        await eventually(has_ended, END_TIMEOUT_S, "all acknowledged")
        sent = Sent()
        for client in CLIENTS:
            sent.add(Load(client, self.base), self._log(client).read_text().splitlines(keepends=True))
        return sent

    def _log(self, client: str) -> Path:
        return self._directory / f"{client}.log"
