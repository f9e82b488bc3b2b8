"""Targets that numbers are sent to: who sends, how far it is, and which windows changed meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kit.database import lock_key
from services.collector.domain.rollup import Windows
from services.collector.store import reading

# A sender that says nothing for so long has lost its targets to another one.
LEASE_S = 15
# Changes are kept so long for a target that is away; what it misses then it does not get.
CHANGES_KEPT_S = 24 * 3_600
# A target that nobody has sent to for so long has been taken out of the settings.
TARGET_FORGOTTEN_S = CHANGES_KEPT_S
TROUBLE_LENGTH_MAX = 300
# Folds of which the windows are sent together.
CHANGES_AT_ONCE = 64

_CHANGES_LOCK = lock_key("collector window changes")

# Without such a target nobody wants to know.
_HAS_TARGET = (
    "SELECT EXISTS (SELECT FROM collector.export_target WHERE kind = $1 AND lease_time > now() - make_interval(secs => $2::float))"
)
_NOTE = "INSERT INTO collector.window_change (project_id, create_time, series_ids, start_mins) VALUES ($1, now(), $2, $3)"
_LEASE = text(
    "INSERT INTO collector.export_target AS t "
    "(target, kind, address, owner, lease_time, position, sent_count, refused_count, waiting_count, trouble) "
    "VALUES (:target, CAST(:kind AS int), :address, :owner, now() + make_interval(secs => CAST(:lease_s AS float)), "
    "CASE WHEN CAST(:kind AS int) = CAST(:windows AS int) "
    "THEN (SELECT coalesce(max(change_id), 0) FROM collector.window_change) ELSE 0 END, 0, 0, 0, '') "
    "ON CONFLICT (target) DO UPDATE SET kind = excluded.kind, address = excluded.address, owner = excluded.owner, "
    "lease_time = excluded.lease_time, position = CASE WHEN t.kind = excluded.kind THEN t.position ELSE excluded.position END "
    "WHERE t.owner = excluded.owner OR t.lease_time < now() RETURNING t.position"
)
_PROGRESS = text(
    "UPDATE collector.export_target SET position = :position, "
    "send_time = CASE WHEN CAST(:sent_count AS bigint) > 0 THEN now() ELSE send_time END, "
    "sent_count = sent_count + CAST(:sent_count AS bigint), refused_count = refused_count + :refused_count, "
    "waiting_count = :waiting_count, trouble = :trouble WHERE target = :target AND owner = :owner"
)
_RELEASE = text("UPDATE collector.export_target SET lease_time = now() WHERE target = :target AND owner = :owner")
_CHANGES = text(
    "SELECT change_id, project_id, series_ids, start_mins FROM collector.window_change WHERE change_id > :position "
    "ORDER BY change_id LIMIT :limit"
)
_FORGET = text(
    "DELETE FROM collector.window_change WHERE create_time < now() - make_interval(secs => CAST(:kept_s AS float)) "
    "OR change_id <= (SELECT min(position) FROM collector.export_target "
    "WHERE kind = :windows AND lease_time > now() - make_interval(secs => CAST(:kept_s AS float)))"
)
_TARGETS = text(
    "SELECT target, kind, address, owner, lease_time > now() AS is_sending, position, send_time, sent_count, refused_count, waiting_count, "
    "trouble FROM collector.export_target WHERE lease_time > now() - make_interval(secs => CAST(:forgotten_s AS float)) ORDER BY target"
)


class TargetKind(IntEnum):
    """What a target is sent. The numbers are kept in PostgreSQL."""

    COUNTERS = 1
    WINDOWS = 2


@dataclass(frozen=True, slots=True)
class Change:
    """Minutes of a project that one fold changed, each by its series and start."""

    change_id: int
    project_id: int
    series_ids: Sequence[int]
    start_mins: Sequence[int]


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of a step. Counts are of time series or lines; `waiting_count` of snapshots or folds that are still to be sent."""

    position: int
    sent_count: int = 0
    refused_count: int = 0
    waiting_count: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """A target as it is shown. `send_time` is None before anything was sent."""

    target: str
    kind: TargetKind
    address: str
    owner: str
    is_sending: bool
    position: int
    send_time: datetime | None
    sent_count: int
    refused_count: int
    waiting_count: int
    trouble: str


async def note_changes(connection: asyncpg.Connection, project_id: int, changed: Windows) -> None:
    """Notes which minutes a fold changed, as the last thing that its transaction does: numbers ascend as transactions commit."""
    if await connection.fetchval(_HAS_TARGET, TargetKind.WINDOWS, TARGET_FORGOTTEN_S):
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _CHANGES_LOCK)
        await connection.execute(_NOTE, project_id, changed.series_id.tolist(), changed.start_min.tolist())


class ExportStore:
    """Leases, positions and changes, for one sender, whose `owner` no other has."""

    def __init__(self, engine: AsyncEngine, owner: str) -> None:
        self._engine = engine
        self._owner = owner

    async def lease(self, target: str, kind: TargetKind, address: str) -> int | None:
        """Takes or keeps a target for LEASE_S and gives its position, None while another sender has it."""
        values = {"target": target, "kind": int(kind), "address": address, "owner": self._owner, "lease_s": LEASE_S}
        async with self._engine.begin() as connection:
            position: int | None = await connection.scalar(_LEASE, values | {"windows": int(TargetKind.WINDOWS)})
            return position

    async def note(self, target: str, progress: Progress) -> None:
        """Keeps what became of a step, if the target is still ours."""
        values = {
            "target": target,
            "owner": self._owner,
            "position": progress.position,
            "sent_count": progress.sent_count,
            "refused_count": progress.refused_count,
            "waiting_count": progress.waiting_count,
            "trouble": progress.trouble[:TROUBLE_LENGTH_MAX],
        }
        async with self._engine.begin() as connection:
            await connection.execute(_PROGRESS, values)

    async def release(self, target: str) -> None:
        """Leaves a target to whoever comes."""
        async with self._engine.begin() as connection:
            await connection.execute(_RELEASE, {"target": target, "owner": self._owner})

    async def changes(self, position: int) -> list[Change]:
        """The next changes after a position, at most CHANGES_AT_ONCE."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(_CHANGES, {"position": position, "limit": CHANGES_AT_ONCE})
            return [Change(*row) for row in rows]

    async def forget_changes(self) -> None:
        """Removes changes that every target has, and those that are too old."""
        async with self._engine.begin() as connection:
            await connection.execute(_FORGET, {"kept_s": CHANGES_KEPT_S, "windows": int(TargetKind.WINDOWS)})


async def list_targets(engine: AsyncEngine) -> list[TargetRow]:
    """All targets that somebody has sent to of late, by name."""
    async with reading.snapshot(engine) as connection:
        rows = await connection.execute(_TARGETS, {"forgotten_s": TARGET_FORGOTTEN_S})
        return [TargetRow(row[0], TargetKind(row[1]), *row[2:]) for row in rows]
