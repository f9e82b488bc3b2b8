"""Watching metrics: the whole answer, then what changes in it, and what ends a watch."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias

import grpc.aio
import pytest
import pytest_asyncio
from assay.collector.v1 import metrics_service_pb2 as contract
from assay.collector.v1 import metrics_service_pb2_grpc

from kit import lifecycle, rpc
from kit.access import MEMORY_AGE_MAX_S, MEMORY_AGE_S, CachedKeyChecker, Guard, Identity, Role, key_invalid
from kit.bus import Bus
from kit.errors import AssayError, Kind
from kit.health import Readiness
from kit.open_streams import ADMIT_AGAIN_EVERY_S
from services.collector import streams, watch
from services.collector.domain.windows import Retention
from services.collector.query import MetricsQueries
from services.collector.rpc import MetricsServicer
from services.collector.rpc_reading import ReadingRpc
from services.collector.store.projects import ProjectReader
from services.collector.watch import Watches
from tests.collector.feeding import Feeder, feeding
from tests.collector.ingest_samples import call

SERVICE = "assay.collector.v1.MetricsService"
IN_TIME_S = 60.0
# Nothing here waits for it: a watch that did would be past its deadline.
GRACE_S = 3_600.0
PROVIDER = contract.METRIC_DIMENSION_PROVIDER

if TYPE_CHECKING:
    Stub: TypeAlias = metrics_service_pb2_grpc.MetricsServiceAsyncStub


class Keys:
    """Keys that are called as their projects, with a letter for each key."""

    def __init__(self) -> None:
        self.revoked: set[str] = set()

    async def check(self, secret: str) -> Identity:
        """Whose a key is."""
        if secret in self.revoked:
            raise key_invalid()
        return Identity(secret, secret.partition("/")[0], frozenset({Role.READ}), None)


@dataclass
class Site:
    """What is fed and watched."""

    feeder: Feeder
    keys: Keys
    address: str
    watches: Watches

    async def feed(self, project: str, count: int = 1, *, provider: str = "anthropic", ago_s: int = 0, task_id: str = "") -> None:
        """Stores calls that started just now, or so long ago."""
        now_us = time.time_ns() // 1_000
        self.feeder.now_us = now_us
        start_us = now_us - ago_s * 1_000_000
        await self.feeder.feed(
            project,
            [
                call(
                    call_id=f"{project}-{now_us}-{number}",
                    task_id=task_id or None,
                    provider=provider,
                    start_time={"seconds": start_us // 1_000_000, "nanos": start_us % 1_000_000 * 1_000},
                )
                for number in range(count)
            ],
        )
        await self.feeder.bus._client.flush()  # what was announced of them is heard, and not by a watch that is opened later

    @asynccontextmanager
    async def watch(self, secret: str, **fields: Any) -> AsyncIterator["Watch"]:
        """An open watch of the last hour, grouped by provider."""
        request = contract.WatchMetricsRequest(**({"range": {"seconds": 3_600}, "group_by": [PROVIDER]} | fields))
        async with rpc.connect(self.address, secret=secret) as channel:
            stub: Stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)
            yield Watch(stub.WatchMetrics(request))

    async def query(self, secret: str) -> contract.QueryMetricsResponse:
        """The last hour, asked once."""
        request = contract.QueryMetricsRequest()
        request.start_time.FromSeconds(int(time.time()) - 3_600)
        async with rpc.connect(self.address, secret=secret) as channel:
            stub: Stub = metrics_service_pb2_grpc.MetricsServiceStub(channel)
            return await stub.QueryMetrics(request, timeout=IN_TIME_S)


class Watch:
    """One watch."""

    def __init__(self, responses: Any) -> None:
        self._responses = aiter(responses)

    async def next(self, within_s: float = IN_TIME_S) -> contract.WatchMetricsResponse:
        """What comes next."""
        response: contract.WatchMetricsResponse = await asyncio.wait_for(anext(self._responses), within_s)
        return response

    async def until(self, is_met: Callable[[contract.WatchMetricsResponse], bool]) -> contract.WatchMetricsResponse:
        """The first answer that is so."""
        async with asyncio.timeout(IN_TIME_S):
            while True:
                response: contract.WatchMetricsResponse = await anext(self._responses)
                if is_met(response):
                    return response

    async def error(self) -> AssayError:
        """What ends it."""
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await self.until(lambda _: False)
        return rpc.error_of(ended.value)


@asynccontextmanager
async def serving(feeder: Feeder) -> AsyncIterator[Site]:
    """Serves the metrics of a fed database."""
    keys = Keys()
    queries = MetricsQueries(feeder.engine, Retention())
    watches = Watches(feeder.bus, queries)
    guard = Guard(CachedKeyChecker(keys))
    servicer = MetricsServicer(guard, ProjectReader(feeder.engine), queries, watches, ReadingRpc(feeder.engine, feeder.bus))

    def add(server: grpc.aio.Server) -> None:
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(servicer, server)

    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(
            rpc.serve("127.0.0.1:0", [add], service_names=[SERVICE], readiness=Readiness(), grace_s=GRACE_S)
        )
        await stack.enter_async_context(lifecycle.background(watches.run))
        yield Site(feeder, keys, address, watches)


@pytest_asyncio.fixture(scope="module")
async def feeder(database_url: str, bus: Bus) -> AsyncIterator[Feeder]:
    async with feeding(database_url, bus) as running:
        yield running


@pytest_asyncio.fixture
async def site(feeder: Feeder) -> AsyncIterator[Site]:
    async with serving(feeder) as running:
        yield running


@pytest.fixture(autouse=True)
def _whole_ranges_move_on_with_changes_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "WHOLE_RANGE_EVERY_S", inf)


def counts(response: contract.WatchMetricsResponse | contract.QueryMetricsResponse) -> dict[str, int]:
    """Calls by provider."""
    return {series.key.provider: sum(series.windows.call_count) for series in response.series}


async def test_a_snapshot_comes_first_and_then_only_what_changed_in_absolute_values(site: Site) -> None:
    await site.feeder.add_project("steps")
    await site.feed("steps", 3, ago_s=1_800)
    await site.feed("steps", 2, provider="openai", ago_s=1_800)
    async with site.watch("steps", step={"seconds": 60}) as watching:
        first = await watching.next()
        assert first.is_snapshot
        assert counts(first) == {"anthropic": 3, "openai": 2}

        await site.feed("steps", 4, ago_s=1_800)
        changed = await watching.next()
        assert not changed.is_snapshot
        (series,) = changed.series
        assert series.key.provider == "anthropic"
        # A minute may have ended between both, and then there are two windows.
        assert sum(series.windows.call_count) in {4, 7}
        assert 0 < changed.lag_s < IN_TIME_S

        await site.feed("steps", 1, provider="openai")
        changed = await watching.until(lambda response: bool(response.series))
        assert counts(changed) == {"openai": 1}
        assert abs(changed.as_of_time.ToMicroseconds() - site.feeder.now_us) < 1_000


async def test_a_window_that_changes_again_has_its_whole_count(site: Site) -> None:
    await site.feeder.add_project("whole")
    async with site.watch("whole", step={"seconds": 86_400}, range={"seconds": 86_400}) as watching:
        assert counts(await watching.next()) == {}
        await site.feed("whole", 2)
        assert counts(await watching.next()) == {"anthropic": 2}
        await site.feed("whole", 3)
        assert counts(await watching.next()) == {"anthropic": 5}


async def test_the_whole_range_is_answered_anew_for_the_groups_that_changed(site: Site) -> None:
    await site.feeder.add_project("range")
    await site.feed("range", 3, ago_s=1_800)
    await site.feed("range", 1, provider="openai")
    async with site.watch("range") as watching:
        assert counts(await watching.next()) == {"anthropic": 3, "openai": 1}
        await site.feed("range", 2)
        assert counts(await watching.next()) == {"anthropic": 5}


async def test_the_whole_range_moves_on_though_something_changes_all_the_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "WHOLE_RANGE_EVERY_S", 2.0)
    await site.feeder.add_project("moving")
    await site.feed("moving", provider="openai")
    stop = asyncio.Event()

    async def keep_feeding() -> None:
        while not stop.is_set():
            await site.feed("moving")

    async with site.watch("moving") as watching, asyncio.TaskGroup() as group:
        assert (await watching.next()).is_snapshot
        group.create_task(keep_feeding())
        assert not (await watching.until(lambda response: not response.is_snapshot)).is_snapshot
        again = await watching.until(lambda response: response.is_snapshot)
        assert counts(again).keys() == {"anthropic", "openai"}
        stop.set()


async def test_many_changed_series_are_looked_at_as_all(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "CHANGED_SERIES_MAX", 1)
    await site.feeder.add_project("many")
    async with site.watch("many") as watching:
        await watching.next()
        await site.feed("many", provider="openai")
        await site.feed("many", provider="google")
        told: dict[str, int] = {}
        while told != {"google": 1, "openai": 1}:  # at once, or one after the other where the machine is slow
            told |= counts(await watching.next())


async def test_projects_do_not_hear_of_each_other(site: Site) -> None:
    for project in ("mine", "theirs"):
        await site.feeder.add_project(project)
    async with site.watch("mine") as mine, site.watch("theirs") as theirs:
        assert counts(await mine.next()) == counts(await theirs.next()) == {}
        await site.feed("theirs", 2)
        assert counts(await theirs.next()) == {"anthropic": 2}
        await site.feed("mine", 1)
        assert counts(await mine.next()) == {"anthropic": 1}


async def test_what_happened_out_of_range_is_not_told(site: Site) -> None:
    await site.feeder.add_project("old")
    async with site.watch("old", step={"seconds": 60}) as watching:
        await watching.next()
        coming = asyncio.ensure_future(watching.next())
        await site.feed("old", ago_s=7_200)
        done, _ = await asyncio.wait([coming], timeout=watch.GATHER_S + 1.0)
        assert not done
        await site.feed("old", 2, provider="openai")
        assert counts(await coming) == {"openai": 2}


async def test_what_the_bus_may_have_missed_is_made_up_by_a_snapshot(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await site.feeder.add_project("missed")
    async with site.watch("missed", step={"seconds": 60}) as watching:
        assert (await watching.next()).is_snapshot
        site.feeder.bus._client.stats["reconnects"] += 1
        assert (await watching.next()).is_snapshot


async def test_an_announcement_that_cannot_be_read_harms_nobody(site: Site) -> None:
    await site.feeder.add_project("noise")
    async with site.watch("noise") as watching:
        await watching.next()
        await site.feeder.bus.publish(f"{streams.WINDOWS_SUBJECT}.noise", b"\xff\xff", {})
        await site.feed("noise")
        assert counts(await watching.next()) == {"anthropic": 1}


async def test_a_revoked_key_ends_its_watch_within_five_seconds(site: Site) -> None:
    assert ADMIT_AGAIN_EVERY_S + MEMORY_AGE_S < MEMORY_AGE_MAX_S  # all that may pass before the key is asked after again
    await site.feeder.add_project("revoked")
    async with site.watch("revoked/a") as mine, site.watch("revoked/b") as other:
        await mine.next()
        await other.next()
        site.keys.revoked.add("revoked/a")
        error = await mine.error()
        assert (error.kind, error.reason) == (Kind.UNAUTHENTICATED, "KEY_INVALID")
        await site.feed("revoked")
        assert counts(await other.next()) == {"anthropic": 1}
    deadline = time.monotonic() + IN_TIME_S
    while site.watches.count and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert site.watches.count == 0


async def test_a_stopping_server_ends_its_watches_at_once(feeder: Feeder) -> None:
    await feeder.add_project("stopping")
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(serving(feeder))
        async with site.watch("stopping") as watching:
            await watching.next()
            async with asyncio.timeout(IN_TIME_S):
                await stack.aclose()
            error = await watching.error()
    assert (error.kind, error.reason) == (Kind.UNAVAILABLE, "SERVER_STOPPING")


async def test_a_question_about_too_long_a_range_is_refused(site: Site) -> None:
    await site.feeder.add_project("long")
    for field, fields in (("range", {"range": {"seconds": 32 * 86_400}}), ("range", {"range": {"seconds": 90}}), ("step", {"step": {}})):
        async with site.watch("long", **fields) as watching:
            error = await watching.error()
        assert (error.reason, error.details["field"]) == ("FIELD_INVALID", field)


async def test_an_answer_says_as_of_when_it_is_though_nothing_was_announced(site: Site) -> None:
    await site.feeder.add_project("as-of")
    assert not (await site.query("as-of")).HasField("as_of_time")
    await site.feed("as-of")
    async with serving(site.feeder) as another:
        answer = await another.query("as-of")
    assert counts(answer) == {"": 1}
    assert abs(answer.as_of_time.ToMicroseconds() - site.feeder.now_us) < 1_000
