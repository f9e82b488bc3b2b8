"""Reading single calls: the latest of a range, and one with all that belongs to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.collector.domain import call_body
from services.collector.domain.arrays import Ints
from services.collector.domain.call_body import Number
from services.collector.domain.time_slices import TimeSlice, pieces, slices_back
from services.collector.store.read_messages import MessageRow, messages_of
from services.collector.store.read_series import SeriesFilter, find_ids
from services.collector.store.reading import is_any, snapshot
from services.collector.tables import call_table

# Calls of one slice that are looked at. A slice that holds more is cut, so that finding the latest few never means to sort a day.
SLICE_CALLS_MAX = 10_000
# Evidence of one call that is returned; the contract says so.
EVIDENCE_MAX = 1_000
# No call starts later than 10 minutes after its receipt, by the clock of the front that received it. This leaves room for clocks.
_START_AHEAD_MAX = timedelta(hours=1)
_CALL = call_table.c
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Each slice is planned with its own bounds: they decide which partitions are looked into, and a plan for any list of series would compare
# each call with each series of the list. The index on start_us always beats reading whole days.
_PLANNING = text("SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_seqscan', 'off', true)")
_TASK_SPAN = text(
    "SELECT min(first_start_us), max(latest_start_us) FROM ("
    "SELECT first_start_us, latest_start_us FROM collector.task "
    "WHERE project_id = :project_id AND task_id = :task_id "
    "UNION ALL SELECT first_start_us, latest_start_us FROM collector.task_pending "
    "WHERE project_id = :project_id AND task_id = :task_id AND call_count > 0) parts"
)
_ROWS = (
    "SELECT c.call_id, c.receive_date, c.start_us, c.message_id, c.outcome, c.task_id, c.agent, c.error_type, c.body, c.extras, "
    "s.provider, s.model, s.task_type, s.prompt_name, s.prompt_version, m.receive_time, coalesce(m.batch_id, '') AS batch_id, "
    "q.score_nanos "
    "FROM collector.call c JOIN collector.series s ON s.series_id = c.series_id "
    "LEFT JOIN collector.message m ON m.message_id = c.message_id "
    "LEFT JOIN collector.score q ON q.project_id = :project_id AND q.call_id = c.call_id "
    "WHERE c.call_id = ANY(:call_ids) AND s.project_id = :project_id"
)
_EVIDENCE = text(
    "SELECT evidence_id, payload FROM collector.evidence WHERE project_id = :project_id AND call_id = :call_id "
    "ORDER BY observe_us, evidence_id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class CallsQuestion:
    """Which calls of a project are asked for: those that meet every condition. Times are microseconds since 1970.

    `end_us` is exclusive; `before` is the start and id of the call that the answer continues behind.
    """

    project_id: int
    start_us: int
    end_us: int
    series: SeriesFilter = field(default_factory=SeriesFilter)
    outcomes: Sequence[int] = ()
    task_id: str = ""
    agent: str = ""
    before: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class CallRow:
    """A stored call. `numbers` has shape (NUMBER_COUNT,). `receive_time` is None and `batch_id` empty where its message is forgotten."""

    call_id: str
    receive_date: date
    start_us: int
    message_id: int
    outcome: int
    task_id: str
    agent: str
    error_type: str
    numbers: Ints
    extras: str
    provider: str
    model: str
    task_type: str
    prompt_name: str
    prompt_version: str
    receive_time: datetime | None
    batch_id: str
    score_nanos: int | None
    price_version: str


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call with its evidence, serialized, oldest first, and the messages that brought it."""

    call: CallRow
    evidence: Sequence[bytes]
    messages: Sequence[MessageRow]


@dataclass(frozen=True, slots=True)
class _Key:
    """Finds a call's row."""

    start_us: int
    call_id: str
    receive_date: date


class CallReader:
    """Reads calls of one project at a time; what belongs to another is as if it were not there."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def list_latest(self, question: CallsQuestion, limit: int, now_us: int) -> list[CallRow]:
        """Up to `limit` calls, ordered by start and then id, the latest first. `now_us` says where most of them are to be expected."""
        async with snapshot(self._engine) as connection:
            await connection.execute(_PLANNING)
            keys = await _latest_keys(connection, question, limit, now_us)
            rows = await _load(connection, question.project_id, [key.call_id for key in keys], {key.receive_date for key in keys})
        by_key = {(row.call_id, row.receive_date): row for row in rows}
        return [by_key[key.call_id, key.receive_date] for key in keys]

    async def get(self, project_id: int, call_id: str) -> FoundCall | None:
        """The call of that id, None if there is none. Of two that were taken in days apart it is the later one."""
        async with snapshot(self._engine) as connection:
            await connection.execute(_PLANNING)
            rows = await _load(connection, project_id, [call_id])
            if not rows:
                return None
            evidence = [payload for _, payload in await _evidence(connection, project_id, call_id)]
            messages = await messages_of(connection, [row.message_id for row in rows])
            return FoundCall(max(rows, key=lambda row: row.receive_date), evidence, messages)

    async def trace(self, project_id: int, call_id: str) -> tuple[list[MessageRow] | None, list[str]]:
        """The messages that brought a call, None if it is not stored, and the ids of its evidence, which may have come before it."""
        async with snapshot(self._engine) as connection:
            await connection.execute(_PLANNING)
            rows = await _load(connection, project_id, [call_id])
            messages = await messages_of(connection, [row.message_id for row in rows]) if rows else None
            return messages, [evidence_id for evidence_id, _ in await _evidence(connection, project_id, call_id)]


async def _latest_keys(connection: AsyncConnection, question: CallsQuestion, limit: int, now_us: int) -> list[_Key]:
    """Where the latest calls are, found slice by slice, since there is no index on the order of their starts."""
    start_us, end_us = question.start_us, question.end_us
    if question.before:
        end_us = min(end_us, question.before[0] + 1)
    if question.task_id:
        first_us, latest_us = await _task_span(connection, question)
        start_us, end_us = max(start_us, first_us), min(end_us, latest_us + 1)
    # Pages behind the first one start where the one before ended, in the midst of calls.
    open_slices = slices_back(start_us, end_us, min(now_us, end_us))
    series_ids = await find_ids(connection, question.project_id, question.series) if open_slices else []
    keys: list[_Key] = []
    while open_slices and series_ids and len(keys) < limit:
        piece = open_slices.pop()
        found = await _keys_of(connection, question, series_ids, piece, limit - len(keys))
        if found is None:
            open_slices.extend(pieces(piece))
        else:
            keys.extend(found)
    return keys


async def _task_span(connection: AsyncConnection, question: CallsQuestion) -> tuple[int, int]:
    """Start of the first and of the latest call of the task; an empty span if it has none."""
    rows = await connection.execute(_TASK_SPAN, {"project_id": question.project_id, "task_id": question.task_id})
    first_us, latest_us = rows.one()
    return (first_us, latest_us) if first_us is not None else (0, -1)


async def _keys_of(
    connection: AsyncConnection, question: CallsQuestion, series_ids: Sequence[int], piece: TimeSlice, limit: int
) -> list[_Key] | None:
    """The latest calls of a slice, or None if it holds so many that it should be cut first."""
    seen = (
        select(_CALL.start_us, _CALL.call_id, _CALL.receive_date)
        .where(_CALL.start_us >= piece.start_us, _CALL.start_us < piece.end_us)
        .where(_CALL.receive_date >= (_EPOCH + timedelta(microseconds=piece.start_us) - _START_AHEAD_MAX).date())
        .where(is_any(_CALL.series_id, series_ids), *_conditions(question))
        .limit(SLICE_CALLS_MAX if piece.can_be_cut else None)
        .subquery()
    )
    latest = select(seen, func.count().over()).order_by(seen.c.start_us.desc(), seen.c.call_id.desc()).limit(limit)
    found = (await connection.execute(latest)).all()
    if piece.can_be_cut and found and found[0][-1] == SLICE_CALLS_MAX:
        return None
    return [_Key(start_us, call_id, receive_date) for start_us, call_id, receive_date, _ in found]


def _conditions(question: CallsQuestion) -> list[ColumnElement[bool]]:
    """What is asked of a call beside its series and slice."""
    conditions: list[ColumnElement[bool]] = []
    if question.outcomes:
        conditions.append(is_any(_CALL.outcome, question.outcomes))
    if question.task_id:
        conditions.append(_CALL.task_id == question.task_id)
    if question.agent:
        conditions.append(_CALL.agent == question.agent)
    if question.before:
        start_us, call_id = question.before
        conditions.append(or_(_CALL.start_us < start_us, and_(_CALL.start_us == start_us, _CALL.call_id < call_id)))
    return conditions


async def _load(
    connection: AsyncConnection, project_id: int, call_ids: Sequence[str], receive_dates: set[date] | None = None
) -> list[CallRow]:
    """The rows of calls by id, of those days of receipt or of all, in no order."""
    parameters: dict[str, object] = {"project_id": project_id, "call_ids": list(call_ids)}
    statement = _ROWS
    if receive_dates is not None:
        statement += " AND c.receive_date = ANY(:receive_dates)"
        parameters["receive_dates"] = sorted(receive_dates)
    rows = (await connection.execute(text(statement), parameters)).all() if call_ids else []
    numbers = call_body.decode([row.body for row in rows])
    versions = await _price_versions(connection, numbers[:, Number.PRICE_VERSION_ID].tolist())
    return [_call_row(row, own, versions) for row, own in zip(rows, numbers, strict=True)]


def _call_row(row: Row[Any], numbers: Ints, versions: Mapping[int, str]) -> CallRow:
    values = row._asdict()
    values.pop("body")
    version = versions.get(int(numbers[Number.PRICE_VERSION_ID]), "")
    return CallRow(**values, numbers=numbers, price_version=version)


async def _evidence(connection: AsyncConnection, project_id: int, call_id: str) -> list[tuple[str, bytes]]:
    """Ids and payloads of a call's evidence."""
    rows = await connection.execute(_EVIDENCE, {"project_id": project_id, "call_id": call_id, "limit": EVIDENCE_MAX})
    return [(row.evidence_id, row.payload) for row in rows]


async def _price_versions(connection: AsyncConnection, version_ids: Sequence[int]) -> dict[int, str]:
    rows = await connection.execute(
        text("SELECT price_version_id, price_version FROM collector.price_version WHERE price_version_id = ANY(:ids)"),
        {"ids": sorted(set(version_ids))},
    )
    return {row.price_version_id: row.price_version for row in rows}
