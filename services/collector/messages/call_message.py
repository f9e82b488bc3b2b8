"""Columns of checked calls to the message that hands them to the writer."""

import numpy as np
import numpy.typing as npt
from assay.events.v1 import ingest_pb2

from services.collector.domain.price import PricedColumns, PriceOrigin
from services.collector.domain.received import NONE, CallExtras, ReceivedCalls
from services.collector.domain.series import SEPARATOR

_SEPARATOR = SEPARATOR.encode()


def fill_calls(message: ingest_pb2.CallColumns, calls: ReceivedCalls) -> None:
    """Writes all that was received; a call without a cost has NONE there, until `fill_prices`."""
    message.SetInParent()  # says what kind of batch it is, also where all of it was refused
    message.call_ids.extend(calls.call_ids)  # type: ignore[arg-type]  # protobuf takes UTF-8 as bytes for a string
    message.series.extend(map(_SEPARATOR.join, calls.series.distinct))  # type: ignore[arg-type]
    message.series_index = _packed(calls.series.index, np.uint16)
    message.task_ids.extend(calls.tasks.distinct)  # type: ignore[arg-type]
    message.task_index = _packed(calls.tasks.index, np.int32)
    message.agents.extend(calls.agents.distinct)  # type: ignore[arg-type]
    message.agent_index = _packed(calls.agents.index, np.int32)
    message.error_types.extend(calls.error_types.distinct)  # type: ignore[arg-type]
    message.error_type_index = _packed(calls.error_types.index, np.int32)
    message.start_unix_us = _packed(calls.start.microseconds, np.int64)
    message.latency_us = _packed(calls.latency.microseconds, np.int64)
    message.first_token_us = _packed(_or_none(calls.first_token.is_set, calls.first_token.microseconds), np.int64)
    message.outcome = _packed(calls.outcome, np.uint8)
    _fill_tokens(message, calls)
    message.cost_usd_nanos = _packed(_or_none(calls.has_cost, calls.cost_usd_nanos), np.int64)
    message.revision_count = _packed(_or_none(calls.has_revision, calls.revision_count), np.int32)
    message.extras.extend(map(_extras, calls.extras))


def fill_prices(message: ingest_pb2.CallColumns, priced: PricedColumns, price_version: str) -> None:
    """Writes what each call costs and who said so."""
    is_known = priced.origin != PriceOrigin.UNKNOWN
    message.cost_usd_nanos = _packed(_or_none(is_known, priced.cost_nanos), np.int64)
    message.price_origin = _packed(priced.origin, np.uint8)
    message.price_version = price_version


def _fill_tokens(message: ingest_pb2.CallColumns, calls: ReceivedCalls) -> None:
    tokens = np.where(calls.has_usage, calls.tokens, NONE)
    (
        message.input_token_count,
        message.output_token_count,
        message.cache_read_token_count,
        message.cache_write_token_count,
        message.reasoning_token_count,
    ) = (_packed(row, np.int32) for row in tokens)


def _or_none(is_set: npt.NDArray[np.bool_], values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.where(is_set, values, NONE)


def _packed(values: npt.NDArray[np.integer], dtype: type[np.integer]) -> bytes:
    return values.astype(np.dtype(dtype).newbyteorder("<")).tobytes()


def _extras(extras: CallExtras) -> ingest_pb2.CallExtras:
    return ingest_pb2.CallExtras(
        index=extras.place,
        labels=extras.labels,  # type: ignore[arg-type]
        ranking_id=extras.ranking_id,  # type: ignore[arg-type]
        selection_ratio=extras.selection_ratio,
    )
