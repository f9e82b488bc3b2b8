"""Counters to a Prometheus remote write receiver: a snapshot of all of them at whole intervals.

Counters lose nothing when a snapshot is lost, only when it was counted; so snapshots that could not be sent wait in memory.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cramjam
from sqlalchemy.ext.asyncio import AsyncEngine

from services.collector.domain.export_pace import due_time_s
from services.collector.domain.exposition import exposed
from services.collector.domain.remote_write import write_requests
from services.collector.domain.rollup import Windows
from services.collector.export.http import Http, Verdict
from services.collector.export.sender import TroubleError
from services.collector.export.targets import Target
from services.collector.store.counters import CounterReader
from services.collector.store.exports import Progress
from services.collector.store.metrics import DIMENSIONS
from services.collector.store.projects import ProjectReader

# Snapshots of 300 series take some 200 kB each when compressed: five hours of them.
WAITING_BYTES_MAX = 64 * 1024 * 1024
_HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


@dataclass(slots=True)
class _Snapshot:
    """All counters at one instant, in requests of which those are left that were not taken yet."""

    time_s: int
    requests: deque[bytes]

    @property
    def byte_count(self) -> int:
        return sum(map(len, self.requests))


class CounterSender:
    """Makes snapshots when they are due, and sends them, the oldest first: receivers want rising times."""

    def __init__(self, engine: AsyncEngine, http: Http, target: Target, *, now_s: Callable[[], float] = time.time) -> None:
        self._counters = CounterReader(engine)
        self._projects = ProjectReader(engine)
        self._http = http
        self._target = target
        self._now_s = now_s
        self._waiting: deque[_Snapshot] = deque()

    @property
    def waiting_count(self) -> int:
        """Snapshots that wait."""
        return len(self._waiting)

    async def look(self, position: int) -> None:
        """Makes the snapshot that is due, if one is. Past WAITING_BYTES_MAX, the oldest ones are given up."""
        latest_s = self._waiting[-1].time_s if self._waiting else position
        due_s = due_time_s(self._now_s(), self._target.every_s, latest_s)
        if due_s is None:
            return
        requests: list[bytes] = []
        for project in await self._projects.all():
            if self._target.wants(project.project):
                terms, counters = await self._counters.read(project.project_id)
                requests += await asyncio.to_thread(self._requests, project.project, terms, counters, due_s)
        self._waiting.append(_Snapshot(due_s, deque(requests)))
        while len(self._waiting) > 1 and sum(snapshot.byte_count for snapshot in self._waiting) > WAITING_BYTES_MAX:
            self._waiting.popleft()

    async def step(self, position: int) -> Progress | None:
        """Sends one request of the oldest snapshot. When it was the last one, that snapshot's time is the position."""
        if not self._waiting:
            return None
        oldest = self._waiting[0]
        sent_count, refused = 0, ""
        if oldest.requests:
            answer = await self._http.post(self._target.url, oldest.requests[0], {**_HEADERS, "Authorization": self._target.header()})
            if answer.verdict is Verdict.AGAIN:
                raise TroubleError(answer.detail, answer.after_s)
            refused = answer.detail if answer.verdict is Verdict.REFUSED else ""
            sent_count = int(not refused)
            oldest.requests.popleft()
        if not oldest.requests:
            self._waiting.popleft()
            position = oldest.time_s
        return Progress(position, sent_count, int(bool(refused)), len(self._waiting), refused)

    def _requests(self, project: str, terms: dict[int, tuple[str, ...]], counters: Windows, time_s: int) -> Sequence[bytes]:
        shown = exposed(project, terms, counters, DIMENSIONS, self._target.by)
        made = write_requests(shown, time_s * 1_000, self._target.histograms)
        return [bytes(cramjam.snappy.compress_raw(request)) for request in made]
