"""GET /stream: server-sent events that keep a page up to date."""

from typing import Annotated

from assay.collector.v1.metrics_service_pb2 import WatchMetricsRequest
from fastapi import Depends, Header

from gateway import alerter_models, analyzer_models, models, parameters, quality_models, ranking_models, reporter_models
from gateway.auth import CallerOf
from gateway.live_stream import LiveStream
from gateway.parts import PartsOf
from gateway.routes.described import answers, api_router

router = api_router("metrics")


@router.get(
    "/stream",
    response_class=LiveStream,
    **answers(
        models.LiveMetrics
        | models.LiveLedger
        | analyzer_models.LiveAnomalies
        | alerter_models.LiveAlerts
        | ranking_models.LiveRankings
        | quality_models.LiveScores
        | reporter_models.LiveReports
        | models.LiveStatus
        | models.LiveHeartbeat
    ),
)
async def stream(
    parts: PartsOf,
    caller: CallerOf,
    question: Annotated[WatchMetricsRequest, Depends(parameters.watch_metrics)],
    last_event_id: Annotated[str, Header(description="Id of the last event that was seen.")] = "",
) -> LiveStream:
    """The events metrics, totals (the same for all series and the whole range), ledger, status and heartbeat; and anomalies, alerts,
    rankings, scores and reports, without which it goes on.
    """
    hub = await parts.hubs.join(caller.secret, question)
    settings = parts.settings
    return LiveStream(
        parts.hubs,
        hub,
        last_event_id,
        heartbeat_s=settings.heartbeat_s,
        send_timeout_s=settings.send_timeout_s,
    )
