"""Who works on which project, and what is kept of the work: `project`, `series`, `series_state` and `intake`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import islice

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.analyzer.domain.series import SeriesKey
from services.analyzer.store import anomalies
from services.analyzer.store.records import Claim, Position, Progress, ProjectWork

# Renewed every few seconds; an owner that was killed is followed by another within this, the time between two looks, and that to begin.
LEASE_S = 9.0
# States of a statement: some megabytes.
STATES_AT_ONCE = 1_000

_ADD_PROJECTS = text("INSERT INTO analyzer.project (project) SELECT unnest(CAST(:projects AS text[])) ON CONFLICT DO NOTHING")
_CLAIM = text(
    "UPDATE analyzer.project SET owner = :owner, epoch = epoch + 1, lease_end = now() + make_interval(secs => :lease_s) "
    "WHERE project IN (SELECT project FROM analyzer.project WHERE lease_end IS NULL OR lease_end < now() "
    "ORDER BY project LIMIT :count FOR UPDATE SKIP LOCKED) RETURNING project, epoch"
)
_RENEW = text(
    "UPDATE analyzer.project SET lease_end = now() + make_interval(secs => :lease_s) FROM "
    "unnest(CAST(:projects AS text[]), CAST(:epochs AS bigint[])) mine (name, number) "
    "WHERE project = name AND epoch = number AND owner = :owner RETURNING project"
)
_RELEASE = text("UPDATE analyzer.project SET lease_end = NULL WHERE project = :project AND owner = :owner AND epoch = :epoch")
_WITH_REQUESTS = text(
    "SELECT project FROM analyzer.project WHERE owner = :owner AND (change_count > published_count OR EXISTS "
    "(SELECT FROM analyzer.accepted_shift WHERE accepted_shift.project = project.project AND NOT is_applied))"
)
_FIND = text("SELECT position_s, learnt_from_s, state, create_time FROM analyzer.project WHERE project = :project")
_SERIES = text(
    "SELECT series_id, provider, model, task_type, prompt_name, prompt_version FROM analyzer.series WHERE project = :project "
    "ORDER BY series_id"
)
_STATES = text("SELECT series_id, state FROM analyzer.series_state WHERE project = :project")
_INTAKE = text("SELECT body FROM analyzer.intake WHERE project = :project AND last_start_s >= :first_s ORDER BY intake_id")
_ADD_SERIES = text(
    "INSERT INTO analyzer.series (project, provider, model, task_type, prompt_name, prompt_version) SELECT :project, * FROM "
    "unnest(CAST(:provider AS text[]), CAST(:model AS text[]), CAST(:task_type AS text[]), CAST(:prompt_name AS text[]), "
    "CAST(:prompt_version AS text[])) ON CONFLICT DO NOTHING"
)
_ADVANCE = text(
    "UPDATE analyzer.project SET position_s = :position_s, learnt_from_s = :learnt_from_s, state = :state, "
    "change_count = change_count + :change_count, lease_end = now() + make_interval(secs => :lease_s) "
    "WHERE project = :project AND owner = :owner AND epoch = :epoch RETURNING change_count"
)
_KEEP_STATES = text(
    "INSERT INTO analyzer.series_state (series_id, project, state) SELECT id, :project, state FROM "
    "unnest(CAST(:series_ids AS integer[]), CAST(:states AS bytea[])) given (id, state) "
    "ON CONFLICT (series_id) DO UPDATE SET state = excluded.state"
)
_ADD_INTAKE = text("INSERT INTO analyzer.intake (project, last_start_s, body) VALUES (:project, :last_start_s, :body)")
_FORGET_INTAKE = text("DELETE FROM analyzer.intake WHERE project = :project AND last_start_s < :first_s")
_RESET = (
    text("DELETE FROM analyzer.series_state WHERE project = :project"),
    text("DELETE FROM analyzer.intake WHERE project = :project"),
)


class OwnershipLostError(Exception):
    """Somebody else works on the project by now: what is here of it is worth nothing any more."""


class WorkStore:
    """Every method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add_projects(self, projects: Iterable[str]) -> None:
        """Makes rows for the projects that have none."""
        async with self._engine.begin() as connection:
            await connection.execute(_ADD_PROJECTS, {"projects": sorted(set(projects))})

    async def claim(self, owner: str, count: int) -> list[Claim]:
        """Takes up to `count` projects that nobody works on."""
        async with self._engine.begin() as connection:
            rows = await connection.execute(_CLAIM, {"owner": owner, "count": count, "lease_s": LEASE_S})
            return [Claim(row.project, owner, row.epoch) for row in rows]

    async def renew(self, owner: str, claims: Sequence[Claim]) -> set[str]:
        """Keeps the projects for another while; returns those that are still ours."""
        ours = {"projects": [claim.project for claim in claims], "epochs": [claim.epoch for claim in claims]}
        async with self._engine.begin() as connection:
            rows = await connection.execute(_RENEW, {"owner": owner, "lease_s": LEASE_S, **ours})
            return set(rows.scalars())

    async def release(self, claim: Claim) -> None:
        """Gives a project back, so that another may take it at once."""
        async with self._engine.begin() as connection:
            await connection.execute(_RELEASE, _named(claim))

    async def with_requests(self, owner: str) -> list[str]:
        """The owner's projects in which something is to be told on the bus, or a shift to be applied."""
        async with self._engine.connect() as connection:
            return list((await connection.execute(_WITH_REQUESTS, {"owner": owner})).scalars())

    async def load(self, claim: Claim, kept_s: int) -> ProjectWork:
        """What was kept; of the intake, what is not older than `kept_s` before the position."""
        project = {"project": claim.project}
        async with self._engine.connect() as connection:
            row = (await connection.execute(_FIND, project)).one()
            series = {found[0]: SeriesKey(*found[1:]) for found in await connection.execute(_SERIES, project)}
            if row.position_s is None:
                return ProjectWork(row.create_time, None, None, series, {}, [])
            states = {found.series_id: bytes(found.state) for found in await connection.execute(_STATES, project)}
            intake = await connection.execute(_INTAKE, {**project, "first_s": row.position_s - kept_s})
            position = Position(row.position_s, row.learnt_from_s)
            bodies = [bytes(body) for body in intake.scalars()]
            return ProjectWork(row.create_time, position, bytes(row.state), series, states, bodies)

    async def number_series(self, project: str, keys: Sequence[SeriesKey]) -> dict[SeriesKey, int]:
        """The numbers of all series of the project, after those of these keys that are new have got theirs."""
        async with self._engine.begin() as connection:
            columns = {field: [getattr(key, field) for key in keys] for field in SeriesKey._fields}
            await connection.execute(_ADD_SERIES, {"project": project, **columns})
            return {SeriesKey(*row[1:]): row[0] for row in await connection.execute(_SERIES, {"project": project})}

    async def keep(self, claim: Claim, progress: Progress) -> None:
        """Keeps what is new, all or none. Raises OwnershipLostError where it is no longer ours to keep."""
        async with self._engine.begin() as connection:
            await self._advance(connection, claim, progress)
            await _keep_states(connection, claim.project, progress.series_states)
            if progress.intake is not None:
                intake = {"project": claim.project, "last_start_s": progress.intake_last_start_s, "body": progress.intake}
                await connection.execute(_ADD_INTAKE, intake)
            await connection.execute(_FORGET_INTAKE, {"project": claim.project, "first_s": progress.intake_first_s})

    async def begin_anew(self, claim: Claim, progress: Progress) -> None:
        """As `keep`, in place of all that was learnt before."""
        async with self._engine.begin() as connection:
            await self._advance(connection, claim, progress)
            for statement in _RESET:
                await connection.execute(statement, {"project": claim.project})
            await _keep_states(connection, claim.project, progress.series_states)
            await anomalies.end_open(connection, claim.project, datetime.now(UTC))

    async def _advance(self, connection: AsyncConnection, claim: Claim, progress: Progress) -> None:
        """The project's row comes first: it is locked until the end, so that changes get their numbers in the order of commits."""
        values = {
            **_named(claim),
            "position_s": progress.position.position_s,
            "learnt_from_s": progress.position.learnt_from_s,
            "state": progress.state,
            "change_count": len(progress.anomalies),
            "lease_s": LEASE_S,
        }
        change_count = (await connection.execute(_ADVANCE, values)).scalar_one_or_none()
        if change_count is None:
            raise OwnershipLostError(claim.project)
        if progress.anomalies:
            await anomalies.keep(connection, claim.project, progress.anomalies, change_count - len(progress.anomalies) + 1)


async def _keep_states(connection: AsyncConnection, project: str, states: dict[int, bytes]) -> None:
    waiting = iter(sorted(states.items()))
    while some := list(islice(waiting, STATES_AT_ONCE)):
        series_ids, bodies = zip(*some, strict=True)
        await connection.execute(_KEEP_STATES, {"project": project, "series_ids": list(series_ids), "states": list(bodies)})


def _named(claim: Claim) -> dict[str, str | int]:
    return {"project": claim.project, "owner": claim.owner, "epoch": claim.epoch}
