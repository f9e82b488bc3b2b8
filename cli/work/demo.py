"""`assay demo`: the suite, and beside it a simulation that records its past and goes on."""

from pathlib import Path

import grpc.aio
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target
from cli.work.simulate import US_PER_S, Wish, now_us
from cli.work.simulate_live import HISTORY_INCIDENT_EVERY_S, Part, Recording, shown
from cli.work.suite import run_suite
from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan
from simulation.rhythm import RollOut
from simulation.stream import Simulation

SEED = 1
PROJECT = "default"
# A month at the full rate would take minutes to record, and a rate that a month allows would leave the last hour, which is what one
# looks at first, nearly empty. So the demo's fleet is one that was tried by a few and then rolled out: with these and two calls
# a second at full rate, a month is some 300,000 calls.
_DOUBLING_S = 12 * 3_600.0
_LEAST_RATIO = 0.03
# The last of the past has incidents as often as the present, so that there is something to be seen at once.
_RECENT_S = 2 * 3_600.0


def run_demo(data_dir: Path, port: int | None, calls_per_s: float, history_s: float, incident_every_s: float) -> None:
    """Runs until SIGTERM or SIGINT. Raises AssayError when the suite cannot run, or nothing can be recorded.

    The past is recorded once: a demo that is started again on its directory goes on with the present.
    """

    async def simulate(target: Target) -> None:
        async with target.channel() as channel:
            recent_s = 0.0 if await _has_calls(channel) else min(_RECENT_S, history_s)
            start_us = now_us()
            present = Wish(SEED, calls_per_s, incident_every_s=incident_every_s).from_time(start_us - round(recent_s * US_PER_S))
            parts = [Part(present, None, is_past=False)]
            if history_s > recent_s > 0:
                parts.insert(0, Part(_past(calls_per_s, start_us, history_s), present.start_us, is_past=True))
            recording = Recording(parts, 1.0, PROJECT)
            with shown(recording):
                await recording.run(channel, target.address)

    run_suite(data_dir, port, simulate)


def _past(calls_per_s: float, end_us: int, history_s: float) -> Simulation:
    start_us = end_us - round(history_s * US_PER_S)
    plan = DrawnPlan(FLEET, SEED, round(HISTORY_INCIDENT_EVERY_S * US_PER_S))
    roll_out = RollOut(end_us - round(_RECENT_S * US_PER_S), round(_DOUBLING_S * US_PER_S), _LEAST_RATIO)
    return Simulation(SEED, start_us, calls_per_s, plan, roll_out=roll_out)


async def _has_calls(channel: grpc.aio.Channel) -> bool:
    answer = await CollectorServiceStub(channel).GetLedger(GetLedgerRequest(project=PROJECT), timeout=ASK_TIMEOUT_S)
    return any(total.received_count for total in answer.totals)
