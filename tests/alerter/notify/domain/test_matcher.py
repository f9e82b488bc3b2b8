"""Matchers and silences."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AssayError
from services.alerter.domain.alert import AlertState
from services.alerter.domain.notification.matcher import Matcher, MatchOperator, parse_matcher
from services.alerter.domain.notification.silence import DURATION_MAX, Silence, SilenceState, check_silence, hit_alerts
from tests.alerter.notify.alerts import NOW, alert

LABELS = {"provider": "openai", "model": "gpt-5"}


@pytest.mark.parametrize(
    ("written", "is_match"),
    [
        ('provider="openai"', True),
        ("provider = openai ", True),
        ('provider!="openai"', False),
        ('model=~"gpt.*"', True),
        ('model=~"pt"', False),
        ('model!~"gpt-[34]"', True),
        ('task_type=""', True),
        ('task_type=~"|chat"', True),
        ('task_type!=""', False),
    ],
)
def test_a_matcher_asks_for_the_whole_value_and_takes_a_missing_one_as_empty(written: str, is_match: bool) -> None:
    assert parse_matcher(written).matches(LABELS) is is_match


@given(st.sampled_from(MatchOperator), st.text(max_size=20))
def test_a_matcher_is_read_as_it_is_written(operator: MatchOperator, value: str) -> None:
    try:
        matcher = Matcher("a_1", operator, value)
    except AssayError:
        return  # not every text is a pattern
    assert parse_matcher(str(matcher)) == matcher


@pytest.mark.parametrize("written", ["", "provider", "=x", "1a=b", 'a="b', 'a="b"c"', "a" * 129 + "=b", "a=" + "b" * 1_025, 'a=~"("'])
def test_what_is_no_matcher_is_refused(written: str) -> None:
    with pytest.raises(AssayError) as refused:
        parse_matcher(written)
    assert refused.value.details == {"field": "matchers"}


def silence(*matchers: str, **fields: object) -> Silence:
    values: dict[str, object] = {
        "silence_id": "s1",
        "matchers": tuple(map(parse_matcher, matchers)),
        "author": "ann",
        "comment": "known",
        "start_time": NOW,
        "end_time": NOW + timedelta(hours=1),
    }
    return Silence(**(values | fields))  # type: ignore[arg-type]


def test_a_silence_holds_from_its_start_until_just_before_its_end() -> None:
    made = silence("provider=openai")
    times = [-1, 0, 3_599, 3_600]
    states = [SilenceState.PENDING, SilenceState.ACTIVE, SilenceState.ACTIVE, SilenceState.EXPIRED]
    assert [made.state(NOW + timedelta(seconds=second)) for second in times] == states


def test_a_preview_names_the_open_alerts_that_are_hit() -> None:
    alerts = [alert("a"), alert("b", provider="other"), alert("c", AlertState.RESOLVED), alert("d", AlertState.ACKNOWLEDGED)]
    assert [each.rule_name for each in hit_alerts(silence("provider=openai"), alerts)] == ["a", "d"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"matchers": ()}, "matchers"),
        ({"matchers": (parse_matcher('a=""'), parse_matcher("b=~.*"))}, "matchers"),
        ({"author": ""}, "author"),
        ({"comment": "x" * 1_025}, "comment"),
        ({"end_time": NOW}, "end_time"),
        ({"start_time": NOW - timedelta(hours=2), "end_time": NOW - timedelta(hours=1)}, "end_time"),
        ({"end_time": NOW + DURATION_MAX + timedelta(seconds=1)}, "end_time"),
    ],
)
def test_a_silence_that_would_be_none_or_all_is_refused(change: dict[str, object], field: str) -> None:
    good = silence("provider=openai")
    assert check_silence(good, NOW) is good
    with pytest.raises(AssayError) as refused:
        check_silence(replace(good, **change), NOW)  # type: ignore[arg-type]
    assert refused.value.details == {"field": field}
