"""Series, filters and times of requests, and of answers."""

from collections.abc import Iterable
from datetime import UTC, datetime

from assay.collector.v1.metrics_service_pb2 import SeriesFilter
from assay.collector.v1.metrics_service_pb2 import SeriesKey as KeyMessage
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import Scope, SeriesKey

# Of a series' texts, as the collector has it.
TEXT_BYTES_MAX = 256
# Values of one filter, across all its dimensions.
FILTER_VALUES_MAX = 1_000
# The latest second of a four-digit year, and the earliest since which times are kept.
_SECONDS_MAX = 253_402_300_799
_NANOS_PER_S = 1_000_000_000

Filter = tuple[tuple[str, tuple[str, ...]], ...]


def key_to_message(key: SeriesKey | Scope) -> KeyMessage:
    """A series, or a scope, in which what stands for all is unset."""
    return KeyMessage(**{name: value for name, value in key._asdict().items() if value is not None})


def key_from_message(message: KeyMessage) -> SeriesKey:
    """A series; what is unset is empty. Raises FIELD_INVALID."""
    return SeriesKey(*(_text(f"key.{name}", getattr(message, name)) for name in SeriesKey._fields))


def filter_from_message(message: SeriesFilter) -> Filter:
    """Values by dimension. Raises FIELD_INVALID."""
    chosen = tuple((name, tuple(getattr(message, f"{name}s"))) for name in SeriesKey._fields)
    if sum(len(values) for _, values in chosen) > FILTER_VALUES_MAX:
        raise invalid("filter", f"at most {FILTER_VALUES_MAX} values")
    for name, values in chosen:
        for value in values:
            _text(f"filter.{name}s", value)
    return tuple((name, values) for name, values in chosen if values)


def metric_from_message(value: int) -> Metric:
    """A metric. Raises FIELD_INVALID."""
    try:
        return Metric(value)
    except ValueError:
        raise invalid("metric", "name one of the metrics") from None


def numbers_of(field: str, values: Iterable[int], known: Iterable[int]) -> tuple[int, ...]:
    """Values of an enum, each once. Raises FIELD_INVALID for those that there are not."""
    chosen = tuple(dict.fromkeys(values))
    if not set(chosen) <= set(known) - {0}:
        raise invalid(field, "names a value that there is not")
    return chosen


def time_from_message(message: Message, field: str) -> datetime | None:
    """A time of a request, None where it is unset. Raises FIELD_INVALID."""
    if not message.HasField(field):
        return None
    stamp: Timestamp = getattr(message, field)
    if not 0 <= stamp.seconds <= _SECONDS_MAX or not 0 <= stamp.nanos < _NANOS_PER_S:
        raise invalid(field, "must be a time from 1970 on")
    return datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=stamp.nanos // 1_000)


def timestamp(time: datetime | float | None) -> Timestamp | None:
    """A time, or seconds since 1970; None stays unset."""
    if time is None:
        return None
    stamp = Timestamp()
    if isinstance(time, datetime):
        stamp.FromDatetime(time)
    else:
        stamp.FromMicroseconds(round(time * 1e6))
    return stamp


def page_token_invalid() -> AssayError:
    """The refusal of a token whose position is none that was given."""
    message = "page_token: not a token of this query; start again without one"
    return AssayError(Kind.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID", message, details={"field": "page_token"})


def checked_text(field: str, text: str, bytes_max: int) -> str:
    """A text that PostgreSQL keeps. Raises FIELD_INVALID."""
    if len(text.encode()) > bytes_max:
        raise invalid(field, f"at most {bytes_max} bytes")
    if "\0" in text:
        raise invalid(field, "leave out the character U+0000")
    return text


def _text(field: str, text: str) -> str:
    return checked_text(field, text, TEXT_BYTES_MAX)
