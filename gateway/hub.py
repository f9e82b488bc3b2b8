"""One live question of one key: asks the services once, however many readers there are, and writes the event log."""

import asyncio
import json
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from assay.analyzer.v1.quality_service_pb2 import WatchQualityResponse
from assay.analyzer.v1.ranking_service_pb2 import WatchKeptRankingsResponse
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.metrics_service_pb2 import WatchMetricsRequest
from assay.reporter.v1.report_service_pb2 import WatchReportsResponse

from gateway.alerter import Alerter
from gateway.analyzer import Analyzer
from gateway.analyzer_messages import scores_told
from gateway.collector import Collector
from gateway.event_log import EventLog
from gateway.live_alerts import LiveAlerts
from gateway.live_anomalies import LiveAnomalies
from gateway.live_answer import LiveAnswer
from gateway.live_news import LiveNews
from gateway.messages import ledger_event
from gateway.ranking_messages import rankings_told
from gateway.reporter import Reporter
from gateway.reporter_messages import reports_told
from gateway.settings import GatewaySettings
from kit import logs
from kit.errors import AssayError, Kind

GENERATION_BYTES = 6
RETRY_FRAME = b"retry: 2000\n\n"  # milliseconds until a browser comes back
# Trying again does not help with these: the reader has to ask something else, or with another key.
_FINAL = frozenset(
    {
        Kind.INVALID_ARGUMENT,
        Kind.UNAUTHENTICATED,
        Kind.PERMISSION_DENIED,
        Kind.NOT_FOUND,
        Kind.FAILED_PRECONDITION,
    }
)
_log = logs.get_logger(__name__)


@dataclass(frozen=True)
class HubKey:
    """What makes readers share a hub: the same key and the same question, serialised."""

    secret: str
    question: bytes


class Live(Protocol):
    """What is told of something, as texts of an event: changes go in, snapshots for newcomers come out."""

    is_known: bool

    def apply(self, response: Any) -> str:
        """Takes in a response of the watch; returns it as the event's data."""
        ...

    def lose(self, error: AssayError) -> str | None:
        """Takes in that the service is away; the event's data, None where that was told already."""
        ...

    def snapshot(self) -> str:
        """All that is open, as the event's data."""
        ...


@dataclass(frozen=True)
class Beside:
    """A watch beside that of the metrics, of a service that the page works without."""

    event: str
    live: Live
    watch: Callable[[str, str], AsyncIterator[Any]]


@dataclass(frozen=True)
class Services:
    """Whom hubs ask."""

    collector: Collector
    analyzer: Analyzer
    alerter: Alerter
    reporter: Reporter


class Hub:
    """Follows the metrics, their totals, the ledger, and what the other services tell while it runs. `clients` is counted by its owner."""

    def __init__(self, key: HubKey, services: Services, settings: GatewaySettings) -> None:
        self.key = key
        self.clients = 0
        self.refusal: AssayError | None = None  # why there never was an answer
        self.decided = asyncio.Event()  # there is a first answer, or a refusal
        self._collector = services.collector
        self._settings = settings
        self._question = WatchMetricsRequest.FromString(key.question)
        generation = secrets.token_hex(GENERATION_BYTES)
        self._log = EventLog(generation, settings.hub_events_max, settings.hub_bytes_max)
        self._metrics = self._answer(has_step=self._question.HasField("step"))
        self._totals = self._answer(has_step=False)
        self._ledger = ""
        self._beside = (
            Beside("anomalies", LiveAnomalies(), services.analyzer.watch_anomalies),
            Beside("alerts", LiveAlerts(), services.alerter.watch),
            Beside("rankings", LiveNews(rankings_told, WatchKeptRankingsResponse()), services.analyzer.watch_rankings),
            Beside("scores", LiveNews(scores_told, WatchQualityResponse()), services.analyzer.watch_scores),
            Beside("reports", LiveNews(reports_told, WatchReportsResponse()), services.reporter.watch),
        )
        self._trouble = ""  # the status event of the trouble that we are in, if any
        self._awaited: set[str] = set()  # what this connection has not answered yet
        self._snapshot: tuple[tuple[int, int], list[bytes]] = ((-1, 0), [])

    async def run(self) -> None:
        """Follows until there is no point in it, and over every loss of the collector."""
        wait_s = self._settings.reconnect_first_s
        following = [asyncio.create_task(self._follow(beside)) for beside in self._beside]
        try:
            while True:
                error = await self._connection()
                if not self.decided.is_set():
                    self.refusal = error
                    return
                self._announce(error)
                if error.kind in _FINAL:
                    return
                if not self._awaited:
                    wait_s = self._settings.reconnect_first_s
                await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311  spreads the load, hides nothing
                wait_s = min(2 * wait_s, self._settings.reconnect_max_s)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            if not self.decided.is_set() and self.refusal is None:
                self.refusal = AssayError(Kind.UNAVAILABLE, "STREAM_ENDED", "the stream could not be started: try again")
            self.decided.set()
            self._log.close()

    async def read(self, last_event_id: str) -> AsyncIterator[bytes]:
        """The frames for one reader: what it missed, or a snapshot, and then what happens.

        Ends when the hub ends, or when the reader has fallen so far behind that it had better start anew.
        """
        yield RETRY_FRAME
        position = self._log.position_of(last_event_id)
        if position is None:
            position, frames = self._log.last_number, self._snapshot_frames()
            for frame in frames:
                yield frame
        while self._log.reaches(position):
            frame_or_none = self._log.after(position)
            if frame_or_none is not None:
                position += 1
                yield frame_or_none
            elif self._log.is_closed:
                return
            else:
                await self._log.changed()

    def _answer(self, *, has_step: bool) -> LiveAnswer:
        range_s = self._question.range.ToTimedelta().total_seconds()
        return LiveAnswer(range_s, has_step=has_step, windows_max=self._settings.hub_windows_max)

    async def _connection(self) -> AssayError:
        """Follows until the first thing fails; returns how."""
        self._awaited = {"metrics", "totals", "ledger"}
        totals = WatchMetricsRequest()
        totals.CopyFrom(self._question)
        totals.ClearField("step")
        totals.ClearField("group_by")
        followers = (
            self._follow_key(),
            self._follow_metrics("metrics", self._metrics, self._question),
            self._follow_metrics("totals", self._totals, totals),
            self._follow_ledger(),
        )
        # Not a TaskGroup: before Python 3.13 one that is failing swallows a cancellation from outside.
        tasks = [asyncio.ensure_future(follower) for follower in followers]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            done.pop().result()
        except AssayError as error:
            return error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise AssertionError("a follower ends by raising")

    async def _follow_key(self) -> None:
        """A revoked key ends its streams soon, whatever the other streams notice."""
        while True:
            await self._collector.keys.check(self.key.secret)
            await asyncio.sleep(self._settings.key_check_interval_s)

    async def _follow_metrics(self, event: str, answer: LiveAnswer, question: WatchMetricsRequest) -> None:
        async for response in self._collector.watch(question, self.key.secret):
            self._publish(event, answer.apply(response, time.time()))

    async def _follow_ledger(self) -> None:
        question = GetLedgerRequest(project=self._question.project)
        published = ""
        while True:
            response = await self._collector.ask(self._collector.calls.GetLedger, question, self.key.secret)
            self._ledger = json.dumps(ledger_event(response, datetime.now(UTC)), separators=(",", ":"))
            if self._ledger != published:
                published = self._ledger
                self._publish("ledger", published)
            await asyncio.sleep(self._settings.ledger_interval_s)

    async def _follow(self, beside: Beside) -> None:
        """Follows a watch over every loss of its service, beside all else: the page works without it, and is told."""
        wait_s = self._settings.reconnect_first_s
        while True:
            try:
                async for response in beside.watch(self._question.project, self.key.secret):
                    self._log.append(beside.event, beside.live.apply(response))
                    wait_s = self._settings.reconnect_first_s
            except AssayError as error:
                lost = beside.live.lose(error)
                if lost is not None:
                    self._log.append(beside.event, lost)
                if error.kind in _FINAL:
                    return
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311  as above
            wait_s = min(2 * wait_s, self._settings.reconnect_max_s)

    def _publish(self, event: str, data: str) -> None:
        self._log.append(event, data)
        self._awaited.discard(event)
        if not self._awaited:
            self._trouble = ""
            self.decided.set()

    def _announce(self, error: AssayError) -> None:
        """Tells the readers, once for each trouble."""
        trouble = json.dumps({"connected": False, "reason": error.reason}, separators=(",", ":"))
        if trouble != self._trouble:
            self._trouble = trouble
            self._log.append("status", trouble)
            _log.warning("live stream lost the collector", reason=error.reason, why=error.message)

    def _snapshot_frames(self) -> list[bytes]:
        """What a newcomer gets; made once for all that come in the same second.

        Only the last frame has the id of the log's end: a reader that lost the connection before it begins again.
        """
        now_unix_s = time.time()
        made_at = (self._log.last_number, int(now_unix_s))
        if self._snapshot[0] != made_at:
            events = [
                ("metrics", self._metrics.snapshot(now_unix_s)),
                ("totals", self._totals.snapshot(now_unix_s)),
                ("ledger", self._ledger),
            ]
            events += [(beside.event, beside.live.snapshot()) for beside in self._beside if beside.live.is_known]
            if self._trouble:
                events.append(("status", self._trouble))
            numbers = [0] * (len(events) - 1) + [self._log.last_number]
            frames = [self._log.frame(*event, number) for event, number in zip(events, numbers, strict=True)]
            self._snapshot = (made_at, frames)
        return self._snapshot[1]
