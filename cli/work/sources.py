"""Sources of calls, as JSON and as a table of what they leave out."""

from collections.abc import Iterator

import grpc.aio
from assay.collector.v1.source_service_pb2 import SOURCE_FIELD_STATE_CEASED, ListSourcesRequest, Source, SourceField, SourceFieldState
from assay.collector.v1.source_service_pb2_grpc import SourceServiceStub
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.connection import ASK_TIMEOUT_S, Target, ask
from cli.work.output import as_json, print_json, print_table

PAGE_SIZE = 500
_PREFIX = "SOURCE_FIELD_STATE_"
_FILLED = "FILLED"


def show_sources(target: Target, project: str, *, all_fields: bool, json: bool) -> None:
    """Prints the sources, the one heard of last first."""
    found = sorted(ask(target, lambda channel: _all(channel, project)), key=lambda source: -source.last_time.ToNanoseconds())
    if json:
        print_json([as_json(source) for source in found])
        return
    rows = (row for source in found for row in _rows(source, all_fields=all_fields))
    columns = ("source", "version", "key", "calls looked at", "field", "state", "since", "what cannot be shown")
    print_table(columns, rows, empty="no calls were looked at yet: the first ones show within half a minute")


async def _all(channel: grpc.aio.Channel, project: str) -> list[Source]:
    service = SourceServiceStub(channel)
    request = ListSourcesRequest(project=project, page_size=PAGE_SIZE)
    found: list[Source] = []
    while True:
        page = await service.ListSources(request, timeout=ASK_TIMEOUT_S)
        found += page.sources
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


def _rows(source: Source, *, all_fields: bool) -> Iterator[tuple[object, ...]]:
    """A row for each field that is left out; one for a source that leaves out nothing."""
    head = (source.sender, source.version or None, source.key_id, source.call_count)
    shown = [field for field in source.fields if all_fields or _state(field) not in {_FILLED, ""}]
    for field in shown:
        state = _state(field)
        ratio = f"{field.filled_count / field.call_count:.0%} filled" if field.call_count and state == _FILLED else state.lower() or None
        yield (*head, field.field, ratio, _since(source, field), None if state == _FILLED else field.blinds)
    if not shown:
        yield (*head, None, "nothing is left out", None, None)


def _since(source: Source, field: SourceField) -> str | None:
    """From when on a field is left out: since its last call that had it, or since the source was first heard of."""
    if field.state == SOURCE_FIELD_STATE_CEASED:
        return _day(field.last_fill_time)
    return _day(source.first_time) if _state(field) not in {_FILLED, ""} else None


def _state(field: SourceField) -> str:
    return SourceFieldState.Name(field.state).removeprefix(_PREFIX).removesuffix("UNSPECIFIED")


def _day(time: Timestamp) -> str:
    return time.ToDatetime().strftime("%Y-%m-%d %H:%M")
