"""What leaves by itself: that real receivers then answer what a metric query does, whoever was away or killed meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import cramjam
import pytest

from kit.errors import AssayError
from services.collector.domain.windows import Retention
from services.collector.export import counters as counters_module
from services.collector.export import http as http_module
from services.collector.export.counters import CounterSender
from services.collector.export.exporter import Exporter, exporting, make_exporter
from services.collector.export.http import Http, Verdict, http, retry_after_s
from services.collector.export.targets import FILE_BYTES_MAX, Target, read_targets
from services.collector.query import MetricsQueries
from services.collector.store.exports import ExportStore, list_targets
from services.collector.store.metrics import DIMENSIONS, Question
from services.collector.store.read_series import SeriesFilter
from tests.alerter.notify.servers import HANG, http_receiver
from tests.collector.feeding import Feeder
from tests.collector.writing_support import DEFAULT, change, started, until, upkeep_of, value
from tests.monitoring_servers import Monitor, influxdb, prometheus, victoria_metrics

RETENTION = Retention()
COUNT = "SELECT count(*)::int FROM collector.window_change"


def target_of(url: str, kind: str = "remote_write", **fields: Any) -> Target:
    return Target.model_validate({"name": kind, "kind": kind, "url": url, **fields})


async def feed(feeder: Feeder, *names: str, seconds_ago: float = 60.0, **fields: Any) -> None:
    """Calls of a known latency and cost, folded."""
    calls = [
        started(feeder, seconds_ago, call_id=name, task_id="", latency={"seconds": 2}, cost_usd_nanos=10**9, **fields) for name in names
    ]
    await feeder.feed(DEFAULT, calls)
    await upkeep_of(feeder).fold_rollups(everything=True)


async def steps(exporter: Exporter) -> None:
    """Sends all that there is."""
    for target, sender in exporter._senders:
        while await exporter.step(target, sender):
            pass


async def measured(feeder: Feeder) -> dict[str, float]:
    """What a metric query says of all calls: their number, their cost, and the median of their latency."""
    (project,) = (await upkeep_of(feeder)._projects.numbered([1])).values()
    end_us = feeder.now_us + 60_000_000
    question = Question(project, end_us - 7_200_000_000, end_us, None, "UTC", (), SeriesFilter())
    answer = (await MetricsQueries(feeder.engine, RETENTION).answer(question)).answer
    return {"calls": float(answer.call_count[0]), "p50_s": float(answer.latency_s[0, 0]), "cost_nanos": float(answer.measures[0, 14])}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What has to be tried again is tried again soon."""
    monkeypatch.setattr("services.collector.export.exporter.LOOK_EVERY_S", 0.05)
    monkeypatch.setattr("services.collector.export.exporter.retry_wait_s", lambda *_: 0.0)


@asynccontextmanager
async def snapshots(feeder: Feeder, url: str, **fields: Any) -> AsyncIterator["Clocked"]:
    async with http() as client:
        yield Clocked(feeder, client, target_of(url, **fields))


class Clocked:
    """A sender of counters whose clock the test moves."""

    def __init__(self, feeder: Feeder, client: Http, target: Target) -> None:
        self.now_s = float(feeder.now_us // 60_000_000 * 60)
        self.sender = CounterSender(feeder.engine, client, target, now_s=lambda: self.now_s)
        self.exporter = Exporter(ExportStore(feeder.engine, owner="me"), [(target, self.sender)])

    async def minute(self) -> float:
        """Sends what a further minute brings, and gives its time."""
        self.now_s += 60
        await steps(self.exporter)
        return self.now_s


@pytest.mark.parametrize("server", [prometheus, victoria_metrics])
async def test_counters_that_were_sent_are_those_of_a_metric_query(feeder: Feeder, server: Any) -> None:
    async with server() as monitor, snapshots(feeder, f"{monitor.url}/api/v1/write") as clocked:
        await feed(feeder, "a", "b", "c")
        first_s = await clocked.minute()
        await feed(feeder, "late", seconds_ago=3_600)
        await feed(feeder, "failed", outcome="CALL_OUTCOME_FAILED")
        last_s = await clocked.minute()
        said = await measured(feeder)
        await until(lambda: is_value(monitor, "sum(assay_calls_total)", said["calls"], last_s), "the second snapshot")
        assert await monitor.value("sum(assay_calls_total)", first_s) == 3.0
        assert await monitor.value('sum(assay_calls_total{outcome="failed",provider!=""})', last_s) == 1.0
        assert await monitor.value("sum(assay_cost_usd_total)", last_s) == pytest.approx(said["cost_nanos"] / 1e9)
        assert await monitor.value('sum(assay_call_latency_seconds_bucket{outcome="succeeded",le="2.0"})', last_s) in {4.0, None}
        assert await monitor.value('sum(assay_call_latency_seconds_count{outcome="succeeded"})', last_s) == 4.0
    (row,) = await list_targets(feeder.engine)
    assert (row.position, row.refused_count, row.waiting_count, row.trouble) == (int(last_s), 0, 0, "")
    assert row.sent_count >= 2 and row.send_time is not None and row.address.endswith("/api/v1/write")


async def is_value(monitor: Monitor, expression: str, expected: float, time_s: float) -> bool:
    return await monitor.value(expression, time_s) == expected


async def test_native_histograms_answer_the_quantile_that_a_metric_query_does(feeder: Feeder) -> None:
    async with prometheus("native-histograms") as monitor, snapshots(feeder, f"{monitor.url}/api/v1/write", histograms="native") as clocked:
        await feed(feeder, "a", "b", "c")
        time_s = await clocked.minute()
        said = await measured(feeder)
        told = await monitor.value('histogram_quantile(0.5, sum(assay_call_latency_seconds{outcome="succeeded"}))', time_s)
        assert told == pytest.approx(said["p50_s"], rel=0.012)


async def test_snapshots_wait_for_a_target_that_is_away_and_are_sent_in_order(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    unwilling = (503, {"Retry-After": "7"}, b"later")
    async with (
        http_receiver(unwilling, unwilling, (204, {}, b"")) as server,
        snapshots(feeder, server.url, authorization="Bearer x") as clocked,
    ):
        await feed(feeder, "a")
        await clocked.minute()
        (row,) = await list_targets(feeder.engine)
        assert (row.waiting_count, row.position, row.send_time) == (1, 0, None) and "503" in row.trouble
        await clocked.minute()
        last_s = await clocked.minute()
        (row,) = await list_targets(feeder.engine)
        assert (row.waiting_count, row.position, row.sent_count, row.trouble) == (0, int(last_s), 3, "")
        sent = server.requests[2:]
        monkeypatch.setattr(counters_module, "WAITING_BYTES_MAX", 1)
        for _ in range(2):
            clocked.now_s += 60
            await clocked.sender.look(int(last_s))
        assert clocked.sender.waiting_count == 1  # the older one is given up
    bodies = [bytes(cramjam.snappy.decompress_raw(request.body)) for request in sent]
    assert len({len(body) for body in bodies}) == 1 and len(set(bodies)) == 3
    assert sent[0].headers["authorization"] == "Bearer x" and sent[0].headers["content-encoding"] == "snappy"


async def test_a_target_that_wants_to_be_left_alone_is(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.collector.export.exporter.retry_wait_s", lambda *_: 3_600.0)
    monkeypatch.setattr("services.collector.domain.remote_write.REQUEST_SERIES_MAX", 20)
    async with http_receiver((204, {}, b""), (503, {}, b""), (204, {}, b"")) as server, snapshots(feeder, server.url) as clocked:
        empty_s = await clocked.minute()
        (row,) = await list_targets(feeder.engine)
        assert (row.position, server.requests) == (int(empty_s), [])  # nothing was counted yet
        await feed(feeder, "a")
        await clocked.minute()
        await clocked.minute()
        (row,) = await list_targets(feeder.engine)
        assert (row.position, row.sent_count, len(server.requests)) == (int(empty_s), 1, 2)  # of three requests of a snapshot
        assert clocked.sender.waiting_count == 2


async def test_what_a_target_refuses_is_counted_and_not_sent_again(feeder: Feeder) -> None:
    refusal: Any = (400, {}, b"out of\norder")
    async with http_receiver(refusal, (204, {}, b"")) as server, snapshots(feeder, server.url, projects=[DEFAULT]) as clocked:
        await feed(feeder, "a")
        await clocked.minute()
        (row,) = await list_targets(feeder.engine)
        assert (row.refused_count, row.sent_count, row.trouble) == (1, 0, "HTTP 400: out of order")
        await clocked.minute()
    assert len(server.requests) == 2


async def test_minutes_that_were_sent_are_those_of_a_metric_query_and_late_calls_replace_them(feeder: Feeder) -> None:
    async with influxdb() as monitor, http() as client:
        exporter = make_exporter(feeder.engine, client, [target_of(f"{monitor.url}/write?db=assay&p=secret", "influxdb")], RETENTION)
        await steps(exporter)  # from now on folds note what they change
        await feed(feeder, "a", "b")
        await feed(feeder, "hour", seconds_ago=3_600)
        await steps(exporter)
        sums = "SELECT sum(call_count) AS calls, sum(cost_usd) AS cost, max(latency_p50_s) AS p50 FROM assay_calls"
        (row,) = await monitor.influx(sums)
        assert (row["calls"], row["cost"]) == (3, 3.0)
        await feed(feeder, "late", seconds_ago=3_600)
        await steps(exporter)
        (row,) = await monitor.influx(sums)
        said = await measured(feeder)
        assert (row["calls"], row["cost"] * 1e9, row["p50"]) == (said["calls"], said["cost_nanos"], said["p50_s"])
        assert len(await monitor.influx("SELECT call_count FROM assay_calls")) == 2
        (target,) = await list_targets(feeder.engine)
        assert "secret" not in target.address and target.sent_count >= 3
        assert await value(feeder.engine, COUNT) > 0
        await ExportStore(feeder.engine, "me").forget_changes()
        assert await value(feeder.engine, COUNT) == 0


async def test_minutes_wait_for_a_target_that_is_away_and_are_cut_into_parts(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.collector.export.windows.LINES_AT_ONCE", 1)
    answers: Any = [(500, {}, b"no"), (204, {}, b""), (400, {}, b"partial write"), (204, {}, b"")]
    async with http_receiver(*answers) as server, http() as client:
        exporter = make_exporter(feeder.engine, client, [target_of(server.url, "influxdb")], RETENTION)
        await steps(exporter)
        await feed(feeder, "a")
        await feed(feeder, "b", seconds_ago=600)
        await feed(feeder, "old", seconds_ago=20 * 86_400)  # its minute is not kept
        await steps(exporter)
        await steps(exporter)
        await feed(feeder, "of nobody")
        nobody = make_exporter(feeder.engine, client, [target_of(server.url, "influxdb", projects=["other"])], RETENTION)
        await change(feeder.engine, "UPDATE collector.export_target SET lease_time = now() - interval '1 second'")
        await steps(nobody)
    (row,) = await list_targets(feeder.engine)
    assert (row.sent_count, row.refused_count) == (1, 1)
    assert len(server.requests) == 3


async def test_one_of_two_writers_sends_and_the_other_takes_over(feeder: Feeder, monkeypatch: pytest.MonkeyPatch) -> None:
    async with http_receiver((204, {}, b"")) as server:
        targets = [target_of(server.url, every_s=10), target_of(server.url, "influxdb")]
        await feed(feeder, "a")
        async with exporting(feeder.engine, targets, RETENTION) as first, exporting(feeder.engine, targets, RETENTION) as second:
            monkeypatch.setattr("services.collector.export.exporter.FORGET_EVERY_S", 0.01)
            stops = [asyncio.Event(), asyncio.Event()]
            jobs = [asyncio.ensure_future(job(stop)) for stop, (job,) in zip(stops, (first, second), strict=True)]
            await until(lambda: has_sent(feeder), "a snapshot")
            stops[0].set()
            await jobs[0]
            await until(lambda: is_one_sending(feeder), "the other writer")
            stops[1].set()
            await jobs[1]
            assert not any(row.is_sending for row in await list_targets(feeder.engine))
    async with exporting(feeder.engine, (), RETENTION) as none:
        assert none == ()


async def has_sent(feeder: Feeder) -> bool:
    return any(row.sent_count for row in await list_targets(feeder.engine))


async def is_one_sending(feeder: Feeder) -> bool:
    rows = await list_targets(feeder.engine)
    return len(rows) == 2 and all(row.is_sending for row in rows) and len({row.owner for row in rows}) == 1


async def test_neither_a_database_that_is_away_nor_a_mistake_ends_the_process(caplog: pytest.LogCaptureFixture) -> None:
    from services.collector.export import exporter

    async def away() -> int:
        raise ConnectionResetError

    async def broken() -> int:
        raise ValueError("a bug")

    assert await exporter._patient(away()) is None
    assert await exporter._patient(broken()) is None
    assert "a mistake of ours" in caplog.text


async def test_trouble_on_the_way_is_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "TIMEOUT_S", 0.2)
    async with http() as client, http_receiver(HANG) as server:
        assert (await client.post(server.url, b"", {})).verdict is Verdict.AGAIN
    async with http() as client, http_receiver((200, {}, b"x" * 10_000), (301, {"Location": "/"}, b"x" * 10_000)) as server:
        assert (await client.post(server.url, b"", {"Authorization": ""})).verdict is Verdict.TAKEN
        assert (await client.post(server.url, b"", {})).verdict is Verdict.REFUSED
    async with http() as client:
        gone = await client.post(server.url, b"", {})
        assert gone.verdict is Verdict.AGAIN and "failed" in gone.detail
    assert [retry_after_s(text) for text in ("3", "", "Thu, 01 Jan 1970 00:00:00 GMT")] == [3.0, None, 0.0]


GOOD = "targets: [{name: a, kind: influxdb, url: 'http://127.0.0.1:8086/write?db=x'}]"


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        ("targets: [", "EXPORT_TARGETS_INVALID", "YAML"),
        ("targets: [{name: A}]", "EXPORT_TARGETS_INVALID", "targets.0.name"),
        ("targets: [{name: a, kind: graphite, url: 'http://h'}]", "EXPORT_TARGETS_INVALID", "targets.0.kind"),
        ("targets: [{name: a, kind: influxdb, url: 'http://user:s3cret@h/'}]", "EXPORT_TARGETS_INVALID", "targets.0.url"),
        (
            "targets: [{name: a, kind: influxdb, url: 'https://h', authorization: s3cret, authorization_file: f}]",
            "EXPORT_TARGETS_INVALID",
            "exclude",
        ),
        (GOOD[:-1] + ", " + GOOD[10:], "EXPORT_TARGETS_INVALID", "same name"),
        ("#" * (FILE_BYTES_MAX + 1), "EXPORT_TARGETS_INVALID", "bytes"),
        ("targets: [{name: a, kind: influxdb, url: 'http://metrics.example/write'}]", "CONNECT_INSECURE", "metrics.example"),
    ],
)
def test_a_file_of_targets_says_what_is_wrong_with_it(tmp_path: Path, content: str, reason: str, said: str) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(content)
    with pytest.raises(AssayError) as refused:
        read_targets(file, allow_insecure=False)
    assert refused.value.reason == reason and said in refused.value.message and "s3cret" not in refused.value.message


def test_targets_are_read_with_their_secrets_apart(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("Token s3cret\n")
    file = tmp_path / "targets.yaml"
    file.write_text(f"{GOOD[:-2]}, authorization_file: {secret}}}]")
    (target,) = read_targets(file, allow_insecure=False)
    assert target.header() == "Token s3cret" and "s3cret" not in repr(target)
    assert target.by == DIMENSIONS and target.wants("any") and not target.model_copy(update={"projects": ("p",)}).wants("any")
    assert target_of("https://h", authorization="x").header() == "x" and target_of("https://h").header() == ""
    assert read_targets(None, allow_insecure=False) == ()
    with pytest.raises(AssayError, match="No such file"):
        read_targets(tmp_path / "none", allow_insecure=False)
