"""Reads server-sent events as a browser does."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from assay.collector.v1.metrics_service_pb2 import MetricWindows, SeriesKey, WatchMetricsResponse

from tests.gateway.neighbour import READER
from tests.gateway.site import DEADLINE_S, Site

MINUTE_S = 60


@dataclass(frozen=True)
class Event:
    """One event; `kind` is "retry" for a pause's length."""

    kind: str
    data: Any
    event_id: str = ""


class Reader:
    """Hands out the events of a stream one by one, each within a deadline."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def next(self) -> Event | None:
        """The next event that is no heartbeat; None when the stream has ended."""
        while (event := await self.next_of_any_kind()) is not None and event.kind == "heartbeat":
            pass
        return event

    async def next_of_any_kind(self) -> Event | None:
        async with asyncio.timeout(DEADLINE_S):
            fields: dict[str, str] = {}
            async for line in self._lines:
                if not line:
                    return _event(fields)
                name, _, value = line.partition(": ")
                fields[name] = value
        return None

    async def expect(self, *kinds: str) -> list[Event]:
        """The next events, which have to be of these kinds."""
        events = [await self.next() for _ in kinds]
        assert [event and event.kind for event in events] == list(kinds)
        return [event for event in events if event is not None]

    async def until(self, kind: str) -> Event:
        """The next event of a kind; the others before it are passed over."""
        while (event := await self.next()) is not None:
            if event.kind == kind:
                return event
        raise AssertionError(f"the stream ended without {kind}")

    async def end(self) -> list[Event]:
        """What is left until the stream ends."""
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events


def _event(fields: dict[str, str]) -> Event:
    if "event" in fields:
        return Event(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
    (kind, value), *_ = fields.items()
    return Event(kind, value)


@asynccontextmanager
async def reading(site: Site, last_event_id: str = "", secret: str = READER, **parameters: Any) -> AsyncIterator[Reader]:
    """Opens /stream, with a step of a minute unless another question is asked."""
    headers = {"authorization": f"Bearer {secret}"}
    if last_event_id:
        headers["last-event-id"] = last_event_id
    question = {"range": "1h", "step": "60s", **parameters}
    async with site.http.stream("GET", "/api/v1/stream", params=question, headers=headers) as response:
        assert response.status_code == 200, (await response.aread()).decode()
        yield Reader(response)


def change(call_count: int, minutes_back: int = 1, *, is_snapshot: bool = False) -> WatchMetricsResponse:
    """One window of one provider, `minutes_back` before the present minute."""
    start = int(time.time()) // MINUTE_S * MINUTE_S - minutes_back * MINUTE_S
    windows = MetricWindows()
    for name, field in MetricWindows.DESCRIPTOR.fields_by_name.items():
        if field.type == field.TYPE_INT64:
            getattr(windows, name).append(0)
    windows.start_unix_s[0], windows.end_unix_s[0], windows.call_count[0] = start, start + MINUTE_S, call_count
    response = WatchMetricsResponse(is_snapshot=is_snapshot, lag_s=0.5)
    response.as_of_time.FromSeconds(start + MINUTE_S)
    response.series.add(key=SeriesKey(provider="a"), windows=windows)
    return response


def counts(event: Event) -> list[int]:
    return [window["call_count"] for series in event.data["series"] for window in series["windows"]]
