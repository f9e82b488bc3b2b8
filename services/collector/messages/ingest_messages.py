"""Messages of the ingest stream to columns: many messages become one table without an object per call."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from assay.events.v1.ingest_pb2 import CallColumns, IngestMessage

from services.collector.domain.arrays import Ints
from services.collector.domain.batch import CallBatch, MessageInfo, RecordKind
from services.collector.domain.call_body import NUMBER_COUNT, Number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A number's column in the message, and how it is packed there.
_NUMBER_COLUMNS: dict[Number, tuple[str, str]] = {
    Number.LATENCY_US: ("latency_us", "<i8"),
    Number.FIRST_TOKEN_US: ("first_token_us", "<i8"),
    Number.COST_NANOS: ("cost_usd_nanos", "<i8"),
    Number.INPUT_TOKENS: ("input_token_count", "<i4"),
    Number.OUTPUT_TOKENS: ("output_token_count", "<i4"),
    Number.CACHE_READ_TOKENS: ("cache_read_token_count", "<i4"),
    Number.CACHE_WRITE_TOKENS: ("cache_write_token_count", "<i4"),
    Number.REASONING_TOKENS: ("reasoning_token_count", "<i4"),
    Number.REVISION_COUNT: ("revision_count", "<i4"),
    Number.PRICE_ORIGIN: ("price_origin", "<u1"),
}


@dataclass(frozen=True)
class Received:
    """A message and what it says of itself. `series` is its calls.series: protobuf makes the texts anew whenever they are asked for."""

    info: MessageInfo
    message: IngestMessage
    series: Sequence[str]


def parse(payload: bytes, stream_id: int, sequence: int, project_id: int) -> Received:
    """Reads one message of a project, which stood at `sequence` of the stream.

    Raises ValueError (or protobuf's DecodeError) for bytes that are none.
    """
    message = IngestMessage.FromString(payload)
    if not message.batch_id or message.part_count < 1:
        raise ValueError("the message names no batch")
    is_evidence = message.WhichOneof("records") == "evidence"
    info = MessageInfo(
        stream_id=stream_id,
        sequence=sequence,
        project_id=project_id,
        batch_id=message.batch_id,
        part=message.part,
        part_count=message.part_count,
        receive_time=_EPOCH + timedelta(microseconds=message.receive_unix_us),
        kind=RecordKind.EVIDENCE if is_evidence else RecordKind.CALL,
        rejected_count=message.rejected_count,
        client_dropped_count=message.client_dropped_count,
    )
    return Received(info, message, list(message.calls.series))


@dataclass
class _Columns:
    """The parts of a batch while it is put together, a list element a message."""

    message: list[Ints] = field(default_factory=list)
    project_id: list[Ints] = field(default_factory=list)
    series_id: list[Ints] = field(default_factory=list)
    start_us: list[Ints] = field(default_factory=list)
    outcome: list[Ints] = field(default_factory=list)
    numbers: list[Ints] = field(default_factory=list)
    task: list[Ints] = field(default_factory=list)
    call_id: list[str] = field(default_factory=list)
    agent: list[str] = field(default_factory=list)
    error_type: list[str] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)


def call_batch(
    received: Sequence[Received],
    series_ids: Callable[[int, Sequence[str]], Ints],
    price_version_id: Callable[[str], int],
) -> CallBatch:
    """One table of all calls of the messages; `message` numbers them as `received` does.

    `series_ids(project_id, names)` gives the ids of the series of a message, named as CallColumns.series names them. Raises ValueError if a
    message's columns do not fit together.
    """
    columns = _Columns()
    task_numbers: dict[tuple[int, str], int] = {}
    for number, one in enumerate(received):
        calls, project_id = one.message.calls, one.info.project_id
        count = len(calls.call_ids)
        if not count:
            continue
        columns.message.append(np.full(count, number))
        columns.project_id.append(np.full(count, project_id))
        columns.series_id.append(series_ids(project_id, one.series)[_column(calls.series_index, "<u2", count)])
        columns.start_us.append(_column(calls.start_unix_us, "<i8", count))
        columns.outcome.append(_column(calls.outcome, "<u1", count).astype(np.int64))
        columns.numbers.append(_numbers(calls, count, price_version_id(calls.price_version)))
        local = [task_numbers.setdefault((project_id, task_id), len(task_numbers)) for task_id in calls.task_ids]
        columns.task.append(np.array([*local, -1])[_column(calls.task_index, "<i4", count)])
        columns.call_id.extend(calls.call_ids)
        columns.agent.extend(_texts(calls.agents, calls.agent_index, count))
        columns.error_type.extend(_texts(calls.error_types, calls.error_type_index, count))
        columns.extras.extend(_extras(calls, count))
    return _joined(columns, list(task_numbers))


def _joined(columns: _Columns, tasks: Sequence[tuple[int, str]]) -> CallBatch:
    def join(parts: list[Ints]) -> Ints:
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    return CallBatch(
        message=join(columns.message),
        project_id=join(columns.project_id),
        series_id=join(columns.series_id),
        start_us=join(columns.start_us),
        outcome=join(columns.outcome),
        numbers=np.concatenate(columns.numbers) if columns.numbers else np.empty((0, NUMBER_COUNT), np.int64),
        call_id=columns.call_id,
        task=join(columns.task),
        agent=columns.agent,
        error_type=columns.error_type,
        extras=columns.extras,
        tasks=tasks,
    )


def _column(packed: bytes, dtype: str, count: int) -> npt.NDArray[np.int64]:
    values = np.frombuffer(packed, dtype)
    if values.size != count:
        raise ValueError(f"a column has {values.size} values for {count} calls")
    return values


def _numbers(calls: CallColumns, count: int, price_version_id: int) -> Ints:
    numbers = np.empty((count, NUMBER_COUNT), np.int64)
    for number, (name, dtype) in _NUMBER_COLUMNS.items():
        numbers[:, number] = _column(getattr(calls, name), dtype, count)
    numbers[:, Number.PRICE_VERSION_ID] = price_version_id
    return numbers


def _texts(words: Sequence[str], index: bytes, count: int) -> list[str]:
    if not words:
        return [""] * count
    picked: list[str] = np.array([*words, ""], object)[_column(index, "<i4", count)].tolist()
    return picked


def _extras(calls: CallColumns, count: int) -> list[str]:
    extras = [""] * count
    for extra in calls.extras:
        fields: dict[str, object] = {}
        if extra.labels:
            fields["labels"] = dict(extra.labels)
        if extra.ranking_id:
            fields["ranking_id"] = extra.ranking_id
        if extra.HasField("selection_ratio"):
            fields["selection_ratio"] = extra.selection_ratio
        extras[extra.index] = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return extras
