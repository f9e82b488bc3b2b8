"""A fed collector and the reading RPCs on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics

from kit.bus import Bus
from kit.embedded.stack import Stack
from kit.errors import AssayError
from services.collector.rpc_reading import ReadingRpc
from tests.collector.feeding import Feeder, feeding
from tests.collector.ingest_samples import NOW_US

DEFAULT = "default"
OTHER = "other"


@dataclass
class Site:
    """Two projects, what feeds them, and what is asked of them."""

    feeder: Feeder
    rpc: ReadingRpc
    project_id: int

    async def call_ids(self, project: str = DEFAULT, **fields: Any) -> list[str]:
        """The ids of one page of calls."""
        page = await self.rpc.list_calls(metrics.ListCallsRequest(**fields), project)
        return [one.call.call_id for one in page.calls]

    async def stored(self, call_id: str, project: str = DEFAULT) -> metrics.GetCallResponse:
        """One call."""
        return await self.rpc.get_call(metrics.GetCallRequest(call_id=call_id), project)

    async def trace(self, call_id: str, project: str = DEFAULT) -> collector.TraceCallResponse:
        """The way of one call."""
        return await self.rpc.trace_call(collector.TraceCallRequest(call_id=call_id), project)

    async def batch(self, batch_id: str, project: str = DEFAULT) -> collector.BatchState | None:
        """What became of one batch."""
        response = await self.rpc.get_batches(collector.GetBatchesRequest(batch_ids=[batch_id]), project)
        return response.batches[0] if response.batches else None


@asynccontextmanager
async def reading_site(stack: Stack, bus: Bus) -> AsyncIterator[Site]:
    """A site on a database of its own; its clock stands at NOW_US."""
    database_url = await stack.create_database(f"test_{uuid4().hex[:12]}")
    async with feeding(database_url, bus) as feeder:
        project_id = await feeder.add_project(DEFAULT)
        await feeder.add_project(OTHER)
        yield Site(feeder, ReadingRpc(feeder.engine, bus, now_us=lambda: NOW_US), project_id)


def refusal(refused: "pytest.ExceptionInfo[AssayError]") -> tuple[str, str | None]:
    """Reason and field of a refusal."""
    return refused.value.reason, refused.value.details.get("field")
