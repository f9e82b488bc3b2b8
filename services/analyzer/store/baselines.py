"""What was normal and when: `baseline`. Versions are added by whoever works on the project, and read by all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import and_, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncEngine

from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import SeriesKey
from services.analyzer.store.records import BaselineVersion
from services.analyzer.tables import baseline_table, series_table

# Versions of a statement.
VERSIONS_AT_ONCE = 2_000

_baseline = baseline_table.c
_series = series_table.c
_COLUMNS = tuple(column.name for column in baseline_table.columns)
_TYPES = ("integer", "smallint", "timestamptz", "timestamptz", "smallint", "smallint", "float8", "bigint", "float8", "float8", "bytea")

_ADD = text(
    f"INSERT INTO analyzer.baseline ({', '.join(_COLUMNS)}) SELECT * FROM "
    f"unnest({', '.join(f'CAST(:{name} AS {kind}[])' for name, kind in zip(_COLUMNS, _TYPES, strict=True))}) ON CONFLICT DO NOTHING"
)
_FORGET = text(
    "DELETE FROM analyzer.baseline old USING analyzer.series WHERE series.series_id = old.series_id AND project = :project "
    "AND from_time < :before AND EXISTS (SELECT FROM analyzer.baseline newer WHERE newer.series_id = old.series_id "
    "AND newer.metric = old.metric AND newer.from_time > old.from_time AND newer.from_time <= :before)"
)

_DROP = text("DELETE FROM analyzer.baseline USING analyzer.series WHERE series.series_id = baseline.series_id AND project = :project")


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which baselines are meant: values by dimension, which must all fit, and metrics, where none stands for all."""

    project: str
    series: tuple[tuple[str, tuple[str, ...]], ...] = ()
    metrics: tuple[int, ...] = ()

    @property
    def conditions(self) -> list[Any]:
        """As SQL has it."""
        conditions: list[Any] = [_series.project == self.project, *(_series[name].in_(values) for name, values in self.series)]
        return [*conditions, _baseline.metric.in_(self.metrics)] if self.metrics else conditions


class BaselineStore:
    """Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, versions: Sequence[BaselineVersion]) -> None:
        """Adds versions; one of the same series, metric and moment stays as it is."""
        waiting = iter(versions)
        async with self._engine.begin() as connection:
            while some := list(islice(waiting, VERSIONS_AT_ONCE)):
                columns = {name: [getattr(version, name) for version in some] for name in _COLUMNS}
                columns["metric"] = [version.metric.value for version in some]
                await connection.execute(_ADD, columns)

    async def newest(self, project: str) -> list[BaselineVersion]:
        """The newest version of each metric of each series."""
        statement = (
            select(baseline_table)
            .join(series_table, _series.series_id == _baseline.series_id)
            .where(_series.project == project)
            .ext(distinct_on(_baseline.series_id, _baseline.metric))
            .order_by(_baseline.series_id, _baseline.metric, _baseline.from_time.desc())
        )
        async with self._engine.connect() as connection:
            return [_version(row) for row in await connection.execute(statement)]

    async def page(
        self, chosen: Chosen, time: datetime, after: tuple[Any, ...] | None, count: int
    ) -> list[tuple[SeriesKey, BaselineVersion]]:
        """What held then, by key and metric; with `after`, what stands behind that key and metric."""
        order = [*(_series[name] for name in SeriesKey._fields), _baseline.metric]
        then = _baseline.from_time <= time
        newest = (
            select(_baseline.series_id, _baseline.metric, func.max(_baseline.from_time).label("from_time"))
            .join(series_table, _series.series_id == _baseline.series_id)
            .where(then, *chosen.conditions)
            .group_by(_baseline.series_id, _baseline.metric)
            .subquery()
        )
        is_newest = and_(*(_baseline[name] == newest.c[name] for name in ("series_id", "metric", "from_time")))
        statement = (
            select(baseline_table, *(_series[name] for name in SeriesKey._fields))
            .join(newest, is_newest)
            .join(series_table, _series.series_id == _baseline.series_id)
        )
        if after is not None:
            statement = statement.where(tuple_(*order) > tuple_(*after))
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(*order).limit(count))
            return [(_key(row), _version(row)) for row in rows]

    async def between(self, chosen: Chosen, start: datetime, end: datetime, count: int) -> list[tuple[SeriesKey, BaselineVersion]]:
        """Up to `count` versions that held at some moment of the range, in the order of series, metric and time."""
        following = func.lead(_baseline.from_time).over(partition_by=(_baseline.series_id, _baseline.metric), order_by=_baseline.from_time)
        every = (
            select(baseline_table, *(_series[name] for name in SeriesKey._fields), following.label("next_time"))
            .join(series_table, _series.series_id == _baseline.series_id)
            .where(_baseline.from_time < end, *chosen.conditions)
            .subquery()
        )
        held = every.c.next_time.is_(None) | (every.c.next_time > start)
        statement = select(every).where(held).order_by(every.c.series_id, every.c.metric, every.c.from_time).limit(count)
        async with self._engine.connect() as connection:
            return [(_key(row), _version(row)) for row in await connection.execute(statement)]

    async def drop(self, project: str) -> None:
        """Drops all versions."""
        async with self._engine.begin() as connection:
            await connection.execute(_DROP, {"project": project})

    async def forget(self, project: str, before: datetime) -> None:
        """Drops versions that had been followed by newer ones before then."""
        async with self._engine.begin() as connection:
            await connection.execute(_FORGET, {"project": project, "before": before})


def _key(row: Any) -> SeriesKey:
    return SeriesKey(*(getattr(row, name) for name in SeriesKey._fields))


def _version(row: Any) -> BaselineVersion:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return BaselineVersion(**{**values, "metric": Metric(row.metric), "body": bytes(row.body)})
