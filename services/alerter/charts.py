"""Charts for messages: what the rule of an alert has observed until now."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kit import logs
from kit.errors import AssayError
from services.alerter.backtesting import steps_of, verdicts_of
from services.alerter.domain.backtest_plan import plan
from services.alerter.domain.notification.content import AlertNote, Notification, written_value
from services.alerter.domain.rule import Burn, Rule, Threshold
from services.alerter.domain.verdict import columns_needed, windows_of
from services.alerter.domain.words import span, threshold_of, unit_of
from services.alerter.messages.metric_tables import Ask, question, stepped_table
from services.alerter.messages.rule_messages import message_from_definition, rule_from_message
from services.alerter.neighbours import Collector
from services.alerter.render.chart import Chart, drawn
from services.alerter.store.rules import RuleStore

# A message is not held up for its picture.
TIMEOUT_S = 3.0
# As long as it takes to see how it was before, in windows of the rule; of short windows at least some hours.
WINDOWS_SHOWN = 6
SHOWN_MIN_S = 3 * 3_600
# More would lie on the same dots.
POINTS_MAX = 400

_log = logs.get_logger(__name__)


class Charts:
    """Draws them."""

    def __init__(self, rules: RuleStore, collector: Collector, clock: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._collector = collector
        self._clock = clock

    async def chart(self, content: Notification) -> Chart | None:
        """Of the first alert of a message; None where its rule is not about a metric or is gone, or the collector does not answer."""
        if not content.notes:
            return None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._chart(content.project, content.notes[0])
        except (AssayError, TimeoutError) as error:
            _log.info("a message goes without its chart", project=content.project, why=str(error) or "no answer in time")
            return None
        except Exception as error:  # noqa: BLE001 - the message is what matters
            _log.error("a chart cannot be drawn", project=content.project, error=error)
            return None

    async def _chart(self, project: str, note: AlertNote) -> Chart | None:
        stored = await self._rules.get(project, note.labels.get("rule_id", ""))
        rule = _of_group(rule_from_message(message_from_definition(stored.definition)), note)
        condition = rule.condition
        if not isinstance(condition, Threshold | Burn):
            return None
        shown_s = max(WINDOWS_SHOWN * max(windows_of(condition)), SHOWN_MIN_S)
        made = plan(rule, condition, shown_s, now_s=int(self._clock()), group_count=1, windows_max=POINTS_MAX)
        ask, columns = Ask.of(rule.group_by, rule.chosen), columns_needed(condition)
        request = question(project, ask, made.start_s - made.lead_s, made.end_s, columns=columns, step_s=made.step_s)
        answer = await self._collector.query(request, TIMEOUT_S)
        said, _ = verdicts_of(condition, made, stepped_table([answer], ask, columns, steps_of(made)))
        values = said.observed[0].tolist() if len(said.keys) else []
        bound = threshold_of(rule)
        if bound is None or np.isnan(values).all():
            return None
        low, high = (written_value(float(pick(values)), unit_of(rule)) for pick in (np.nanmin, np.nanmax))
        caption = f"The last {span(shown_s)}: {low} to {high}. The dashed line is {written_value(bound, unit_of(rule))}."
        return Chart(drawn(values, bound), caption)


def _of_group(rule: Rule, note: AlertNote) -> Rule:
    """The rule for the alert's group alone; of a rule about the budget its fastest tier, which is the one that is shown first."""
    group = {name: (note.labels[name],) for name in rule.group_by if name in note.labels}
    condition = replace(rule.condition, tiers=rule.condition.tiers[:1]) if isinstance(rule.condition, Burn) else rule.condition
    return replace(rule, condition=condition, chosen={**rule.chosen, **group})
