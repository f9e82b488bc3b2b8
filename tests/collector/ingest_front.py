"""An ingest path by itself, and what its messages carry."""

import asyncio
from collections.abc import Iterator, Sequence

import numpy as np
from assay.events.v1 import ingest_pb2
from assay.telemetry.v1 import call_pb2

from services.collector.domain.price import PriceOrigin
from services.collector.in_flight import InFlight
from services.collector.ingest import Ingest, Recorded
from services.collector.messages.requests import parse_evidence
from services.collector.prices import PriceBook
from tests.collector.ingest_samples import (
    NOW_US,
    KeptMessages,
    columns_of,
)


class Front:
    """An ingest path with a bus that keeps, and a clock that stands."""

    def __init__(self, bytes_max: int = 10**9) -> None:
        self.bus = KeptMessages()
        self.now_us = NOW_US
        self.ingest = Ingest(self.bus, PriceBook(), now_unix_us=lambda: self.now_us, in_flight=InFlight(bytes_max))

    def record(self, *calls: call_pb2.Call, batch_id: bytes = b"b-1", dropped: int = 0) -> Recorded:
        """Records calls in project `p`."""
        return asyncio.run(self.ingest.record_calls("p", batch_id, columns_of(*calls), dropped))

    def record_evidence(self, data: bytes) -> Recorded:
        """Records a RecordEvidenceRequest in project `p`."""
        batch = parse_evidence(data)
        return asyncio.run(self.ingest.record_evidence("p", batch.batch_id, batch.items))

    @property
    def parts(self) -> list[ingest_pb2.IngestMessage]:
        """What was published."""
        return [ingest_pb2.IngestMessage.FromString(payload) for _, payload, _ in self.bus.messages]

    @property
    def ids(self) -> list[str]:
        """By what the bus knows a message again."""
        return [headers["Nats-Msg-Id"] for _, _, headers in self.bus.messages]


class Carried:
    """The calls of a message, one by one; times in whole microseconds."""

    def __init__(self, columns: ingest_pb2.CallColumns) -> None:
        self.columns = columns
        self.extras = {extra.index: extra for extra in columns.extras}

    def number(self, field: str, dtype: str, place: int) -> int:
        """A call's element of a packed column."""
        values = np.frombuffer(getattr(self.columns, field), dtype)
        assert len(values) == len(self.columns.call_ids)
        return int(values[place])

    def text(self, table: Sequence[str], index_field: str, place: int) -> str:
        """A call's text out of a dictionary."""
        index = self.number(index_field, "<i4", place)
        return table[index] if index >= 0 else ""

    def __iter__(self) -> Iterator[call_pb2.Call]:
        for place, call_id in enumerate(self.columns.call_ids):
            one = call_pb2.Call(call_id=call_id, outcome=self.number("outcome", "<u1", place))  # type: ignore[arg-type]
            self.add_texts(one, place)
            self.add_times(one, place)
            self.add_counts(one, place)
            if place in self.extras:
                self.add_extras(one, self.extras[place])
            yield one

    def add_texts(self, one: call_pb2.Call, place: int) -> None:
        """Task, agent, error and series."""
        one.task_id = self.text(self.columns.task_ids, "task_index", place)
        one.agent = self.text(self.columns.agents, "agent_index", place)
        one.error_type = self.text(self.columns.error_types, "error_type_index", place)
        series = self.columns.series[self.number("series_index", "<u2", place)]
        one.provider, one.model, one.task_type, one.prompt_name, one.prompt_version = series.split("\0")

    def add_times(self, one: call_pb2.Call, place: int) -> None:
        """Start, latency, first token."""
        one.start_time.FromMicroseconds(self.number("start_unix_us", "<i8", place))
        one.latency.FromMicroseconds(self.number("latency_us", "<i8", place))
        first_token_us = self.number("first_token_us", "<i8", place)
        if first_token_us >= 0:
            one.time_to_first_token.FromMicroseconds(first_token_us)

    def add_counts(self, one: call_pb2.Call, place: int) -> None:
        """Tokens, the caller's cost, revisions."""
        fields = [field.name for field in one.usage.DESCRIPTOR.fields]
        tokens = {field: self.number(field, "<i4", place) for field in fields}
        if set(tokens.values()) != {-1}:
            one.usage.MergeFrom(call_pb2.TokenUsage(**tokens))
            one.usage.SetInParent()
        if self.number("price_origin", "<u1", place) == PriceOrigin.CALLER:
            one.cost_usd_nanos = self.number("cost_usd_nanos", "<i8", place)
        if self.number("revision_count", "<i4", place) >= 0:
            one.revision_count = self.number("revision_count", "<i4", place)

    def add_extras(self, one: call_pb2.Call, extra: ingest_pb2.CallExtras) -> None:
        """Labels and ranking."""
        one.ranking_id = extra.ranking_id
        one.labels.update(extra.labels)
        if extra.HasField("selection_ratio"):
            one.selection_ratio = extra.selection_ratio


def in_microseconds(one: call_pb2.Call) -> call_pb2.Call:
    """The call as it is kept: times rounded down to microseconds."""
    kept = call_pb2.Call()
    kept.CopyFrom(one)
    for field in ("start_time", "latency", "time_to_first_token"):
        if kept.HasField(field):
            getattr(kept, field).nanos -= getattr(kept, field).nanos % 1_000
    return kept
