"""What is kept of a message that cannot be stored, read from its headers since its payload may be the trouble."""

from datetime import UTC

from services.collector import streams
from services.collector.domain.batch import MessageInfo, RecordKind
from services.collector.intake import Taken
from services.collector.store.writing import DeadLetter

# So much of an error's text is worth keeping.
REASON_LENGTH_MAX = 2_000
# More records than the front puts into a message, or other than digits, is no count.
_COUNT_DIGITS_MAX = 9


def dead_letter(taken: Taken, project_id: int, reason: str) -> DeadLetter:
    """The message as a dead letter of the project, 0 if there is no such project."""
    headers = taken.message.headers or {}
    # project/batch/part/hash, as messages/parts.py makes it.
    _, batch_id, part, *_ = [*headers.get("Nats-Msg-Id", "").split("/"), "", "", ""]
    info = MessageInfo(
        stream_id=taken.stream_id,
        sequence=taken.sequence,
        project_id=project_id,
        batch_id=_text(batch_id)[:200],
        part=_count(part),
        part_count=1,
        receive_time=taken.message.metadata.timestamp.astimezone(UTC),
        kind=RecordKind.EVIDENCE if headers.get(streams.KIND_HEADER) == "evidence" else RecordKind.CALL,
        rejected_count=0,
        client_dropped_count=0,
    )
    record_count = _count(headers.get(streams.COUNT_HEADER, ""))
    return DeadLetter(info, record_count, _text(taken.message.subject), taken.message.data, _text(reason)[:REASON_LENGTH_MAX])


def _count(digits: str) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= _COUNT_DIGITS_MAX else 0


def _text(value: str) -> str:
    """The text as PostgreSQL takes it."""
    return value.replace("\0", "")
