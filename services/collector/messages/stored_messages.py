"""What is stored, as the contract's messages."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime

from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.telemetry.v1 import call_pb2, evidence_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from services.collector.domain.account import Account, LedgerCounts
from services.collector.domain.call_body import Number
from services.collector.domain.measures import QUALITY_NANOS
from services.collector.domain.price import PriceOrigin
from services.collector.store.read_calls import CallRow, FoundCall
from services.collector.store.read_messages import BatchRow, MessageRow
from services.collector.store.read_series import SeriesRow

_PRICE_ORIGINS = {origin: metrics.PriceOrigin.Value(f"PRICE_ORIGIN_{origin.name}") for origin in PriceOrigin}


def stored_call(row: CallRow) -> metrics.StoredCall:
    """A call and what is known of it."""
    numbers = row.numbers.tolist()
    origin = PriceOrigin(numbers[Number.PRICE_ORIGIN])
    return metrics.StoredCall(
        call=_call(row, numbers),
        price_origin=_PRICE_ORIGINS[origin],
        price_version=row.price_version if origin is PriceOrigin.TABLE else "",
        quality_ratio=None if row.score_nanos is None else row.score_nanos / QUALITY_NANOS,
        receive_time=_timestamp(row.receive_time) if row.receive_time else None,
        batch_id=row.batch_id,
    )


def found_call(found: FoundCall) -> metrics.GetCallResponse:
    """A call with its evidence."""
    return metrics.GetCallResponse(
        call=stored_call(found.call),
        evidence=map(evidence_pb2.Evidence.FromString, found.evidence),
        messages=map(call_message, found.messages),
    )


def call_message(row: MessageRow) -> collector.CallMessage:
    """A message that carried a call."""
    return collector.CallMessage(
        batch_id=row.batch_id,
        part=row.part,
        stream_sequence=row.sequence,
        receive_time=_timestamp(row.receive_time),
        store_time=_timestamp(row.store_time) if row.store_time else None,
    )


def series(row: SeriesRow) -> metrics.Series:
    """A series with all of its terms, empty ones too."""
    key = metrics.SeriesKey(
        provider=row.provider,
        model=row.model,
        task_type=row.task_type,
        prompt_name=row.prompt_name,
        prompt_version=row.prompt_version,
    )
    return metrics.Series(key=key, first_store_time=_timestamp(row.first_store_time))


def batches(rows: Iterable[BatchRow]) -> collector.GetBatchesResponse:
    """What became of batches."""
    return collector.GetBatchesResponse(batches=(collector.BatchState(**asdict(row)) for row in rows))


def account(drawn: Account) -> collector.GetLedgerResponse:
    """The ledger."""
    return collector.GetLedgerResponse(
        days=(_ledger_day(day, kind, counts) for (day, kind), counts in drawn.days.items()),
        totals=(_ledger_day(None, kind, counts) for kind, counts in drawn.totals().items()),
        lag_s=drawn.lag_s,
        waiting_evidence_count=drawn.waiting_evidence_count,
    )


def _ledger_day(day: date | None, kind: int, counts: LedgerCounts) -> collector.LedgerDay:
    return collector.LedgerDay(
        date=day.isoformat() if day else "",
        kind=collector.RecordKind.ValueType(kind),
        received_count=counts.received_count,
        **asdict(counts),
    )


def _call(row: CallRow, numbers: list[int]) -> call_pb2.Call:
    extras = json.loads(row.extras) if row.extras else {}
    return call_pb2.Call(
        call_id=row.call_id,
        task_id=row.task_id,
        start_time=_timestamp_of(row.start_us),
        latency=_duration(numbers[Number.LATENCY_US]),
        time_to_first_token=_duration(numbers[Number.FIRST_TOKEN_US]),
        provider=row.provider,
        model=row.model,
        task_type=row.task_type,
        agent=row.agent,
        prompt_name=row.prompt_name,
        prompt_version=row.prompt_version,
        outcome=call_pb2.CallOutcome.ValueType(row.outcome),
        error_type=row.error_type,
        usage=_usage(numbers),
        cost_usd_nanos=_or_none(numbers[Number.COST_NANOS]),
        revision_count=_or_none(numbers[Number.REVISION_COUNT]),
        labels=extras.get("labels"),
        ranking_id=extras.get("ranking_id", ""),
        selection_ratio=extras.get("selection_ratio"),
    )


def _usage(numbers: list[int]) -> call_pb2.TokenUsage | None:
    if numbers[Number.INPUT_TOKENS] < 0:
        return None
    return call_pb2.TokenUsage(
        input_token_count=numbers[Number.INPUT_TOKENS],
        output_token_count=numbers[Number.OUTPUT_TOKENS],
        cache_read_token_count=numbers[Number.CACHE_READ_TOKENS],
        cache_write_token_count=numbers[Number.CACHE_WRITE_TOKENS],
        reasoning_token_count=numbers[Number.REASONING_TOKENS],
    )


def _or_none(number: int) -> int | None:
    return number if number >= 0 else None


def _duration(microseconds: int) -> Duration | None:
    if microseconds < 0:
        return None
    return Duration(seconds=microseconds // 1_000_000, nanos=microseconds % 1_000_000 * 1_000)


def _timestamp_of(unix_us: int) -> Timestamp:
    return Timestamp(seconds=unix_us // 1_000_000, nanos=unix_us % 1_000_000 * 1_000)


def _timestamp(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp
