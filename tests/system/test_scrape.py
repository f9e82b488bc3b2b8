"""Prometheus scrapes a running suite, and then answers what a metric query does."""

from datetime import UTC, datetime, timedelta

import pytest
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1.call_pb2 import Call, CallOutcome, TokenUsage

from tests.monitoring_servers import Monitor, prometheus
from tests.system.samples import duration, timestamp
from tests.system.suite import ANSWER_TIMEOUT_S, STORED_TIMEOUT_S, Suite, eventually

pytestmark = pytest.mark.slow

LATENCIES_MS = (40, 250, 1_000, 3_000, 3_000, 9_000)


def batch(batch_id: str) -> RecordCallsRequest:
    """Calls of one model, the first of which failed."""
    start_time = timestamp(datetime.now(UTC) - timedelta(seconds=10))
    calls = [
        Call(
            call_id=f"{batch_id}-{number}",
            start_time=start_time,
            latency=duration(took_ms * 1_000),
            provider="openai",
            model="gpt-5",
            task_type="chat",
            outcome=CallOutcome.CALL_OUTCOME_SUCCEEDED if number else CallOutcome.CALL_OUTCOME_FAILED,
            usage=TokenUsage(input_token_count=10, output_token_count=number),
            cost_usd_nanos=500_000_000,
        )
        for number, took_ms in enumerate(LATENCIES_MS)
    ]
    return RecordCallsRequest(batch_id=batch_id, calls=calls)


def scrape_config(suite: Suite, secret: str) -> str:
    """As docs/prometheus.md has it."""
    target = suite.url.partition("://")[2]
    return (
        "scrape_configs:\n  - job_name: assay-providers\n    metrics_path: /metrics/providers\n"
        f"    authorization: {{credentials: {secret}}}\n    static_configs: [{{targets: ['{target}']}}]\n"
    )


async def test_prometheus_answers_what_a_metric_query_does(suite: Suite) -> None:
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "READ")
    recorder, _ = await suite.new_key(project, "RECORD")
    async with suite.channel(recorder) as channel:
        await CollectorServiceStub(channel).RecordCalls(batch(f"{project}-1"), timeout=ANSWER_TIMEOUT_S)
    async with prometheus("native-histograms", scrape_config=scrape_config(suite, secret)) as monitor:
        await eventually(lambda: _sum_is(monitor, "sum(assay_calls_total)", len(LATENCIES_MS)), STORED_TIMEOUT_S, "a scrape with all calls")
        async with suite.http(secret) as http:
            (series,) = (await http.get("/api/v1/metrics", params={"start": "-1h"})).json()["series"]
            (said,) = series["windows"]
        assert await monitor.value('sum(assay_calls_total{outcome="succeeded"})') == said["outcome_counts"]["SUCCEEDED"] == 5
        assert await monitor.value("sum(assay_cost_usd_total)") == 3.0
        assert await monitor.value('sum(assay_tokens_total{kind="output"})') == said["output_token_count"]
        told = await monitor.value('histogram_quantile(0.5, sum(assay_call_latency_seconds{outcome="succeeded"}))')
        assert told == pytest.approx(said["latency_s"]["p50"], rel=0.012)
        assert {row["metric"]["project"] for row in await monitor.query("assay_tasks")} == {project}


async def test_a_scrape_is_text_for_people_and_of_the_keys_project_alone(suite: Suite) -> None:
    project, other = await suite.new_project(), await suite.new_project()
    secret, _ = await suite.new_key(project, "READ")
    recorder, _ = await suite.new_key(project, "RECORD")
    async with suite.http(secret) as http:
        empty = await http.get("/metrics/providers", params={"group_by": "provider"}, headers={"accept": "application/openmetrics-text"})
        assert empty.text == "# EOF\n" and empty.headers["content-type"].startswith("application/openmetrics-text")
        assert (await http.get("/metrics/providers")).headers["content-type"].startswith("text/plain; version=0.0.4")
        assert (await http.get("/metrics/providers", params={"project": other})).status_code == 403
        assert (await http.get("/metrics/providers", params={"group_by": "colour"})).status_code == 400
        assert (await http.get("/api/v1/export-targets")).json() == {"targets": []}
    async with suite.http(recorder) as http:
        assert (await http.get("/metrics/providers")).status_code == 403
    async with suite.http() as http:
        assert (await http.get("/metrics/providers")).status_code == 401


async def _sum_is(monitor: Monitor, expression: str, expected: float) -> bool:
    return await monitor.value(expression) == expected
