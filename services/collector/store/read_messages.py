"""Reading what became of messages and batches."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.collector.store.reading import snapshot

_MESSAGES = text(
    "SELECT batch_id, part, sequence, receive_time, store_time FROM collector.message WHERE message_id = ANY(:message_ids) "
    "ORDER BY receive_time, sequence"
)
# A batch that was sent again after its repeat is no longer recognised has rows twice; what the second one brought are duplicates.
_BATCHES = text(
    "SELECT batch_id, bool_and(seen_count >= part_count) AS is_complete, sum(stored_count)::bigint, sum(duplicate_count)::bigint, "
    "sum(rejected_count)::bigint, sum(dead_lettered_count)::bigint FROM ("
    "SELECT batch_id, kind, count(DISTINCT part) AS seen_count, max(part_count) AS part_count, sum(stored_count) AS stored_count, "
    "sum(duplicate_count) AS duplicate_count, sum(rejected_count) AS rejected_count, sum(dead_lettered_count) AS dead_lettered_count "
    "FROM collector.message WHERE project_id = :project_id AND batch_id = ANY(:batch_ids) GROUP BY batch_id, kind) kinds "
    "GROUP BY batch_id ORDER BY batch_id"
)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message that was stored, or, with `store_time` None, one that is still in flight."""

    batch_id: str
    part: int
    sequence: int
    receive_time: datetime
    store_time: datetime | None


@dataclass(frozen=True, slots=True)
class BatchRow:
    """What became of a batch's items so far; complete once all of its messages are stored."""

    batch_id: str
    is_complete: bool
    stored_count: int
    duplicate_count: int
    rejected_count: int
    dead_lettered_count: int


async def messages_of(connection: AsyncConnection, message_ids: Sequence[int]) -> list[MessageRow]:
    """The messages of these numbers, as far as they are still known, in the order of receipt."""
    return [MessageRow(*row) for row in await connection.execute(_MESSAGES, {"message_ids": list(message_ids)})]


class BatchReader:
    """Reads batches."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, project_id: int, batch_ids: Sequence[str]) -> list[BatchRow]:
        """Those of the batches of which something is stored, in the order of their ids."""
        async with snapshot(self._engine) as connection:
            rows = await connection.execute(_BATCHES, {"project_id": project_id, "batch_ids": list(batch_ids)})
            return [BatchRow(*row) for row in rows]
