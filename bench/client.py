"""What recording costs an agent: its time, its event loop's, its memory. The collector is away, which is the client's worst case."""

import asyncio
import gc
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from assay_client import Client
from assay_client.encoder import Encoder

from bench.figures import Figure, Report

AREA = "client"
# Nobody listens there.
AWAY = "127.0.0.1:1"
# A loop is short enough to be over before the interpreter goes to the client's own thread for long: the caller's time is what is asked for.
LOOP_CALLS = 10_000
LOOPS = 7
PAUSE_S = 0.5
CALLS_PER_S = 5_000
THREADS = 4
STEADY_S = 8.0
LOOP_STEP_S = 1e-3
MEMORY_BYTES = 8 * 1024 * 1024
# As long as it takes to fill MEMORY_BYTES three times; ASSAY_BENCH_AWAY_S=600 is what is promised.
AWAY_S = 30.0
MEMORY_LOOK_S = 0.05

FIELDS: dict[str, Any] = {
    "provider": "anthropic",
    "model": "claude-sonnet-4-5",
    "task_type": "code_generation",
    "agent": "implementer",
    "prompt_name": "main",
    "prompt_version": "v12",
    "revision_count": 1,
}
USAGE = (1_200, 300, 0, 0, 0)


async def run(report: Report) -> None:
    """Measures one after the other, each with a client of its own."""
    logging.getLogger("assay_client").setLevel(logging.CRITICAL)  # that nobody is there is no news here
    _caller_time(report, "record", _record)
    _caller_time(report, "with_call", _with_call)
    _opentelemetry(report)
    _threads(report)
    await _event_loop(report)
    _memory(report, float(os.environ.get("ASSAY_BENCH_AWAY_S", AWAY_S)))


def _record(client: Client, number: int) -> None:
    client.record(latency_s=1.861, task_id=f"task-{number // 10}", usage=USAGE, **FIELDS)


def _with_call(client: Client, number: int) -> None:
    with client.call(task_id=f"task-{number // 10}", **FIELDS) as call:
        call.usage(input_token_count=1_200, output_token_count=300)


@contextmanager
def _client(**settings: Any) -> Iterator[Client]:
    client = Client(AWAY, "key", flush_on_sigterm=False, **settings)
    try:
        yield client
    finally:
        client.close(0.0)


def _caller_time(report: Report, name: str, record: Callable[[Client, int], None]) -> None:
    """The best of some loops, as OpenTelemetry is measured; what disturbs a loop is mostly other processes."""
    took_us = []
    with _client() as client:
        for _ in range(LOOPS):
            began = time.perf_counter()
            for number in range(LOOP_CALLS):
                record(client, number)
            took_us.append((time.perf_counter() - began) / LOOP_CALLS * 1e6)
            time.sleep(PAUSE_S)
    report(Figure(AREA, name, min(took_us), "µs", 6 if name == "record" else 12, "lower"))


def _opentelemetry(report: Report) -> None:
    """A span of OpenTelemetry's SDK in the same run, where it is installed and the script for it lies beside the project."""
    script = Path(__file__).resolve().parents[2] / "shared" / "bench" / "otel_sdk.py"
    if not script.exists() or find_spec("opentelemetry") is None or find_spec("opentelemetry.sdk") is None:
        return
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    report(Figure(AREA, "opentelemetry_span", json.loads(done.stdout)["caller_us_per_call"], "µs", None, "lower"))


def _threads(report: Report) -> None:
    """Four threads that record at a steady rate together: the time in the client, of its callers, waiting included."""
    took_s: dict[str, list[float]] = {"record": [], "with_call": []}

    def work(client: Client, name: str, record: Callable[[Client, int], None]) -> None:
        interval_s = THREADS / CALLS_PER_S
        due = time.perf_counter()
        for number in range(int(STEADY_S / interval_s)):
            due += interval_s
            time.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            record(client, number)
            took_s[name].append(time.perf_counter() - began)

    with _client() as client:
        kinds = [("record", _record), ("with_call", _with_call)] * (THREADS // 2)
        threads = [threading.Thread(target=work, args=(client, *kind)) for kind in kinds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for name, values in took_s.items():
        report(Figure(AREA, f"{name}_p99_9", float(np.quantile(values, 0.999)) * 1e6, "µs", 200, "lower"))


async def _event_loop(report: Report) -> None:
    """The steps of the client's thread, for which an event loop may have to wait, and the loop's own steps over 1 ms.

    The latter are told beside those that the same loop has without a client, since a machine has pauses of its own;
    they are in the longest of our steps, too.
    """
    gc.collect()
    gc.disable()  # collecting the application's garbage falls to whoever allocates next, and is not what is asked for
    try:
        with _step_times() as step_s, _client() as client:
            disturbed = await _slow_steps(client)
    finally:
        gc.enable()
    report(Figure(AREA, "step_p99_9", float(np.quantile(step_s, 0.999)) * 1e3, "ms", 1, "lower"))
    report(Figure(AREA, "longest_step", max(step_s) * 1e3, "ms", None, "lower"))
    report(Figure(AREA, "loop_steps_over_1ms", disturbed, "", None, "lower"))
    report(Figure(AREA, "loop_steps_over_1ms_without", await _slow_steps(None), "", None, "lower"))


async def _slow_steps(client: Client | None) -> int:
    """Records at the steady rate from a task, while another one takes steps as short as can be; how many took longer."""
    end = time.perf_counter() + STEADY_S
    slow = 0

    async def record() -> None:
        due = time.perf_counter()
        while due < end:
            due += LOOP_STEP_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            for number in range(int(CALLS_PER_S * LOOP_STEP_S)):
                if client is not None:
                    _record(client, number)

    async def step() -> None:
        nonlocal slow
        last = time.perf_counter()
        while last < end:
            await asyncio.sleep(0)
            now = time.perf_counter()
            slow += now - last > LOOP_STEP_S
            last = now

    await asyncio.gather(record(), step())
    return slow


@contextmanager
def _step_times() -> Iterator[list[float]]:
    """The processor time, in seconds, of each step that an encoder takes before it lets go of the interpreter."""
    took_s: list[float] = []
    original = Encoder._step  # noqa: SLF001 - what is measured is not for anybody else

    def step(encoder: Encoder) -> bool:
        began_s = time.thread_time()
        has_more = original(encoder)
        took_s.append(time.thread_time() - began_s)
        return has_more

    Encoder._step = step  # type: ignore[method-assign, assignment]  # noqa: SLF001 - as above
    try:
        yield took_s
    finally:
        Encoder._step = original  # type: ignore[method-assign]  # noqa: SLF001 - as above


def _memory(report: Report, away_s: float) -> None:
    """In a process of its own, so that nothing else has left room that would be used again."""
    command = [sys.executable, "-P", "-m", "bench.client", str(away_s)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).resolve().parents[1])
    grown_bytes, balance = json.loads(done.stdout)
    if balance:
        raise RuntimeError(f"{balance} calls are not accounted for")
    report(Figure(AREA, "memory_of_that_allowed", grown_bytes / MEMORY_BYTES, "", 1.1, "lower"))


def fill(away_s: float) -> tuple[int, int]:
    """Records at the steady rate for so long; the most that the process has grown by, and how many calls are missing in the account."""
    process = psutil.Process()
    with _client() as warm:  # the client's code, gRPC's threads and connection attempts are no part of what is bounded
        for number in range(1_000):
            _record(warm, number)
        time.sleep(1.0)
    with _client(bytes_max=MEMORY_BYTES) as client:
        before = process.memory_info().rss
        began, most, count = time.monotonic(), 0, 0
        while (elapsed_s := time.monotonic() - began) < away_s:
            for number in range(count, int(elapsed_s * CALLS_PER_S)):
                _record(client, number)
                count += 1
            most = max(most, process.memory_info().rss - before)
            time.sleep(MEMORY_LOOK_S / 10)
        stats = client.stats()
    return most, stats.recorded - stats.sent - stats.rejected - stats.dropped - stats.buffered + count - stats.recorded


if __name__ == "__main__":
    print(json.dumps(fill(float(sys.argv[1]))))
