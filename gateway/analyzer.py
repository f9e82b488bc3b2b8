"""The analyzer as the gateway sees it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc.aio
from assay.analyzer.v1.anomaly_service_pb2 import WatchAnomaliesRequest, WatchAnomaliesResponse
from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceStub
from assay.analyzer.v1.baseline_service_pb2_grpc import BaselineServiceStub
from assay.analyzer.v1.prompt_service_pb2_grpc import PromptServiceStub
from assay.analyzer.v1.quality_service_pb2 import WatchQualityRequest, WatchQualityResponse
from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceStub
from assay.analyzer.v1.ranking_service_pb2 import WatchKeptRankingsRequest, WatchKeptRankingsResponse
from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceStub

from gateway.asking import Service

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.analyzer.v1.anomaly_service_pb2_grpc import AnomalyServiceAsyncStub
    from assay.analyzer.v1.baseline_service_pb2_grpc import BaselineServiceAsyncStub
    from assay.analyzer.v1.prompt_service_pb2_grpc import PromptServiceAsyncStub
    from assay.analyzer.v1.quality_service_pb2_grpc import QualityServiceAsyncStub
    from assay.analyzer.v1.ranking_service_pb2_grpc import RankingServiceAsyncStub


@dataclass(frozen=True)
class Analyzer(Service):
    """The analyzer's services behind one channel."""

    anomalies: "AnomalyServiceAsyncStub"
    baselines: "BaselineServiceAsyncStub"
    qualities: "QualityServiceAsyncStub"
    rankings: "RankingServiceAsyncStub"
    prompts: "PromptServiceAsyncStub"
    deadline_s: float
    name: str = "analyzer"

    @classmethod
    def over(cls, channel: grpc.aio.Channel, deadline_s: float) -> "Analyzer":
        """The services over a channel; `deadline_s` holds for every call that names no other."""
        return cls(
            anomalies=AnomalyServiceStub(channel),
            baselines=BaselineServiceStub(channel),
            qualities=QualityServiceStub(channel),
            rankings=RankingServiceStub(channel),
            prompts=PromptServiceStub(channel),
            deadline_s=deadline_s,
        )

    def watch_anomalies(self, project: str, secret: str) -> AsyncIterator[WatchAnomaliesResponse]:
        """What is open and then what changes, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.anomalies.WatchAnomalies, WatchAnomaliesRequest(project=project), secret)

    def watch_rankings(self, project: str, secret: str) -> AsyncIterator[WatchKeptRankingsResponse]:
        """What is recommended from now on, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.rankings.WatchKeptRankings, WatchKeptRankingsRequest(project=project), secret)

    def watch_scores(self, project: str, secret: str) -> AsyncIterator[WatchQualityResponse]:
        """That scores are made, until cancelled. Raises AssayError, also when the stream ends."""
        return self.follow(self.qualities.WatchQuality, WatchQualityRequest(project=project), secret)
