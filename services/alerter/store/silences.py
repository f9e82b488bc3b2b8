"""The SQL of silences."""

from datetime import datetime

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.alerter.domain.notification.matcher import parse_matcher
from services.alerter.domain.notification.silence import Silence
from services.alerter.notification_tables import silence_table
from services.alerter.store.audit import Change, note
from services.alerter.store.policies import look_soon

SILENCES_MAX = 5_000  # that have not expired; each alert is tried on each
_silence = silence_table.c
_FIELDS = tuple(Silence.__dataclass_fields__)
_COLUMNS = [silence_table.c[name] for name in _FIELDS]


class SilenceStore:
    """Silences of all projects. What changes them has the project's alerts looked at soon."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(self, project: str, silence: Silence, actor: str, now: datetime) -> Silence:
        """Makes a silence, or finds the same one. Raises SILENCE_EXISTS for another of this id, TOO_MANY_SILENCES."""
        async with self._engine.begin() as connection:
            await look_soon(connection, project, now)
            found = await _find(connection, project, silence.silence_id)
            if found is not None:
                if _same(found, silence):
                    return found
                raise AssayError(Kind.ALREADY_EXISTS, "SILENCE_EXISTS", "there is another silence of this id")
            count = await connection.scalar(
                select(func.count()).select_from(silence_table).where(_silence.project == project, _silence.end_time > now)
            )
            if (count or 0) >= SILENCES_MAX:
                raise AssayError(Kind.RESOURCE_EXHAUSTED, "TOO_MANY_SILENCES", f"a project has at most {SILENCES_MAX} silences")
            await connection.execute(insert(silence_table).values(_row(project, silence, now)))
            await note(connection, Change(project, actor, now), "silence.create", silence.silence_id, **_told(silence))
        return silence

    async def create_once(self, project: str, silence: Silence, now: datetime) -> None:
        """Makes a silence unless there is one of its id, whatever that is like."""
        async with self._engine.begin() as connection:
            await look_soon(connection, project, now)
            statement = upsert(silence_table).values(_row(project, silence, now)).on_conflict_do_nothing()
            if (await connection.execute(statement)).rowcount:
                await note(connection, Change(project, "", now), "silence.create", silence.silence_id, **_told(silence))

    async def get(self, project: str, silence_id: str) -> Silence:
        """Raises SILENCE_UNKNOWN."""
        async with self._engine.connect() as connection:
            found = await _find(connection, project, silence_id)
        if found is None:
            raise silence_unknown()
        return found

    async def list_silences(self, project: str, *, not_over_before: datetime | None, after: str, limit: int) -> list[Silence]:
        """Silences by id, beginning behind `after`; those that were over before are left out."""
        statement = select(*_COLUMNS).where(_silence.project == project, _silence.silence_id > after)
        if not_over_before is not None:
            statement = statement.where(_silence.end_time > not_over_before)
        async with self._engine.connect() as connection:
            rows = await connection.execute(statement.order_by(_silence.silence_id).limit(limit))
            return [_silence_of(row) for row in rows]

    async def set_end(  # noqa: PLR0917 - each is another thing, and none has a default
        self, project: str, silence_id: str, end_time: datetime, comment: str | None, actor: str, now: datetime
    ) -> Silence:
        """Changes when it ends, and why it is. Raises SILENCE_UNKNOWN."""
        values = {"end_time": end_time, "update_time": now} | ({} if comment is None else {"comment": comment})
        this = (_silence.project == project) & (_silence.silence_id == silence_id)
        async with self._engine.begin() as connection:
            await look_soon(connection, project, now)
            row = (await connection.execute(update(silence_table).where(this).values(values).returning(*_COLUMNS))).one_or_none()
            if row is None:
                raise silence_unknown()
            await note(connection, Change(project, actor, now), "silence.update", silence_id, end_time=end_time.isoformat())
        return _silence_of(row)

    async def forget_before(self, moment: datetime) -> int:
        """Deletes silences that ended before then; returns how many."""
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(silence_table).where(_silence.end_time < moment))).rowcount


async def active_silences(connection: AsyncConnection, project: str, now: datetime) -> list[Silence]:
    """The project's silences that hold now."""
    statement = select(*_COLUMNS).where(_silence.project == project, _silence.start_time <= now, _silence.end_time > now)
    return [_silence_of(row) for row in await connection.execute(statement.order_by(_silence.silence_id))]


def silence_unknown() -> AssayError:
    """The refusal of a silence that the project has not."""
    return AssayError(Kind.NOT_FOUND, "SILENCE_UNKNOWN", "the project has no such silence")


async def _find(connection: AsyncConnection, project: str, silence_id: str) -> Silence | None:
    this = (_silence.project == project) & (_silence.silence_id == silence_id)
    row = (await connection.execute(select(*_COLUMNS).where(this))).one_or_none()
    return None if row is None else _silence_of(row)


def _told(silence: Silence) -> dict[str, str]:
    """What the audit log says of a silence: its matchers are the author's own, and bounded."""
    matchers = ", ".join(map(str, silence.matchers))
    return {"author": silence.author, "matchers": matchers, "end_time": silence.end_time.isoformat()}


def _row(project: str, silence: Silence, now: datetime) -> dict[str, object]:
    fields = {name: getattr(silence, name) for name in _FIELDS} | {"matchers": list(map(str, silence.matchers))}
    return {**fields, "project": project, "create_time": now, "update_time": now}


def _silence_of(row: Row[*tuple[object, ...]]) -> Silence:
    values = dict(zip(_FIELDS, row, strict=True))
    return Silence(**{**values, "matchers": tuple(map(parse_matcher, values["matchers"]))})  # type: ignore[arg-type, call-overload]


def _same(found: Silence, wanted: Silence) -> bool:
    """Whether a repeat asks for the same, whose times may have been taken from the clock."""
    return (found.matchers, found.author, found.comment) == (wanted.matchers, wanted.author, wanted.comment)
