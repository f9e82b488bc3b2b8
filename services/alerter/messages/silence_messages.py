"""Silences as the contract has them."""

import re
from datetime import UTC, datetime

from assay.alerter.v1 import silence_service_pb2 as contract
from google.protobuf.timestamp_pb2 import Timestamp

from kit import paging
from kit.errors import invalid
from services.alerter.domain.notification.silence import Silence, check_silence
from services.alerter.messages.alert_messages import timestamp
from services.alerter.messages.limits import microseconds_of, text_of
from services.alerter.messages.policy_messages import matchers_of

_CHOSEN_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TEXT_BYTES_MAX = 8_192  # the domain is stricter, and counts characters


def id_of(value: str, field: str) -> str:
    """An id that a caller has chosen. Raises FIELD_INVALID."""
    if not _CHOSEN_ID.fullmatch(value):
        raise invalid(field, "has 1 to 64 of [A-Za-z0-9_.-]")
    return value


def silence_from_message(message: contract.Silence, now: datetime) -> Silence:
    """The silence, from now if it says no start. Raises FIELD_INVALID."""
    silence = Silence(
        silence_id=id_of(message.silence_id, "silence_id"),
        matchers=matchers_of(message.matchers),
        author=text_of(message.author, "author", _TEXT_BYTES_MAX),
        comment=text_of(message.comment, "comment", _TEXT_BYTES_MAX),
        start_time=time_of(message.start_time, "start_time") if message.HasField("start_time") else now,
        end_time=time_of(message.end_time, "end_time"),
    )
    return check_silence(silence, now)


def time_of(message: Timestamp, field: str) -> datetime:
    """A time. Raises FIELD_INVALID."""
    micros = microseconds_of(message, field)
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)


def silence_to_message(silence: Silence, now: datetime) -> contract.Silence:
    """The silence as it is now."""
    return contract.Silence(
        silence_id=silence.silence_id,
        matchers=list(map(str, silence.matchers)),
        author=silence.author,
        comment=silence.comment,
        start_time=timestamp(silence.start_time),
        end_time=timestamp(silence.end_time),
        state=contract.SilenceState.ValueType(silence.state(now).value),
    )


def name_position(token: str, query: str) -> str:
    """The id behind which a page begins; empty for the first page. Raises PAGE_TOKEN_INVALID."""
    position = paging.decode_token(token, query) if token else ""
    if not isinstance(position, str):
        raise invalid("page_token", "not a token of this query; start again without one", "PAGE_TOKEN_INVALID")
    return position
