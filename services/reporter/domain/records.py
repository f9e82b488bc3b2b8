"""The tables of what was told in the period: anomalies and alerts, prompts compared, what was received; and what the data lack."""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from services.reporter.domain.grid import PERIOD, Grid
from services.reporter.domain.insights.scene import Scene
from services.reporter.domain.measures import Unit
from services.reporter.domain.period_data import AnomalyNote, PeriodData, SeriesKey, Sum
from services.reporter.domain.report import Cell, Sheet
from services.reporter.domain.words import UNKNOWN, cell, duration, listed, moment, plural, points, text

# Metrics of anomalies whose affected calls failed, and those that are about money.
_FAILURES: Final = "SUCCESS_RATIO"
_COSTS: Final = "COST_PER_CALL"
_NAMES_TOLD: Final = 5


def incidents(scene: Scene, zone: ZoneInfo) -> Sheet:
    """Anomalies, the latest begun first, and alerts that are about none of them."""
    data = scene.data
    known = {each.anomaly_id for each in data.anomalies}
    rows = [(each.start, _anomaly(scene, each, zone)) for each in data.anomalies]
    rows += [
        (
            each.start,
            (
                Cell(f"Alert {each.rule_name}: {each.summary}"),
                Cell(each.severity),
                *_when(each.start, each.end, data, zone),
                UNKNOWN,
                UNKNOWN,
            ),
        )
        for each in data.alerts
        if each.anomaly_id not in known
    ]
    rows.sort(key=lambda row: (row[0], row[1][0].text), reverse=True)
    columns = ("What", "Severity", "Began", "Lasted", "Failed calls", "Money")
    return Sheet(
        "incidents",
        "Anomalies and alerts",
        columns,
        tuple(row for _, row in rows),
        number_from=3,
        empty="None: nothing was out of the usual.",
    )


def _anomaly(scene: Scene, one: AnomalyNote, zone: ZoneInfo) -> tuple[Cell, ...]:
    failed, money = effect_of(scene, one)
    when = _when(one.start, one.end, scene.data, zone)
    return (Cell(one.explanation), Cell(one.severity), *when, cell(failed, Unit.COUNT), cell(money, Unit.USD))


def effect_of(scene: Scene, one: AnomalyNote) -> tuple[float, float]:
    """Calls that failed, and US dollars that were lost: what they cost, or what calls cost above the expected. NaN: not about that."""
    nothing = float("nan")
    if one.metric == _FAILURES and not one.is_up:
        return float(one.affected_count), one.affected_count * _cost_per_call(scene.grid, one)
    if one.metric == _COSTS and one.is_up:
        return nothing, (one.observed - one.expected) * one.call_count
    return nothing, nothing


def _cost_per_call(grid: Grid[SeriesKey], one: AnomalyNote) -> float:
    scope = (one.provider, one.model, one.task_type)
    places = [
        place for place, key in enumerate(grid.cells) if all(meant in (None, part) for meant, part in zip(scope, key[:3], strict=True))
    ]
    calls = float((grid.of(Sum.CALLS, PERIOD) - grid.of(Sum.COST_UNKNOWN, PERIOD))[places].sum())
    return float(grid.of(Sum.COST_USD, PERIOD)[places].sum()) / calls if calls > 0 else 0.0


def _when(start: datetime, end: datetime | None, data: PeriodData, zone: ZoneInfo) -> tuple[Cell, Cell]:
    if end is None:
        return Cell(moment(start, zone)), Cell(f"{duration(data.end - start)}, goes on")
    return Cell(moment(start, zone)), Cell(duration(end - start), (end - start).total_seconds(), Unit.SECONDS.value)


def prompts(data: PeriodData) -> Sheet:
    """Comparisons of prompts that were decided."""
    rows = tuple(
        (
            Cell(each.task_type),
            Cell(each.prompt_name),
            Cell(each.better),
            Cell(each.other),
            Cell(each.metric),
            *(points(value) for value in (each.difference, each.low, each.high)),
            cell(each.call_count, Unit.COUNT),
        )
        for each in data.prompt_verdicts
    )
    columns = ("Kind of task", "Prompt", "Better", "Than", "In", "By", "At least", "At most", "Calls")
    return Sheet("prompts", "Prompt comparisons that were decided", columns, rows, number_from=5, empty="None was decided in this period.")


def ledger(data: PeriodData) -> Sheet:
    """What was received and what became of it, by day of receipt in UTC."""
    rows = tuple((Cell(each.day.isoformat()), *(cell(count, Unit.COUNT) for count in each[1:])) for each in data.ledger)
    columns = ("Day (UTC)", "Received", "Stored", "Refused", "Duplicate", "Set aside", "Under way", "Dropped by clients")
    return Sheet("ledger", "What was received", columns, rows, empty="Nothing was received.")


def data_quality(scene: Scene) -> tuple[str, ...]:
    """What the reader should know of the data, as sentences; the account comes first."""
    return (*_account(scene.data), *_unknown_costs(scene), *_never_filled(scene), *_left_out(scene.data))


def _account(data: PeriodData) -> tuple[str, ...]:
    if not data.ledger:
        return ()
    days = data.ledger
    received, stored = sum(each.received_count for each in days), sum(each.stored_count for each in days)
    rejected, duplicate = sum(each.rejected_count for each in days), sum(each.duplicate_count for each in days)
    dead, in_flight = sum(each.dead_lettered_count for each in days), sum(each.in_flight_count for each in days)
    dropped = sum(each.client_dropped_count for each in days)
    lost = [
        f"{count:,} {what}"
        for count, what in ((rejected, "were refused"), (dead, "were set aside"), (in_flight, "are under way"), (duplicate, "came twice"))
        if count
    ]
    difference = received - stored - rejected - duplicate - dead - in_flight
    told = f"Of {plural(received, 'record')} received, {'all' if stored == received else f'{stored:,}'} are stored"
    sentences = [f"{told}; {listed(lost)}." if lost else f"{told}."]
    if difference:
        sentences.append(f"The account does not balance: {plural(abs(difference), 'record')} cannot be accounted for.")
    if dropped:
        sentences.append(f"Clients say that they dropped {plural(dropped, 'call')} before sending.")
    return tuple(sentences)


def _unknown_costs(scene: Scene) -> tuple[str, ...]:
    grid = scene.grid.grouped(lambda key: key.model)
    unknown, calls = grid.of(Sum.COST_UNKNOWN), float(grid.of(Sum.CALLS).sum())
    if not unknown.sum():
        return ()
    names = [grid.cells[place] for place in (-unknown).argsort(kind="stable").tolist() if unknown[place]]
    more = len(names) - _NAMES_TOLD
    told = listed(names[:_NAMES_TOLD] if more <= 0 else [*names[:_NAMES_TOLD], plural(more, "other")])
    ratio = text(float(unknown.sum()) / calls, Unit.RATIO)
    return (f"{plural(int(unknown.sum()), 'call')} ({ratio}) have no known price and are not in any sum of money: {told}.",)


def _never_filled(scene: Scene) -> tuple[str, ...]:
    """Fields that nobody fills: of all calls, or of one provider's."""
    grid = scene.grid.grouped(lambda key: key.provider)
    calls = grid.of(Sum.CALLS)
    sentences = []
    for which, name in _FIELDS:
        filled = grid.of(which)
        lacking = [provider for place, provider in enumerate(grid.cells) if calls[place] and not filled[place]]
        if lacking and len(lacking) == int((calls > 0).sum()):
            sentences.append(f"No call says {name}.")
        elif lacking and which in _OF_PROVIDERS:
            sentences.append(f"Calls to {listed(lacking[:_NAMES_TOLD])} never say {name}.")
    return tuple(sentences)


_FIELDS: Final = (
    (Sum.INPUT_TOKENS, "how many tokens it took"),
    (Sum.FIRST_TOKEN_COUNT, "when the first token came"),
    (Sum.TASKS, "which task it served"),
    (Sum.ACCEPTED_TASKS, "that its task was accepted"),
    (Sum.QUALITY_COUNT, "how good the answer was"),
)
# What providers differ in; tasks and quality are the caller's.
_OF_PROVIDERS: Final = frozenset({Sum.INPUT_TOKENS, Sum.FIRST_TOKEN_COUNT})


def _left_out(data: PeriodData) -> tuple[str, ...]:
    if not data.left_out_series_count:
        return ()
    return (f"{plural(data.left_out_series_count, 'series', 'series')} with the fewest calls are left out of the tables.",)
