"""Records a simulation into a running suite: the past as fast as it goes, then the present as it comes."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import grpc.aio
import numpy as np
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from cli.work.batches import Batch, Batcher
from cli.work.connection import Target, ask
from cli.work.output import print_json
from cli.work.records import Record
from cli.work.replay import EARLY_MAX_S
from cli.work.sending import Sender, Tally, send_all
from cli.work.simulate import US_PER_S, Wish, incident_in_words, now_us, write_truth
from cli.work.simulate_messages import Stamp, call_messages, evidence_messages
from simulation.arrays import Ints
from simulation.incidents import Incident
from simulation.stream import Block, Simulation, blocks
from simulation.truth import moment

_BAR_WIDTH = 20
# More than any message here takes; batches are full by their count long before.
_MESSAGE_BYTES_MAX = 512
# Incidents of the past are so far apart that a month has each kind more than once, unless something else was asked for.
HISTORY_INCIDENT_EVERY_S = 2 * 86_400.0


@dataclass(frozen=True)
class Pace:
    """How time passes: `speed` in times real time, after `history_s` seconds of the past (None for no past)."""

    speed: float
    history_s: float | None


@dataclass(frozen=True)
class Part:
    """A stretch of a simulation, until `end_us` or for good; past ones are recorded as fast as it goes."""

    simulation: Simulation
    end_us: int | None
    is_past: bool


def run_live(target: Target, wish: Wish, pace: Pace, project: str, truth: Path | None, *, json: bool) -> None:
    """Records until the duration is over, or SIGINT or SIGTERM, and then until all is stored; prints the sum."""
    recording = Recording(planned(wish, pace), pace.speed, project)

    async def work(channel: grpc.aio.Channel) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, recording.stop)
        await recording.run(channel, target.address)

    with shown(recording):
        ask(target, work)
    if truth is not None:
        write_truth(truth, recording.parts[-1].simulation, recording.reached_us)
    if json:
        print_json(asdict(recording.tally))
    else:
        tally = recording.tally
        print(f"{tally.sent:,} sent: {tally.accepted:,} accepted, {tally.rejected:,} rejected, {tally.duplicates:,} duplicates")


def planned(wish: Wish, pace: Pace) -> list[Part]:
    """The past, if any is asked for, and the present. They are of one fleet, and of one rate; incidents are each one's own."""
    start_us = now_us()
    end_us = None if wish.duration_s is None else start_us + round(wish.duration_s * pace.speed * US_PER_S)
    present = Part(wish.from_time(start_us), end_us, is_past=False)
    if pace.history_s is None:
        return [present]
    # Incidents that were written down are counted from the present on.
    calm = wish.is_without_incidents or bool(wish.incidents)
    past = replace(wish, incidents=(), incident_every_s=HISTORY_INCIDENT_EVERY_S, is_without_incidents=calm).from_time(
        start_us - round(pace.history_s * US_PER_S)
    )
    return [Part(past, start_us, is_past=True), present]


class Recording:
    """Sends the parts one after the other. `reached_us` is how far simulated time has come, `tally` what became of it all.

    `on_incident` is told in words what begins to go wrong in the present, `on_progress` called with each batch.
    """

    def __init__(self, parts: list[Part], speed: float, project: str) -> None:
        self.parts = parts
        self.tally = Tally()
        self.on_incident: Callable[[str], None] = _print_error
        self.on_progress: Callable[[], None] = lambda: None
        self.reached_us = parts[0].simulation.start_us
        self._speed = speed
        self._project = project
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Sends nothing more than what is due; `run` returns when that is stored."""
        self._stopping.set()

    async def run(self, channel: grpc.aio.Channel, address: str) -> None:
        """Returns at the end of the last part, or when stopped. Raises AssayError when nothing can be sent."""
        sender = Sender(channel, address, self._project, self.tally, _show_refusal)
        await send_all(sender, self._batches(), self.on_progress)

    async def _batches(self) -> AsyncIterator[Batch]:
        batcher = Batcher(self._project)
        for number, (due_us, message) in enumerate(self._messages(), 1):
            wait_s = due_us / US_PER_S - time.time()
            if wait_s > EARLY_MAX_S:
                for batch in batcher.rest():
                    yield batch
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), wait_s)
            if self._stopping.is_set():
                break
            for batch in batcher.add(Record(number, _MESSAGE_BYTES_MAX, message)):
                yield batch
        for batch in batcher.rest():
            yield batch

    def _messages(self) -> Iterator[tuple[int, Call | Evidence]]:
        for part in self.parts:
            yield from self._part_messages(part)

    def _part_messages(self, part: Part) -> Iterator[tuple[int, Call | Evidence]]:
        stamp = _stamp(part, self._speed)
        begun_us = part.simulation.start_us
        for block in blocks(part.simulation, part.end_us, by_end=True):
            incidents = [] if part.is_past else part.simulation.plan.between(begun_us, block.until_us)
            for time_us, due_us, message in _in_order(part.simulation, block, stamp):
                while incidents and incidents[0].start_us <= time_us:
                    self._tell(incidents.pop(0), begun_us)
                self.reached_us = time_us
                yield due_us, message
            begun_us = block.until_us

    def _tell(self, incident: Incident, begun_us: int) -> None:
        if incident.start_us >= begun_us:  # it was told when it began
            self.on_incident(incident_in_words(incident))


def _in_order(simulation: Simulation, block: Block, stamp: Stamp) -> Iterator[tuple[int, int, Call | Evidence]]:
    """The block's messages by when they become known: that time, the real time at which that is due, and the message."""
    known_us = np.concatenate([block.calls.end_us, block.evidence.observe_us])
    due_us = stamp(known_us).tolist()
    messages = [*call_messages(simulation.fleet, block.calls, stamp), *evidence_messages(block.evidence, stamp)]
    for place in np.argsort(known_us, kind="stable").tolist():
        yield int(known_us[place]), due_us[place], messages[place]


def _stamp(part: Part, speed: float) -> Stamp:
    """From simulated to real time. The past happened when it did; the present passes `speed` times as fast as the clock.

    Latencies are told as they are, so that at another speed than 1 a call may be told before it can be over.
    """
    start_us = part.simulation.start_us

    def stamp(time_us: Ints) -> Ints:
        if part.is_past or speed == 1:
            return time_us
        return start_us + ((time_us - start_us) / speed).astype(np.int64)

    return stamp


def _show_refusal(number: int, reason: str) -> None:
    _print_error(f"record {number}: {reason}")


def _print_error(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def shown(recording: Recording) -> Iterator[None]:
    """Shows on a terminal how far the recording is: a bar for the past, then a clock of the present."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    recording.on_incident = console.print
    start_us, present_us = recording.parts[0].simulation.start_us, recording.parts[-1].simulation.start_us
    with Progress(TextColumn("{task.description}"), BarColumn(_BAR_WIDTH), console=console) as progress:
        task = progress.add_task("", total=present_us - start_us or None)
        recording.on_progress = lambda: progress.update(task, completed=recording.reached_us - start_us, description=_place(recording))
        yield


def _place(recording: Recording) -> str:
    tally = recording.tally
    place = "history" if recording.reached_us < recording.parts[-1].simulation.start_us else "live"
    now = moment(recording.reached_us)[:19].replace("T", " ")
    return f"{place}  {now} UTC  {tally.sent:,} sent  {tally.accepted + tally.duplicates:,} stored  {tally.rejected:,} rejected"
