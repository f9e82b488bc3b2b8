"""`assay up` as one straight function: databases, then the services, then a login link, until a signal."""

import asyncio
import http.client
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console

from cli.up import PROGRAMS, ProcessName
from cli.work import access, ports, tls
from cli.work.connection import ADMIN_KEY_FILE, Target, error_in_words
from kit import listen, logs, rpc
from kit.embedded.datadir import DataDir, ProcessAddress, RunFile, open_data_dir
from kit.embedded.files import plain_refusals, write_private
from kit.embedded.nats import Nats
from kit.embedded.postgres import Postgres
from kit.settings import TlsSettings, load
from kit.supervisor import ChildSpec, Supervisor
from kit.tls import ClientFiles
from services.collector.access.keys import new_secret

# Migrating a large database takes its time; a service that has not come up in this is stuck.
READY_TIMEOUT_S = 300.0
# A process on this machine answers in milliseconds, or is not ready.
READY_ANSWER_S = 1.0
# Kept beside the admin's.
SERVICE_KEY_FILE = "service.key"
RECEIVERS_KEY_FILE = "receivers.key"
# What a process is told by us alone, and what holds secrets that are not its business.
_PRIVATE = frozenset(
    {"ASSAY_DATABASE_URL", "ASSAY_NATS_URL", "ASSAY_COLLECTOR_BOOTSTRAP_KEY", "ASSAY_SERVICE_KEY", "ASSAY_SECRETS_KEY", "ASSAY_KEY"}
)


# What is done in a running suite, with the address of its collector and the admin's key.
Beside = Callable[[Target], Coroutine[Any, Any, None]]


def run_suite(data_dir: Path, port: int | None, beside: Beside | None = None) -> None:
    """Runs the suite until SIGTERM or SIGINT; prints one line when it is ready, and then does what is to be done beside it.

    Raises AssayError when it cannot run.
    """
    logs.setup("WARNING", "text", "assay up")
    asyncio.run(_run(data_dir, port, beside))


async def _run(data_dir: Path, port: int | None, beside: Beside | None) -> None:
    settings = tls.checked(load(TlsSettings), os.environ)
    with open_data_dir(data_dir) as data:
        record = _Record(data, settings.client_tls)
        async with Supervisor(data.logs, on_ready=record.note) as supervisor:
            supervisor.stop_on_signals()
            with _progress("Starting …"):
                addresses = ports.choose(os.environ, port, allow_all=settings.insecure_listen or settings.grpc_tls is not None)
                servers = await _servers(supervisor, data, addresses.ports)
                secret = _kept_secret(data, ADMIN_KEY_FILE)
                services = _services(addresses, servers, _Secrets(secret, _service_key(data), data.path / RECEIVERS_KEY_FILE), settings)
                # The services load while the databases start. Being the later stage, they are stopped first.
                await asyncio.gather(supervisor.start(*servers.children), supervisor.start(*services))
                collector = ports.reachable(addresses.collector)
                target = Target(collector, secret, settings.client_tls, allow_insecure=True)
                token = await supervisor.run(_login_token(target))
            url = tls.shown_url(ports.reachable(addresses.gateway), settings)
            reached = {name: ports.reachable(getattr(addresses, name)) for name in ("writer", "analyzer", "alerter", "reporter")}
            processes = {"gateway": url, "collector": collector, **reached, **servers.shown}
            record.publish(url, processes, addresses.otlp and ports.reachable(addresses.otlp))
            print(f"Assay is ready: {access.login_link(url, token)}", flush=True)
            if beside is not None:
                await supervisor.run(beside(target))
            await supervisor.wait()


class _Record:
    """Keeps run.json, by which other commands find the processes, up to date while processes are restarted."""

    def __init__(self, data: DataDir, files: ClientFiles | None) -> None:
        self._data = data
        self._files = None if files is None else files.absolute()
        self._pids: dict[str, int] = {}
        self._url = self._otlp = ""
        self._addresses: Mapping[str, str] = {}

    def note(self, name: str, pid: int) -> None:
        """A process became ready."""
        self._pids[name] = pid
        if self._addresses:
            self._write()

    def publish(self, url: str, addresses: Mapping[str, str], otlp: str) -> None:
        """Tells of the suite for the first time."""
        self._url, self._otlp = url, otlp
        self._addresses = addresses
        self._write()

    def _write(self) -> None:
        processes = {name: ProcessAddress(self._pids[name], address) for name, address in self._addresses.items()}
        self._data.write_run(RunFile(os.getpid(), self._url, processes, self._files, self._otlp))


@dataclass(frozen=True)
class _Servers:
    """The URLs of database and bus, passwords included; our own servers, and their URLs without passwords, by name."""

    database_url: str
    nats_url: str
    children: list[ChildSpec]
    shown: Mapping[str, str]


async def _servers(supervisor: Supervisor, data: DataDir, taken: Set[int]) -> _Servers:
    """The servers that the environment names, or else our own, ready to be started."""
    database_url, nats_url = os.environ.get("ASSAY_DATABASE_URL", ""), os.environ.get("ASSAY_NATS_URL", "")
    children: list[ChildSpec] = []
    shown: dict[str, str] = {}
    if not database_url:
        postgres = Postgres(data)
        await supervisor.run(postgres.prepare())
        children.append(postgres.child())
        database_url = postgres.url()
        shown["postgres"] = _without_password(database_url)
    if not nats_url:
        nats = Nats(data, port=ports.pick("127.0.0.1", taken))
        children.append(nats.child())
        nats_url = nats.url()
        shown["nats"] = f"nats://127.0.0.1:{nats.port}"
    return _Servers(database_url, nats_url, children, shown)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.username}@{parts.hostname or ''}").geturl()


@dataclass(frozen=True)
class _Secrets:
    """The keys that the suite's processes are given: of the installation's admin, and by which services ask each other.

    `receivers` is the file of the key by which the alerter encrypts what receivers must keep secret.
    """

    admin: str
    service: str
    receivers: Path


def _services(addresses: ports.Addresses, servers: _Servers, secrets: _Secrets, settings: TlsSettings) -> list[ChildSpec]:
    """The processes of the suite; in which order they come up does not matter to them."""
    shared = {"ASSAY_DATABASE_URL": servers.database_url, "ASSAY_NATS_URL": servers.nats_url}
    collector = ports.reachable(addresses.collector)
    files = settings.client_tls
    near = {listen.INSECURE_CONNECT_SETTING: "true"}  # all of them are on this machine, whatever addresses they have
    return [
        _service(
            ProcessName.COLLECTOR,
            {
                **shared,
                "ASSAY_COLLECTOR_LISTEN": addresses.collector,
                "ASSAY_COLLECTOR_OTLP_LISTEN": addresses.otlp,
                **_link_settings(addresses, secrets, settings),
                "ASSAY_COLLECTOR_BOOTSTRAP_KEY": secrets.admin,
                "ASSAY_SERVICE_KEY": secrets.service,
            },
            _serves_grpc(collector, files),
        ),
        _service(
            ProcessName.WRITER,
            {**shared, "ASSAY_COLLECTOR_WRITER_LISTEN": addresses.writer},
            _serves_grpc(ports.reachable(addresses.writer), files),
        ),
        _service(
            ProcessName.ANALYZER,
            {
                **shared,
                **near,
                "ASSAY_ANALYZER_LISTEN": addresses.analyzer,
                "ASSAY_ANALYZER_COLLECTOR_ADDRESS": collector,
                "ASSAY_SERVICE_KEY": secrets.service,
            },
            _serves_grpc(ports.reachable(addresses.analyzer), files),
        ),
        _alerter(addresses, {**shared, **near}, secrets, settings),
        _reporter(addresses, {**shared, **near}, secrets, settings),
        _service(
            ProcessName.GATEWAY,
            {
                **near,
                "ASSAY_GATEWAY_ALERTER_ADDRESS": ports.reachable(addresses.alerter),
                "ASSAY_GATEWAY_REPORTER_ADDRESS": ports.reachable(addresses.reporter),
                "ASSAY_GATEWAY_LISTEN": addresses.gateway,
                "ASSAY_GATEWAY_COLLECTOR_ADDRESS": collector,
                "ASSAY_GATEWAY_ANALYZER_ADDRESS": ports.reachable(addresses.analyzer),
            },
            _serves_http(ports.reachable(addresses.gateway), files if settings.http_tls is not None else None),
        ),
    ]


def _link_settings(addresses: ports.Addresses, secrets: _Secrets, settings: TlsSettings) -> dict[str, str]:
    """The key that signs links, and where they lead: those of the environment, or else our own."""
    usual = {
        "ASSAY_SECRETS_KEY_FILE": str(secrets.receivers),
        "ASSAY_PUBLIC_URL": tls.shown_url(ports.reachable(addresses.gateway), settings),
    }
    own = {name: value for name, value in os.environ.items() if name == "ASSAY_SECRETS_KEY"}
    return {**own, **{name: os.environ.get(name) or value for name, value in usual.items()}}


def _alerter(addresses: ports.Addresses, shared: Mapping[str, str], secrets: _Secrets, settings: TlsSettings) -> ChildSpec:
    """The alerter, which tells of the others being down, and links to the gateway in what it sends."""
    watched = {name: ports.reachable(getattr(addresses, name)) for name in ("writer", "reporter")}
    return _service(
        ProcessName.ALERTER,
        {
            **shared,
            **_link_settings(addresses, secrets, settings),
            "ASSAY_ALERTER_LISTEN": addresses.alerter,
            "ASSAY_ALERTER_COLLECTOR_ADDRESS": ports.reachable(addresses.collector),
            "ASSAY_ALERTER_ANALYZER_ADDRESS": ports.reachable(addresses.analyzer),
            "ASSAY_ALERTER_WATCHED_ADDRESSES": json.dumps(watched),
            "ASSAY_SERVICE_KEY": secrets.service,
        },
        _serves_grpc(ports.reachable(addresses.alerter), settings.client_tls),
    )


def _reporter(addresses: ports.Addresses, shared: Mapping[str, str], secrets: _Secrets, settings: TlsSettings) -> ChildSpec:
    """The reporter, which asks all others but the gateway, and links to that in what it sends."""
    return _service(
        ProcessName.REPORTER,
        {
            **shared,
            "ASSAY_PUBLIC_URL": os.environ.get("ASSAY_PUBLIC_URL") or tls.shown_url(ports.reachable(addresses.gateway), settings),
            "ASSAY_REPORTER_LISTEN": addresses.reporter,
            "ASSAY_REPORTER_COLLECTOR_ADDRESS": ports.reachable(addresses.collector),
            "ASSAY_REPORTER_ANALYZER_ADDRESS": ports.reachable(addresses.analyzer),
            "ASSAY_REPORTER_ALERTER_ADDRESS": ports.reachable(addresses.alerter),
            "ASSAY_SERVICE_KEY": secrets.service,
        },
        _serves_grpc(ports.reachable(addresses.reporter), settings.client_tls),
    )


def _service(name: ProcessName, settings: Mapping[str, str], ready: Callable[[], Awaitable[bool]]) -> ChildSpec:
    environment = {variable: value for variable, value in os.environ.items() if variable not in _PRIVATE}
    return ChildSpec(name=name.value, argv=PROGRAMS[name], env={**environment, **settings}, ready=ready, ready_timeout_s=READY_TIMEOUT_S)


def _serves_grpc(address: str, files: ClientFiles | None) -> Callable[[], Awaitable[bool]]:
    """Asks grpc.health.v1 whether all of the process is ready."""

    async def ready() -> bool:
        if not await _accepts(address):
            return False
        async with rpc.connect(address, tls=files, allow_insecure=True) as channel:
            try:
                answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=READY_ANSWER_S)
            except grpc.aio.AioRpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return ready


def _serves_http(address: str, files: ClientFiles | None) -> Callable[[], Awaitable[bool]]:
    """Asks /readyz, which is 200 when the process and its neighbours are ready."""

    def ask() -> bool:
        connection = http.client.HTTPConnection(address, timeout=READY_ANSWER_S)
        try:
            if files is not None:
                connection.sock = tls.connected(address, files, READY_ANSWER_S)
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def ready() -> bool:
        return await _accepts(address) and await asyncio.to_thread(ask)

    return ready


async def _accepts(address: str) -> bool:
    """Whether anything listens there: costs next to nothing while a process that needs the processor is loading."""
    host, port = listen.parse(address)
    try:
        async with asyncio.timeout(READY_ANSWER_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _service_key(data: DataDir) -> str:
    """The secret by which services ask each other: the one of the environment, or else our own."""
    return os.environ.get("ASSAY_SERVICE_KEY") or _kept_secret(data, SERVICE_KEY_FILE)


def _kept_secret(data: DataDir, name: str) -> str:
    """A key's secret that is kept in a file of the data directory, made at the first start and readable by the owner alone."""
    file = data.path / name
    with plain_refusals(data.path):
        if not file.exists():
            write_private(file, f"{new_secret()}\n")
        return file.read_text().strip()


async def _login_token(target: Target) -> str:
    async with target.channel() as channel:
        try:
            return await access.create_login_token(channel)
        except grpc.aio.AioRpcError as error:
            raise error_in_words(error, target.address) from error


@contextmanager
def _progress(text: str) -> Iterator[None]:
    """Shows on a terminal that something is under way; standard output is left to the one line."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(text):
        yield
