"""Prometheus, VictoriaMetrics, InfluxDB and Alertmanager as Debian has them, each in a directory of its own, for the time of a block."""

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

START_DEADLINE_S = 120.0
DEADLINE_S = 120.0


@dataclass(frozen=True)
class Monitor:
    """A running server."""

    url: str
    http: httpx.AsyncClient

    async def query(self, expression: str, time_s: float | None = None) -> list[dict[str, Any]]:
        """The answer to an instant query in Prometheus' language."""
        parameters: dict[str, Any] = {"query": expression} | ({} if time_s is None else {"time": time_s})
        answer = (await self.http.get("/api/v1/query", params=parameters)).raise_for_status().json()
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    async def value(self, expression: str, time_s: float | None = None) -> float | None:
        """The one number that a query answers, None for none."""
        found = await self.query(expression, time_s)
        return float(found[0]["value"][1]) if found else None

    async def influx(self, statement: str) -> list[dict[str, Any]]:
        """The rows that InfluxDB's own language answers, by column."""
        answer = (await self.http.get("/query", params={"db": "assay", "q": statement})).raise_for_status().json()
        (result,) = answer["results"]
        return [dict(zip(series["columns"], row, strict=True)) for series in result.get("series", ()) for row in series["values"]]


def needed(command: str, package: str) -> str:
    """The path of a server's command; the test is skipped where its package is not installed."""
    found = shutil.which(command)
    if found is None:
        pytest.skip(f"needs {command}: apt-get install {package}")
    return found


def free_port() -> int:
    """A port that nobody listens on now: these servers cannot pick one by themselves."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def prometheus(*features: str, scrape_config: str = "") -> AsyncIterator[Monitor]:
    """Prometheus that takes remote write; `features` are flags of --enable-feature."""
    command = needed("prometheus", "prometheus")
    with TemporaryDirectory(prefix="assay-prometheus-") as folder:
        config = Path(folder) / "prometheus.yaml"
        config.write_text(f"global: {{scrape_interval: 1s}}\n{scrape_config}")
        port = free_port()
        arguments = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
        flags = [f"--enable-feature={','.join(features)}"] if features else []
        async with _running([command, *arguments, "--web.enable-remote-write-receiver", *flags], port, "/-/ready") as monitor:
            yield monitor


@asynccontextmanager
async def victoria_metrics() -> AsyncIterator[Monitor]:
    """VictoriaMetrics, which shows at once what it was sent."""
    command = needed("victoria-metrics", "victoria-metrics")
    with TemporaryDirectory(prefix="assay-victoria-") as folder:
        port = free_port()
        arguments = [f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}", "-search.latencyOffset=0s", "-retentionPeriod=100y"]
        async with _running([command, *arguments], port, "/health") as monitor:
            yield monitor


@asynccontextmanager
async def influxdb() -> AsyncIterator[Monitor]:
    """InfluxDB 1.x with the database `assay`."""
    command = needed("influxd", "influxdb")
    with TemporaryDirectory(prefix="assay-influxdb-") as folder:
        port, own_port = free_port(), free_port()
        config = Path(folder) / "influxdb.conf"
        config.write_text(
            f'bind-address = "127.0.0.1:{own_port}"\nreporting-disabled = true\n[meta]\ndir = "{folder}/meta"\n'
            f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n[http]\nbind-address = "127.0.0.1:{port}"\n'
        )
        async with _running([command, "-config", str(config)], port, "/ping") as monitor:
            (await monitor.http.post("/query", params={"q": "CREATE DATABASE assay"})).raise_for_status()
            yield monitor


@asynccontextmanager
async def alertmanager() -> AsyncIterator[Monitor]:
    """Alertmanager, alone, that tells nobody."""
    command = needed("prometheus-alertmanager", "prometheus-alertmanager")
    with TemporaryDirectory(prefix="assay-alertmanager-") as folder:
        config = Path(folder) / "alertmanager.yaml"
        config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
        port = free_port()
        arguments = [f"--config.file={config}", f"--storage.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"]
        async with _running([command, *arguments, "--cluster.listen-address="], port, "/-/ready") as monitor:
            yield monitor


@asynccontextmanager
async def _running(command: Sequence[str], port: int, ready_path: str) -> AsyncIterator[Monitor]:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S, trust_env=False) as http:
            async with asyncio.timeout(START_DEADLINE_S):
                while not await _answers(http, ready_path):
                    assert process.returncode is None, f"{command[0]} has ended with {process.returncode}"
                    await asyncio.sleep(0.05)
            yield Monitor(f"http://127.0.0.1:{port}", http)
    finally:
        if process.returncode is None:
            process.kill()  # what it has is thrown away
        await process.wait()


async def _answers(http: httpx.AsyncClient, path: str) -> bool:
    try:
        return (await http.get(path)).is_success
    except httpx.TransportError:
        return False
