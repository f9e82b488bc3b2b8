"""Writes a simulation as JSON lines, with its truth beside it."""

import gzip
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cli.work.output import print_json, step_progress
from cli.work.simulate import Wish, unwritable, write_truth
from simulation.lines import lines
from simulation.stream import blocks

STANDARD_OUTPUT = Path("-")
# Between a third and a half of the time that the best level takes, for a file that is a tenth larger.
_COMPRESSION = 4


def write_file(wish: Wish, output: Path, truth: Path | None, *, json: bool) -> None:
    """Writes both files and says what is in them, on standard error if the lines go to standard output. Raises FILE_UNWRITABLE."""
    simulation, end_us = wish.bounded()
    if truth is not None:
        write_truth(truth, simulation, end_us)
    call_count = evidence_count = 0
    with _opened(output) as file, step_progress("Simulating") as progress:
        for block in blocks(simulation, end_us):
            texts = lines(simulation.fleet, block)
            file.write("".join(f"{text}\n" for text in texts).encode())
            call_count += len(block.calls.start_us)
            evidence_count += len(block.evidence.observe_us)
            progress(block.until_us - simulation.start_us, end_us - simulation.start_us)
    incident_count = len(simulation.plan.between(simulation.start_us, end_us))
    if json and output != STANDARD_OUTPUT:
        print_json({"calls": call_count, "evidence": evidence_count, "incidents": incident_count})
    else:
        told = f"{call_count:,} calls, {evidence_count:,} pieces of evidence, {incident_count:,} incidents"
        print(told, file=sys.stderr if output == STANDARD_OUTPUT else sys.stdout)


@contextmanager
def _opened(output: Path) -> Iterator[BinaryIO | gzip.GzipFile]:
    """The file to write to. A compressed one names neither itself nor the time, so that equal lines give equal files."""
    try:
        if output == STANDARD_OUTPUT:
            yield sys.stdout.buffer
            return
        with output.open("wb") as file:
            if output.suffix != ".gz":
                yield file
                return
            with gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as compressed:
                yield compressed
    except BrokenPipeError:
        raise  # whoever read our output is gone
    except OSError as error:
        raise unwritable(output, error) from error
