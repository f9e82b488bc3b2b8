"""The daily partitions of the calls: made when a day's first call comes, dropped whole when the day is over its time."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kit.database import lock_key

_PREFIX = "call_"
_LOCK = lock_key("collector partitions")
# So old a partition may be dropped by another process; settings keep calls for longer than this.
_REMEMBER_DAYS = 2
# A drop must not make the writers wait behind it for somebody who reads for minutes; it is tried again later.
_DROP_WAIT = text("SET LOCAL lock_timeout = '2s'")


def partition_name(receive_date: date) -> str:
    """The table that holds the calls received on that UTC day."""
    return f"{_PREFIX}{receive_date:%Y%m%d}"


def partition_date(name: str) -> date:
    """The inverse of `partition_name`."""
    return date.fromisoformat(name.removeprefix(_PREFIX))


def is_partition(table: str) -> bool:
    """Whether a table of the schema is such a partition, by its name."""
    return table.startswith(_PREFIX) and table.removeprefix(_PREFIX).isdigit()


async def create(connection: AsyncConnection, receive_date: date) -> None:
    """Makes the partition of a day if it is not there."""
    await connection.execute(
        text(
            f"CREATE TABLE IF NOT EXISTS collector.{partition_name(receive_date)} PARTITION OF collector.call "
            f"FOR VALUES FROM ('{receive_date}') TO ('{receive_date + timedelta(days=1)}')"
        )
    )


class PartitionStore:
    """Partitions of collector.call. Remembers those it has seen and nobody drops, so that asking again costs nothing."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._known: set[date] = set()

    async def ensure(self, receive_date: date) -> None:
        """Makes the partition of that day if it is not there."""
        remembered_from = datetime.now(UTC).date() - timedelta(days=_REMEMBER_DAYS)
        self._known = {day for day in self._known if day >= remembered_from}
        if receive_date in self._known:
            return
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await create(connection, receive_date)
        self._known.add(receive_date)

    async def drop_before(self, receive_date: date) -> list[date]:
        """Drops the partitions of earlier days and returns those days."""
        async with self._engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            await connection.execute(_DROP_WAIT)
            names = await connection.scalars(
                text(
                    "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                    "WHERE i.inhparent = 'collector.call'::regclass AND c.relname < :name ORDER BY c.relname"
                ),
                {"name": partition_name(receive_date)},
            )
            dropped = [name for name in names if name.startswith(_PREFIX)]
            for name in dropped:
                await connection.execute(text(f"DROP TABLE collector.{name}"))
        return [partition_date(name) for name in dropped]
