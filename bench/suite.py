"""The suite as `make run` starts it, for the time of a bench."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import grpc.aio
import psutil

from kit import rpc
from kit.embedded.datadir import DataDir, read_run
from kit.embedded.nats import Nats

START_TIMEOUT_S = 60.0
_OPEN_TO_POSTGRES = 0o755


@dataclass(frozen=True)
class RunningSuite:
    """Where the suite's parts are."""

    data_dir: Path
    process: psutil.Process
    collector: str
    analyzer: str
    alerter: str
    reporter: str
    gateway: str
    nats: str
    secret: str

    def channel(self) -> grpc.aio.Channel:
        """A channel to the collector, with the admin's key."""
        return rpc.connect(self.collector, secret=self.secret)

    def cpu_s(self, part: str) -> float:
        """Seconds of a processor that the process has used whose command has this in it."""
        times = self._process(part).cpu_times()
        return float(times.user + times.system)

    def peak_bytes(self, part: str) -> int:
        """The most that this process has ever held."""
        status = Path(f"/proc/{self._process(part).pid}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024

    def _process(self, part: str) -> psutil.Process:
        (found,) = [process for process in self.process.children(recursive=True) if part in " ".join(process.cmdline())]
        return found

    def memory_bytes(self) -> int:
        """What all processes hold together; what they share is counted once, in shares."""
        processes = [self.process, *self.process.children(recursive=True)]
        return sum(process.memory_full_info().pss for process in processes)


@asynccontextmanager
async def running_suite(**environment: str) -> AsyncIterator[RunningSuite]:
    """Starts everything in a new directory on free ports, and stops and removes it."""
    with TemporaryDirectory(prefix="assay-bench-") as name:
        folder = Path(name)
        folder.chmod(_OPEN_TO_POSTGRES)
        data_dir = folder / "data"
        command = [sys.executable, "-P", "-m", "cli", "up", "--data-dir", str(data_dir), "--port", "0"]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment})
        try:
            assert process.stdout is not None  # noqa: S101 - asked for above
            line = await asyncio.wait_for(process.stdout.readline(), START_TIMEOUT_S)
            if not line:
                raise RuntimeError("the suite did not start; it says why above")
            run = read_run(data_dir)
            yield RunningSuite(
                data_dir=data_dir,
                process=psutil.Process(process.pid),
                collector=run.processes["collector"].url,
                analyzer=run.processes["analyzer"].url,
                alerter=run.processes["alerter"].url,
                reporter=run.processes["reporter"].url,
                gateway=run.url,
                nats=Nats(DataDir(data_dir, data_dir), port=urlsplit(run.processes["nats"].url).port or 0).url(),
                secret=(data_dir / "admin.key").read_text().strip(),
            )
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
