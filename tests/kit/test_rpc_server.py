"""What every server has beside its services: health, reflection, log levels, and a clear word when it cannot be."""

import asyncio
import io
import logging
from collections.abc import Iterator

import grpc
import grpc.aio
import pytest
from assay.access.v1 import access_service_pb2 as access
from assay.access.v1 import access_service_pb2_grpc as access_grpc
from assay.collector.v1 import collector_service_pb2_grpc as collector_grpc
from assay.collector.v1 import metrics_service_pb2 as queries
from assay.collector.v1 import metrics_service_pb2_grpc as queries_grpc
from assay.operations.v1 import log_service_pb2, log_service_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from kit import logs, metrics, rpc
from kit.access import Guard, Identity, Role
from kit.errors import AssayError, Kind
from kit.health import Readiness
from tests.kit.rpc_support import ACCESS, COLLECTOR, IN_TIME_S, METRICS, NOT_SERVING, SERVING, serving

LOGS = "assay.operations.v1.LogService"


class Checker:
    """Two keys: the installation's admin, and a project's."""

    async def check(self, secret: str) -> Identity:
        roles = {"root": Role.INSTALLATION_ADMIN, "boss": Role.ADMIN}
        if secret not in roles:
            raise AssayError(Kind.UNAUTHENTICATED, "KEY_INVALID", "no such key")
        return Identity(key_id=secret, project=None, roles=frozenset({roles[secret]}), expires_at=None)


async def test_health_follows_the_conditions() -> None:
    readiness = Readiness("database")
    async with serving(readiness) as address, rpc.connect(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service=ACCESS))
        assert (await watch.read()).status == NOT_SERVING
        assert (await stub.Check(health_pb2.HealthCheckRequest())).status == NOT_SERVING
        readiness.set("database", True)
        assert (await watch.read()).status == SERVING
        for name in ("", ACCESS, "grpc.health.v1.Health"):
            assert (await stub.Check(health_pb2.HealthCheckRequest(service=name))).status == SERVING
        readiness.set("bus", False, "connection refused")
        assert (await watch.read()).status == NOT_SERVING
        listed = await stub.List(health_pb2.HealthListRequest())
        assert {status.status for status in listed.statuses.values()} == {NOT_SERVING}
        assert ACCESS in listed.statuses


async def test_health_of_a_service_that_is_not_here_is_unknown() -> None:
    async with serving() as address, rpc.connect(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="elsewhere.v1.Service")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Check(request)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        assert (await stub.Watch(request).read()).status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


async def test_a_handler_may_write_to_its_context_and_end() -> None:
    async with serving() as address, rpc.connect(address) as channel:
        watch = queries_grpc.MetricsServiceStub(channel).WatchMetrics(queries.WatchMetricsRequest(project="once"))
        assert [message.is_snapshot async for message in watch] == [True]


async def test_a_caller_who_goes_away_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    def cancelled_count() -> float:
        labels = {"method": f"{METRICS}/WatchMetrics", "code": "CANCELLED"}
        return metrics.REGISTRY.get_sample_value("assay_rpc_requests_total", labels) or 0.0

    before = cancelled_count()
    async with serving() as address, asyncio.timeout(IN_TIME_S):
        async with rpc.connect(address) as channel:
            await queries_grpc.MetricsServiceStub(channel).WatchMetrics(queries.WatchMetricsRequest()).read()
        while cancelled_count() == before:
            await asyncio.sleep(0.01)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_reflection_lists_the_services_and_their_files() -> None:
    async with serving(guard=Guard(Checker())) as address, rpc.connect(address) as channel:
        call = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo()
        await call.write(reflection_pb2.ServerReflectionRequest(list_services=""))
        names = {service.name for service in (await call.read()).list_services_response.service}
        await call.write(reflection_pb2.ServerReflectionRequest(file_containing_symbol=COLLECTOR))
        files = (await call.read()).file_descriptor_response.file_descriptor_proto
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert names >= {ACCESS, COLLECTOR, METRICS, LOGS, "grpc.health.v1.Health"}
    assert any(b"RecordCalls" in file for file in files)


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = (root.level, root.handlers[:])
    text = io.StringIO()
    logs.setup("INFO", "text", "test", stream=text)
    yield text
    root.setLevel(before[0])
    root.handlers[:] = before[1]
    logging.getLogger("tests.kit.loud").setLevel(logging.NOTSET)
    logs._changed_modules.discard("tests.kit.loud")


async def test_the_level_of_a_module_changes_while_the_server_runs(log_text: io.StringIO) -> None:
    loud, quiet = logs.get_logger("tests.kit.loud"), logs.get_logger("tests.kit.quiet")
    async with serving(guard=Guard(Checker())) as address, rpc.connect(address, secret="root") as channel:
        loud.trace("before")
        stub = log_service_pb2_grpc.LogServiceStub(channel)
        request = log_service_pb2.SetLogLevelRequest(module="tests.kit.loud", level="TRACE")
        response = await stub.SetLogLevel(request)
        loud.trace("after")
        quiet.trace("after")
    assert response.levels["tests.kit.loud"] == "TRACE"
    assert response.levels[""] == "INFO"
    lines = log_text.getvalue().splitlines()
    assert [line.split(" ", 1)[1] for line in lines if "tests.kit.loud:" in line or "tests.kit.quiet:" in line] == [
        "TRACE   test tests.kit.loud: after"
    ]


@pytest.mark.parametrize(
    ("secret", "request_", "reason"),
    [
        (None, {"level": "TRACE"}, "KEY_MISSING"),
        ("nobody", {"level": "TRACE"}, "KEY_INVALID"),
        ("boss", {"level": "TRACE"}, "ROLE_MISSING"),
        ("root", {"level": "LOUD"}, "FIELD_INVALID"),
        ("root", {"level": "INFO", "module": "no module"}, "FIELD_INVALID"),
    ],
)
async def test_levels_are_set_by_the_installations_admin_alone(secret: str | None, request_: dict[str, str], reason: str) -> None:
    async with serving(guard=Guard(Checker())) as address, rpc.connect(address, secret=secret) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await log_service_pb2_grpc.LogServiceStub(channel).SetLogLevel(log_service_pb2.SetLogLevelRequest(**request_))
    assert rpc.error_of(caught.value).reason == reason


async def test_without_a_guard_levels_cannot_be_set() -> None:
    async with serving() as address, rpc.connect(address, secret="root") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await log_service_pb2_grpc.LogServiceStub(channel).SetLogLevel(log_service_pb2.SetLogLevelRequest())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_channel_with_a_secret_sends_it_with_each_kind_of_call() -> None:
    async with serving() as address, rpc.connect(address, secret="s3") as channel:
        state = channel.get_state(try_to_connect=True)
        await asyncio.wait_for(channel.wait_for_state_change(state), IN_TIME_S)
        await asyncio.wait_for(channel.channel_ready(), IN_TIME_S)
        assert channel.get_state() is grpc.ChannelConnectivity.READY
        stub = access_grpc.AccessServiceStub(channel)
        answer = await stub.CheckKey(access.CheckKeyRequest(), metadata=(("other", "kept"),))
        assert (answer.key.key_id, answer.key.display_name) == ("Bearer s3", "kept")
        assert await queries_grpc.MetricsServiceStub(channel).WatchMetrics(queries.WatchMetricsRequest()).read()
        stream = collector_grpc.CollectorServiceStub(channel).StreamCalls()
        await stream.done_writing()
        assert await stream.read() is grpc.aio.EOF
        with pytest.raises(grpc.aio.AioRpcError):
            await channel.stream_unary("/no.such.Service/Method")(iter([]))
    assert channel.get_state() is grpc.ChannelConnectivity.SHUTDOWN


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0", "example.com:0"])
async def test_an_address_that_others_reach_is_refused_without_tls(listen: str) -> None:
    with pytest.raises(AssayError, match="ASSAY_INSECURE_LISTEN=true") as caught:
        async with rpc.serve(listen, [], service_names=[], readiness=Readiness()):
            pass
    assert caught.value.reason == "LISTEN_INSECURE"


async def test_an_address_that_others_reach_is_served_when_a_setting_says_so() -> None:
    async with rpc.serve("0.0.0.0:0", [], service_names=[], readiness=Readiness(), allow_insecure=True) as address:
        host, _, port = address.rpartition(":")
        assert host == "0.0.0.0"
        async with rpc.connect(f"127.0.0.1:{port}") as channel:
            assert await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


async def test_a_port_that_is_taken_is_one_clear_error() -> None:
    async with serving() as address:
        with pytest.raises(AssayError, match=f"cannot listen on {address}") as caught:
            async with rpc.serve(address, [], service_names=[], readiness=Readiness()):
                pass
    assert caught.value.reason == "ADDRESS_UNAVAILABLE"


async def test_a_service_that_nobody_added_is_a_mistake_that_shows_at_once() -> None:
    with pytest.raises(ValueError, match="no servicer was added"):
        async with rpc.serve("127.0.0.1:0", [], service_names=[ACCESS], readiness=Readiness()):
            pass
