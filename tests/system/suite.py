"""The whole suite as users run it: `assay up` in a process of its own, and ways to ask it."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import grpc.aio
import httpx
from assay.access.v1.access_service_pb2 import CreateKeyRequest, CreateProjectRequest, Role
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2 import GetBatchesRequest, GetLedgerRequest, LedgerDay
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from kit import rpc
from kit.tls import ClientFiles, client_context
from tests import unmeasured

ASSAY = Path(sys.executable).with_name("assay")
START_TIMEOUT_S = 600.0  # a first start on a machine with more to do
STOP_TIMEOUT_S = 120.0
COMMAND_TIMEOUT_S = 600.0
ANSWER_TIMEOUT_S = 120.0
STORED_TIMEOUT_S = 300.0
POLL_S = 0.05

Result = TypeVar("Result")
_numbers = count(1)


@dataclass(frozen=True)
class Suite:
    """A running suite. `collector`, `writer`, `analyzer`, `alerter`, `reporter` and `otlp` are gRPC addresses, `url` is the gateway's."""

    data_dir: Path
    login_url: str
    url: str
    collector: str
    writer: str
    analyzer: str
    alerter: str
    reporter: str
    otlp: str
    admin_key: str
    tls: ClientFiles | None = None

    def channel(self, secret: str | None = None) -> grpc.aio.Channel:
        """To the collector, with the installation's admin key unless another one is given; close it."""
        return rpc.connect(self.collector, secret=self.admin_key if secret is None else secret, tls=self.tls)

    def address_of(self, path: str) -> str:
        """Where the RPC of this path is served, such as /assay.alerter.v1.AlertService/GetAlert."""
        others = {"analyzer": self.analyzer, "alerter": self.alerter, "reporter": self.reporter}
        return others.get(path.split(".")[1], self.collector)

    def channel_to(self, address: str, secret: str | None) -> grpc.aio.Channel:
        """To any process of the suite, without a key for None; close it."""
        return rpc.connect(address, secret=secret, tls=self.tls)

    def http(self, secret: str | None = None) -> httpx.AsyncClient:
        """To the gateway, with the key, or with none for None; close it."""
        headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
        verify = True if self.tls is None else client_context(self.tls)
        return httpx.AsyncClient(base_url=self.url, headers=headers, timeout=ANSWER_TIMEOUT_S, trust_env=False, verify=verify)

    def assay(self, *arguments: object) -> Any:
        """Runs a command with --json on this suite and returns what it printed. AssertionError when it fails."""
        command = [str(ASSAY), *map(str, arguments), "--data-dir", str(self.data_dir), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return json.loads(done.stdout)

    async def new_project(self) -> str:
        """Makes a project that nobody else uses and gives its name."""
        project = f"p{next(_numbers)}"
        async with self.channel() as channel:
            await AccessServiceStub(channel).CreateProject(CreateProjectRequest(project=project), timeout=ANSWER_TIMEOUT_S)
        return project

    async def new_key(self, project: str, *roles: str) -> tuple[str, str]:
        """Makes a key of a project ("" for the installation) and gives its secret and its public id."""
        request = CreateKeyRequest(project=project, display_name="test", roles=[Role.Value(f"ROLE_{role}") for role in roles])
        async with self.channel() as channel:
            made = await AccessServiceStub(channel).CreateKey(request, timeout=ANSWER_TIMEOUT_S)
        return made.secret, made.key.key_id

    async def stored(self, project: str, batch_ids: Sequence[str]) -> None:
        """Returns when these batches are queryable."""
        async with self.channel() as channel:
            collector = CollectorServiceStub(channel)

            async def are_complete() -> bool:
                request = GetBatchesRequest(project=project, batch_ids=batch_ids)
                found = (await collector.GetBatches(request, timeout=ANSWER_TIMEOUT_S)).batches
                return len(found) == len(batch_ids) and all(batch.is_complete for batch in found)

            await eventually(are_complete, STORED_TIMEOUT_S, f"{batch_ids} stored")

    async def ledger(self, project: str) -> dict[int, LedgerDay]:
        """The sums of a project's ledger by RecordKind, when nothing is in flight; AssertionError unless they balance."""
        async with self.channel() as channel:
            collector = CollectorServiceStub(channel)

            async def settled() -> dict[int, LedgerDay] | None:
                answer = await collector.GetLedger(GetLedgerRequest(project=project), timeout=ANSWER_TIMEOUT_S)
                for line in (*answer.days, *answer.totals):
                    assert_balanced(line)
                return None if any(line.in_flight_count for line in answer.totals) else {int(line.kind): line for line in answer.totals}

            found = await eventually(settled, STORED_TIMEOUT_S, f"nothing in flight in {project}")
            assert found is not None
            return found


def assert_balanced(line: LedgerDay) -> None:
    """received = stored + rejected + duplicate + dead-lettered + in flight."""
    parts = line.stored_count, line.rejected_count, line.duplicate_count, line.dead_lettered_count, line.in_flight_count
    assert line.received_count == sum(parts), line


async def eventually(ask: Callable[[], Awaitable[Result]], timeout_s: float, what: str) -> Result:
    """The first answer that is true, {} included; AssertionError when there is none in time."""
    deadline_s = time.monotonic() + timeout_s
    while True:
        answer = await ask()
        if answer not in (None, False):
            return answer
        assert time.monotonic() < deadline_s, f"not within {timeout_s:g} s: {what}; last answer {answer!r}"
        await asyncio.sleep(POLL_S)


@contextmanager
def running_suite(data_dir: Path, settings: Mapping[str, str] | None = None, tls: ClientFiles | None = None) -> Iterator[Suite]:
    """Starts `assay up` on the directory, and stops it as Ctrl-C does. AssertionError when it does not end well.

    `settings` are those of its environment, and `tls` is how its processes are then reached.
    """
    environment = unmeasured.environment() | dict(settings or {})
    command = [str(ASSAY), "up", "--data-dir", str(data_dir), "--port", "0"]
    errors = data_dir.parent / f"{data_dir.name}.stderr"
    with (
        errors.open("w") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environment) as process,
    ):
        try:
            yield replace(_ready(process, data_dir, errors), tls=tls)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    assert process.returncode in {0, -signal.SIGINT, 130}, errors.read_text()


def _ready(process: "subprocess.Popen[str]", data_dir: Path, errors: Path) -> Suite:
    """Waits for the line that `assay up` prints when all is ready."""
    assert process.stdout is not None
    deadline = time.monotonic() + START_TIMEOUT_S
    line = process.stdout.readline()  # ends with the process at the latest, which gives up by itself
    assert time.monotonic() < deadline, "the suite took too long to start"
    login = re.search(r"https?://\S+", line)
    assert login is not None, f"{line!r}: {errors.read_text()}"
    run = json.loads((data_dir / "run.json").read_text())
    return Suite(
        data_dir=data_dir,
        login_url=login.group(),
        url=run["url"],
        collector=run["processes"]["collector"]["url"],
        writer=run["processes"]["writer"]["url"],
        analyzer=run["processes"]["analyzer"]["url"],
        alerter=run["processes"]["alerter"]["url"],
        reporter=run["processes"]["reporter"]["url"],
        otlp=run["otlp"],
        admin_key=(data_dir / "admin.key").read_text().strip(),
    )
