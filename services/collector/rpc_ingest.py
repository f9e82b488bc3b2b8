"""The RPCs that record: requests are taken as bytes and parsed here, so that one bad call does not refuse its batch."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol, TypeVar

import grpc.aio
from assay.collector.v1 import collector_service_pb2 as contract
from assay.collector.v1 import collector_service_pb2_grpc

from kit import database, rpc
from kit.access import NO_QUOTA, Guard, Identity, Role, project_unknown
from kit.open_streams import OpenStreams
from services.collector.domain.received import ReceivedCalls
from services.collector.ingest import Ingest, Recorded
from services.collector.messages.call_columns import read_calls
from services.collector.messages.requests import (
    BatchRequest,
    calls_response,
    evidence_response,
    parse_calls,
    parse_evidence,
    parse_stream_calls,
)
from services.collector.quotas import RateQuotas
from services.collector.store.projects import ProjectInfo

# Batches of one stream that are on their way at the same time: enough to hide the disk's sync, few enough to hold.
STREAM_BATCHES_MAX = 4
# Metadata that names the program a batch is from, where another one hands it on.
SENDER_HEADER = "assay-sender"

Result = TypeVar("Result")
Context = grpc.aio.ServicerContext[Any, Any]


class Projects(Protocol):
    """Which projects there are."""

    async def find(self, project: str) -> ProjectInfo | None:
        """The project of that name, if there is one."""


class Sources(Protocol):
    """Looks at what callers send, beside the work."""

    def look(self, project: str, key_id: str, sender: str, calls: ReceivedCalls) -> None:
        """`sender` is a name, a slash and a version, or less."""


class IngestServicer(collector_service_pb2_grpc.CollectorServiceServicer):
    """RecordCalls, StreamCalls and RecordEvidence; a base class for the servicer that adds the queries."""

    def __init__(self, guard: Guard, projects: Projects, ingest: Ingest, sources: Sources | None = None) -> None:
        self._guard = guard
        self._projects = projects
        self._ingest = ingest
        self._sources = sources
        self._open_streams = OpenStreams()
        self._rates = RateQuotas()

    @rpc.raw_request
    async def RecordCalls(self, request: Any, context: Context) -> contract.RecordCallsResponse:
        """Records a batch of calls."""
        await self._guard.identity(context)  # strangers are turned away before anything is parsed for them
        recorded = await self.record_batch(parse_calls(request), context)
        return calls_response(recorded.accepted_count, recorded.refusals)

    @rpc.raw_request
    async def RecordEvidence(self, request: Any, context: Context) -> contract.RecordEvidenceResponse:
        """Records a batch of evidence."""
        await self._guard.identity(context)
        batch = parse_evidence(request)
        project = await self.admit(batch, context)
        recorded = await self._ingest.record_evidence(project, batch.batch_id, batch.items)
        return evidence_response(recorded.accepted_count, recorded.refusals)

    @rpc.raw_request
    async def StreamCalls(self, requests: Any, context: Context) -> AsyncIterator[contract.StreamCallsResponse]:
        """Records batch after batch, a few at the same time, and answers in order; an error ends the stream."""
        caller = await self._guard.identity(context)  # a stranger must not hold a stream open and never send a batch
        quota = (await self._project(caller.project)).quota if caller.project else NO_QUOTA
        with self._open_streams.one(caller, caller.project or "", quota):
            answers: asyncio.Queue[asyncio.Task[contract.StreamCallsResponse] | None] = asyncio.Queue(STREAM_BATCHES_MAX)
            reader = _start(self._read_stream(requests, context, answers))
            try:
                while (answer := await answers.get()) is not None:
                    yield await answer
                await reader  # raises what ended the reading
            finally:
                reader.cancel()
                while not answers.empty():
                    answer = answers.get_nowait()
                    if answer is not None:
                        answer.cancel()

    async def _read_stream(
        self,
        requests: AsyncIterator[bytes],
        context: Context,
        answers: "asyncio.Queue[asyncio.Task[contract.StreamCallsResponse] | None]",
    ) -> None:
        try:
            async for request in requests:
                await answers.put(_start(self._answer(request, context)))
        finally:
            await answers.put(None)

    async def _answer(self, request: bytes, context: Context) -> contract.StreamCallsResponse:
        await self._guard.identity(context)  # asked for each batch: a revoked key ends its streams
        batch = parse_stream_calls(request)
        recorded = await self.record_batch(batch, context)
        result = calls_response(recorded.accepted_count, recorded.refusals)
        return contract.StreamCallsResponse(batch_id=batch.batch_id.decode(), result=result)

    async def record_batch(self, batch: BatchRequest, context: Context) -> Recorded:
        """Records a batch of calls for a caller that may. Raises AssayError where it may not, or the batch cannot be taken now."""
        caller, project = await self._admitted(batch, context)
        calls = read_calls(batch.items)
        if self._sources is not None:
            self._sources.look(project, caller.key_id, batch.sender or _sender(context), calls)
        return await self._ingest.record_calls(project, batch.batch_id, calls, batch.client_dropped_count)

    async def admit(self, batch: BatchRequest, context: Context) -> str:
        """The project of a batch that the caller may record, and now. Raises AssayError where it may not."""
        return (await self._admitted(batch, context))[1]

    async def _admitted(self, batch: BatchRequest, context: Context) -> tuple[Identity, str]:
        caller = await self._guard.identity(context)
        caller.require(Role.RECORD)
        project = await self._project(caller.project_for(batch.project.decode(errors="replace")))
        self._rates.admit(caller, project.project, project.quota, len(batch.items))
        return caller, project.project

    async def _project(self, name: str) -> ProjectInfo:
        with database.away_is_unavailable():
            project = await self._projects.find(name)
        if project is None:
            raise project_unknown(name)
        return project


def _sender(context: Context) -> str:
    """What calls: the first word of its user agent, unless it says so itself, as those do that hand on what others sent."""
    told = dict(context.invocation_metadata() or ())
    return str(told.get(SENDER_HEADER) or told.get("user-agent", "")).partition(" ")[0]


def _start(work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
    """A task of a stream; where the stream ends before it, nobody asks for its error any more, and asyncio is not to complain."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
