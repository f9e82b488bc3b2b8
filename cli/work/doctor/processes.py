"""Assay's processes: whether each answers and says that it is ready, and whether their keys work."""

import asyncio
import http.client
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import grpc.aio
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.collector.v1.collector_service_pb2 import GetLedgerRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.work import tls
from cli.work.connection import Target
from cli.work.doctor.finding import Finding, ok, trouble, warning
from cli.work.ledger import as_account, unaccounted_count
from kit import rpc
from kit.errors import AssayError
from kit.tls import ClientFiles

if TYPE_CHECKING:  # exists in the type stubs alone
    from assay.access.v1.access_service_pb2_grpc import AccessServiceAsyncStub

# A process of this machine answers in milliseconds; one that needs so long is overloaded, or not there.
ANSWER_TIMEOUT_S = 5.0
# Long enough to hand a new key to whoever uses the old one.
WARN_BEFORE = timedelta(days=14)
PAGE_SIZE = 1_000


async def look_at_processes(addresses: Mapping[str, str], files: ClientFiles | None) -> list[Finding]:
    """Asks the services at these gRPC addresses, by name, whether they are ready."""
    return list(await asyncio.gather(*(_process(name, address, files) for name, address in addresses.items())))


async def _process(name: str, address: str, files: ClientFiles | None) -> Finding:
    advice = f"see the log of the {name}, which tells what it waits for; start it if it does not run"
    try:
        async with rpc.connect(address, tls=files, allow_insecure=True) as channel:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=ANSWER_TIMEOUT_S)
    except grpc.aio.AioRpcError as error:
        why = rpc.connection_trouble(error.details() or "") or error.code().name
        return trouble("processes", f"the {name} at {address} does not answer: {why}", advice)
    except AssayError as error:
        return trouble("processes", f"the {name} at {address} cannot be asked: {error.message}", advice)
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return trouble("processes", f"the {name} at {address} says that it is not ready", advice)
    return ok("processes", f"the {name} at {address} is ready")


def look_at_gateway(address: str, files: ClientFiles | None) -> list[Finding]:
    """Asks /readyz of the gateway at "host:port": whether it is ready, and what it goes without."""
    connection = http.client.HTTPConnection(address, timeout=ANSWER_TIMEOUT_S)
    try:
        if files is not None:
            connection.sock = tls.connected(address, files, ANSWER_TIMEOUT_S)
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        return [trouble("processes", f"the gateway at {address} does not answer: {error}", "start it, or see its log")]
    finally:
        connection.close()
    missing = [
        warning("processes", f"the gateway goes without the {name}: {why}", "see its log") for name, why in told.get("without", {}).items()
    ]
    if answer.status != http.HTTPStatus.OK:
        why = "; ".join(f"{name} {reason}" for name, reason in told["reasons"].items())
        return [trouble("processes", f"the gateway at {address} is not ready: {why}", "see what it waits for"), *missing]
    return [ok("processes", f"the gateway at {address} is ready"), *missing]


async def look_at_access(target: Target, now: datetime) -> list[Finding]:
    """Whether the key works, which keys end soon, and whether the ledger of each project adds up."""
    try:
        async with target.channel() as channel:
            service = AccessServiceStub(channel)
            await service.CheckKey(access.CheckKeyRequest(), timeout=ANSWER_TIMEOUT_S)
            projects = (await service.ListProjects(access.ListProjectsRequest(page_size=PAGE_SIZE), timeout=ANSWER_TIMEOUT_S)).projects
            names = [project.project for project in projects]
            ending = [finding for owner in ("", *names) for finding in await _ending_keys(service, owner, now)]
            return [*(ending or [ok("keys", "the admin's works, and none ends soon")]), *await _ledgers(channel, names)]
    except grpc.aio.AioRpcError as error:
        told = rpc.error_of(error)
        if told.reason == "KEY_INVALID":
            return [trouble("keys", "the key does not work", "give another one by --key; `assay up` makes that of the directory work")]
        return [trouble("keys", f"keys cannot be looked at: {told.message}", "see that the collector's front is ready")]


async def _ending_keys(service: "AccessServiceAsyncStub", owner: str, now: datetime) -> list[Finding]:
    keys = (await service.ListKeys(access.ListKeysRequest(project=owner, page_size=PAGE_SIZE), timeout=ANSWER_TIMEOUT_S)).keys
    findings = []
    for key in keys:
        ends = key.expire_time.ToDatetime(now.tzinfo) if key.HasField("expire_time") and not key.HasField("revoke_time") else None
        # A browser's session is meant to end.
        if ends is not None and now < ends < now + WARN_BEFORE and key.display_name != "browser session":
            seen = f"the key {key.key_id} ({key.display_name}) of {owner or 'the installation'} ends on {ends:%Y-%m-%d}"
            findings.append(warning("keys", seen, "make a new one with `assay keys create` and hand it out"))
    return findings


async def _ledgers(channel: grpc.aio.Channel, projects: list[str]) -> list[Finding]:
    """Received = stored + rejected + duplicate + dead-lettered + in flight, for every project and day."""
    service = CollectorServiceStub(channel)
    findings = []
    for project in projects:
        account = as_account(await service.GetLedger(GetLedgerRequest(project=project), timeout=ANSWER_TIMEOUT_S))
        missing = sum(abs(unaccounted_count(day)) for day in account["days"])
        if missing:
            advice = "this must not be: keep the logs of front and writer, and report it"
            findings.append(trouble("ledger", f"{missing:,} records of project {project} are unaccounted for", advice))
    return findings or [ok("ledger", f"the accounts of {len(projects)} projects balance")]
