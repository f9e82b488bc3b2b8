"""No key, a wrong key, a wrong role: refused by every RPC and every route, with the same reasons."""

from collections.abc import Mapping

import pytest
import pytest_asyncio
from assay.access.v1 import access_service_pb2 as access
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.operations.v1 import log_service_pb2 as operations
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from kit.errors import Kind
from tests.system import needs
from tests.system.samples import call, evaluation
from tests.system.suite import Suite
from tests.system.surface import HttpRequest, Route, Rpc, answer_text, routes, rpcs, sending, served_services

pytestmark = pytest.mark.slow

ROLES = ("RECORD", "READ", "OPERATE", "ADMIN", "INSTALLATION_ADMIN")
ANYBODY, ANY_KEY = "nobody needs a key", "any key"
# Which roles may do what a role is needed for, as the contract says.
HOLDERS: Mapping[str, frozenset[str]] = {
    ANY_KEY: frozenset(ROLES),
    "RECORD": frozenset({"RECORD", "ADMIN", "INSTALLATION_ADMIN"}),
    "READ": frozenset({"READ", "OPERATE", "ADMIN", "INSTALLATION_ADMIN"}),
    "OPERATE": frozenset({"OPERATE", "ADMIN", "INSTALLATION_ADMIN"}),
    "ADMIN": frozenset({"ADMIN", "INSTALLATION_ADMIN"}),
    "INSTALLATION_ADMIN": frozenset({"INSTALLATION_ADMIN"}),
}
BATCH = collector.RecordCallsRequest(batch_id="roles", calls=[call("roles")])
UNKNOWN_KEY_ID = "k" * 16

# Each RPC with the role that it needs and a request that is refused for nothing else.
RPC_NEEDS: dict[str, tuple[str, Message]] = {
    "AccessService.CreateProject": ("INSTALLATION_ADMIN", access.CreateProjectRequest(project="roles-made")),
    "AccessService.UpdateProject": ("ADMIN", access.UpdateProjectRequest(series_limit=10_000)),
    "AccessService.ListProjects": (ANY_KEY, access.ListProjectsRequest()),
    "AccessService.CreateKey": ("ADMIN", access.CreateKeyRequest(roles=[access.ROLE_READ], lifetime=Duration(seconds=600))),
    "AccessService.ListKeys": ("ADMIN", access.ListKeysRequest()),
    "AccessService.RevokeKey": ("ADMIN", access.RevokeKeyRequest(key_id=UNKNOWN_KEY_ID)),
    "AccessService.CheckKey": (ANY_KEY, access.CheckKeyRequest()),
    "AccessService.CreateLoginToken": ("READ", access.CreateLoginTokenRequest()),
    "AccessService.ExchangeLoginToken": (ANYBODY, access.ExchangeLoginTokenRequest(token="unknown")),
    "AccessService.ListAuditEvents": ("ADMIN", access.ListAuditEventsRequest()),
    "CollectorService.RecordCalls": ("RECORD", BATCH),
    "CollectorService.StreamCalls": ("RECORD", collector.StreamCallsRequest(batch=BATCH)),
    "CollectorService.RecordEvidence": ("RECORD", collector.RecordEvidenceRequest(batch_id="e", evidence=[evaluation("e", "roles", 0.5)])),
    "CollectorService.GetBatches": (ANY_KEY, collector.GetBatchesRequest(batch_ids=["roles"])),
    "CollectorService.GetLedger": ("READ", collector.GetLedgerRequest()),
    "CollectorService.TraceCall": ("READ", collector.TraceCallRequest(call_id="roles")),
    "MetricsService.QueryMetrics": ("READ", metrics.QueryMetricsRequest(start_time=call("now").start_time)),
    "MetricsService.WatchMetrics": ("READ", metrics.WatchMetricsRequest(range=Duration(seconds=3_600))),
    "MetricsService.ListSeries": ("READ", metrics.ListSeriesRequest()),
    "MetricsService.ListCalls": ("READ", metrics.ListCallsRequest()),
    "MetricsService.GetCall": ("READ", metrics.GetCallRequest(call_id="roles")),
    "LogService.SetLogLevel": ("INSTALLATION_ADMIN", operations.SetLogLevelRequest(module="tests", level="INFO")),
    **{name: (role, rpcs()[name].request_class()) for name, role in needs.RPC_ROLES.items()},
    **{name: (ANYBODY, rpcs()[name].request_class()) for name in needs.LINK_RPCS},
}

ROUTE_NEEDS: dict[str, tuple[str, HttpRequest]] = {
    "GET /api/v1/metrics": ("READ", HttpRequest()),
    "GET /api/v1/series": ("READ", HttpRequest()),
    "GET /api/v1/stream": ("READ", HttpRequest()),
    "GET /api/v1/ledger": ("READ", HttpRequest()),
    "GET /api/v1/calls": ("READ", HttpRequest()),
    "GET /api/v1/calls/{call_id}": ("READ", HttpRequest(path={"call_id": "roles"})),
    "POST /api/v1/calls": ("RECORD", HttpRequest(json={"calls": []})),
    "POST /api/v1/evidence": ("RECORD", HttpRequest(json={"evidence": []})),
    "GET /api/v1/session": (ANY_KEY, HttpRequest()),
    "POST /api/v1/session": (ANYBODY, HttpRequest(json={"token": "unknown"})),
    "DELETE /api/v1/session": (ANY_KEY, HttpRequest()),
    "GET /api/v1/projects": (ANY_KEY, HttpRequest()),
    "POST /api/v1/projects": ("INSTALLATION_ADMIN", HttpRequest(json={"project": "roles-made"})),
    "PATCH /api/v1/projects/{project}": ("ADMIN", HttpRequest(path={"project": "PROJECT"}, json={"series_limit": 10_000})),
    "GET /api/v1/keys": ("ADMIN", HttpRequest()),
    "POST /api/v1/keys": ("ADMIN", HttpRequest(json={"roles": ["READ"], "lifetime_s": 600})),
    "DELETE /api/v1/keys/{key_id}": ("ADMIN", HttpRequest(path={"key_id": UNKNOWN_KEY_ID})),
    "GET /api/v1/audit": ("ADMIN", HttpRequest()),
    **needs.ROUTE_NEEDS,
}


@pytest_asyncio.fixture(scope="module")
async def project(suite: Suite) -> str:
    return await suite.new_project()


@pytest_asyncio.fixture(scope="module")
async def secrets(suite: Suite, project: str) -> dict[str, str]:
    """A key of each role, all but the last of the project."""
    return {role: (await suite.new_key("" if role == "INSTALLATION_ADMIN" else project, role))[0] for role in ROLES}


def addresses(suite: Suite, rpc: Rpc) -> list[str]:
    """The processes that serve an RPC: every one has LogService."""
    if rpc.name.startswith("LogService"):
        return [suite.collector, suite.writer, suite.analyzer, suite.alerter, suite.reporter]
    return [suite.address_of(rpc.path)]


async def test_the_tables_cover_every_rpc_and_every_route(suite: Suite) -> None:
    assert RPC_NEEDS.keys() == rpcs().keys()
    async with suite.http() as http:
        assert ROUTE_NEEDS.keys() == (await routes(http)).keys()


async def test_no_process_serves_what_is_not_in_the_contract(suite: Suite) -> None:
    logs = "assay.operations.v1.LogService"
    known = {rpc.path.split("/")[1] for rpc in rpcs().values()} | {"opentelemetry.proto.collector.trace.v1.TraceService"}
    addresses_of = {"analyzer": suite.analyzer, "alerter": suite.alerter, "reporter": suite.reporter}
    others = {service: {name for name in known if name.startswith(f"assay.{service}.")} for service in addresses_of}
    assert await served_services(suite.collector) == known.difference(*others.values())
    for service, names in others.items():
        assert await served_services(addresses_of[service]) == names | {logs}
    assert await served_services(suite.writer) == {logs}
    assert await served_services(suite.otlp) == {"opentelemetry.proto.collector.trace.v1.TraceService"}


@pytest.mark.parametrize("name", RPC_NEEDS)
async def test_an_rpc_wants_a_key_that_works(suite: Suite, name: str) -> None:
    rpc, (need, request) = rpcs()[name], RPC_NEEDS[name]
    for address in addresses(suite, rpc):
        for secret, reason in ((None, "KEY_MISSING"), ("assay_unknown", "KEY_INVALID")):
            async with suite.channel_to(address, secret) as channel:
                refused = await rpc.refusal(channel, request)
                if refused is not None and refused.kind is Kind.UNAVAILABLE:  # what was sent after the refusal is what gRPC tells of
                    refused = await rpc.refusal(channel, request)
            assert refused is not None
            assert refused.kind is Kind.UNAUTHENTICATED or need == ANYBODY, name
            assert refused.reason == (reason if need != ANYBODY else "LINK_INVALID" if name in needs.LINK_RPCS else "TOKEN_INVALID")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", RPC_NEEDS)
async def test_an_rpc_wants_its_role(suite: Suite, secrets: dict[str, str], name: str, role: str) -> None:
    rpc, (need, request) = rpcs()[name], RPC_NEEDS[name]
    if need == ANYBODY:
        return
    for address in addresses(suite, rpc):
        async with suite.channel_to(address, secrets[role]) as channel:
            refused = await rpc.refusal(channel, request)
        if role in HOLDERS[need]:
            incomplete = {Kind.INVALID_ARGUMENT, Kind.FAILED_PRECONDITION} if name in needs.RPC_ROLES else set()
            assert refused is None or refused.kind in {Kind.NOT_FOUND, Kind.ALREADY_EXISTS} | incomplete, refused
        else:
            assert refused is not None
            assert (refused.kind, refused.reason) == (Kind.PERMISSION_DENIED, "ROLE_MISSING")


async def status_of(suite: Suite, route: Route, request: HttpRequest, secret: str | None) -> tuple[int, str]:
    """Status and reason of a route's answer."""
    async with suite.http(secret) as http, sending(http, route, request) as response:
        if response.is_success:
            return response.status_code, ""
        assert response.headers["content-type"] == "application/problem+json"
        await answer_text(response)
        return response.status_code, response.json()["reason"]


@pytest.mark.parametrize("name", ROUTE_NEEDS)
async def test_a_route_wants_a_key_that_works(suite: Suite, name: str) -> None:
    need, request = ROUTE_NEEDS[name]
    async with suite.http() as http:
        route = (await routes(http))[name]
    for secret, reason in ((None, "KEY_MISSING"), ("assay_unknown", "KEY_INVALID")):
        expected = (401, reason if need != ANYBODY else "TOKEN_INVALID")
        assert await status_of(suite, route, request, secret) == expected


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", ROUTE_NEEDS)
async def test_a_route_wants_its_role(suite: Suite, project: str, secrets: dict[str, str], name: str, role: str) -> None:
    need, request = ROUTE_NEEDS[name]
    if need == ANYBODY:
        return
    async with suite.http() as http:
        route = (await routes(http))[name]
    request = HttpRequest(
        {key: project if value == "PROJECT" else value for key, value in request.path.items()}, request.query, request.json
    )
    status, reason = await status_of(suite, route, request, secrets[role])
    if role in HOLDERS[need]:
        assert status < 400 or status in {400, 404, 409}, (status, reason)
    else:
        assert (status, reason) == (403, "ROLE_MISSING")
