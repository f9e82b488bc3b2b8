"""The records of erasures: what was asked for, how far it is, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from services.collector.domain.erasure import ErasedSubject, ErasureKind

_COLUMNS = (
    "e.project_id, p.project, e.erasure_id, e.kind, e.label_key, e.value, e.fingerprint, e.actor_key_id, e.request_time, e.done_time, "
    "e.pass_count, e.wait_incarnation, e.wait_sequence, e.task_ids, e.call_count, e.task_count, e.evidence_count "
    "FROM collector.erasure e JOIN collector.project p USING (project_id)"
)
_ADD = text(
    "INSERT INTO collector.erasure (project_id, erasure_id, kind, label_key, value, fingerprint, actor_key_id, request_time, due_time, "
    "pass_count, wait_incarnation, wait_sequence, task_ids, call_count, task_count, evidence_count) "
    "VALUES (:project_id, :erasure_id, :kind, :label_key, :value, :fingerprint, :actor_key_id, now(), now(), 0, '', 0, '{}', 0, 0, 0) "
    "ON CONFLICT DO NOTHING RETURNING 1"
)
_GET = text(f"SELECT {_COLUMNS} WHERE e.project_id = :project_id AND e.erasure_id = :erasure_id")
_DUE = text(f"SELECT {_COLUMNS} WHERE e.due_time <= now() ORDER BY e.due_time")
_REMEMBER = text(
    "UPDATE collector.erasure SET task_ids = CAST(:task_ids AS text[]) WHERE project_id = :project_id AND erasure_id = :erasure_id"
)
_AGAIN = text(
    "UPDATE collector.erasure SET pass_count = 1, due_time = now() + CAST(:after AS interval), wait_incarnation = :incarnation, "
    "wait_sequence = :sequence WHERE project_id = :project_id AND erasure_id = :erasure_id"
)
_END = text(
    "UPDATE collector.erasure SET pass_count = 2, due_time = NULL, done_time = now(), value = '', label_key = '', task_ids = '{}' "
    "WHERE project_id = :project_id AND erasure_id = :erasure_id AND done_time IS NULL RETURNING 1"
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure. `value`, `label_key` and `task_ids` are empty when it is over."""

    project_id: int
    project: str
    erasure_id: str
    kind: int
    label_key: str
    value: str
    fingerprint: str
    actor_key_id: str
    request_time: datetime
    done_time: datetime | None
    pass_count: int
    wait_incarnation: str
    wait_sequence: int
    task_ids: Sequence[str]
    call_count: int
    task_count: int
    evidence_count: int

    @property
    def key(self) -> tuple[int, str]:
        """What it is found by."""
        return self.project_id, self.erasure_id

    @property
    def subject(self) -> ErasedSubject:
        """What it is about, while that is known."""
        return ErasedSubject(ErasureKind(self.kind), self.value, self.label_key)


async def add(connection: AsyncConnection, project_id: int, erasure_id: str, subject: ErasedSubject, actor: str) -> bool:
    """Notes what is asked for; False where there is an erasure of that id already."""
    values = {
        "project_id": project_id,
        "erasure_id": erasure_id,
        "kind": int(subject.kind),
        "label_key": subject.key,
        "value": subject.value,
        "fingerprint": subject.fingerprint,
        "actor_key_id": actor,
    }
    return (await connection.execute(_ADD, values)).one_or_none() is not None


async def get(connection: AsyncConnection, project_id: int, erasure_id: str) -> Erasure | None:
    """The erasure of that id, None if there is none."""
    row = (await connection.execute(_GET, {"project_id": project_id, "erasure_id": erasure_id})).one_or_none()
    return None if row is None else Erasure(*row)


async def due(engine: AsyncEngine) -> list[Erasure]:
    """Those whose next pass is due, the longest waiting first."""
    async with engine.connect() as connection:
        return [Erasure(*row) for row in await connection.execute(_DUE)]


async def remember(engine: AsyncEngine, key: tuple[int, str], task_ids: Sequence[str]) -> None:
    """Notes which tasks it is about, before their calls are gone, by which alone they are found."""
    async with engine.begin() as connection:
        await connection.execute(_REMEMBER, {"task_ids": list(task_ids), **_key(key)})


async def do_again(engine: AsyncEngine, key: tuple[int, str], after: timedelta, place: tuple[str, int]) -> None:
    """Notes that all that was stored is erased; after that time, and when the stream is stored up to a place, it is to be done again."""
    incarnation, sequence = place
    async with engine.begin() as connection:
        await connection.execute(_AGAIN, {"after": after, "incarnation": incarnation, "sequence": sequence, **_key(key)})


async def end(connection: AsyncConnection, key: tuple[int, str]) -> bool:
    """Notes that it is over, and forgets what it was about; False if it was over before."""
    return (await connection.execute(_END, _key(key))).one_or_none() is not None


def _key(key: tuple[int, str]) -> dict[str, object]:
    return {"project_id": key[0], "erasure_id": key[1]}
