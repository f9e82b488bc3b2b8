"""The collector as the analyzer sees it: projects, windows of calls, and the calls themselves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import grpc.aio
from assay.access.v1.access_service_pb2 import ListProjectsRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.metrics_service_pb2 import ListCallsRequest, MetricSeries, QueryMetricsRequest, StoredCall
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub

from kit import rpc
from kit.errors import AssayError
from services.analyzer.domain.ranking.gathered import CellWindows
from services.analyzer.domain.window_columns import WindowColumns
from services.analyzer.messages.cells import cells_from_message, cells_request
from services.analyzer.messages.windows import Numbers, windows_from_message, windows_request

if TYPE_CHECKING:  # these exist in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub
    from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceAsyncStub

# A range of all series takes the collector seconds where there are many.
QUERY_TIMEOUT_S = 60.0
ASK_TIMEOUT_S = 5.0
PROJECTS_PAGE = 1_000
CALLS_PAGE = 1_000
# Series that one query names; with more, all are asked for.
SERIES_IDS_MAX = 10_000
MINUTE_S = 60
_NANOS_PER_S = 1e9
# An answer with more than 150,000 windows is refused. A slice that turned out too long is halved, one that has few windows is followed by
# one twice as long.
FEW_WINDOWS = 30_000
_TOO_LARGE = frozenset({"RANGE_TOO_LARGE", "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"})


class Collector:
    """Asks with the key of the services; whose projects are asked for is the caller's affair."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds the key."""
        self._access: AccessServiceAsyncStub = AccessServiceStub(channel)
        self._metrics: MetricsServiceAsyncStub = MetricsServiceStub(channel)

    async def projects(self) -> list[str]:
        """The names of all projects. Raises AssayError."""
        found: list[str] = []
        token = ""
        while True:
            request = ListProjectsRequest(page_size=PROJECTS_PAGE, page_token=token)
            try:
                response = await self._access.ListProjects(request, timeout=ASK_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error
            found += [project.project for project in response.projects]
            token = response.next_page_token
            if not token:
                return found

    async def windows(
        self, project: str, start_s: int, end_s: int, numbers: Numbers, *, step_s: int = MINUTE_S, series_ids: Sequence[int] = ()
    ) -> WindowColumns:
        """The windows of a range with their present values: of all series, or of those of these numbers. Raises AssayError."""
        request = windows_request(project, start_s, end_s, step_s, series_ids if len(series_ids) <= SERIES_IDS_MAX else ())
        try:
            response = await self._metrics.QueryMetrics(request, timeout=QUERY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error
        return await asyncio.to_thread(windows_from_message, response.series, numbers)

    async def slices(
        self,
        project: str,
        start_s: int,
        end_s: int,
        numbers: Numbers,
        *,
        step_s: int,
        slice_s: int,
        series_ids: Sequence[int] = (),
    ) -> AsyncIterator[tuple[int, WindowColumns]]:
        """A long range piece by piece: where each ends, and its windows. `slice_s` is how long the first is to be, in whole steps."""
        while start_s < end_s:
            until_s = min(start_s + slice_s, end_s)
            try:
                windows = await self.windows(project, start_s, until_s, numbers, step_s=step_s, series_ids=series_ids)
            except AssayError as error:
                if error.reason not in _TOO_LARGE or slice_s <= step_s:
                    raise
                slice_s = max(slice_s // 2 // step_s, 1) * step_s
                continue
            yield until_s, windows
            start_s = until_s
            if len(windows) < FEW_WINDOWS:
                slice_s *= 2

    async def cells(
        self, project: str, start_s: int, end_s: int, step_s: int = 0, *, prompt: tuple[str, str] = ("", "")
    ) -> tuple[CellWindows, float]:
        """The windows of all candidates on all kinds of task, however many; and when the newest call was received (0: never).

        `step_s`: 0 for one window. `prompt`: name and version of the prompt whose calls count, "" for all. Raises AssayError.
        """
        series, as_of_s = await self.series(cells_request(project, prompt, start_s, end_s, step_s))
        return await asyncio.to_thread(cells_from_message, series), as_of_s

    async def series(self, request: QueryMetricsRequest) -> tuple[list[MetricSeries], float]:
        """The answer to a query, and when the newest call was received (0: never). Raises AssayError.

        One that is too large is asked for in halves: a series comes once for each that it has windows in.
        """
        try:
            response = await self._metrics.QueryMetrics(request, timeout=QUERY_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            refused = rpc.error_of(error)
            halves = _halves(request) if refused.reason in _TOO_LARGE else []
            if not halves:
                raise refused from error
            (first, _), (second, as_of_s) = [await self.series(half) for half in halves]
            return first + second, as_of_s
        return list(response.series), response.as_of_time.ToNanoseconds() / _NANOS_PER_S

    async def latest_calls(self, request: ListCallsRequest, count_max: int) -> AsyncIterator[list[StoredCall]]:
        """Pages of a project's calls, the latest first, until there are so many. Raises AssayError."""
        asked, count = ListCallsRequest(), 0
        asked.CopyFrom(request)
        while count < count_max:
            asked.page_size = min(CALLS_PAGE, count_max - count)
            try:
                response = await self._metrics.ListCalls(asked, timeout=QUERY_TIMEOUT_S)
            except grpc.aio.AioRpcError as error:
                raise rpc.error_of(error) from error
            count += len(response.calls)
            asked.page_token = response.next_page_token
            yield list(response.calls)
            if not asked.page_token:
                return


def _halves(request: QueryMetricsRequest) -> list[QueryMetricsRequest]:
    """The same query on either half of its range; none where the range is a single window."""
    start_s, end_s, step_s = request.start_time.seconds, request.end_time.seconds, request.step.seconds
    middle_s = start_s + max((end_s - start_s) // 2 // step_s, 1) * step_s if step_s else end_s
    if middle_s >= end_s:
        return []
    first, second = QueryMetricsRequest(), QueryMetricsRequest()
    first.CopyFrom(request)
    second.CopyFrom(request)
    first.end_time.seconds = second.start_time.seconds = middle_s
    return [first, second]


class Calls:
    """Finds calls in the name of whoever asks."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        """`channel` adds no key."""
        self._metrics: MetricsServiceAsyncStub = MetricsServiceStub(channel)

    async def latest(self, request: ListCallsRequest, secret: str) -> list[StoredCall]:
        """A page of calls, the latest first. Raises AssayError."""
        try:
            response = await self._metrics.ListCalls(request, metadata=(("authorization", f"Bearer {secret}"),), timeout=ASK_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            raise rpc.error_of(error) from error
        return list(response.calls)
