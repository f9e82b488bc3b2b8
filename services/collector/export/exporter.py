"""Sends to all targets, each by one writer in the cluster: whoever holds its lease."""

import asyncio
import random
import uuid
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncEngine

from kit import logs, metrics
from kit.lifecycle import Job
from kit.patience import is_passing, pause
from services.collector.domain.export_pace import retry_wait_s
from services.collector.domain.windows import Retention
from services.collector.export.counters import CounterSender
from services.collector.export.http import Http, http
from services.collector.export.sender import Sender, TroubleError
from services.collector.export.targets import Target
from services.collector.export.windows import WindowSender
from services.collector.query import MetricsQueries
from services.collector.store.exports import ExportStore, Progress, TargetKind

# Between two looks at a target that has all there is. A lease is renewed at each.
LOOK_EVERY_S = 2.0
FORGET_EVERY_S = 60.0

_Result = TypeVar("_Result")
_log = logs.get_logger(__name__)
_sent = metrics.counter("assay_export_sent_total", "Requests or lines that targets were sent, by what became of them", ["target", "result"])


@dataclass
class _State:
    """What is known of a target between two steps; `rests_until_s` is of the loop's clock."""

    failure_count: int = 0
    rests_until_s: float = 0.0


class Exporter:
    """Sends to the targets until it is asked to stop."""

    def __init__(self, store: ExportStore, senders: Sequence[tuple[Target, Sender]]) -> None:
        self._store = store
        self._senders = senders
        self._states = {target.name: _State() for target, _ in senders}

    async def run(self, stop: asyncio.Event) -> None:
        """Sends to all targets side by side, so that none has to wait for another, and forgets changes that all have."""
        async with asyncio.TaskGroup() as group:
            for target, sender in self._senders:
                group.create_task(self._send_to(target, sender, stop))
            if any(target.sends is TargetKind.WINDOWS for target, _ in self._senders):
                group.create_task(self._forget(stop))

    async def step(self, target: Target, sender: Sender) -> bool:
        """Sends one part, if the target is ours, wants to hear of us, and there is any; whether there may be more at once."""
        position = await self._store.lease(target.name, target.sends, target.address)
        if position is None:
            return False
        await sender.look(position)
        state = self._states[target.name]
        if asyncio.get_running_loop().time() < state.rests_until_s:
            return False
        try:
            progress = await sender.step(position)
        except (TroubleError, OSError) as trouble:
            self._rest(state, getattr(trouble, "after_s", None))
            await self._note(target, Progress(position, waiting_count=sender.waiting_count, trouble=str(trouble)))
            return False
        state.failure_count = 0
        if progress is None:
            return False
        await self._note(target, progress)
        return True

    async def _send_to(self, target: Target, sender: Sender, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if not await _patient(self.step(target, sender)):
                await pause(stop, LOOK_EVERY_S)
        await _patient(self._store.release(target.name))

    def _rest(self, state: _State, asked_s: float | None) -> None:
        state.failure_count += 1
        wait_s = retry_wait_s(state.failure_count, asked_s, random.random())  # noqa: S311 - it only spreads those who failed together
        state.rests_until_s = asyncio.get_running_loop().time() + wait_s

    async def _note(self, target: Target, progress: Progress) -> None:
        await self._store.note(target.name, progress)
        _sent.labels(target.name, "taken").inc(progress.sent_count)
        _sent.labels(target.name, "refused").inc(progress.refused_count)
        if progress.trouble:
            _log.warning("a target did not take what it was sent", target=target.name, why=progress.trouble)

    async def _forget(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await pause(stop, FORGET_EVERY_S)
            await _patient(self._store.forget_changes())


async def _patient(work: Awaitable[_Result]) -> _Result | None:
    """What comes of it, None where it fails: it is tried again the next time. The process stores calls, which must not hang on this."""
    try:
        return await work
    except Exception as error:  # noqa: BLE001 - see above
        if is_passing(error):
            _log.warning("sending to targets has to wait", why=str(error) or repr(error))
        else:
            _log.error("sending to targets fails by a mistake of ours", error=error)
        return None


def make_exporter(engine: AsyncEngine, client: Http, targets: Sequence[Target], retention: Retention) -> Exporter:
    """An exporter of these targets."""
    store = ExportStore(engine, owner=uuid.uuid4().hex)
    queries = MetricsQueries(engine, retention)

    def sender(target: Target) -> Sender:
        if target.sends is TargetKind.COUNTERS:
            return CounterSender(engine, client, target)
        return WindowSender(engine, client, target, store=store, queries=queries, minute_days=retention.minute_days)

    return Exporter(store, [(target, sender(target)) for target in targets])


@asynccontextmanager
async def exporting(engine: AsyncEngine, targets: Sequence[Target], retention: Retention) -> AsyncIterator[tuple[Job, ...]]:
    """The jobs that send, none where there are no targets."""
    if not targets:
        yield ()
        return
    async with http() as client:
        yield (make_exporter(engine, client, targets, retention).run,)
