"""Two projects with the same ids for everything see nothing of each other, whatever they ask."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

import grpc.aio
import pytest
import pytest_asyncio
from assay.access.v1 import access_service_pb2 as access
from assay.collector.v1 import collector_service_pb2 as collector
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.collector.v1.metrics_service_pb2_grpc import MetricsServiceStub
from assay.operations.v1 import log_service_pb2 as operations
from assay.telemetry.v1.call_pb2 import Call
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from kit.errors import AssayError, Kind
from tests.system import needs
from tests.system.samples import call, calls_batch, evaluation, evidence_batch, timestamp
from tests.system.suite import ANSWER_TIMEOUT_S, Suite
from tests.system.surface import HttpRequest, answer_text, routes, rpcs, sending

pytestmark = pytest.mark.slow

CALL_ID, BATCH_ID, EVIDENCE_ID, TASK_ID = "shared-call", "shared-batch", "shared-evidence", "shared-task"
SEEN, BLIND = True, False
HOUR = Duration(seconds=3_600)
HEARD_MIN = 3  # updates of each open stream: the first answer, and changes
RECORD_EVERY_S = 0.5  # long enough for a change of its own


@dataclass(frozen=True)
class Side:
    """A project, and the word that stands in all that is recorded in it and nowhere else."""

    project: str
    word: str
    secret: str
    key_id: str
    score_ratio: float

    def call(self, call_id: str) -> Call:
        made = call(call_id, provider=f"{self.word}-provider", task_id=TASK_ID)
        made.agent, made.prompt_name, made.model = f"{self.word}-agent", f"{self.word}-prompt", f"{self.word}-model"
        made.labels["owner"] = f"{self.word}-label"
        return made


@dataclass(frozen=True)
class World:
    """Who asks, and whose things it must not see."""

    mine: Side
    other: Side


@pytest_asyncio.fixture(scope="module", params=["as one", "as the other"])
async def world(request: pytest.FixtureRequest, suite: Suite) -> World:
    """Both sides are recorded with the same ids, at the same time, over the same front."""
    sides = [await new_side(suite, word, score) for word, score in (("alpha", 0.251937), ("bravo", 0.748213))]
    await asyncio.gather(*(record(suite, side) for side in sides))
    mine, other = sides if request.param == "as one" else reversed(sides)
    return World(mine, other)


async def new_side(suite: Suite, word: str, score_ratio: float) -> Side:
    project = await suite.new_project()
    secret, key_id = await suite.new_key(project, "ADMIN")
    return Side(project, word, secret, key_id, score_ratio)


async def record(suite: Suite, side: Side) -> None:
    """The shared call and its evidence, and a call and a batch of its own."""
    only = f"only-{side.word}"
    async with suite.channel(side.secret) as channel:
        stub = CollectorServiceStub(channel)
        evidence = evaluation(EVIDENCE_ID, CALL_ID, side.score_ratio, f"{side.word}-judge")
        await stub.RecordEvidence(evidence_batch(f"{BATCH_ID}-e", [evidence]), timeout=ANSWER_TIMEOUT_S)
        for batch_id, call_id in ((BATCH_ID, CALL_ID), (only, only)):
            await stub.RecordCalls(calls_batch(batch_id, [side.call(call_id)]), timeout=ANSWER_TIMEOUT_S)
    await suite.stored(side.project, [BATCH_ID, f"{BATCH_ID}-e", only])


# Each RPC: what one asks, and whether one's own word has to be in the answer.
RPC_QUESTIONS: dict[str, tuple[bool, Callable[[World], Message]]] = {
    "AccessService.CreateProject": (BLIND, lambda w: access.CreateProjectRequest(project=w.other.project)),
    "AccessService.UpdateProject": (BLIND, lambda _: access.UpdateProjectRequest(series_limit=9_999)),
    "AccessService.ListProjects": (BLIND, lambda _: access.ListProjectsRequest()),
    "AccessService.CreateKey": (BLIND, lambda _: access.CreateKeyRequest(roles=[access.ROLE_READ], lifetime=HOUR)),
    "AccessService.ListKeys": (BLIND, lambda _: access.ListKeysRequest()),
    "AccessService.RevokeKey": (BLIND, lambda w: access.RevokeKeyRequest(key_id=w.other.key_id)),
    "AccessService.CheckKey": (BLIND, lambda _: access.CheckKeyRequest()),
    "AccessService.CreateLoginToken": (BLIND, lambda _: access.CreateLoginTokenRequest()),
    "AccessService.ExchangeLoginToken": (BLIND, lambda _: access.ExchangeLoginTokenRequest(token="unknown")),
    "AccessService.ListAuditEvents": (BLIND, lambda _: access.ListAuditEventsRequest()),
    "CollectorService.RecordCalls": (BLIND, lambda w: calls_batch(BATCH_ID, [w.mine.call(CALL_ID)])),
    "CollectorService.StreamCalls": (BLIND, lambda w: collector.StreamCallsRequest(batch=calls_batch(BATCH_ID, [w.mine.call(CALL_ID)]))),
    "CollectorService.RecordEvidence": (BLIND, lambda _: evidence_batch(BATCH_ID, [evaluation(EVIDENCE_ID, CALL_ID, 1.0)])),
    "CollectorService.GetBatches": (BLIND, lambda w: collector.GetBatchesRequest(batch_ids=[f"only-{w.other.word}"])),
    "CollectorService.GetLedger": (BLIND, lambda _: collector.GetLedgerRequest()),
    "CollectorService.TraceCall": (BLIND, lambda w: collector.TraceCallRequest(call_id=f"only-{w.other.word}")),
    "MetricsService.QueryMetrics": (
        SEEN,
        lambda _: metrics.QueryMetricsRequest(
            start_time=timestamp(datetime.now(UTC) - timedelta(hours=1)), group_by=metrics.MetricDimension.values()[1:]
        ),
    ),
    "MetricsService.WatchMetrics": (SEEN, lambda _: metrics.WatchMetricsRequest(range=HOUR, group_by=metrics.MetricDimension.values()[1:])),
    "MetricsService.ListSeries": (SEEN, lambda _: metrics.ListSeriesRequest()),
    "MetricsService.ListCalls": (SEEN, lambda _: metrics.ListCallsRequest()),
    "MetricsService.GetCall": (SEEN, lambda _: metrics.GetCallRequest(call_id=CALL_ID)),
    "LogService.SetLogLevel": (BLIND, lambda _: operations.SetLogLevelRequest(module="tests", level="INFO")),
    **{name: (BLIND, lambda _, name=name: rpcs()[name].request_class()) for name in (*needs.RPC_ROLES, *needs.LINK_RPCS)},
}
FILTERED = {"group_by": "provider,model,task_type,prompt_name,prompt_version"}
ROUTE_QUESTIONS: dict[str, tuple[bool, Callable[[World], HttpRequest]]] = {
    "GET /api/v1/metrics": (SEEN, lambda _: HttpRequest(query={"start": "-1h", **FILTERED})),
    "GET /api/v1/series": (SEEN, lambda _: HttpRequest()),
    "GET /api/v1/stream": (SEEN, lambda _: HttpRequest(query=FILTERED)),
    "GET /api/v1/ledger": (BLIND, lambda _: HttpRequest()),
    "GET /api/v1/calls": (SEEN, lambda _: HttpRequest()),
    "GET /api/v1/calls/{call_id}": (SEEN, lambda _: HttpRequest(path={"call_id": CALL_ID})),
    "POST /api/v1/calls": (BLIND, lambda _: HttpRequest(json={"batch_id": BATCH_ID, "calls": []})),
    "POST /api/v1/evidence": (BLIND, lambda _: HttpRequest(json={"batch_id": BATCH_ID, "evidence": []})),
    "GET /api/v1/session": (BLIND, lambda _: HttpRequest()),
    "POST /api/v1/session": (BLIND, lambda _: HttpRequest(json={"token": "unknown"})),
    "DELETE /api/v1/session": (BLIND, lambda _: HttpRequest()),
    "GET /api/v1/projects": (BLIND, lambda _: HttpRequest()),
    "POST /api/v1/projects": (BLIND, lambda w: HttpRequest(json={"project": w.other.project})),
    "PATCH /api/v1/projects/{project}": (BLIND, lambda w: HttpRequest(path={"project": w.mine.project}, json={"series_limit": 9_999})),
    "GET /api/v1/keys": (BLIND, lambda _: HttpRequest()),
    "POST /api/v1/keys": (BLIND, lambda _: HttpRequest(json={"roles": ["READ"], "lifetime_s": 600})),
    "DELETE /api/v1/keys/{key_id}": (BLIND, lambda w: HttpRequest(path={"key_id": w.other.key_id})),
    "GET /api/v1/audit": (BLIND, lambda _: HttpRequest()),
    **{name: (BLIND, lambda _, request=request: request) for name, (_, request) in needs.ROUTE_NEEDS.items()},
}


async def test_the_tables_cover_every_rpc_and_every_route(suite: Suite) -> None:
    assert RPC_QUESTIONS.keys() == rpcs().keys()
    async with suite.http() as http:
        assert ROUTE_QUESTIONS.keys() == (await routes(http)).keys()


def assert_nothing_of(side: Side, answer: str) -> None:
    for secret in (side.word, side.key_id, f'"{side.project}"', str(side.score_ratio)):
        assert secret not in answer


@pytest.mark.parametrize("name", RPC_QUESTIONS)
async def test_no_rpc_shows_the_other_project(suite: Suite, world: World, name: str) -> None:
    sees_own, question = RPC_QUESTIONS[name]
    async with suite.channel_to(suite.address_of(rpcs()[name].path), world.mine.secret) as channel:
        try:
            answer = str(await rpcs()[name].ask(channel, question(world)))
        except grpc.aio.AioRpcError as error:
            answer = error.details() or ""
    assert_nothing_of(world.other, answer)
    assert not sees_own or world.mine.word in answer


def naming(project: str, request: Message) -> Message | None:
    """The request about another project; None where it names none."""
    named = type(request)()
    named.CopyFrom(request)
    holder = named.batch if isinstance(named, collector.StreamCallsRequest) else named
    if "project" not in holder.DESCRIPTOR.fields_by_name:
        return None
    holder.project = project  # type: ignore[attr-defined]
    return named


@pytest.mark.parametrize("name", RPC_QUESTIONS)
async def test_every_rpc_refuses_to_speak_of_the_other_project(suite: Suite, world: World, name: str) -> None:
    request = naming(world.other.project, RPC_QUESTIONS[name][1](world))
    if request is None:
        return
    async with suite.channel_to(suite.address_of(rpcs()[name].path), world.mine.secret) as channel:
        assert_forbidden(await rpcs()[name].refusal(channel, request))
        request = naming("no-such-project", request)
        assert request is not None
        assert_forbidden(await rpcs()[name].refusal(channel, request))


def assert_forbidden(refused: AssayError | None) -> None:
    """In the same words whether there is such a project or not."""
    assert refused is not None
    assert refused.kind is Kind.PERMISSION_DENIED
    assert refused.reason in {"PROJECT_FORBIDDEN", "ROLE_MISSING"}


@pytest.mark.parametrize("name", ROUTE_QUESTIONS)
async def test_no_route_shows_the_other_project(suite: Suite, world: World, name: str) -> None:
    sees_own, question = ROUTE_QUESTIONS[name]
    async with suite.http(world.mine.secret) as http, sending(http, (await routes(http))[name], question(world)) as response:
        answer = await answer_text(response)
    assert_nothing_of(world.other, answer)
    assert not sees_own or world.mine.word in answer


@pytest.mark.parametrize("name", ROUTE_QUESTIONS)
async def test_every_route_refuses_to_speak_of_the_other_project(suite: Suite, world: World, name: str) -> None:
    request = ROUTE_QUESTIONS[name][1](world)
    about = {"project": world.other.project}
    async with suite.http(world.mine.secret) as http:
        route = (await routes(http))[name]
        asked = []
        if route.names("project", "query"):
            asked.append(HttpRequest(request.path, {**request.query, **about}, request.json))
        if route.names("project", "path"):
            asked.append(HttpRequest({**request.path, **about}, request.query, request.json))
        if name in {"POST /api/v1/calls", "POST /api/v1/evidence"}:
            asked.append(HttpRequest(request.path, request.query, {**request.json, **about}))
        for each in asked:
            async with sending(http, route, each) as response:
                await response.aread()
                assert (response.status_code, response.json()["reason"]) == (403, "PROJECT_FORBIDDEN"), each


async def test_what_has_the_same_id_is_counted_for_itself(suite: Suite, world: World) -> None:
    async with suite.channel(world.mine.secret) as channel:
        found = await MetricsServiceStub(channel).GetCall(metrics.GetCallRequest(call_id=CALL_ID), timeout=ANSWER_TIMEOUT_S)
        assert found.call.quality_ratio == pytest.approx(world.mine.score_ratio)
        assert found.evidence[0].evaluation.evaluator == f"{world.mine.word}-judge"
        missing = metrics.GetCallRequest(call_id=f"only-{world.other.word}")
        with pytest.raises(grpc.aio.AioRpcError, match="there is no call"):
            await MetricsServiceStub(channel).GetCall(missing, timeout=ANSWER_TIMEOUT_S)
        listed = await MetricsServiceStub(channel).ListCalls(metrics.ListCallsRequest(task_id=TASK_ID), timeout=ANSWER_TIMEOUT_S)
        assert {stored.call.call_id for stored in listed.calls} == {CALL_ID, f"only-{world.mine.word}"}


async def test_nobody_turns_the_page_of_another_project(suite: Suite, world: World) -> None:
    async with suite.channel(world.other.secret) as channel:
        first = await MetricsServiceStub(channel).ListCalls(metrics.ListCallsRequest(page_size=1), timeout=ANSWER_TIMEOUT_S)
    request = metrics.ListCallsRequest(page_size=1, page_token=first.next_page_token)
    async with suite.channel(world.mine.secret) as channel:
        refused = await rpcs()["MetricsService.ListCalls"].refusal(channel, request)
    assert refused is not None
    assert refused.reason == "PAGE_TOKEN_INVALID"


class Heard:
    """What a side's open streams say, by the way that they take."""

    def __init__(self, suite: Suite, side: Side) -> None:
        self._suite = suite
        self._side = side
        self.by_way = {"WatchMetrics": "", "GET /stream": ""}

    @property
    def is_enough(self) -> bool:
        """Whether each of them has told of the side's own calls, several times."""
        return all(said.count(f"{self._side.word}-provider") >= HEARD_MIN for said in self.by_way.values())

    async def watch(self) -> None:
        question = metrics.WatchMetricsRequest(range=HOUR, step=Duration(seconds=60), group_by=[metrics.METRIC_DIMENSION_PROVIDER])
        async with self._suite.channel(self._side.secret) as channel:
            async for update in MetricsServiceStub(channel).WatchMetrics(question):
                self.by_way["WatchMetrics"] += str(update)

    async def follow(self) -> None:
        question = {"group_by": "provider"}
        async with self._suite.http(self._side.secret) as http, http.stream("GET", "/api/v1/stream", params=question) as response:
            async for line in response.aiter_lines():
                self.by_way["GET /stream"] += line


async def test_open_streams_pass_on_the_own_project_alone(suite: Suite, world: World) -> None:
    """Both watch while both record, until all have been told of their own calls: they were told of no others."""
    sides = (world.mine, world.other)
    heard = {side.word: Heard(suite, side) for side in sides}

    async def record_until_heard(side: Side) -> None:
        async with suite.channel(side.secret) as channel:
            for number in count():
                if all(each.is_enough for each in heard.values()):
                    return
                batch = calls_batch(f"stream-{number}", [side.call(f"stream-{number}-{world.mine.word}")])
                await CollectorServiceStub(channel).RecordCalls(batch, timeout=ANSWER_TIMEOUT_S)
                await asyncio.sleep(RECORD_EVERY_S)

    watches: list[asyncio.Task[None]] = [asyncio.create_task(open_()) for each in heard.values() for open_ in (each.watch, each.follow)]
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        await asyncio.gather(*(record_until_heard(side) for side in sides))
    for task in watches:
        assert not task.done()
        task.cancel()
    await asyncio.gather(*watches, return_exceptions=True)
    for side, other in (sides, sides[::-1]):
        assert all(other.word not in said for said in heard[side.word].by_way.values())
