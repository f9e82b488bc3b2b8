"""What rules need is asked when the answer can be another one, and not before."""

import asyncio
import time

from assay.collector.v1.metrics_service_pb2 import QueryMetricsRequest, QueryMetricsResponse

from kit.bus import Bus
from services.alerter.domain.metric import RuleMetric
from services.alerter.domain.rule import Comparison, Rule, Threshold
from services.alerter.measuring import KEPT_S, Measuring
from services.alerter.neighbours import ASK_TIMEOUT_S, Collector
from services.alerter.window_news import WindowNews
from tests.alerter.rules.installation import Installation, calls, eventually

NEVER_S = float("-inf")


class Counting(Collector):
    """Asks the collector, and counts."""

    count = 0

    async def query(self, request: QueryMetricsRequest, timeout_s: float = ASK_TIMEOUT_S) -> QueryMetricsResponse:
        """As it does."""
        self.count += 1
        return await super().query(request, timeout_s)


def rule(rule_id: str, metric: RuleMetric, window_s: int) -> Rule:
    return Rule(rule_id, rule_id, Threshold(metric, window_s, Comparison.ABOVE, 1.0, 1.0, 1), group_by=("provider",))


async def test_a_project_without_calls_is_not_asked_about_until_something_is_announced(made: Installation) -> None:
    project = await made.new_project()
    collector = Counting(made.channel(made.collector, made.service_key))
    measuring = Measuring(collector, project)
    failed, cost = rule("failed", RuleMetric.FAILED_RATIO, 300), rule("cost", RuleMetric.COST, 300)
    measuring.need([failed, cost, rule("slow", RuleMetric.LATENCY_P95, 3_600)])
    now_s = time.time()

    await measuring.refresh(now_s, NEVER_S)
    assert collector.count == 2, "rules that share group, filter and window share a question"
    tables = measuring.tables(failed)
    assert tables is not None and not tables[300].keys
    assert measuring.due_s(NEVER_S) == now_s + KEPT_S
    await measuring.refresh(now_s + KEPT_S - 1, NEVER_S)
    assert collector.count == 2

    await made.record(project, calls(5, failed=2))
    assert measuring.due_s(changed_s=now_s + 20) < now_s + 20
    await measuring.refresh(now_s + 20, changed_s=now_s + 20)
    tables = measuring.tables(failed)
    assert collector.count == 4 and tables is not None and tables[300].columns["failed_count"].tolist() == [[2.0]]


async def test_calls_leave_a_window_by_the_minute_though_nothing_is_announced(made: Installation) -> None:
    project = await made.new_project()
    await made.record(project, calls(5, failed=2))
    collector = Counting(made.channel(made.collector, made.service_key))
    measuring = Measuring(collector, project)
    measuring.need([rule("failed", RuleMetric.FAILED_RATIO, 300), rule("long", RuleMetric.FAILED_RATIO, 3 * 86_400)])
    minute_s = int(time.time()) // 60 * 60
    await measuring.refresh(minute_s + 59.0, NEVER_S)
    assert collector.count == 2 and measuring.due_s(NEVER_S) == minute_s + 60
    await measuring.refresh(minute_s + 60.0, NEVER_S)
    assert collector.count == 3, "a long window changes slowly"
    await measuring.refresh(minute_s + 119.0, NEVER_S)
    assert collector.count == 3


async def test_a_rule_whose_question_cannot_be_answered_has_no_tables_and_asks_again(made: Installation) -> None:
    measuring = Measuring(Collector(made.channel(made.collector, made.service_key)), "nowhere")
    failed = rule("failed", RuleMetric.FAILED_RATIO, 300)
    measuring.need([failed])
    await measuring.refresh(time.time(), NEVER_S)
    assert measuring.tables(failed) is None and measuring.due_s(NEVER_S) == NEVER_S


async def test_announcements_tell_which_project_has_changed_and_a_new_connection_that_any_may_have(made: Installation, bus: Bus) -> None:
    project = await made.new_project()
    news, told, stop = WindowNews(bus), list[str | None](), asyncio.Event()
    assert news.changed_s(project) == NEVER_S
    news.tell(told.append)
    listening = asyncio.create_task(news.run(stop))

    async def has_heard() -> bool:
        return bool(told)

    await eventually(has_heard, "it listens")
    assert told == [None]
    missed_s = news.changed_s("another")
    await made.record(project, calls(1))

    async def has_changed() -> bool:
        return project in told

    await eventually(has_changed, "the change is heard")
    assert news.changed_s(project) > missed_s == news.changed_s("another")
    stop.set()
    await listening
