"""Sends batches, several at a time, and finds out what became of them."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import grpc
import grpc.aio
from assay.collector.v1.collector_service_pb2 import (
    BatchState,
    GetBatchesRequest,
    RecordCallsRequest,
    RecordCallsResponse,
    RecordEvidenceResponse,
    RejectionReason,
)
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from cli.work.batches import Batch
from cli.work.connection import ASK_TIMEOUT_S, error_in_words
from kit import rpc
from kit.errors import AssayError, Kind

# Enough to keep the collector busy while we parse.
IN_FLIGHT_MAX = 6
# Batches acknowledged but not yet known to be stored: bounds our memory, and how far we run ahead of the store.
UNSTORED_MAX = 2_000
ASKED_MAX = 200  # batches in one question
ASK_EVERY_S = 0.05
RECORD_TIMEOUT_S = 30.0
SENDER_METADATA = "assay-sender"
# A collector that is away longer than this will not come back while somebody waits.
AWAY_MAX_S = 600.0
# The store may be recovering; after this without any progress somebody should look.
STUCK_MAX_S = 120.0
RETRY_FIRST_S = 0.2
RETRY_MAX_S = 5.0

Answer = TypeVar("Answer")

_REASON_PREFIX = "REJECTION_REASON_"


@dataclass
class Tally:
    """What became of records: of those sent, `accepted`, `rejected` and `duplicates` are known."""

    sent: int = 0
    accepted: int = 0
    rejected: int = 0
    duplicates: int = 0


class Sender:
    """Sends batches until each is stored, and tallies. `on_refused` is told line and reason of each record that was refused.

    `sender` is what the collector calls the source of the calls; empty: as any other client of gRPC.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        address: str,
        project: str,
        tally: Tally,
        on_refused: Callable[[int, str], None],
        *,
        sender: str = "",
    ) -> None:
        self._service = CollectorServiceStub(channel)
        self._address = address
        self._project = project
        self._tally = tally
        self._on_refused = on_refused
        self._metadata = ((SENDER_METADATA, sender),) if sender else ()
        self._in_flight = asyncio.Semaphore(IN_FLIGHT_MAX)
        self._room = asyncio.Semaphore(UNSTORED_MAX)
        self._unstored: dict[str, tuple[int, list[int]]] = {}
        self._sending_count = 0
        self._last_progress_s = time.monotonic()

    async def check(self) -> None:
        """Asks something that changes nothing, so that a wrong address or key is told before anything is sent."""
        try:
            await self._states(["none"])
        except grpc.aio.AioRpcError as error:
            raise error_in_words(error, self._address) from error

    async def room(self) -> None:
        """Waits until one more batch may be sent; call `send` exactly once for it."""
        await self._room.acquire()
        await self._in_flight.acquire()
        self._sending_count += 1

    async def send(self, batch: Batch) -> None:
        """Sends one batch for as long as it takes. Raises AssayError when it cannot be sent."""
        try:
            answer = await self._recorded(batch)
        finally:
            self._in_flight.release()
            self._sending_count -= 1
        self._tally.sent += len(batch.line_numbers)
        self._tally.rejected += len(answer.rejections)
        for each in answer.rejections:
            reason = RejectionReason.Name(each.reason).removeprefix(_REASON_PREFIX)
            self._on_refused(batch.line_numbers[each.index], f"{each.field}: {each.message} ({reason})")
        self._last_progress_s = time.monotonic()
        if answer.accepted_count:
            self._unstored[batch.batch_id] = (answer.accepted_count, batch.line_numbers)
        else:
            self._room.release()

    async def follow(self, all_sent: asyncio.Event) -> None:
        """Tallies batches as they are stored, until all are. Raises NOT_STORED when that does not go on."""
        while not all_sent.is_set() or self._sending_count or self._unstored:
            await asyncio.sleep(ASK_EVERY_S)
            asked = list(self._unstored)[:ASKED_MAX]
            try:
                states = await self._states(asked) if asked else ()
            except grpc.aio.AioRpcError as error:
                told = error_in_words(error, self._address)
                if not may_retry(told):
                    raise told from error
                states = ()
            for state in states:
                if state.is_complete:
                    self._settle(state)
            if self._unstored and time.monotonic() - self._last_progress_s > STUCK_MAX_S:
                raise _stuck(len(self._unstored))

    def _settle(self, state: BatchState) -> None:
        """What the collector took is stored, kept aside as unreadable, or was there already.

        The last is told by subtraction: a batch that had to be sent twice has its own records among its duplicates.
        """
        accepted_count, line_numbers = self._unstored.pop(state.batch_id)
        self._room.release()
        stored = min(state.stored_count, accepted_count)
        kept_aside = min(state.dead_lettered_count, accepted_count - stored)
        self._tally.accepted += stored
        self._tally.rejected += kept_aside
        self._tally.duplicates += accepted_count - stored - kept_aside
        if kept_aside:
            self._on_refused(line_numbers[0], f"{kept_aside} records of the batch from this line on could not be stored and are kept aside")
        self._last_progress_s = time.monotonic()

    async def _recorded(self, batch: Batch) -> RecordCallsResponse | RecordEvidenceResponse:
        """Repeats the same batch with the same id, which the collector counts once, until it has it."""
        started_s = time.monotonic()
        delay_s = RETRY_FIRST_S
        while True:
            try:
                return await self._record(batch)
            except grpc.aio.AioRpcError as error:
                told = error_in_words(error, self._address)
                if not may_retry(told) or time.monotonic() - started_s > AWAY_MAX_S:
                    raise told from error
                await asyncio.sleep(delay_s if told.retry_after_s is None else told.retry_after_s)
                delay_s = min(2 * delay_s, RETRY_MAX_S)

    async def _record(self, batch: Batch) -> RecordCallsResponse | RecordEvidenceResponse:
        if isinstance(batch.request, RecordCallsRequest):
            return await self._service.RecordCalls(batch.request, timeout=RECORD_TIMEOUT_S, metadata=self._metadata)
        return await self._service.RecordEvidence(batch.request, timeout=RECORD_TIMEOUT_S)

    async def _states(self, batch_ids: list[str]) -> Sequence[BatchState]:
        request = GetBatchesRequest(project=self._project, batch_ids=batch_ids)
        return (await self._service.GetBatches(request, timeout=ASK_TIMEOUT_S)).batches


async def send_all(sender: Sender, batches: AsyncIterator[Batch], on_sending: Callable[[], None]) -> None:
    """Sends each batch as it comes, calling `on_sending`, and returns when all is stored.

    Raises what keeps batches from being sent, and an AssayError of `batches` when all that came before it is stored.
    """
    await sender.check()
    damage: AssayError | None = None
    try:
        async with asyncio.TaskGroup() as group:
            all_sent = asyncio.Event()
            group.create_task(sender.follow(all_sent))
            try:
                async for batch in batches:
                    await sender.room()
                    group.create_task(sender.send(batch))
                    on_sending()
            except AssayError as error:
                damage = error
            all_sent.set()
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors
    if damage is not None:
        raise damage


async def patiently(question: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer to a question that may be asked again, for as long as the other side may be away. Raises AioRpcError."""
    started_s = time.monotonic()
    delay_s = RETRY_FIRST_S
    while True:
        try:
            return await question()
        except grpc.aio.AioRpcError as error:
            if not may_retry(rpc.error_of(error)) or time.monotonic() - started_s > AWAY_MAX_S:
                raise
            await asyncio.sleep(delay_s)
            delay_s = min(2 * delay_s, RETRY_MAX_S)


def may_retry(error: AssayError) -> bool:
    """Whether the same batch may be taken later. RESOURCE_EXHAUSTED without a time means that it is too large."""
    if error.kind is Kind.RESOURCE_EXHAUSTED:
        return error.retry_after_s is not None
    return error.kind in {Kind.UNAVAILABLE, Kind.DEADLINE_EXCEEDED} and error.reason != grpc.StatusCode.INTERNAL.name


def _stuck(batch_count: int) -> AssayError:
    message = (
        f"{batch_count} batches are safe with the collector, but none was stored for {STUCK_MAX_S:g} s: "
        "see what `assay ledger` and the writer's log say"
    )
    return AssayError(Kind.UNAVAILABLE, "NOT_STORED", message)
