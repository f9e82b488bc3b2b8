"""How fast rules are evaluated and people are told: on a suite with a quarter of a year of 300 series, told to a webhook of its own."""

import asyncio
import random
import secrets
import time
from collections.abc import Iterator
from itertools import islice, product
from statistics import median
from typing import Any

import grpc.aio
from assay.access.v1.access_service_pb2 import CreateProjectRequest
from assay.access.v1.access_service_pb2_grpc import AccessServiceStub
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import receiver_service_pb2 as receivers
from assay.alerter.v1 import rule_service_pb2 as rules
from assay.alerter.v1.alert_service_pb2_grpc import AlertServiceStub
from assay.alerter.v1.receiver_service_pb2_grpc import ReceiverServiceStub
from assay.alerter.v1.rule_service_pb2_grpc import RuleServiceStub
from assay.collector.v1.collector_service_pb2 import RecordCallsRequest
from assay.collector.v1.collector_service_pb2_grpc import CollectorServiceStub
from assay.telemetry.v1.call_pb2 import CALL_OUTCOME_FAILED, CALL_OUTCOME_SUCCEEDED, Call
from assay_client import time_ordered_id

from bench.alert_anomaly import Anomalies
from bench.alert_receiver import Receiver, receiving
from bench.figures import Figure, Report
from bench.query import SERIES_COUNT, fill
from bench.suite import RunningSuite, running_suite
from cli.work.database import database_url
from kit import database, rpc

AREA = "alerts"
RULE_COUNT = 500
# So many of the rules hold for each of the series: a few more than 10,000 alerts.
FIRING_RULE_COUNT = 34
ALERT_COUNT = FIRING_RULE_COUNT * SERIES_COUNT
PROJECT_COUNT = 8
ACKNOWLEDGED_COUNT = 100
CALLS_EVERY_S = 5.0
MINUTE_S = 60.0
TIMEOUT_S = 300.0

_GROUPINGS = (
    ("PROVIDER", "MODEL", "TASK_TYPE"),
    ("PROVIDER", "MODEL"),
    ("PROVIDER", "TASK_TYPE"),
    ("PROVIDER",),
    ("TASK_TYPE",),
)
_WINDOWS_S = (300, 900, 3_600, 21_600)
_LATENCY = "RULE_METRIC_LATENCY_P95"
_CALL_COUNT = "RULE_METRIC_CALL_COUNT"


async def run(report: Report) -> None:
    """Back-tests first, while little else is going on; then how soon people are told; then ten thousand alerts."""
    async with (
        receiving() as told,
        running_suite(ASSAY_ALERTER_ALLOWED_TARGETS="127.0.0.1") as suite,
        database.engine(database_url(suite.data_dir)) as engine,
        suite.channel() as channel,
        rpc.connect(suite.alerter, secret=suite.secret) as to_alerter,
    ):
        await fill(engine)
        bench = _Bench(report, suite, told, channel, to_alerter)
        await bench.back_tests()
        await bench.delays(Anomalies(engine, suite))
        await bench.storm()


class _Bench:
    def __init__(self, report: Report, suite: RunningSuite, told: Receiver, channel: Any, to_alerter: Any) -> None:
        self._suite = suite
        self._told = told
        self._report_to = report
        self._access, self._collector = AccessServiceStub(channel), CollectorServiceStub(channel)
        self._rules, self._alerts = RuleServiceStub(to_alerter), AlertServiceStub(to_alerter)
        self._receivers = ReceiverServiceStub(to_alerter)

    def _report(self, name: str, value: float, unit: str, goal: float | None) -> None:
        self._report_to(Figure(AREA, name, value, unit, goal, "lower"))

    async def back_tests(self) -> None:
        """A month of 300 series, for a rule of each sort."""
        burn = rules.Rule(rule_id="burn", group_by=_grouped(_GROUPINGS[0]), burn=rules.BurnCondition(objective_ratio=0.99))
        sorts = {
            "backtest_ratio": _rule("ratio", "RULE_METRIC_SUCCESS_RATIO", 3_600, 0.0, below=True),
            "backtest_quantile": _rule("quantile", _LATENCY, 3_600, 1e9),
            "backtest_burn": burn,
        }
        for name, rule in sorts.items():
            took_s = []
            cpu_s = self._suite.cpu_s("collector front"), self._suite.cpu_s("alerter")
            for _ in range(3):
                began = time.perf_counter()
                await self._rules.BacktestRule(rules.BacktestRuleRequest(rule=rule), timeout=TIMEOUT_S)
                took_s.append(time.perf_counter() - began)
            self._report(name, median(took_s), "s", 2.0)
            for part, before in zip(("collector front", "alerter"), cpu_s, strict=True):
                self._report(f"{name}_cpu_{part.split()[-1]}", (self._suite.cpu_s(part) - before) / len(took_s), "s", None)

    async def delays(self, anomalies: Anomalies) -> None:
        """From a metric's crossing and from an anomaly to the first message, each in some projects."""
        projects = [f"project-{number}" for number in range(PROJECT_COUNT)]
        for project in projects:
            await self._access.CreateProject(CreateProjectRequest(project=project))
            await self._settle(project)
        waits_s = [random.uniform(0.0, 10.0) for _ in projects]
        crossings = [self._crossing(project, wait_s) for project, wait_s in zip(projects, waits_s, strict=True)]
        self._report("crossing_to_message_worst", max(await asyncio.gather(*crossings)), "s", 20.0)
        found = [self._anomaly(anomalies, project, wait_s) for project, wait_s in zip(projects, waits_s, strict=True)]
        self._report("anomaly_to_message_worst", max(await asyncio.gather(*found)), "s", 5.0)

    async def _settle(self, project: str) -> None:
        """A rule and a receiver, as soon as the alerter knows of the project."""
        rule = _rule("crossing", "RULE_METRIC_SUCCESS_RATIO", 300, 0.9, below=True)
        await _patiently(lambda: self._rules.CreateRule(rules.CreateRuleRequest(project=project, rule=rule)))
        receiver = receivers.Receiver(receiver_id="default", webhook=receivers.WebhookConfig(url=self._told.url), rate_per_min=600)
        await self._receivers.CreateReceiver(receivers.CreateReceiverRequest(project=project, receiver=receiver))

    async def _crossing(self, project: str, wait_s: float) -> float:
        await asyncio.sleep(wait_s)
        began = time.perf_counter()
        await self._record(project, (_call(0, CALL_OUTCOME_FAILED) for _ in range(20)))
        return await self._told.first(lambda data: data["project"] == project, TIMEOUT_S) - began

    async def _anomaly(self, anomalies: Anomalies, project: str, wait_s: float) -> float:
        await asyncio.sleep(wait_s)
        began = await anomalies.begin(project)
        return await self._told.first(lambda data: data["project"] == project and "Anomaly" in data["title"], TIMEOUT_S) - began

    async def storm(self) -> None:
        """More than ten thousand alerts at once, what is told of them, and what it costs to go on looking and to acknowledge one."""
        await self._settle("default")
        for rule in islice(_many_rules(), RULE_COUNT):
            await self._rules.CreateRule(rules.CreateRuleRequest(rule=rule))
        calling = asyncio.create_task(self._keep_calling())
        try:
            self._told.messages.clear()
            await self._all_fire()
            await asyncio.sleep(MINUTE_S)
            self._report("storm_messages", len(self._told.messages), "messages", 20)
            parts = ("alerter", "collector front")
            before = [self._suite.cpu_s(part) for part in parts]
            await asyncio.sleep(MINUTE_S)
            used = [self._suite.cpu_s(part) - cpu_s for part, cpu_s in zip(parts, before, strict=True)]
            self._report("evaluation_cpu", used[0], "s/min", 5.0)
            self._report("evaluation_cpu_of_answers", used[1], "s/min", None)
            await self._acknowledge()
        finally:
            calling.cancel()
            await asyncio.wait([calling])

    async def _all_fire(self) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                first = _rule_name(FIRING_RULE_COUNT - 1)
                found = await self._alerts.ListAlerts(alerts.ListAlertsRequest(rule_id=first, page_size=1_000))
                if len(found.alerts) == SERIES_COUNT:
                    return
                await asyncio.sleep(1.0)

    async def _acknowledge(self) -> None:
        found = (await self._alerts.ListAlerts(alerts.ListAlertsRequest(page_size=1_000))).alerts
        took_ms = []
        for alert in random.sample(list(found), ACKNOWLEDGED_COUNT):
            began = time.perf_counter()
            await self._alerts.AcknowledgeAlert(alerts.AcknowledgeAlertRequest(alert_id=alert.alert_id))
            took_ms.append((time.perf_counter() - began) * 1e3)
        self._report("acknowledge_median", median(took_ms), "ms", 50.0)
        self._report("acknowledge_worst", max(took_ms), "ms", None)

    async def _keep_calling(self) -> None:
        """A call of each series every few seconds."""
        while True:
            await self._record("default", (_call(number, CALL_OUTCOME_SUCCEEDED) for number in range(SERIES_COUNT)))
            await asyncio.sleep(CALLS_EVERY_S)

    async def _record(self, project: str, calls: Iterator[Call]) -> None:
        await self._collector.RecordCalls(RecordCallsRequest(project=project, batch_id=secrets.token_hex(8), calls=calls))


def _many_rules() -> Iterator[rules.Rule]:
    """Those that hold, and then all metrics by windows and groupings, which share their questions as rules of one fleet do."""
    metrics = [name for name in rules.RuleMetric.keys() if not name.endswith("UNSPECIFIED")]  # noqa: SIM118 - an enumeration of protobuf
    numbers = iter(range(RULE_COUNT + FIRING_RULE_COUNT))
    for _ in range(FIRING_RULE_COUNT):
        yield _rule(_rule_name(next(numbers)), _CALL_COUNT, 300, 0.0)
    for metric, window_s, grouping in product(metrics, _WINDOWS_S, _GROUPINGS):
        rule = _rule(_rule_name(next(numbers)), metric, window_s, 1e15)
        del rule.group_by[:]
        rule.group_by.extend(_grouped(grouping))
        yield rule


def _rule_name(number: int) -> str:
    return f"rule-{number:03}"


def _rule(name: str, metric: str, window_s: int, bound: float, *, below: bool = False) -> rules.Rule:
    side = rules.COMPARISON_BELOW if below else rules.COMPARISON_ABOVE
    condition = rules.ThresholdCondition(metric=rules.RuleMetric.Value(metric), comparison=side, threshold=bound, minimum_call_count=1)
    condition.window.FromSeconds(window_s)
    return rules.Rule(rule_id=name, display_name=name, group_by=_grouped(_GROUPINGS[0]), threshold=condition)


def _grouped(names: tuple[str, ...]) -> list[Any]:
    return [f"METRIC_DIMENSION_{name}" for name in names]


def _call(series: int, outcome: Any) -> Call:
    """A call of now, of one of the series that there are rolled-up windows of."""
    now_s = time.time()
    call = Call(
        call_id=time_ordered_id(int(now_s * 1e3)),
        provider=f"provider-{series % 5}",
        model=f"model-{series % 60 // 5}",
        task_type=f"task-{series // 60}",
        outcome=outcome,
    )
    call.start_time.FromMicroseconds(int(now_s * 1e6))
    call.latency.FromMilliseconds(1_000)
    call.usage.input_token_count, call.usage.output_token_count = 1_000, 100
    return call


async def _patiently(attempt: Any) -> None:
    """Tries until it goes well: a project is known to the alerter within seconds."""
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            try:
                await attempt()
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.5)
            else:
                return
