"""The suite's processes under a supervisor of our own: two writers, restarts without end, and any of them can be kept away for a while."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kit import rpc
from kit.embedded.datadir import DataDir, open_data_dir
from kit.embedded.nats import Nats
from kit.embedded.postgres import Postgres
from kit.supervisor import ChildSpec, RestartPolicy, Supervisor
from services.collector.access.keys import new_secret
from tests import unmeasured

ROOT = Path(__file__).parents[2]
RESTARTS = RestartPolicy(restarts_max=100, window_s=60.0, delay_min_s=0.05, delay_max_s=0.5)
WRITERS = ("writer-1", "writer-2")
FRONT, NATS, POSTGRES = "front", "nats", "postgres"
READY_ANSWER_S = 10.0
APPEAR_TIMEOUT_S = 600.0
# Below those that systems give to outgoing connections, one of which might take a process' port while it is restarted.
PORTS = range(20_000, 32_000)
# Random, so that two runs at the same time do not try the same ports.
_random = random.SystemRandom()


@dataclass(frozen=True)
class Constellation:
    """Running processes. `front` is its gRPC address, `secret` the installation's admin key."""

    data: DataDir
    supervisor: Supervisor
    postgres: Postgres
    nats: Nats
    front: str
    secret: str
    gates: Mapping[str, asyncio.Event]

    async def kill(self, name: str) -> None:
        """SIGKILL, as soon as the process is there."""
        os.kill(await self.running(name), signal.SIGKILL)

    async def running(self, name: str) -> int:
        """The id of the process, once it runs."""
        async with asyncio.timeout(APPEAR_TIMEOUT_S):
            while (pid := self.supervisor.pid(name)) is None:
                await asyncio.sleep(0.02)
        return pid

    async def take_away(self, name: str) -> None:
        """Kills the process and keeps it from coming back."""
        self.gates[name].clear()
        await self.kill(name)

    def give_back(self, name: str) -> None:
        """Lets a process that was taken away start again."""
        self.gates[name].set()

    async def add_client(self, name: str, argv: tuple[str, ...]) -> None:
        """Runs a module of the tests beside the suite, with the key in ASSAY_KEY; it is started again when it dies."""
        environment = {**_environment(), "ASSAY_KEY": self.secret}
        await self.supervisor.start(ChildSpec(name, (sys.executable, "-m", *argv), environment, ready=_at_once, restart=RESTARTS))


@asynccontextmanager
async def constellation(directory: Path, settings: Mapping[str, str]) -> AsyncIterator[Constellation]:
    """Starts everything on an empty directory; `settings` go to front and writers. All is ended when the block is left."""
    with open_data_dir(directory) as data:
        async with Supervisor(data.logs) as supervisor:
            postgres, nats, secret, front = Postgres(data), Nats(data), new_secret(), _free_address()
            gates = {name: asyncio.Event() for name in (POSTGRES, NATS, FRONT, *WRITERS)}
            for gate in gates.values():
                gate.set()
            await supervisor.run(postgres.prepare())
            await supervisor.start(_held(postgres.child(RESTARTS), gates[POSTGRES]), _held(nats.child(RESTARTS), gates[NATS]))
            shared = {**settings, "ASSAY_DATABASE_URL": postgres.url(), "ASSAY_NATS_URL": nats.url()}
            own = {**shared, "ASSAY_COLLECTOR_LISTEN": front, "ASSAY_COLLECTOR_BOOTSTRAP_KEY": secret}
            specs = [_collector(FRONT, "front", front, own)]
            for name in WRITERS:
                address = _free_address()
                specs.append(_collector(name, "writer", address, {**shared, "ASSAY_COLLECTOR_WRITER_LISTEN": address}))
            await supervisor.start(*(_held(spec, gates[spec.name]) for spec in specs))
            yield Constellation(data, supervisor, postgres, nats, front, secret, gates)


def _collector(name: str, role: str, address: str, settings: Mapping[str, str]) -> ChildSpec:
    argv = (sys.executable, "-P", "-m", "services.collector", role)
    return ChildSpec(name, argv, {**_environment(), **settings}, ready=_serves(address), ready_timeout_s=APPEAR_TIMEOUT_S, restart=RESTARTS)


def _held(spec: ChildSpec, gate: asyncio.Event) -> ChildSpec:
    """The same child, which waits at the gate before each start."""

    async def before_start() -> None:
        await gate.wait()
        await spec.before_start()

    return replace(spec, before_start=before_start)


def _environment() -> dict[str, str]:
    return {**unmeasured.environment(), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "gen")))}


async def _at_once() -> bool:
    return True


def _serves(address: str) -> Callable[[], Awaitable[bool]]:
    async def ready() -> bool:
        async with rpc.connect(address) as channel:
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=READY_ANSWER_S)
            except grpc.aio.AioRpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return ready


def _free_address() -> str:
    for port in _random.sample(PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{port}"
    raise AssertionError("no port is free")
