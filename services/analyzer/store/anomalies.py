"""Anomalies, their parts, and what operators think of them: `anomaly`, `anomaly_part` and `mark`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.analyzer.domain.anomaly import Anomaly, Part
from services.analyzer.domain.metric import AnomalyKind, Direction, Metric, Outcome, Severity
from services.analyzer.domain.series import Scope, SeriesKey
from services.analyzer.store.records import StoredAnomaly, StoredMark, WholeAnomaly
from services.analyzer.tables import anomaly_part_table, anomaly_table, mark_table, project_table

# Open anomalies of a project that are told at once; more than a page shows, or an operator reads.
OPEN_MAX = 1_000
# What `mark_counts` counts, as the contract numbers them.
MARKS = (1, 2, 3)

_anomaly = anomaly_table.c
_part = anomaly_part_table.c
_mark = mark_table.c

_DELETE_PARTS = text("DELETE FROM analyzer.anomaly_part WHERE project = :project AND anomaly_id = :anomaly_id")
_NEXT_CHANGE = text("UPDATE analyzer.project SET change_count = change_count + 1 WHERE project = :project RETURNING change_count")
_PUBLISHED = text("UPDATE analyzer.project SET published_count = greatest(published_count, :number) WHERE project = :project")
_FORGET = tuple(
    text(f"DELETE FROM analyzer.{table} WHERE (project, anomaly_id) IN ({which})")
    for which in ("SELECT project, anomaly_id FROM analyzer.anomaly WHERE project = :project AND end_time < :before",)
    for table in ("mark", "anomaly_part", "anomaly")
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which anomalies a listing is about; empty and None stand for all. `series` are values by dimension."""

    project: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    is_open: bool | None = None
    kinds: tuple[int, ...] = ()
    metrics: tuple[int, ...] = ()
    severity_min: int = 0
    series: tuple[tuple[str, tuple[str, ...]], ...] = ()


async def keep(connection: AsyncConnection, project: str, changed: Sequence[Anomaly], first_number: int) -> None:
    """Adds anomalies, or what they are now in place of older versions of them; each is a change with a number of its own."""
    for number, anomaly in enumerate(changed, first_number):
        row = _row(project, anomaly, number)
        adding = upsert(anomaly_table).values(row)
        newer = adding.on_conflict_do_update(
            index_elements=["project", "anomaly_id"],
            set_={name: adding.excluded[name] for name in row if name not in {"project", "anomaly_id"}},
            where=_anomaly.version < adding.excluded.version,
        )
        if (await connection.execute(newer.returning(_anomaly.anomaly_id))).one_or_none() is None:
            continue
        this = {"project": project, "anomaly_id": anomaly.anomaly_id}
        await connection.execute(_DELETE_PARTS, this)
        if anomaly.parts:
            parts = [{**this, "part_number": number, **_part_row(part)} for number, part in enumerate(anomaly.parts)]
            await connection.execute(insert(anomaly_part_table), parts)


async def end_open(connection: AsyncConnection, project: str, end_time: datetime) -> None:
    """Ends what is open, since nobody follows it any further."""
    change = _NEXT_CHANGE
    for (anomaly_id,) in (await connection.execute(select(_anomaly.anomaly_id).where(_is_open(project)))).all():
        number = (await connection.execute(change, {"project": project})).scalar_one()
        values = {"is_open": False, "end_time": end_time, "version": _anomaly.version + 1, "change_number": number}
        this = (_anomaly.project == project) & (_anomaly.anomaly_id == anomaly_id)
        await connection.execute(update(anomaly_table).where(this).values(values))


class AnomalyStore:
    """What is read of anomalies, and marks. Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def page(self, wanted: Wanted, after: tuple[datetime, str] | None, count: int) -> list[StoredAnomaly]:
        """Anomalies, the latest begun first; with `after`, those behind the one that began then and has this id."""
        statement = _of(_filtered(wanted))
        if after is not None:
            statement = statement.where(tuple_(_anomaly.start_time, _anomaly.anomaly_id) < tuple_(*after))
        return await self._read(statement.order_by(_anomaly.start_time.desc(), _anomaly.anomaly_id.desc()).limit(count))

    async def open(self, project: str) -> tuple[list[StoredAnomaly], int]:
        """The open ones, the latest begun first, at most OPEN_MAX; and the number of the last change before they were read."""
        async with self._engine.connect() as connection:
            last = await connection.scalar(select(project_table.c.change_count).where(project_table.c.project == project))
            found = await connection.execute(_of([_is_open(project)]).order_by(_anomaly.start_time.desc()).limit(OPEN_MAX))
            return [_stored(row) for row in found], int(last or 0)

    async def change_counts(self, projects: Sequence[str]) -> dict[str, int]:
        """The number of the last change in each of these projects that is known."""
        columns = (project_table.c.project, project_table.c.change_count)
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(*columns).where(project_table.c.project.in_(projects)))
            return {row.project: row.change_count for row in rows}

    async def changed(self, project: str, after: int, count: int) -> list[StoredAnomaly]:
        """Up to `count` anomalies that have changed since the change of that number, in the order of their last changes."""
        since = [_anomaly.project == project, _anomaly.change_number > after]
        return await self._read(_of(since).order_by(_anomaly.change_number).limit(count))

    async def unpublished(self, project: str, count: int) -> list[StoredAnomaly]:
        """Up to `count` anomalies whose last change may not have been told on the bus."""
        async with self._engine.connect() as connection:
            last = await connection.scalar(select(project_table.c.published_count).where(project_table.c.project == project))
        return await self.changed(project, int(last or 0), count)

    async def note_published(self, project: str, change_number: int) -> None:
        """Notes that the changes up to this one have been told."""
        async with self._engine.begin() as connection:
            await connection.execute(_PUBLISHED, {"project": project, "number": change_number})

    async def find(self, project: str, anomaly_id: str) -> WholeAnomaly | None:
        """One anomaly with its parts and marks."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(_of(_this(project, anomaly_id)))).one_or_none()
            if row is None:
                return None
            parts = select(anomaly_part_table).where(_part.project == project, _part.anomaly_id == anomaly_id).order_by(_part.part_number)
            marks = select(mark_table).where(_mark.project == project, _mark.anomaly_id == anomaly_id).order_by(_mark.mark_time)
            return WholeAnomaly(
                _stored(row),
                [_part_of(part) for part in await connection.execute(parts)],
                [StoredMark(mark.mark, mark.key_id, mark.mark_time, mark.comment) for mark in await connection.execute(marks)],
            )

    async def mark(self, project: str, anomaly_id: str, key_id: str, mark: int, comment: str) -> StoredAnomaly | None:
        """Notes what a key thinks of an anomaly, in place of what it thought before; None where there is no such anomaly."""
        this = {"project": project, "anomaly_id": anomaly_id, "key_id": key_id}
        adding = upsert(mark_table).values(**this, mark=mark, comment=comment, mark_time=datetime.now(UTC))
        told = {name: adding.excluded[name] for name in ("mark", "comment", "mark_time")}
        is_other = tuple_(_mark.mark, _mark.comment) != tuple_(adding.excluded.mark, adding.excluded.comment)
        saying = adding.on_conflict_do_update(index_elements=list(this), set_=told, where=is_other).returning(_mark.key_id)
        async with self._engine.begin() as connection:
            if (await connection.execute(_of(_this(project, anomaly_id)))).one_or_none() is None:
                return None
            # The project's row first, as whoever works on the project has it.
            number = (await connection.execute(_NEXT_CHANGE, {"project": project})).scalar_one()
            if (await connection.execute(saying)).one_or_none() is not None:
                change = update(anomaly_table).where(*_this(project, anomaly_id)).values(change_number=number)
                await connection.execute(change)
            return _stored((await connection.execute(_of(_this(project, anomaly_id)))).one())

    async def forget(self, project: str, before: datetime) -> None:
        """Drops what was over before then."""
        async with self._engine.begin() as connection:
            for statement in _FORGET:
                await connection.execute(statement, {"project": project, "before": before})

    async def _read(self, statement: "Select[Any]") -> list[StoredAnomaly]:
        async with self._engine.connect() as connection:
            return [_stored(row) for row in await connection.execute(statement)]


def _of(conditions: Sequence[Any]) -> "Select[Any]":
    counts = [
        select(func.count())
        .where(_mark.project == _anomaly.project, _mark.anomaly_id == _anomaly.anomaly_id, _mark.mark == mark)
        .scalar_subquery()
        .label(f"mark_{mark}")
        for mark in MARKS
    ]
    return select(anomaly_table, *counts).where(*conditions)


def _this(project: str, anomaly_id: str) -> list[Any]:
    return [_anomaly.project == project, _anomaly.anomaly_id == anomaly_id]


def _is_open(project: str) -> Any:
    return (_anomaly.project == project) & _anomaly.is_open


def _filtered(wanted: Wanted) -> list[Any]:
    conditions: list[Any] = [_anomaly.project == wanted.project, _anomaly.severity >= wanted.severity_min]
    if wanted.start_time is not None:
        conditions.append(_anomaly.end_time.is_(None) | (_anomaly.end_time >= wanted.start_time))
    if wanted.end_time is not None:
        conditions.append(_anomaly.start_time < wanted.end_time)
    if wanted.is_open is not None:
        conditions.append(_anomaly.is_open == wanted.is_open)
    conditions += [column.in_(values) for column, values in ((_anomaly.kind, wanted.kinds), (_anomaly.metric, wanted.metrics)) if values]
    if wanted.series:
        mine = [_part[name].in_(values) for name, values in wanted.series]
        same = (_part.project == _anomaly.project) & (_part.anomaly_id == _anomaly.anomaly_id)
        # A silent provider may have no part: then its scope says who is meant.
        within = [_anomaly[name].is_(None) | _anomaly[name].in_(values) for name, values in wanted.series]
        has_parts = select(_part.part_number).where(same).exists()
        is_part = select(_part.part_number).where(same, *mine).exists()
        scope = within[0]
        for one in within[1:]:
            scope &= one
        conditions.append(is_part | (~has_parts & scope))
    return conditions


def _row(project: str, anomaly: Anomaly, change_number: int) -> dict[str, Any]:
    plain = ("anomaly_id", "version", "part_count", "observed", "expected", "expected_low", "expected_high", "log10_e", "p_value")
    more = ("call_count", "affected_count", "explanation", "merged_into", "is_open")
    return {
        "project": project,
        "change_number": change_number,
        **{name: getattr(anomaly, name) for name in (*plain, *more)},
        **{name: getattr(anomaly, name).value for name in ("kind", "metric", "direction", "severity")},
        **anomaly.scope._asdict(),
        **{f"{name}_time": _time(getattr(anomaly, f"{name}_s")) for name in ("start", "detect", "peak")},
        "end_time": None if anomaly.end_s is None else _time(anomaly.end_s),
        "outcome_counts": [anomaly.outcome_counts.get(outcome, 0) for outcome in Outcome],
        "main_outcome": None if anomaly.main_outcome is None else anomaly.main_outcome.value,
    }


def _part_row(part: Part) -> dict[str, Any]:
    values = {name: getattr(part, name) for name in ("observed", "expected", "call_count", "affected_count")}
    return {**part.key._asdict(), "metric": part.metric.value, **values}


def _stored(row: Any) -> StoredAnomaly:
    anomaly = Anomaly(
        anomaly_id=row.anomaly_id,
        kind=AnomalyKind(row.kind),
        metric=Metric(row.metric),
        direction=Direction(row.direction),
        severity=Severity(row.severity),
        scope=Scope(*(getattr(row, name) for name in Scope._fields)),
        parts=(),
        part_count=row.part_count,
        start_s=row.start_time.timestamp(),
        detect_s=row.detect_time.timestamp(),
        peak_s=row.peak_time.timestamp(),
        end_s=None if row.end_time is None else row.end_time.timestamp(),
        observed=row.observed,
        expected=row.expected,
        expected_low=row.expected_low,
        expected_high=row.expected_high,
        log10_e=row.log10_e,
        p_value=row.p_value,
        call_count=row.call_count,
        affected_count=row.affected_count,
        outcome_counts=dict(zip(Outcome, row.outcome_counts, strict=True)),
        main_outcome=None if row.main_outcome is None else Outcome(row.main_outcome),
        explanation=row.explanation,
        merged_into=row.merged_into,
        is_open=row.is_open,
        version=row.version,
    )
    return StoredAnomaly(anomaly, row.change_number, (row.mark_1, row.mark_2, row.mark_3))


def _part_of(row: Any) -> Part:
    key = SeriesKey(*(getattr(row, name) for name in SeriesKey._fields))
    return Part(key, Metric(row.metric), row.observed, row.expected, row.call_count, row.affected_count)


def _time(unix_s: float) -> datetime:
    return datetime.fromtimestamp(unix_s, UTC)
