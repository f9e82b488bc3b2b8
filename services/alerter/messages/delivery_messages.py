"""Documents to deliver and what became of deliveries, as the contract has them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from assay.alerter.v1 import receiver_service_pb2 as contract
from google.protobuf.duration_pb2 import Duration

from kit import paging
from kit.errors import invalid
from services.alerter.domain.notification.delivery import (
    Attachment,
    AttemptResult,
    DeliveryState,
    Document,
    Refused,
    Result,
    Retry,
    check_document,
    shown_detail,
)
from services.alerter.messages.alert_messages import timestamp
from services.alerter.messages.limits import text_of
from services.alerter.messages.silence_messages import id_of
from services.alerter.store.deliveries import Attempt, NewDelivery, StoredDelivery

RECEIVERS_MAX = 50
_BYTES_MAX = 4_000_000  # the domain is stricter


def document_from_message(request: contract.DeliverRequest) -> tuple[Document, tuple[Attachment, ...]]:
    """The document, and what comes with it. Raises FIELD_INVALID."""
    document = Document(*(text_of(getattr(request, name), name, _BYTES_MAX) for name in ("subject", "text", "html")))
    attachments = tuple(Attachment(each.name, each.content_type, each.content) for each in request.attachments)
    check_document(document, attachments)
    return document, attachments


def new_deliveries(
    request: contract.DeliverRequest, project: str, document: Document, attachments: Sequence[Attachment]
) -> list[NewDelivery]:
    """A delivery for each receiver, whose id is the same whenever the same is asked for. Raises FIELD_INVALID."""
    chosen = id_of(request.delivery_id, "delivery_id")
    receivers = list(dict.fromkeys(request.receiver_ids))
    if not 1 <= len(receivers) <= RECEIVERS_MAX:
        raise invalid("receiver_ids", f"there are 1 to {RECEIVERS_MAX}")
    content = hashlib.blake2b(digest_size=16)
    for part in (document.subject.encode(), document.text.encode(), document.html.encode(), *(each.content for each in attachments)):
        content.update(len(part).to_bytes(8) + part)
    return [
        NewDelivery(
            delivery_id=hashlib.blake2b(f"{project}\n{chosen}\n{receiver}".encode(), digest_size=16).hexdigest(),
            receiver_id=receiver,
            thread="",
            number=0,
            title=document.subject,
            content=document,
            content_hash=content.hexdigest(),
        )
        for receiver in receivers
    ]


def delivery_to_message(delivery: StoredDelivery, attempts: Sequence[Attempt]) -> contract.Delivery:
    """A delivery with its tries."""
    return contract.Delivery(
        delivery_id=delivery.delivery_id,
        receiver_id=delivery.receiver_id,
        group_id=delivery.thread,
        number=delivery.number,
        title=delivery.title,
        state=contract.DeliveryState.ValueType(delivery.state.value),
        create_time=timestamp(delivery.create_time),
        due_time=timestamp(delivery.due_time) if delivery.state is DeliveryState.WAITING else None,
        end_time=timestamp(delivery.end_time),
        attempts=map(_attempt, attempts),
    )


def _attempt(attempt: Attempt) -> contract.DeliveryAttempt:
    return contract.DeliveryAttempt(
        attempt=attempt.attempt,
        start_time=timestamp(attempt.start_time),
        elapsed=None if attempt.elapsed_s is None else duration(attempt.elapsed_s),
        result=contract.ATTEMPT_RESULT_UNSPECIFIED if attempt.result is None else contract.AttemptResult.ValueType(attempt.result.value),
        detail=attempt.detail,
    )


def sample_to_message(result: Result, elapsed_s: float) -> contract.TestReceiverResponse:
    """What became of a sample."""
    kind = (
        AttemptResult.REFUSED if isinstance(result, Refused) else AttemptResult.RETRY if isinstance(result, Retry) else AttemptResult.SENT
    )
    detail = result.reason if isinstance(result, Refused | Retry) else result.detail
    return contract.TestReceiverResponse(
        result=contract.AttemptResult.ValueType(kind.value), detail=shown_detail(detail), elapsed=duration(elapsed_s)
    )


def duration(seconds: float) -> Duration:
    """Seconds as the contract has them."""
    message = Duration()
    message.FromTimedelta(timedelta(seconds=seconds))
    return message


def delivery_token(last: StoredDelivery, query: str) -> str:
    """The token of the page behind this delivery."""
    return paging.encode_token(query, [last.create_time.isoformat(), last.delivery_id])


def delivery_position(token: str, query: str) -> tuple[datetime, str] | None:
    """The time and id behind which a page of deliveries begins. Raises PAGE_TOKEN_INVALID."""
    if not token:
        return None
    match paging.decode_token(token, query):
        case [str(time), str(delivery_id)]:
            try:
                found = datetime.fromisoformat(time)
            except ValueError:
                pass
            else:
                if found.tzinfo is not None:
                    return found, delivery_id
    raise invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
