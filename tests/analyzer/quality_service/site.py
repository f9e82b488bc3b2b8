"""What is asked of quality, and evidence to feed it."""

import asyncio
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

import grpc.aio
from assay.analyzer.v1 import quality_service_pb2 as contract
from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceStub
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.telemetry.v1 import evidence_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from kit import rpc
from kit.errors import AssayError, Kind
from tests.analyzer.service.site import DEADLINE_S, POLL_S, Analyzer, Site, calls, eventually

JUNIT = b"""<testsuite name="s" tests="4" failures="1">
<testcase classname="a" name="one"/><testcase classname="a" name="two"/><testcase classname="a" name="three"/>
<testcase classname="a" name="broken" file="tests/test_a.py" line="7"><failure message="1 is not 2">no</failure></testcase>
</testsuite>"""
_numbers = count()


def evidence(**fields: Any) -> evidence_pb2.Evidence:
    """A piece observed now, under an id of its own."""
    values: dict[str, Any] = {"evidence_id": f"e-{next(_numbers)}-{time.time_ns()}", "observe_time": now()} | fields
    return evidence_pb2.Evidence(**values)


def evaluation(score_ratio: float, evaluator: str = "judge", **fields: Any) -> evidence_pb2.Evidence:
    """A judge's score."""
    return evidence(evaluation={"evaluator": evaluator, "score_ratio": score_ratio}, **fields)


def now() -> Timestamp:
    """The present."""
    stamp = Timestamp()
    stamp.FromMicroseconds(time.time_ns() // 1_000)
    return stamp


@dataclass(frozen=True)
class Scored:
    """A collector and an analyzer that scores what it has."""

    site: Site
    analyzer: Analyzer

    async def record_calls(self, project: str, *call_ids: str, **fields: Any) -> None:
        """Records a call of a minute ago under each id."""
        made = []
        for call_id in call_ids:
            made += calls(time.time() - 60, 1, 1, call_id=call_id, **fields)
        await self.site.record(project, made)

    async def record(self, project: str, *pieces: evidence_pb2.Evidence) -> None:
        """Records evidence; when this returns it is durable, and not yet stored."""
        if project not in self.site.projects:
            self.site.projects[project] = await self.site.key(project, "RECORD")
        async with rpc.connect(self.site.collector, secret=self.site.projects[project]) as channel:
            request = collector.RecordEvidenceRequest(batch_id=f"b-{next(_numbers)}-{time.time_ns()}", evidence=pieces)
            answer = await CollectorServiceStub(channel).RecordEvidence(request, timeout=DEADLINE_S)
        assert answer.accepted_count == len(pieces), answer

    async def ask(self, method: str, request: Any, secret: str | None = None) -> Any:
        """An RPC of QualityService, again while the machine is too busy for it. Raises the AssayError that it is refused with."""
        end = time.monotonic() + DEADLINE_S
        async with self.analyzer.channel(secret) as channel:
            while True:
                try:
                    return await getattr(QualityServiceStub(channel), method)(request, timeout=DEADLINE_S)
                except grpc.aio.AioRpcError as error:
                    refused = rpc.error_of(error)
                    if refused.kind is not Kind.UNAVAILABLE or time.monotonic() > end:
                        raise refused from error
                await asyncio.sleep(POLL_S)

    async def quality(self, project: str, **subject: str) -> contract.Quality | None:
        """The score of a call or task, None where there is none yet."""
        try:
            found = await self.ask("GetQuality", contract.GetQualityRequest(project=project, **subject))
        except AssayError as error:
            if error.reason != "QUALITY_UNKNOWN":
                raise
            return None
        quality: contract.Quality = found.quality
        return quality

    async def scored(self, project: str, evidence_count: int = 1, **subject: str) -> contract.Quality:
        """The score when it rests on so many pieces and is in its series."""

        async def is_there() -> contract.Quality | None:
            found = await self.quality(project, **subject)
            return found if found and found.evidence_count == evidence_count and found.HasField("key") else None

        found = await eventually(is_there)
        assert found is not None
        return found

    async def rests_on(self, project: str, evidence_count: int, **subject: str) -> bool:
        """Whether the score rests on so many pieces, wherever it counts."""
        found = await self.quality(project, **subject)
        return found is not None and found.evidence_count == evidence_count

    async def measured(self, project: str) -> tuple[int, float]:
        """How many scores QueryMetrics counts in the last hour, and their sum."""
        start = Timestamp(seconds=int(time.time()) - 3_600)
        async with rpc.connect(self.site.collector, secret=self.site.admin) as channel:
            request = metrics.QueryMetricsRequest(project=project, start_time=start)
            answer = await MetricsServiceStub(channel).QueryMetrics(request, timeout=DEADLINE_S)
        windows = [
            pair for series in answer.series for pair in zip(series.windows.quality_count, series.windows.quality_ratio, strict=True)
        ]
        return sum(count for count, _ in windows), sum(count * mean for count, mean in windows if count)

    async def counted(self, project: str, score_count: int, score_sum: float) -> None:
        """Returns when QueryMetrics has these scores."""

        async def is_so() -> bool:
            found_count, found_sum = await self.measured(project)
            return found_count == score_count and abs(found_sum - score_sum) < 1e-6

        await eventually(is_so)
