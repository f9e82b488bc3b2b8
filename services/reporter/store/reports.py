"""The SQL of reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.reporter.domain.period import Length
from services.reporter.tables import report_table

_report = report_table.c


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report without its content."""

    project: str
    report_id: str
    asked: str
    title: str
    period: Length
    start_time: datetime
    end_time: datetime
    time_zone: str
    create_time: datetime
    created_by: str
    schedule_id: str
    summary: tuple[str, ...]
    call_count: int
    recommendation_count: int
    missing_sources: tuple[str, ...]


_FIELDS = tuple(StoredReport.__dataclass_fields__)
_COLUMNS = [report_table.c[name] for name in _FIELDS]


class ReportStore:
    """Reports of all projects."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, project: str, report_id: str) -> StoredReport | None:
        """The report, None where there is none."""
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(*_COLUMNS).where(_this(project, report_id)))).one_or_none()
        return None if row is None else _report_of(row)

    async def get(self, project: str, report_id: str) -> StoredReport:
        """Raises REPORT_UNKNOWN."""
        found = await self.find(project, report_id)
        if found is None:
            raise report_unknown()
        return found

    async def content(self, project: str, report_id: str) -> bytes:
        """The model's JSON. Raises REPORT_UNKNOWN."""
        async with self._engine.connect() as connection:
            content: bytes | None = await connection.scalar(select(_report.content).where(_this(project, report_id)))
        if content is None:
            raise report_unknown()
        return content

    async def link_key(self, project: str, report_id: str) -> bytes | None:
        """What signs links to the report, None where there is no such report."""
        async with self._engine.connect() as connection:
            key: bytes | None = await connection.scalar(select(_report.link_key).where(_this(project, report_id)))
        return key

    async def list_reports(
        self, project: str, *, schedule_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> Sequence[StoredReport]:
        """Reports, the latest first, older than `before` (time and id); of one schedule, if that is not empty."""
        statement = select(*_COLUMNS).where(_report.project == project)
        if schedule_id:
            statement = statement.where(_report.schedule_id == schedule_id)
        if before is not None:
            statement = statement.where(tuple_(_report.create_time, _report.report_id) < before)
        statement = statement.order_by(_report.create_time.desc(), _report.report_id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [_report_of(row) for row in await connection.execute(statement)]

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Deletes reports that were made before then, at most `limit`; returns how many."""
        old = select(_report.project, _report.report_id).where(_report.create_time < moment).limit(limit)
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(report_table).where(tuple_(_report.project, _report.report_id).in_(old)))).rowcount


async def add_report(connection: AsyncConnection, report: StoredReport, content: bytes, link_key: bytes) -> bool:
    """Adds a report in the caller's transaction; returns whether there was none of its id."""
    row: dict[str, Any] = {name: getattr(report, name) for name in _FIELDS}
    row |= {"period": report.period.value, "summary": list(report.summary), "missing_sources": list(report.missing_sources)}
    statement = insert(report_table).values(row | {"content": content, "link_key": link_key}).on_conflict_do_nothing()
    return (await connection.execute(statement)).rowcount == 1


def report_unknown() -> AssayError:
    """The refusal of a report that the project has not."""
    return AssayError(Kind.NOT_FOUND, "REPORT_UNKNOWN", "the project has no such report")


def _this(project: str, report_id: str) -> Any:
    return (_report.project == project) & (_report.report_id == report_id)


def _report_of(row: Row[Any]) -> StoredReport:
    values = dict(zip(_FIELDS, row, strict=True))
    changed = {"period": Length(values["period"]), "summary": tuple(values["summary"]), "missing_sources": tuple(values["missing_sources"])}
    return StoredReport(**values | changed)
