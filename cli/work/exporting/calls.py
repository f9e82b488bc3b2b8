"""Calls as a table, page by page."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import grpc.aio
from assay.collector.v1.metrics_service_pb2 import ListCallsRequest, PriceOrigin, SeriesFilter, StoredCall
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.telemetry.v1.call_pb2 import Call, CallOutcome
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.connection import ASK_TIMEOUT_S
from cli.work.exporting.columns import Column, ExportTable, Kind, Rows
from cli.work.sending import patiently

PAGE_SIZE = 1_000  # the most that the collector gives
_NANOS_PER_S = 1_000_000_000
_TOKENS = ("input_token_count", "output_token_count", "cache_read_token_count", "cache_write_token_count", "reasoning_token_count")
_KINDS = {
    "start_time": Kind.TIME,
    "receive_time": Kind.TIME,
    "latency_s": Kind.NUMBER,
    "time_to_first_token_s": Kind.NUMBER,
    "selection_ratio": Kind.NUMBER,
    "quality_ratio": Kind.NUMBER,
    **dict.fromkeys((*_TOKENS, "cost_usd_nanos", "revision_count"), Kind.INTEGER),
}
_NAMES = (
    *("call_id", "task_id", "start_time", "latency_s", "time_to_first_token_s", "provider", "model", "task_type", "agent", "prompt_name"),
    *("prompt_version", "outcome", "error_type", *_TOKENS, "cost_usd_nanos", "price_origin", "price_version", "revision_count", "labels"),
    *("ranking_id", "selection_ratio", "quality_ratio", "receive_time", "batch_id"),
)


def calls_table(
    channel: grpc.aio.Channel, project: str, start: datetime | None, end: datetime | None, series_filter: SeriesFilter
) -> ExportTable:
    """The calls that started in a range of time, the latest first; labels are a JSON object."""
    request = ListCallsRequest(project=project, filter=series_filter, page_size=PAGE_SIZE)
    # An end of now: calls that come meanwhile are no part of it.
    request.end_time.FromDatetime(end or datetime.now(UTC))
    if start is not None:
        request.start_time.FromDatetime(start)
    return ExportTable([Column(name, _KINDS.get(name, Kind.TEXT)) for name in _NAMES], _pages(channel, request))


async def _pages(channel: grpc.aio.Channel, request: ListCallsRequest) -> AsyncIterator[Rows]:
    service = MetricsServiceStub(channel)
    while True:
        page = await patiently(lambda: service.ListCalls(request, timeout=ASK_TIMEOUT_S))
        yield [_row(stored) for stored in page.calls]
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


def _row(stored: StoredCall) -> tuple[object, ...]:
    call = stored.call
    usage = [getattr(call.usage, name) for name in _TOKENS] if call.HasField("usage") else [None] * len(_TOKENS)
    return (
        call.call_id,
        call.task_id,
        _time(call.start_time),
        _seconds(call.latency),
        _seconds(call.time_to_first_token) if call.HasField("time_to_first_token") else None,
        call.provider,
        call.model,
        call.task_type,
        call.agent,
        call.prompt_name,
        call.prompt_version,
        CallOutcome.Name(call.outcome).removeprefix("CALL_OUTCOME_"),
        call.error_type,
        *usage,
        _told(call, "cost_usd_nanos"),
        PriceOrigin.Name(stored.price_origin).removeprefix("PRICE_ORIGIN_"),
        stored.price_version,
        _told(call, "revision_count"),
        json.dumps(dict(call.labels), ensure_ascii=False, sort_keys=True) if call.labels else "",
        call.ranking_id,
        _told(call, "selection_ratio"),
        _told(stored, "quality_ratio"),
        _time(stored.receive_time) if stored.HasField("receive_time") else None,
        stored.batch_id,
    )


def _told(message: Call | StoredCall, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None  # type: ignore[arg-type]  # names of optional fields


def _time(time: Timestamp) -> datetime:
    return time.ToDatetime(UTC)


def _seconds(length: Duration) -> float:
    return length.seconds + length.nanos / _NANOS_PER_S
