"""What is seen of sources is written down, added up and bounded."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span

from kit.errors import AssayError, Kind
from services.collector.domain.received import ReceivedCalls
from services.collector.messages.call_columns import read_calls
from services.collector.messages.otlp.requests import exported
from services.collector.messages.otlp.spans import SpanReader, TaskNames
from services.collector.sources import NO_SENDER, SourceBook
from services.collector.store import sources as store_module
from services.collector.store.projects import ProjectReader
from services.collector.store.sources import OTHER, SourceStore
from tests.collector.feeding import Feeder
from tests.collector.ingest_samples import call
from tests.collector.writing_support import DEFAULT

START = datetime(2026, 5, 1, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def calls(count: int = 1, **fields: Any) -> ReceivedCalls:
    return read_calls([call(call_id=f"c-{number}", **fields).SerializeToString() for number in range(count)])


async def project_id(feeder: Feeder) -> int:
    project = await ProjectReader(feeder.engine).find(DEFAULT)
    assert project is not None
    return project.project_id


async def test_what_was_seen_is_added_to_what_there_was(feeder: Feeder) -> None:
    clock, store = Clock(), SourceStore(feeder.engine)
    book = SourceBook(store, now=clock)
    for agent, number in (("planner", 3), ("", 2)):
        book.look(DEFAULT, "key-1", "sdk/1.0", calls(number, agent=agent))
        book.look(DEFAULT, "key-1", "sdk/1.0", calls(50))  # at the same moment: not looked at
        await book.write()
        clock.now += timedelta(minutes=1)
    book.look("gone", "key-1", "sdk", calls())
    book.look(DEFAULT, "key-2", "", calls())
    book.look(DEFAULT, "key-2", "@scope/name/2.0", calls())
    await book.write()
    await book.write()  # nothing waits
    found = await store.page(await project_id(feeder), "", "", 10)
    assert [(row.sender, row.tally.version, row.key_id) for row in found] == [
        ("@scope/name", "2.0", "key-2"),
        ("sdk", "1.0", "key-1"),
        (NO_SENDER, "", "key-2"),
    ]
    told = found[1].tally.fields[2]
    assert (found[1].tally.call_count, told.filled_count, told.unfilled_run, told.last_fill_time) == (5, 3, 2, START)
    assert [row.sender for row in await store.page(await project_id(feeder), "sdk", "key-1", 10)] == [NO_SENDER]


async def test_names_that_change_each_time_are_told_together(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SOURCES_MAX", 3)
    store = SourceStore(feeder.engine)
    book = SourceBook(store)
    for number in range(6):
        book.look(DEFAULT, "key", f"name-{number}", calls())
    await book.write()
    found = {row.sender: row.tally.call_count for row in await store.page(await project_id(feeder), "", "", 10)}
    assert found == {"name-0": 1, "name-1": 1, "name-2": 1, OTHER: 3}


class Away:
    """A store whose database is away."""

    def __init__(self) -> None:
        self.error: Exception | None = AssayError(Kind.UNAVAILABLE, "DATABASE_UNAVAILABLE", "away")
        self.added: list[Any] = []

    async def add(self, tallies: Any) -> None:
        if self.error is not None:
            raise self.error
        self.added.append(dict(tallies))


async def test_what_cannot_be_written_down_waits_and_a_bug_ends_the_process() -> None:
    clock, away = Clock(), Away()
    book = SourceBook(away, now=clock)  # type: ignore[arg-type]
    book.look(DEFAULT, "key", "sdk", calls(2))
    await book.write()
    clock.now += timedelta(seconds=2)
    book.look(DEFAULT, "key", "sdk", calls(3))
    away.error = None
    stop = asyncio.Event()
    stop.set()
    await book.run(stop)
    assert [[tally.call_count for tally in tallies.values()] for tallies in away.added] == [[5]]
    away.error = ZeroDivisionError()
    book.look(DEFAULT, "key", "sdk", calls())
    with pytest.raises(ZeroDivisionError):
        await book.write()


def test_spans_of_different_instrumentations_are_different_senders() -> None:
    def span(number: int) -> Span:
        attributes = [KeyValue(key="gen_ai.operation.name", value=AnyValue(string_value="chat"))]
        return Span(trace_id=b"t" * 16, span_id=number.to_bytes(8, "big"), attributes=attributes)

    scopes = [("one", "1.0", 2), ("two", "", 1), ("", "", 1)]
    spans = [
        ScopeSpans(scope=InstrumentationScope(name=name, version=version), spans=[span(number) for number in range(count)])
        for name, version, count in scopes
    ]
    read = exported(ExportTraceServiceRequest(resource_spans=[ResourceSpans(scope_spans=spans)]), SpanReader(TaskNames()))
    assert [(batch.sender, len(batch.calls)) for batch in read.batches] == [("one/1.0", 2), ("two/", 1), ("opentelemetry/", 1)]
