"""How fast a simulation is written as a file."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figures import Figure, Report
from simulation.fleet import FLEET
from simulation.incident_plan import DrawnPlan
from simulation.lines import lines
from simulation.stream import Simulation, blocks

AREA = "simulate"
SEED = 1
CALLS_PER_S = 20.0
SPAN_S = 6 * 3_600
START_UNIX_S = 1_790_553_600  # a Monday, so that every run makes the same
_US_PER_S = 1_000_000


async def run(report: Report) -> None:
    """Writes some 500,000 calls, with their evidence and incidents, to a plain file, in one process."""
    start_us, end_us = START_UNIX_S * _US_PER_S, (START_UNIX_S + SPAN_S) * _US_PER_S
    simulation = Simulation(SEED, start_us, CALLS_PER_S, DrawnPlan(FLEET, SEED, SPAN_S * _US_PER_S // 8))
    call_count = line_count = 0
    with TemporaryDirectory(prefix="assay-bench-") as folder, (Path(folder) / "calls.jsonl").open("wb") as file:
        began = time.perf_counter()
        for block in blocks(simulation, end_us):
            texts = lines(FLEET, block)
            file.write("".join(f"{text}\n" for text in texts).encode())
            call_count += len(block.calls.start_us)
            line_count += len(texts)
        took_s = time.perf_counter() - began
    report(Figure(AREA, "calls_as_a_file", call_count / took_s, "calls/s", 50_000, "higher"))
    report(Figure(AREA, "lines_as_a_file", line_count / took_s, "lines/s", None, "higher"))
