"""GET /metrics and /series: what was measured."""

import asyncio
from typing import Annotated

from assay.collector.v1.metrics_service_pb2 import ListSeriesRequest, QueryMetricsRequest
from fastapi import Depends, Response

from gateway import messages, metrics_json, models, parameters
from gateway.auth import CallerOf
from gateway.parts import PartsOf, answer, answer_text
from gateway.routes.described import answers, api_router

router = api_router("metrics")


@router.get("/metrics", **answers(models.Metrics))
async def query_metrics(
    parts: PartsOf, caller: CallerOf, question: Annotated[QueryMetricsRequest, Depends(parameters.query_metrics)]
) -> Response:
    """Sums up calls by series and window; without a step, one window for the range."""
    response = await parts.collector.ask(parts.collector.metrics.QueryMetrics, question, caller.secret, parts.settings.query_deadline_s)
    # A large answer takes some tenths of a second, in which the others go on.
    return answer_text(await asyncio.to_thread(metrics_json.answer_text, response))


@router.get("/series", **answers(models.SeriesPage))
async def list_series(
    parts: PartsOf, caller: CallerOf, question: Annotated[ListSeriesRequest, Depends(parameters.list_series)]
) -> Response:
    """The combinations of provider, model, task type and prompt that have been seen."""
    response = await parts.collector.ask(parts.collector.metrics.ListSeries, question, caller.secret)
    return answer({"series": list(map(messages.series, response.series)), "next_page_token": response.next_page_token})
