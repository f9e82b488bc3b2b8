"""The RPCs that read single calls, series, batches and the ledger: each converts and delegates."""

import time
from collections.abc import Callable

from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from sqlalchemy.ext.asyncio import AsyncEngine

from kit import paging
from kit.bus import Bus
from kit.database import away_is_unavailable
from kit.errors import AssayError, Kind
from services.collector.ledger import Ledger
from services.collector.messages import listing_requests as requests
from services.collector.messages import stored_messages as stored
from services.collector.store.projects import ProjectReader
from services.collector.store.read_calls import CallReader
from services.collector.store.read_ledger import LedgerReader
from services.collector.store.read_messages import BatchReader, MessageRow
from services.collector.store.read_series import SeriesReader
from services.collector.unstored import UnstoredReader


def _now_us() -> int:
    return time.time_ns() // 1_000


class ReadingRpc:
    """Answers for a project that the caller may read; `project` is its name, whatever the request says."""

    def __init__(self, engine: AsyncEngine, bus: Bus, *, now_us: Callable[[], int] = _now_us) -> None:
        self._projects = ProjectReader(engine)
        self._calls = CallReader(engine)
        self._series = SeriesReader(engine)
        self._batches = BatchReader(engine)
        self._unstored = UnstoredReader(bus)
        self._ledger = Ledger(LedgerReader(engine), self._unstored)
        self._now_us = now_us

    async def list_series(self, request: metrics.ListSeriesRequest, project: str) -> metrics.ListSeriesResponse:
        """A page of series."""
        project_id = await self._project_id(project)
        size = paging.page_size(request.page_size, requests.SERIES_PAGE_DEFAULT, requests.PAGE_MAX)
        wanted, query, after = requests.series_query(request, project)
        page = await self._series.list_series(project_id, wanted, after, size + 1)
        return metrics.ListSeriesResponse(
            series=map(stored.series, page[:size]),
            next_page_token=requests.series_token(page[size - 1], query) if len(page) > size else "",
        )

    async def list_calls(self, request: metrics.ListCallsRequest, project: str) -> metrics.ListCallsResponse:
        """A page of calls, the latest started first."""
        project_id = await self._project_id(project)
        size = paging.page_size(request.page_size, requests.CALLS_PAGE_DEFAULT, requests.PAGE_MAX)
        question, query = requests.calls_question(request, project, project_id)
        page = await self._calls.list_latest(question, size + 1, self._now_us())
        return metrics.ListCallsResponse(
            calls=map(stored.stored_call, page[:size]),
            next_page_token=requests.call_token(page[size - 1], query) if len(page) > size else "",
        )

    async def get_call(self, request: metrics.GetCallRequest, project: str) -> metrics.GetCallResponse:
        """A call with its evidence. Raises CALL_UNKNOWN."""
        project_id = await self._project_id(project)
        call_id = _call_id(request.call_id)
        found = await self._calls.get(project_id, call_id)
        if found is None:
            raise AssayError(Kind.NOT_FOUND, "CALL_UNKNOWN", f"there is no call {call_id!r}; one just recorded takes a moment to be stored")
        return stored.found_call(found)

    async def get_batches(self, request: collector.GetBatchesRequest, project: str) -> collector.GetBatchesResponse:
        """What became of batches."""
        project_id = await self._project_id(project)
        return stored.batches(await self._batches.find(project_id, requests.batch_ids(request)))

    async def get_ledger(self, request: collector.GetLedgerRequest, project: str) -> collector.GetLedgerResponse:
        """The account of everything received."""
        project_id = await self._project_id(project)
        first, last = requests.ledger_days(request)
        return stored.account(await self._ledger.account(project, project_id, first, last))

    async def trace_call(self, request: collector.TraceCallRequest, project: str) -> collector.TraceCallResponse:
        """The way of a call."""
        project_id = await self._project_id(project)
        call_id = _call_id(request.call_id)
        messages, evidence_ids = await self._calls.trace(project_id, call_id)
        in_flight: list[MessageRow] = []
        if messages is None:
            in_flight = await self._unstored.search(project, call_id)
            # What was in flight when the store was asked may be stored by now.
            messages, evidence_ids = await self._calls.trace(project_id, call_id)
        return collector.TraceCallResponse(
            is_stored=messages is not None,
            messages=map(stored.call_message, in_flight if messages is None else messages),
            evidence_ids=evidence_ids,
        )

    async def _project_id(self, project: str) -> int:
        with away_is_unavailable():
            found = await self._projects.find(project)
        if found is None:
            raise AssayError(Kind.NOT_FOUND, "PROJECT_UNKNOWN", f"there is no project {project!r}")
        return found.project_id


def _call_id(call_id: str) -> str:
    return requests.text_of(call_id, "call_id")
