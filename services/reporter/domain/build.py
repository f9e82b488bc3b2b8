"""From data to report. The same data give the same report."""

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

from services.reporter.domain import records, sheets
from services.reporter.domain.charts import charts
from services.reporter.domain.comparisons import comparisons
from services.reporter.domain.grid import PERIOD, began_at, windows_known
from services.reporter.domain.insights.behaviour import errors, latency, little_evidence, revisions
from services.reporter.domain.insights.caching import cache
from services.reporter.domain.insights.finding import INSIGHTS_MAX, Judged, judged
from services.reporter.domain.insights.growth import mix, price, volume
from services.reporter.domain.insights.moves import dominated_models
from services.reporter.domain.insights.prompts import tokens
from services.reporter.domain.insights.scene import Scene, scene_of
from services.reporter.domain.money import money
from services.reporter.domain.period import midnight
from services.reporter.domain.period_data import PeriodData, Sum
from services.reporter.domain.recommendations import RECOMMENDATIONS_MAX, budget_rule, follow_ups, recommended
from services.reporter.domain.report import SCHEMA_VERSION, Report
from services.reporter.domain.spans import zone_of
from services.reporter.domain.summary import summary
from services.reporter.domain.words import moment

# What changed needs a period before; what is so does not.
_CHANGES = (volume, price, mix, tokens, cache, latency, errors, revisions)
_STATES = (dominated_models, little_evidence)


def build(data: PeriodData) -> Report:
    """The report. Raises AssayError for a period that is none or a zone that does not exist; all else has a report."""
    zone = zone_of(data.zone)
    scene = scene_of(data)
    held = held_findings(scene)
    spent = money(scene, zone)
    compared = comparisons(scene)
    advice = (*budget_rule(data.project, spent), *recommended(scene, held))[:RECOMMENDATIONS_MAX]
    words = period_words(data, zone)
    return Report(
        schema_version=SCHEMA_VERSION,
        title=f"{data.project}: {words}",
        project=data.project,
        zone=data.zone,
        start=data.start,
        end=data.end,
        made_at=data.made_at,
        period_words=words,
        is_empty=not scene.grid.of(Sum.CALLS, PERIOD).sum(),
        notes=(*data.notes, *_notes(scene, zone)),
        summary=summary(scene, compared, held, advice, spent),
        changes=sheets.changes(compared),
        insights=tuple(each.insight for each in held[:INSIGHTS_MAX]),
        recommendations=advice,
        follow_ups=follow_ups(scene),
        money=spent,
        charts=charts(scene, zone),
        sheets=(
            sheets.growth(scene),
            sheets.best_and_worst(scene),
            sheets.providers(scene, compared),
            sheets.durations(data),
            sheets.models(scene),
            records.incidents(scene, zone),
            records.prompts(data),
            records.ledger(data),
            sheets.changes_by_provider(compared),
        ),
        data_quality=records.data_quality(scene),
    )


def held_findings(scene: Scene) -> list[Judged]:
    """All that was looked at, corrected for how much that is; what holds, the weightiest first."""
    if not scene.grid.cells:
        return []
    looked = _STATES if not scene.is_comparable else (*_CHANGES, *_STATES)
    return judged([finding for look in looked for finding in look(scene)])


def period_words(data: PeriodData, zone: ZoneInfo) -> str:
    """The period as people say it."""
    start, end = data.start.astimezone(zone), data.end.astimezone(zone)
    if any(each.astimezone(UTC) != midnight(each.date(), zone) for each in (start, end)):
        return f"{moment(start, zone)} to {moment(end, zone)} {end.year}"
    first, last = start.date(), end.date() - timedelta(days=1)
    if first == last:
        return f"{first:%A}, {_day(first)} {first.year}"
    if (last - first).days == 6 and first.weekday() == 0:
        return f"Week of {_day(first) if first.month != last.month else first.day} to {_day(last)} {last.year}"
    return f"{_day(first)} to {_day(last)} {last.year}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B}"


def _notes(scene: Scene, zone: ZoneInfo) -> tuple[str, ...]:
    """What the reader must know before any number."""
    data = scene.data
    notes = []
    known = windows_known(data, data.step_s)
    if known == 0:
        notes.append("The period has just begun: it is held against nothing yet.")
    elif known is not None:
        until = moment(data.start + known * timedelta(seconds=data.step_s), zone)
        notes.append(f"The period is not over: it is told until {until}, and held against the same part of earlier ones.")
    began = began_at(data)
    if began is not None and data.start < began < data.end:
        notes.append(f"The project's first call was on {moment(began, zone)}: the period is not a full one.")
    elif scene.grid.block_count == 1 and known != 0 and not _is_silent(scene):
        notes.append("There is no full period before this one: nothing can be said of changes.")
    elif scene.grid.block_count == 2 and not _is_silent(scene):
        notes.append("There is one period before this one: what is usual is not known yet.")
    if scene.grid.block_count > 1 and not scene.is_comparable and not _is_silent(scene):
        notes.append("No call was recorded in the period before: nothing can be said of changes.")
    return tuple(notes)


def _is_silent(scene: Scene) -> bool:
    return not scene.grid.of(Sum.CALLS).sum()
