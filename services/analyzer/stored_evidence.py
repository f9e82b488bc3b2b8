"""Evidence as the collector has stored it, and where its calls and tasks count."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import grpc.aio
from assay.collector.v1 import evidence_service_pb2 as contract
from assay.collector.v1.evidence_service_pb2_grpc import EvidenceServiceStub

from kit import rpc
from services.analyzer.domain.series import SeriesKey
from services.analyzer.store.quality_records import Location, Subject

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.collector.v1.evidence_service_pb2_grpc import EvidenceServiceAsyncStub

PAGE = 500
# What one request takes.
SUBJECTS_MAX = 1_000
TIMEOUT_S = 30.0


class StoredEvidence:
    """Asks with the key of the services."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds the key."""
        self._stub: EvidenceServiceAsyncStub = EvidenceServiceStub(channel)

    async def after(self, project: str, position: int) -> Sequence[contract.StoredEvidence]:
        """The first pieces after a position, in the order in which they were stored. Raises AssayError."""
        request = contract.ListEvidenceRequest(project=project, after_position=position, page_size=PAGE)
        try:
            return (await self._stub.ListEvidence(request, timeout=TIMEOUT_S)).evidence
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error

    async def locate(self, project: str, subjects: Iterable[Subject]) -> dict[Subject, Location]:
        """Where those of the subjects that are stored count. Raises AssayError."""
        ordered = sorted(set(subjects))
        found: dict[Subject, Location] = {}
        for begin in range(0, len(ordered), SUBJECTS_MAX):
            some = ordered[begin : begin + SUBJECTS_MAX]
            request = contract.LocateSubjectsRequest(
                project=project,
                call_ids=[subject.subject_id for subject in some if not subject.is_task],
                task_ids=[subject.subject_id for subject in some if subject.is_task],
            )
            try:
                response = await self._stub.LocateSubjects(request, timeout=TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error
            found.update(_located(one) for one in response.subjects)
        return found


def _located(one: contract.LocatedSubject) -> tuple[Subject, Location]:
    is_task = one.WhichOneof("subject") == "task_id"
    key = SeriesKey(*(getattr(one.key, name) for name in SeriesKey._fields))
    return Subject(is_task, one.task_id if is_task else one.call_id), Location(key, one.start_time.ToMicroseconds())
