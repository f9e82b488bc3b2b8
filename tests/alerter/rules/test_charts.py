"""Messages have a picture of what their rule has observed."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from assay.alerter.v1 import alert_service_pb2 as alerts
from assay.alerter.v1 import rule_service_pb2 as rules

from kit import database
from services.alerter.charts import Charts
from services.alerter.domain.notification.content import Notification
from services.alerter.neighbours import Collector
from services.alerter.render.chart import HEIGHT, svg
from services.alerter.render.sample import sample_notification
from services.alerter.store.rules import RuleStore
from tests.alerter.rules.installation import Alerter, Installation, calls, success_rule

NAN = float("nan")


async def test_the_chart_of_an_alert_shows_its_group_alone(made: Installation, live: Alerter) -> None:
    project = await made.new_project()
    await live.create(project, success_rule())
    await made.record(project, calls(20, failed=8, ago_s=400) + calls(30, ago_s=400, provider="another"))
    burn = rules.Rule(rule_id="burn", group_by=["METRIC_DIMENSION_PROVIDER"], burn=rules.BurnCondition(objective_ratio=0.99))
    await live.create(project, burn)
    await live.create(project, rules.Rule(rule_id="beat", heartbeat=rules.HeartbeatCondition()))
    await live.alert(project, "beat", alerts.ALERT_STATE_FIRING)
    async with database.engine(made.database_url) as engine:
        charts = Charts(RuleStore(engine), Collector(made.channel(made.collector, made.service_key)))
        chart = await charts.chart(about(project, "success"))
        assert chart is not None and chart.png.startswith(b"\x89PNG")
        assert chart.caption == "The last 3 h: 60.0% to 60.0%. The dashed line is 90.0%."
        fast = await charts.chart(about(project, "burn"))
        assert fast is not None and fast.caption == "The last 6 h: 40 to 40. The dashed line is 14.4."
        for without in ("beat", "gone"):
            assert await charts.chart(about(project, without)) is None
        assert await charts.chart(about(project, "success", provider="nobody")) is None
        assert await charts.chart(replace(about(project, "success"), notes=())) is None


def about(project: str, rule_id: str, provider: str = "openai") -> Notification:
    """A message about an alert of the rule."""
    sample = sample_notification(project, "r", datetime.now(UTC))
    return replace(sample, notes=(replace(sample.notes[0], labels={"rule_id": rule_id, "provider": provider}),))


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([1.0], "M0.0 110.4h0"),
        ([0.0, 1.0], "M0.0 110.4h0 L592.0 60.0"),
        ([NAN, 2.0, NAN, NAN, 0.0], "M148.0 9.6h0 M592.0 110.4h0"),
    ],
)
def test_a_line_has_a_gap_where_nothing_was_observed(values: list[float], path: str) -> None:
    bound = 1.0 if values == [1.0] else 2.0
    drawn = svg(values, bound)
    assert f'd="{path}"' in drawn and f'height="{HEIGHT}"' in drawn
