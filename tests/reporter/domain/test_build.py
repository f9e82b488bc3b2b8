"""A whole report, and reports of periods in which there is little or nothing."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kit.errors import AssayError
from services.reporter.domain.build import build
from services.reporter.domain.period_data import NO_ROWS, PeriodData, State, Sum
from services.reporter.domain.report import Mark, RecommendationKind, from_json, to_json
from tests.reporter.samples import (
    CEDAR,
    MONDAY,
    WEEK,
    anomalies,
    changed,
    everything,
    fleet,
    key,
    ledger,
    only_now,
    period_data,
    steady,
    table,
    until_now,
)


def empty(**more: object) -> PeriodData:
    """A period without anything."""
    return period_data({}, first_call_at=None, **more)


def test_the_same_data_give_the_same_report_that_turns_into_json_and_back() -> None:
    report = build(everything())
    assert build(everything()) == report
    assert to_json(report) == to_json(from_json(to_json(report)))
    assert from_json(to_json(report)) == report


def test_the_summary_has_five_lines_that_say_what_happened_and_what_to_do() -> None:
    report = build(everything())
    happened, changed_most, brought, wrong, to_do = report.summary
    assert "calls" in happened and "spent (+" in happened and "succeeded" in happened
    assert report.insights[0].title in changed_most
    assert "An accepted task cost" in brought and report.money.text in brought
    assert wrong.startswith("3 anomalies and 2 alerts: 480 failed calls and $") and wrong.endswith("1 of them goes on.")
    assert to_do.startswith(report.recommendations[0].title) and "other recommendations below" in to_do
    assert "This report is 3 hours late." in report.notes


def test_the_parts_of_the_growth_add_up_to_the_change_of_the_spend() -> None:
    sheet = next(each for each in build(everything()).sheets if each.name == "growth")
    *parts, total = (row[1].value or 0.0 for row in sheet.rows)
    assert sum(parts) == pytest.approx(total, abs=0.05)
    assert total > 1


def test_better_and_worse_are_marked_by_what_is_good() -> None:
    worse = build(period_data(fleet(cedar=changed(CEDAR, {**CEDAR, "latency_s": 6.0, "quality": 0.5, "success": 0.7}))))
    marks = {row[0].text: row[3].mark for row in worse.changes.rows}
    assert marks["Typical latency"] is Mark.WORSE and marks["Quality"] is Mark.WORSE and marks["Success"] is Mark.WORSE
    better = build(period_data(fleet(cedar=changed(CEDAR, {**CEDAR, "latency_s": 1.0, "price": 1e-6, "input_tokens": 700.0}))))
    marks = {row[0].text: row[3].mark for row in better.changes.rows}
    assert marks["Typical latency"] is Mark.BETTER and marks["Spend"] is Mark.BETTER
    assert marks["Tokens per call"] is Mark.CHANGED and marks["Calls"] is Mark.NONE
    providers = next(each for each in better.sheets if each.name == "providers")
    assert Mark.BETTER in {cell.mark for row in providers.rows for cell in row}


def test_a_project_without_a_call_has_a_report_that_says_so() -> None:
    report = build(empty())
    assert report.is_empty and report.notes == () and not report.charts
    assert report.summary == ("Nothing has been recorded in this project yet: there is nothing to report.",)


def test_a_silent_period_is_said_to_be_silent() -> None:
    data = period_data({each: until_now() for each in fleet()})
    report = build(data)
    assert report.is_empty and report.summary[0].startswith("No call was recorded in this period.")
    assert report.summary[1] == report.money.text
    assert not report.insights


def test_a_period_before_the_first_call_says_when_that_was() -> None:
    report = (
        build(
            empty(),
        )
        if False
        else build(replace(empty(), first_call_at=MONDAY + 2 * WEEK))
    )
    assert report.summary[0] == "The project's first call came after this period, on Mon 30 Nov 00:00: there is nothing to report."


def test_a_single_call_has_a_report() -> None:
    one = period_data({key(): lambda week, day: steady(calls=1.0, success=1.0)(week, day) if (week, day) == (0, 3) else None})
    report = build(one)
    assert report.summary[0].startswith("1 call, $")
    assert report.summary[1] == "There is nothing before to compare with."
    assert report.notes == ("The project's first call was on Thu 19 Nov 00:00: the period is not a full one.",)
    assert "too few days" in report.money.text


def test_a_project_that_began_with_the_period_or_the_one_before_says_what_cannot_be_said() -> None:
    first = build(period_data(fleet(), weeks=1))
    assert first.notes == ("There is no full period before this one: nothing can be said of changes.",)
    assert all(row[2].text == "–" for row in first.changes.rows)
    assert not next(each for each in first.sheets if each.name == "growth").rows
    second = build(period_data(fleet(cedar=changed(CEDAR, {**CEDAR, "price": 6e-6})), weeks=2))
    assert second.notes == ("There is one period before this one: what is usual is not known yet.",)
    assert second.insights and all(row[4].text == "–" for row in second.changes.rows)
    quiet_before = period_data({each: (lambda w, d, of=of: None if w == 1 else of(w, d)) for each, of in fleet().items()})
    report = build(quiet_before)
    assert report.notes == ("No call was recorded in the period before: nothing can be said of changes.",)


def test_a_period_that_is_not_over_is_held_against_the_same_part_of_earlier_ones() -> None:
    data = period_data(fleet())
    half = replace(data, period=data.period.where(data.period.start_s <= int((MONDAY + timedelta(days=3)).timestamp())))
    report = build(replace(half, data_until=MONDAY + timedelta(days=3, hours=2)))
    assert report.notes == ("The period is not over: it is told until Thu 19 Nov 00:00, and held against the same part of earlier ones.",)
    calls = report.changes.rows[0]
    assert calls[0].text == "Calls" and abs(calls[3].value or 0.0) < 0.1
    assert not report.insights


def test_a_day_is_told_by_the_hour_and_held_against_the_day_before() -> None:
    days = period_data({}, weeks=1)
    hours = table(fleet(), range(1))
    sums = hours.sums / 24
    one_day = replace(hours, start_s=hours.start_s, sums=sums)
    data = replace(days, start=MONDAY + timedelta(days=6), period=one_day, step_s=3_600, previous=one_day, zone="Europe/Berlin")
    data = replace(data, start=datetime(2026, 11, 21, 23, tzinfo=UTC), end=datetime(2026, 11, 22, 23, tzinfo=UTC), data_until=None)
    report = build(data)
    assert report.period_words == "Sunday, 22 November 2026"
    assert report.charts[0].labels[:2] == ("00:00", "01:00") and len(report.charts[0].labels) == 24


def test_a_week_that_has_just_begun_is_held_against_nothing() -> None:
    data = everything()
    report = build(replace(data, data_until=data.start + timedelta(hours=10)))
    assert "The period has just begun: it is held against nothing yet." in report.notes
    assert not report.insights


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (MONDAY, MONDAY + WEEK, "Week of 16 to 22 November 2026"),
        (MONDAY + 2 * WEEK, MONDAY + 3 * WEEK, "Week of 30 November to 6 December 2026"),
        (MONDAY + timedelta(days=1), MONDAY + timedelta(days=8), "17 November to 23 November 2026"),
        (MONDAY, MONDAY + timedelta(hours=5), "Mon 16 Nov 00:00 to Mon 16 Nov 05:00 2026"),
        (MONDAY + timedelta(hours=5), MONDAY + timedelta(hours=29), "Mon 16 Nov 05:00 to Tue 17 Nov 05:00 2026"),
    ],
)
def test_periods_are_called_what_people_call_them(start: datetime, end: datetime, words: str) -> None:
    assert build(replace(empty(), start=start, end=end)).period_words == words


def test_a_zone_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AssayError, match="Europe/Nowhere"):
        build(replace(empty(), zone="Europe/Nowhere"))


def test_what_became_of_earlier_advice_is_told() -> None:
    done = everything().earlier[0]
    cases = {
        done: "as predicted",
        done._replace(predicted=0.001, predicted_low=0.0009, predicted_high=0.0011): "less was saved than predicted",
        done._replace(predicted=0.004, predicted_low=0.0035, predicted_high=0.0045): "more was saved than predicted",
        done._replace(task_type="gone"): "had no call with a known cost",
        done._replace(metric=""): "Done.",
        done._replace(done_at=MONDAY + timedelta(days=2)): "the next report can say",
        done._replace(done_at=None): "the next report can say",
        done._replace(state=State.ACCEPTED): "not done yet",
    }
    nobody_took_up = (done._replace(state=State.OPEN), done._replace(state=State.REJECTED))
    report = build(replace(everything(), earlier=(*nobody_took_up, *cases)))
    assert len(report.follow_ups) == len(cases)
    for told, words in zip(report.follow_ups, cases.values(), strict=True):
        assert words in told.text, told.text
    assert report.follow_ups[0].realised == pytest.approx(0.0023, abs=0.0003)
    assert report.follow_ups[4].realised is None


def test_a_budget_that_cannot_last_is_the_first_advice() -> None:
    report = build(period_data(fleet(), budget_usd=1.0))
    assert report.recommendations[0].kind is RecommendationKind.SET_BUDGET_RULE
    assert "above the budget of $1.00" in report.money.text
    assert "within the budget" in build(period_data(fleet(), budget_usd=1e6)).money.text
    middle = report.money.forecast
    assert middle is not None
    assert "is open" in build(period_data(fleet(), budget_usd=middle.value)).money.text


def test_a_month_that_is_over_has_no_forecast_to_make() -> None:
    shifted = period_data(fleet())
    days = tuple(each._replace(day=each.day + timedelta(days=8)) for each in shifted.days)
    moved = replace(shifted, days=days, end=MONDAY + timedelta(days=15), start=MONDAY + timedelta(days=8), data_until=None)
    assert build(moved).money.text.startswith("November 2026 came to $")


def test_what_the_data_lack_is_said() -> None:
    series = {
        **fleet(),
        **{key("dusk", f"dusk-{number}"): steady(cost_unknown=True, input_tokens=0.0, output_tokens=0.0) for number in range(7)},
    }
    lines = build(period_data(series, ledger=ledger(), left_out_series_count=1)).data_quality
    told = " ".join(lines)
    assert lines[0] == "Of 30,247 records received, 30,170 are stored; 21 were refused and 56 came twice."
    assert "Clients say that they dropped 2 calls before sending." in lines
    assert "have no known price" in told and "and 2 others" in told
    assert "Calls to dusk never say how many tokens it took." in lines
    assert "No call says when the first token came." in lines
    assert "1 series with the fewest calls are left out of the tables." in lines


def test_an_account_that_balances_is_said_to_and_one_that_does_not_as_well() -> None:
    plain = ledger()[0]._replace(received_count=10, stored_count=10, rejected_count=0, duplicate_count=0)
    assert build(period_data(fleet(), ledger=(plain,))).data_quality[0] == "Of 10 records received, all are stored."
    short = build(period_data(fleet(), ledger=(plain._replace(received_count=12),))).data_quality
    assert short[1] == "The account does not balance: 2 records cannot be accounted for."


def test_an_anomaly_of_a_model_that_is_gone_costs_nothing() -> None:
    gone = anomalies()[0]._replace(provider="nobody")
    sheet = next(each for each in build(period_data(fleet(), anomalies=(gone,))).sheets if each.name == "incidents")
    assert sheet.rows[0][5].text == "$0.00"
    report = build(period_data(fleet(), anomalies=(anomalies()[2],)))
    assert report.summary[3] == "1 anomaly and 0 alerts."


def test_many_providers_share_the_last_colour() -> None:
    series = {key(f"provider-{number}", f"model-{number}"): steady(calls=50.0 + number) for number in range(9)}
    names = [each.name for each in build(period_data(series)).charts[0].series]
    assert names == ["provider-5", "provider-6", "provider-7", "provider-8", "others"]


def test_a_model_whose_price_nobody_knows_is_no_finding() -> None:
    series = {**fleet(), key("dusk", "dusk-1"): changed({"cost_unknown": True}, {"cost_unknown": True, "input_tokens": 3_000.0})}
    assert not [each for each in build(period_data(series)).insights if "dusk" in each.text]


def test_a_model_that_is_new_has_a_price_and_no_change_of_it() -> None:
    series = {**fleet(), key("dawn", "dawn-1"): only_now(price=8e-6)}
    report = build(period_data(series))
    assert "price" not in {each.kind.value for each in report.insights if "dawn" in each.subject}


def test_quantiles_stand_beside_those_of_the_period_before() -> None:
    sheet = next(each for each in build(everything()).sheets if each.name == "durations")
    assert [row[0].text for row in sheet.rows] == ["All", "review", "summary", "alder", "birch", "cedar"]
    assert [cell.text for cell in sheet.rows[0][1:5]] == ["2.1 s", "1.9 s", "6.4 s", "6.1 s"]
    assert sheet.rows[1][2].text == "–"


def test_tables_without_rows_stay_without_them() -> None:
    assert len(NO_ROWS) == 0 and NO_ROWS.total(Sum.CALLS) == 0.0
