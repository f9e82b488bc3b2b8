"""Sources of calls: what was counted of each, added to what there is, and read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.database import lock_key
from services.collector.domain.source import FIELDS, FieldTally, SourceTally
from services.collector.store.reading import snapshot
from services.collector.store.sql import driver_of

# Sources of a project; what more there are is told together. A name that changes with each start of a program must not fill the table.
SOURCES_MAX = 500
OTHER = "other"

_LOCK = text("SELECT pg_advisory_xact_lock(:key)")
_LOCK_KEY = lock_key("collector sources")
_COLUMNS = "version, first_time, last_time, call_count, field_call_counts, filled_counts, unfilled_runs, last_fill_times"
_PROJECTS = text("SELECT project, project_id FROM collector.project WHERE project = ANY(:projects)")
_KNOWN = text(f"SELECT project_id, key_id, sender, {_COLUMNS} FROM collector.source WHERE project_id = ANY(:project_ids)")
_PUT = (
    f"INSERT INTO collector.source (project_id, key_id, sender, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
    "ON CONFLICT (project_id, key_id, sender) DO UPDATE SET version = excluded.version, first_time = excluded.first_time, "
    "last_time = excluded.last_time, call_count = excluded.call_count, field_call_counts = excluded.field_call_counts, "
    "filled_counts = excluded.filled_counts, unfilled_runs = excluded.unfilled_runs, last_fill_times = excluded.last_fill_times"
)
_PAGE = text(
    f"SELECT project_id, key_id, sender, {_COLUMNS} FROM collector.source WHERE project_id = :project_id "
    "AND (sender, key_id) > (:sender, :key_id) ORDER BY sender, key_id LIMIT :count"
)


class SourceKey(NamedTuple):
    """A source: what sends, with which key, to which project."""

    project: str
    key_id: str
    sender: str


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source as it is stored."""

    key_id: str
    sender: str
    tally: SourceTally


class SourceStore:
    """Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add(self, tallies: Mapping[SourceKey, SourceTally]) -> None:
        """Adds what was seen of sources. Those of projects that are gone are left out, those past SOURCES_MAX put together."""
        async with self._engine.begin() as connection:
            # One front at a time: what it adds to, it has to have read.
            await connection.execute(_LOCK, {"key": _LOCK_KEY})
            numbers = await _project_ids(connection, {source.project for source in tallies})
            rows = await connection.execute(_KNOWN, {"project_ids": sorted(numbers.values())})
            known = {(row.project_id, row.key_id, row.sender): _tally(row) for row in rows}
            changed: dict[tuple[int, str, str], SourceTally] = {}
            for source, seen in tallies.items():
                if source.project not in numbers:
                    continue
                place = (numbers[source.project], source.key_id, source.sender)
                if place not in known and sum(project_id == place[0] for project_id, _, _ in known) >= SOURCES_MAX:
                    place = (place[0], "", OTHER)
                known[place] = changed[place] = known[place].then(seen) if place in known else seen
            driver = await driver_of(connection)
            await driver.executemany(_PUT, [_values(place, now) for place, now in sorted(changed.items(), key=lambda item: item[0])])

    async def page(self, project_id: int, sender: str, key_id: str, count: int) -> Sequence[SourceRow]:
        """The sources of a project by their names and keys, those behind a name and a key."""
        async with snapshot(self._engine) as connection:
            parameters = {"project_id": project_id, "sender": sender, "key_id": key_id, "count": count}
            rows = await connection.execute(_PAGE, parameters)
            return [SourceRow(row.key_id, row.sender, _tally(row)) for row in rows]


async def _project_ids(connection: AsyncConnection, projects: set[str]) -> dict[str, int]:
    rows = await connection.execute(_PROJECTS, {"projects": sorted(projects)})
    return {row.project: row.project_id for row in rows}


def _tally(row: Row[Any]) -> SourceTally:
    """A row's tally. One that an older version wrote knows fewer fields: of those it knows nothing."""
    fields = [
        FieldTally(*each) for each in zip(row.field_call_counts, row.filled_counts, row.unfilled_runs, row.last_fill_times, strict=True)
    ]
    fields += [FieldTally()] * (len(FIELDS) - len(fields))
    return SourceTally(row.version, row.first_time, row.last_time, row.call_count, tuple(fields))


def _values(place: tuple[int, str, str], seen: SourceTally) -> tuple[object, ...]:
    columns = (
        [field.call_count for field in seen.fields],
        [field.filled_count for field in seen.fields],
        [field.unfilled_run for field in seen.fields],
        [field.last_fill_time for field in seen.fields],
    )
    return (*place, seen.version, seen.first_time, seen.last_time, seen.call_count, *columns)
