"""The whole suite with TLS everywhere: gRPC with client certificates, HTTP, NATS, and PostgreSQL where one of the system is installed."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc.aio
import httpx
import pytest
import pytest_asyncio
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub

from cli.work.ports import pick
from kit import rpc
from kit.tls import ClientFiles, client_context
from tests.certificates import Authority, Pair, served_serial
from tests.system.samples import call, calls_batch
from tests.system.suite import ANSWER_TIMEOUT_S, ASSAY, COMMAND_TIMEOUT_S, Suite, eventually, running_suite
from tests.system_postgres import USER, find_binaries, system_postgres
from tests.tls_nats import nats_server

pytestmark = pytest.mark.slow

ACCESS = f"hostssl all {USER} 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n"


class Secured:
    """A suite behind TLS, the authority of its certificates, and the files that were renewed."""

    def __init__(self, suite: Suite, ours: Authority, own: Pair, ops: tuple[str, str]) -> None:
        self.suite = suite
        self.ours = ours
        self.own = own
        self.ops = ops

    @property
    def ports(self) -> list[str]:
        """Every address of the suite's own processes."""
        return [self.suite.collector, self.suite.writer, self.suite.url.removeprefix("https://"), *self.ops]


@pytest_asyncio.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Secured]:
    directory = tmp_path_factory.mktemp("tls")
    ours = Authority(directory, "ours")
    files, own = ours.server_files(client_ca=ours), ours.pair("own", "assay")
    ops = tuple(f"127.0.0.1:{pick('127.0.0.1')}" for _ in range(2))
    settings = {
        "ASSAY_TLS_CERTIFICATE": str(files.certificate),
        "ASSAY_TLS_KEY": str(files.key),
        "ASSAY_TLS_CLIENT_CA": str(ours.path),
        "ASSAY_TLS_CA": str(ours.path),
        "ASSAY_TLS_CLIENT_CERTIFICATE": str(own.certificate),
        "ASSAY_TLS_CLIENT_KEY": str(own.key),
        "ASSAY_COLLECTOR_OPS_LISTEN": ops[0],
        "ASSAY_COLLECTOR_WRITER_OPS_LISTEN": ops[1],
        "ASSAY_NATS_TLS_CA": str(ours.path),
    }
    async with nats_server(directory, ours.server_files("nats", client_ca=ours)) as settings["ASSAY_NATS_URL"]:
        if find_binaries() is None:
            with running_suite(directory / "data", settings, ours.client_files(own)) as suite:
                yield Secured(suite, ours, own, (ops[0], ops[1]))
            return
        async with system_postgres(directory / "server", ACCESS, ours.server_files("postgres", client_ca=ours)) as database:
            settings |= {"ASSAY_DATABASE_URL": database.url(), "ASSAY_DATABASE_TLS_CA": str(ours.path)}
            with running_suite(directory / "data", settings, ours.client_files(own)) as suite:
                yield Secured(suite, ours, own, (ops[0], ops[1]))


async def record(suite: Suite, project: str, batch_id: str) -> None:
    """Records one call and waits until it can be queried."""
    async with suite.channel() as channel:
        batch = calls_batch(batch_id, [call(f"{batch_id}-1")])
        batch.project = project
        answer = await CollectorServiceStub(channel).RecordCalls(batch, timeout=ANSWER_TIMEOUT_S)
    assert answer.accepted_count == 1
    await suite.stored(project, [batch_id])


async def test_what_is_recorded_by_grpc_is_answered_by_rest_and_streamed(secured: Secured) -> None:
    suite = secured.suite
    assert suite.url.startswith("https://")
    project = await suite.new_project()
    await record(suite, project, "first")
    async with suite.http(suite.admin_key) as http:
        found = (await http.get("/api/v1/calls", params={"project": project})).json()
        assert [each["call_id"] for each in found["calls"]] == ["first-1"]
        stream = http.stream("GET", "/api/v1/stream", params={"project": project})
        async with stream as events, asyncio.timeout(ANSWER_TIMEOUT_S):
            assert events.status_code == 200
            assert any([line.startswith("event:") async for line in first_lines(events)])
    assert (await suite.ledger(project))[1].stored_count == 1


async def first_lines(response: httpx.Response) -> AsyncIterator[str]:
    """The lines of a live stream up to its first event."""
    async for line in response.aiter_lines():
        yield line
        if line.startswith("event:"):
            return


async def test_a_browser_gets_a_cookie_that_never_travels_in_the_clear(secured: Secured) -> None:
    token = secured.suite.login_url.partition("token=")[2]
    async with secured.suite.http() as http:
        answer = await http.post("/api/v1/session", json={"token": token})
    assert answer.status_code == 204
    assert "secure" in [part.strip().lower() for part in answer.headers["set-cookie"].split(";")]


async def test_health_and_metrics_are_behind_tls_too(secured: Secured) -> None:
    async with secured.suite.http() as http:
        for address in secured.ports[2:]:

            async def is_ready(address: str = address) -> bool:
                return bool((await http.get(f"https://{address}/readyz")).json() == {"ready": True, "reasons": {}})

            await eventually(is_ready, ANSWER_TIMEOUT_S, f"{address} ready, and without nothing")
        for address in secured.ops:
            assert "assay_" in (await http.get(f"https://{address}/metrics")).text


async def trouble(suite: Suite, files: ClientFiles | None) -> str | None:
    """What a client with these files is told of the collector; None where it is answered."""
    async with replace(suite, tls=files).channel() as channel:
        try:
            await CollectorServiceStub(channel).GetLedger(GetLedgerRequest(), timeout=ANSWER_TIMEOUT_S)
        except grpc.aio.AioRpcError as error:
            return rpc.connection_trouble(error.details() or "")
    return None


async def test_a_client_without_a_certificate_or_with_a_wrong_one_is_refused(secured: Secured, tmp_path: Path) -> None:
    theirs = Authority(tmp_path, "theirs")
    ends = "it ends the connection, as one does that wants TLS, or a certificate from its clients"
    assert await trouble(secured.suite, secured.ours.client_files(secured.own)) is None
    assert await trouble(secured.suite, secured.ours.client_files()) == ends
    assert await trouble(secured.suite, secured.ours.client_files(theirs.pair("stranger", "agent"))) == ends
    assert await trouble(secured.suite, None) == ends
    wrong = await trouble(secured.suite, theirs.client_files(secured.own))
    assert wrong is not None
    assert wrong.startswith("its certificate is not to be trusted")
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        async with httpx.AsyncClient(verify=client_context(theirs.client_files()), trust_env=False) as http:
            await http.get(f"{secured.suite.url}/healthz")


def assay(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ASSAY), *map(str, arguments)], capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False, env={"PATH": ""}
    )


def test_commands_find_the_certificates_of_the_suite_or_are_told_them(secured: Secured, tmp_path: Path) -> None:
    suite, own = secured.suite, secured.own
    assert suite.assay("projects", "list")["projects"][0]["project"] == "default"
    assert set(suite.assay("log", "kit.tls", "DEBUG")) == {"collector", "writer", "analyzer", "alerter", "reporter"}
    shown = ("--tls-certificate", own.certificate, "--tls-key", own.key)
    elsewhere = ("projects", "list", "--url", suite.collector, "--key", suite.admin_key, "--json")
    answered = assay("--tls-ca", secured.ours.path, *shown, *elsewhere)
    assert json.loads(answered.stdout)["projects"], answered.stderr
    refused = assay("--tls-ca", Authority(tmp_path, "theirs").path, *shown, *elsewhere)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"cannot talk to {suite.collector}: its certificate is not to be trusted")
    plain = assay(*elsewhere)
    assert "wants TLS" in plain.stderr
    far = assay("projects", "list", "--url", "192.0.2.1:7001", "--key", suite.admin_key)
    assert (far.returncode, "without TLS" in far.stderr) == (1, True)


async def serials(secured: Secured) -> set[int]:
    """Of the certificates that new connections to all ports are shown."""
    return {await asyncio.to_thread(served_serial, address, secured.own) for address in secured.ports}


async def test_renewed_certificates_are_taken_up_by_all_and_broken_ones_by_none(secured: Secured) -> None:
    """The one that the suite shows to others is renewed as well, and its database and bus connections are made anew with it."""
    suite, ours = secured.suite, secured.ours
    (before,) = await serials(secured)
    renewed = ours.pair("server").serial
    ours.pair("own", "assay")
    assert await serials(secured) == {renewed} != {before}
    half = (ours.path.parent / "server.key").read_bytes()[:100]
    (ours.path.parent / "server.key").write_bytes(half)
    (ours.path.parent / "own.key").write_bytes(half)
    assert await serials_of_plain_tls(secured) == {renewed}
    project = "default"

    async def is_answered() -> bool:
        async with httpx.AsyncClient(verify=client_context(ours.client_files()), trust_env=False, timeout=ANSWER_TIMEOUT_S) as http:
            headers = {"authorization": f"Bearer {suite.admin_key}"}
            return (await http.get(f"{suite.url}/api/v1/ledger", params={"project": project}, headers=headers)).status_code == 200

    await eventually(is_answered, ANSWER_TIMEOUT_S, "the gateway goes on asking the collector with the certificate of before")
    ours.pair("server")
    ours.pair("own", "assay")
    await record(suite, await suite.new_project(), "after")


async def serials_of_plain_tls(secured: Secured) -> set[Any]:
    """As above of the ports that take anybody, while our own certificate is broken."""
    return {await asyncio.to_thread(served_serial, address) for address in secured.ports[2:]}
