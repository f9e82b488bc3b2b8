"""How long a backup and its restoring take, by the commands, while the suite runs.

Measured without calls and with a tenth of them, and told for all: starting takes what it takes, and the rest grows with their number.
"""

import asyncio
import sys
import time

import grpc.aio
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest, RecordCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from bench.figures import Figure, Report
from bench.load import batches
from bench.suite import RunningSuite, running_suite

AREA = "backup"
CALL_COUNT = 500_000
# What the figures are told for: reading, writing and indexing grow with the number of calls.
TOLD_FOR = 5_000_000
BATCH_SIZE = 5_000
SPAN_S = 6 * 3_600.0
RPC_TIMEOUT_S = 60.0
STORED_POLL_S = 0.5
BACKUP_GOAL_S = 60.0
RESTORE_GOAL_S = 120.0


async def run(report: Report) -> None:
    """Backs up a suite of its own, and restores it into another directory, before it is filled and afterwards."""
    async with running_suite() as suite:
        empty = await _measured(suite, "empty")
        async with suite.channel() as channel:
            await _fill(channel)
        filled = await _measured(suite, "filled")
    for figure, unit, goal in (("backup", "s", BACKUP_GOAL_S), ("restore", "s", RESTORE_GOAL_S), ("size", "MB", None)):
        told = empty[figure] + (filled[figure] - empty[figure]) * TOLD_FOR / CALL_COUNT
        report(Figure(AREA, f"{figure}, 5,000,000 calls (from 500,000)", told, unit, goal, "lower"))


async def _measured(suite: RunningSuite, name: str) -> dict[str, float]:
    """Seconds that backup and restore take, and megabytes of the file."""
    folder = suite.data_dir.parent
    file = folder / f"{name}.zip"
    backup_s = await _assay("backup", str(file), "--data-dir", str(suite.data_dir))
    restore_s = await _assay("restore", str(file), "--data-dir", str(folder / name))
    return {"backup": backup_s, "restore": restore_s, "size": file.stat().st_size / 1e6}


async def _fill(channel: grpc.aio.Channel) -> None:
    """Records the calls and returns when they are stored."""
    collector = CollectorServiceStub(channel)
    for batch in batches(CALL_COUNT, BATCH_SIZE, span_s=SPAN_S):
        await collector.RecordCalls(RecordCallsRequest.FromString(batch), timeout=RPC_TIMEOUT_S)
    while any(total.in_flight_count for total in (await collector.GetLedger(GetLedgerRequest(), timeout=RPC_TIMEOUT_S)).totals):
        await asyncio.sleep(STORED_POLL_S)


async def _assay(*arguments: str) -> float:
    """Runs a command and returns how many seconds it took."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(sys.executable, "-P", "-m", "cli", *arguments, stdout=asyncio.subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError(f"assay {arguments[0]} failed; it says why above")
    return time.perf_counter() - began
