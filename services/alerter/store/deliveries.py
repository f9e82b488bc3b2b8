"""The SQL of the outbox: deliveries, the tries to make them, and what comes with them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.errors import AssayError, Kind
from services.alerter.domain.notification.content import Notification
from services.alerter.domain.notification.delivery import (
    Attachment,
    AttemptResult,
    DeliveryState,
    Document,
    Refused,
    Result,
    Retry,
    Sent,
    delivery_unknown,
    shown_detail,
)
from services.alerter.notification_tables import delivery_attachment_table, delivery_attempt_table, delivery_table
from services.alerter.store import contents
from services.alerter.store.receivers import pace, paced

# Longer than any try may take: whoever has not told by then what became of it is gone.
LEASE = timedelta(seconds=60)
# Tries under way to one receiver, in the whole cluster: one that hangs holds so many places and no more.
RECEIVER_CONCURRENCY_MAX = 2
# Messages that may go out at once before the rate counts.
RATE_BURST_COUNT = 10

_delivery = delivery_table.c
_attempt = delivery_attempt_table.c
_STORED = (
    "delivery_id",
    "project",
    "receiver_id",
    "thread",
    "number",
    "title",
    "state",
    "create_time",
    "due_time",
    "end_time",
    "attempt_count",
)
_STORED_COLUMNS = [delivery_table.c[name] for name in _STORED]


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A message to be sent. Those of one thread are sent to a receiver in the order of their numbers."""

    delivery_id: str
    receiver_id: str
    thread: str
    number: int
    title: str
    content: Notification | Document
    content_hash: str = ""


@dataclass(frozen=True, slots=True)
class StoredDelivery:
    """A delivery as it is listed."""

    delivery_id: str
    project: str
    receiver_id: str
    thread: str
    number: int
    title: str
    state: DeliveryState
    create_time: datetime
    due_time: datetime
    end_time: datetime | None
    attempt_count: int


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try. `result` None: under way, or its process ended before it could tell."""

    attempt: int
    start_time: datetime
    elapsed_s: float | None
    result: AttemptResult | None
    detail: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is this process' to try until the lease ends. `receiver_row` has the receiver's columns."""

    delivery_id: str
    project: str
    attempt: int
    create_time: datetime
    content: Notification | Document
    reference: str
    receiver_row: Any


async def add_deliveries(connection: AsyncConnection, project: str, new: Iterable[NewDelivery], now: datetime) -> int:
    """Adds deliveries in the caller's transaction, those that are there already left as they are; returns how many are new."""
    rows = [
        {
            "delivery_id": each.delivery_id,
            "project": project,
            "receiver_id": each.receiver_id,
            "thread": each.thread,
            "number": each.number,
            "title": each.title,
            "content": contents.to_json(each.content),
            "state": DeliveryState.WAITING.value,
            "create_time": now,
            "due_time": now,
            "attempt_count": 0,
            "reference": "",
            "content_hash": each.content_hash,
        }
        for each in new
    ]
    if not rows:
        return 0
    added = await connection.execute(upsert(delivery_table).values(rows).on_conflict_do_nothing().returning(_delivery.delivery_id))
    return len(added.all())


_CLAIMABLE = """
    delivery.project = receiver.project AND delivery.receiver_id = receiver.receiver_id AND delivery.state = 1
    AND delivery.due_time <= :now AND (delivery.lease_end_time IS NULL OR delivery.lease_end_time <= :now)
    AND NOT EXISTS (
        SELECT FROM alerter.delivery AS earlier
        WHERE earlier.project = delivery.project AND earlier.receiver_id = delivery.receiver_id AND earlier.thread = delivery.thread
        AND earlier.number < delivery.number AND earlier.state = 1
    )
"""
# A receiver's row is locked while one of its deliveries is claimed, so that its places and its rate are counted by one at a time.
_CLAIM = text(
    f"""
    SELECT receiver.*, due.delivery_id, due.create_time AS made_time, due.content, due.thread, due.attempt_count
    FROM alerter.receiver AS receiver
    CROSS JOIN LATERAL (
        SELECT * FROM alerter.delivery AS delivery WHERE {_CLAIMABLE} ORDER BY delivery.due_time, delivery.number LIMIT 1
    ) AS due
    WHERE receiver.paced_until <= CAST(:now AS timestamptz) + make_interval(secs => 60.0 * :burst / receiver.rate_per_min)
    AND (
        SELECT count(*) FROM alerter.delivery AS held
        WHERE held.project = receiver.project AND held.receiver_id = receiver.receiver_id AND held.state = 1 AND held.lease_end_time > :now
    ) < :places
    ORDER BY due.due_time
    LIMIT :limit
    FOR UPDATE OF receiver SKIP LOCKED
    """
)
_LEASE = text(
    """
    UPDATE alerter.delivery SET lease_end_time = :lease_end, attempt_count = attempt_count + 1
    WHERE delivery_id = :delivery_id AND state = 1 AND (lease_end_time IS NULL OR lease_end_time <= :now)
    RETURNING attempt_count,
        (SELECT reference FROM alerter.delivery AS earlier
         WHERE earlier.project = delivery.project AND earlier.receiver_id = delivery.receiver_id AND earlier.thread = delivery.thread
         AND earlier.thread <> '' AND earlier.reference <> '' ORDER BY earlier.number LIMIT 1)
    """
)
_GIVE_UP_ORPHANS = text(
    """
    UPDATE alerter.delivery AS delivery SET state = 3, end_time = :now, lease_end_time = NULL
    WHERE state = 1 AND NOT EXISTS (
        SELECT FROM alerter.receiver WHERE receiver.project = delivery.project AND receiver.receiver_id = delivery.receiver_id
    )
    """
)


class DeliveryStore:
    """The outbox."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def add_document(self, project: str, new: Sequence[NewDelivery], attachments: Sequence[Attachment], now: datetime) -> int:
        """Adds one document for some receivers, with what comes with it; what is there already is left as it is.

        Raises DELIVERY_EXISTS if that is something else.
        """
        async with self._engine.begin() as connection:
            count = await add_deliveries(connection, project, new, now)
            known = select(_delivery.content_hash).where(_delivery.delivery_id.in_([each.delivery_id for each in new]))
            if set(await connection.scalars(known)) - {each.content_hash for each in new}:
                raise AssayError(Kind.ALREADY_EXISTS, "DELIVERY_EXISTS", "the delivery id was used for something else")
            rows = [
                {
                    "delivery_id": each.delivery_id,
                    "position": position,
                    "name": one.name,
                    "content_type": one.content_type,
                    "content": one.content,
                }
                for each in new
                for position, one in enumerate(attachments)
            ]
            if rows:
                await connection.execute(upsert(delivery_attachment_table).on_conflict_do_nothing(), rows)
        return count

    async def claim(self, limit: int, now: datetime) -> list[Claimed]:
        """Takes up to so many deliveries that are due, one a receiver, and notes that each is being tried."""
        async with self._engine.begin() as connection:
            places = {"places": RECEIVER_CONCURRENCY_MAX, "burst": RATE_BURST_COUNT}
            rows = (await connection.execute(_CLAIM, {"now": now, "limit": limit, **places})).all()
            claimed = [each for row in rows if (each := await self._leased(connection, row, now)) is not None]
            if claimed:
                tries = [{"delivery_id": each.delivery_id, "attempt": each.attempt, "start_time": now, "detail": ""} for each in claimed]
                await connection.execute(insert(delivery_attempt_table), tries)
        return claimed

    async def _leased(self, connection: AsyncConnection, row: Row[*tuple[Any, ...]], now: datetime) -> Claimed | None:
        values = {"delivery_id": row.delivery_id, "lease_end": now + LEASE, "now": now}
        leased = (await connection.execute(_LEASE, values)).one_or_none()
        if leased is None:  # somebody has claimed it since the statement before began
            return None
        await pace(connection, row.project, row.receiver_id, paced(row.paced_until, now, row.rate_per_min))
        content = contents.from_json(row.content)
        return Claimed(row.delivery_id, row.project, leased[0], row.made_time, content, leased[1] or "", row)

    async def attachments(self, delivery_id: str) -> list[Attachment]:
        """What comes with a delivery, in order."""
        table = delivery_attachment_table.c
        statement = select(table.name, table.content_type, table.content).where(table.delivery_id == delivery_id).order_by(table.position)
        async with self._engine.connect() as connection:
            return [Attachment(*row) for row in await connection.execute(statement)]

    async def record(self, claimed: Claimed, result: Result, retry_at: datetime | None, elapsed_s: float, now: datetime) -> bool:
        """Keeps what became of a try; a retry without a time is given up. False if the lease had ended and somebody else tries it."""
        changes: dict[str, Any] = {"lease_end_time": None}
        match result:
            case Sent(reference=reference, detail=detail):
                changes |= {"state": DeliveryState.SENT.value, "end_time": now, "reference": reference}
                kind = AttemptResult.SENT
            case Retry(reason=detail):
                kind = AttemptResult.RETRY
                changes |= {"due_time": retry_at} if retry_at is not None else {"state": DeliveryState.DEAD.value, "end_time": now}
            case Refused(reason=detail):
                kind = AttemptResult.REFUSED
                changes |= {"state": DeliveryState.DEAD.value, "end_time": now}
        this_try = (_attempt.delivery_id == claimed.delivery_id) & (_attempt.attempt == claimed.attempt)
        mine = (_delivery.delivery_id == claimed.delivery_id) & (_delivery.attempt_count == claimed.attempt) & (_delivery.state == 1)
        noted = {"result": kind.value, "elapsed_s": elapsed_s, "detail": shown_detail(detail)}
        async with self._engine.begin() as connection:
            await connection.execute(update(delivery_attempt_table).where(this_try).values(noted))
            return bool((await connection.execute(update(delivery_table).where(mine).values(changes))).rowcount)

    async def send_again(self, project: str, delivery_id: str, now: datetime) -> StoredDelivery:
        """Has a delivery that was given up tried anew, under its old id. Raises DELIVERY_UNKNOWN, DELIVERY_NOT_DEAD."""
        this = (_delivery.project == project) & (_delivery.delivery_id == delivery_id)
        values = {"state": DeliveryState.WAITING.value, "due_time": now, "create_time": now, "end_time": None}
        async with self._engine.begin() as connection:
            statement = update(delivery_table).where(this, _delivery.state == DeliveryState.DEAD.value).values(values)
            row = (await connection.execute(statement.returning(*_STORED_COLUMNS))).one_or_none()
            if row is None:
                if await connection.scalar(select(_delivery.state).where(this)) is None:
                    raise delivery_unknown()
                raise AssayError(Kind.FAILED_PRECONDITION, "DELIVERY_NOT_DEAD", "only what was given up can be sent again")
        return _stored(row)

    async def list_deliveries(
        self, project: str, *, state: DeliveryState | None, receiver_id: str, before: tuple[datetime, str] | None, limit: int
    ) -> list[StoredDelivery]:
        """Deliveries, the latest first; with `before`, those that sort behind that time and id."""
        statement = select(*_STORED_COLUMNS).where(_delivery.project == project)
        if state is not None:
            statement = statement.where(_delivery.state == state.value)
        if receiver_id:
            statement = statement.where(_delivery.receiver_id == receiver_id)
        if before is not None:
            statement = statement.where(tuple_(_delivery.create_time, _delivery.delivery_id) < tuple_(*before))
        statement = statement.order_by(_delivery.create_time.desc(), _delivery.delivery_id.desc()).limit(limit)
        async with self._engine.connect() as connection:
            return [_stored(row) for row in await connection.execute(statement)]

    async def deliveries(self, project: str, ids: Sequence[str]) -> list[StoredDelivery]:
        """Those of the project that have these ids."""
        statement = select(*_STORED_COLUMNS).where(_delivery.project == project, _delivery.delivery_id.in_(ids))
        async with self._engine.connect() as connection:
            return [_stored(row) for row in await connection.execute(statement)]

    async def attempts(self, ids: Sequence[str]) -> Mapping[str, list[Attempt]]:
        """The tries of each of these deliveries, oldest first."""
        columns = (_attempt.delivery_id, _attempt.attempt, _attempt.start_time, _attempt.elapsed_s, _attempt.result, _attempt.detail)
        statement = select(*columns).where(_attempt.delivery_id.in_(ids)).order_by(_attempt.delivery_id, _attempt.attempt)
        found: dict[str, list[Attempt]] = {delivery_id: [] for delivery_id in ids}
        async with self._engine.connect() as connection:
            for row in await connection.execute(statement):
                result = None if row.result is None else AttemptResult(row.result)
                found[row.delivery_id].append(Attempt(row.attempt, row.start_time, row.elapsed_s, result, row.detail))
        return found

    async def give_up_orphans(self, now: datetime) -> int:
        """Gives up what waits for a receiver that is gone; returns how many."""
        async with self._engine.begin() as connection:
            return (await connection.execute(_GIVE_UP_ORPHANS, {"now": now})).rowcount

    async def forget_before(self, moment: datetime, limit: int) -> int:
        """Deletes up to so many deliveries that ended before then, with their tries; returns how many."""
        old = select(_delivery.delivery_id).where(_delivery.state != DeliveryState.WAITING.value, _delivery.end_time < moment).limit(limit)
        async with self._engine.begin() as connection:
            return (await connection.execute(delete(delivery_table).where(_delivery.delivery_id.in_(old)))).rowcount


def _stored(row: Row[*tuple[Any, ...]]) -> StoredDelivery:
    return StoredDelivery(**{name: getattr(row, name) for name in _STORED} | {"state": DeliveryState(row.state)})
