"""Stands for the collector at the contract: real gRPC in a thread of its own, with answers that tests put in."""

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from assay.collector.v1 import collector_service_pb2 as contract
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceServicer, add_CollectorServiceServicer_to_server
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence

from kit import rpc
from kit.health import Readiness

STOP_TIMEOUT_S = 30.0
REJECTED_MODEL = "refused-model"


@dataclass
class Neighbour:
    """What came, in the order of arrival, and what is answered: `refusals` one after the other before anything is taken.

    Like the collector, it counts a repeated batch once. `loses_answers` takes batches and fails to say so.
    """

    address: str = ""
    requests: list[contract.RecordCallsRequest] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    refusals: deque[Exception] = field(default_factory=deque)
    attempts: list[tuple[str, bytes]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    loses_answers: int = 0

    @property
    def calls(self) -> list[Call]:
        """All calls that were taken."""
        return [call for request in self.requests for call in request.calls]

    @property
    def dropped_count(self) -> int:
        """What the client says that it dropped."""
        return sum(request.client_dropped_count for request in self.requests)

    def assert_nothing_twice(self) -> None:
        """No call and no batch was taken twice."""
        for ids in (Counter(call.call_id for call in self.calls), Counter(request.batch_id for request in self.requests)):
            assert not [each for each, count in ids.items() if count > 1]


class _Collector(CollectorServiceServicer):
    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour

    async def RecordCalls(self, request: contract.RecordCallsRequest, context: Any) -> contract.RecordCallsResponse:
        neighbour = self._neighbour
        self._note(request, context)
        known = [each for each in neighbour.requests if each.batch_id == request.batch_id]
        if not known:
            neighbour.requests.append(request)
        else:
            assert known[0].SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)
        self._lose()
        rejections = [
            contract.Rejection(index=place, field="model", reason=contract.REJECTION_REASON_TOO_LONG, message="is not to be")
            for place, call in enumerate(request.calls)
            if call.model == REJECTED_MODEL
        ]
        return contract.RecordCallsResponse(accepted_count=len(request.calls) - len(rejections), rejections=rejections)

    async def RecordEvidence(self, request: contract.RecordEvidenceRequest, context: Any) -> contract.RecordEvidenceResponse:
        self._note(request, context)
        self._neighbour.evidence.extend(request.evidence)
        return contract.RecordEvidenceResponse(accepted_count=len(request.evidence))

    def _note(self, request: Any, context: Any) -> None:
        neighbour = self._neighbour
        neighbour.attempts.append((request.batch_id, request.SerializeToString(deterministic=True)))
        neighbour.keys.append(dict(context.invocation_metadata()).get("authorization", ""))
        if neighbour.refusals:
            raise neighbour.refusals.popleft()

    def _lose(self) -> None:
        if self._neighbour.loses_answers:
            self._neighbour.loses_answers -= 1
            raise RuntimeError("the answer is lost")


class Server:
    """Serves a neighbour in a thread; `stop` and `start` it again on the same address, as a collector that is restarted."""

    def __init__(self, neighbour: Neighbour) -> None:
        self._neighbour = neighbour
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None

    def start(self) -> None:
        """Returns when it serves."""
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready.set)))
        self._thread.start()
        assert ready.wait(STOP_TIMEOUT_S)

    def stop(self) -> None:
        """Returns when nothing is served any more."""
        assert self._loop is not None and self._end is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(STOP_TIMEOUT_S)
        assert not self._thread.is_alive()
        self._thread = None

    @property
    def is_running(self) -> bool:
        """Whether it serves."""
        return self._thread is not None

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()

        def add(server: grpc.aio.Server) -> None:
            add_CollectorServiceServicer_to_server(_Collector(self._neighbour), server)  # type: ignore[abstract]  # what clients do not call is left out

        listen = self._neighbour.address or "127.0.0.1:0"
        async with rpc.serve(listen, [add], service_names=(), readiness=Readiness(), grace_s=0.1) as address:
            self._neighbour.address = address
            on_ready()
            await self._end.wait()


@contextmanager
def served(neighbour: Neighbour) -> Iterator[Server]:
    """A running server."""
    server = Server(neighbour)
    server.start()
    try:
        yield server
    finally:
        if server.is_running:
            server.stop()
