"""InfluxDB's lines, and when things are sent."""

import numpy as np
import pytest

from services.collector.domain.answer import Answered, answer
from services.collector.domain.export_pace import RETRY_AFTER_MAX_S, RETRY_MAX_S, due_time_s, retry_wait_s
from services.collector.domain.line_protocol import lines
from services.collector.domain.rollup import rekey, rollup_calls
from services.collector.domain.windows import Grid
from tests.collector.domain.rollup_cases import columns


def test_a_line_has_tags_numbers_and_the_minutes_start() -> None:
    calls = rollup_calls(columns([(0, 0, 1, 1_000_000, -1, 3, 2, 0, 0, 1, 2_500_000_000, 1), (0, 0, 2, 5_000, -1, 0, 0, 0, 0, 0, 0, 0)]))
    answered = Answered(answer(rekey(calls, start_min=np.zeros(1, np.int64)), Grid(np.array([100, 101]))), [("a b", "x,y=z\\", "")])
    (line,) = lines("p", ("provider", "model", "task_type"), answered)
    head, rest = line.split(" succeeded_count")
    fields, time = f"succeeded_count{rest}".rsplit(" ", 1)
    told = dict(each.split("=") for each in fields.split(","))
    assert (head, time) == ("assay_calls,project=p,provider=a\\ b,model=x\\,y\\=z/", "6000000000000")
    assert (told["call_count"], told["failed_count"], told["input_token_count"]) == ("2i", "1i", "3i")
    assert (told["cost_usd"], told["success_ratio"], told["latency_mean_s"]) == ("2.5", "0.5", "1.0")
    assert float(told["latency_p50_s"]) == pytest.approx(1.0, rel=0.006)
    assert "time_to_first_token_p50_s" not in told and "quality_ratio" not in told


@pytest.mark.parametrize(
    ("failures", "asked_s", "chance", "wait_s"),
    [
        (1, None, 1.0, 2.0),
        (1, None, 0.0, 1.0),
        (3, None, 1.0, 8.0),
        (99, None, 1.0, RETRY_MAX_S),
        (1, 60.0, 1.0, 60.0),
        (1, 1e9, 0.5, RETRY_AFTER_MAX_S),
    ],
)
def test_the_wait_doubles_and_what_a_target_asks_for_is_heard(failures: int, asked_s: float | None, chance: float, wait_s: float) -> None:
    assert retry_wait_s(failures, asked_s, chance) == wait_s


@pytest.mark.parametrize(("now_s", "sent_s", "due_s"), [(125.0, 60, 120), (125.0, 120, None), (119.9, 60, None), (7.0, 0, None)])
def test_each_interval_is_due_once(now_s: float, sent_s: int, due_s: int | None) -> None:
    assert due_time_s(now_s, 60, sent_s) == due_s
