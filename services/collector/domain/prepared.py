"""What the writer stores in one transaction, with all that can be computed before it begins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from services.collector.domain.batch import CallBatch, MessageInfo, RecordKind, TaskSums, sum_tasks
from services.collector.domain.evidence import Piece
from services.collector.domain.rollup import Windows, rollup_calls


@dataclass(frozen=True, eq=False)
class Prepared:
    """Messages of one or more projects. `windows` and `task_sums` are of all calls, for the usual case that all of them are new."""

    messages: Sequence[MessageInfo]
    calls: CallBatch
    pieces: Sequence[Piece]
    windows: Windows
    task_sums: TaskSums

    @property
    def project_ids(self) -> list[int]:
        """Whose messages they are, ascending."""
        return sorted({message.project_id for message in self.messages})

    @property
    def oldest(self) -> date:
        """The earliest day of receipt."""
        return oldest_of(self.messages)

    def newest_call_receive_us(self, project_id: int) -> int:
        """When the newest calls of a project were received, in microseconds since 1970; 0 if there are none."""
        mine = (message for message in self.messages if message.project_id == project_id and message.kind is RecordKind.CALL)
        return max((int(message.receive_time.timestamp() * 1e6) for message in mine), default=0)


def prepare(messages: Sequence[MessageInfo], calls: CallBatch, pieces: Sequence[Piece]) -> Prepared:
    """Computes what the transaction will need; there must be a message."""
    return Prepared(messages, calls, pieces, rollup_calls(calls.rollup_columns()), sum_tasks(calls))


def oldest_of(messages: Iterable[MessageInfo]) -> date:
    """The earliest day of receipt of messages."""
    return min(message.receive_date for message in messages)
