"""Values as exports write them - texts, numbers, JSON within a cell - to what a call of the contract has."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from assay.telemetry.v1.call_pb2 import TokenUsage
from genai_prices.data_snapshot import get_snapshot
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.importing.rows import Values

ID_BYTES_MAX: Final = 64  # the contract's; longer ids are told by their hash, so that a repeat still is one
NANOS_PER_USD: Final = 10**9
_US_PER_S: Final = 1_000_000
_S_PER_DAY: Final = 86_400
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - a time that names no zone is UTC
_EPOCH_UTC: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Numbers of this size and more are milliseconds, microseconds or nanoseconds since 1970: as seconds they are beyond the year 5000.
_SECONDS_MAX: Final = 10**11
_MODELS_REMEMBERED_MAX: Final = 10_000


class Skipped(Exception):  # noqa: N818 - not an error: the row is none to import, and the reason is told
    """This row is no call, or does not tell enough of one."""


def found(values: Values, path: str) -> Any:
    """What stands at a path such as `metadata.team`, through objects and JSON written as text; None if nothing does."""
    if path in values or "." not in path:
        return values.get(path)
    name, _, rest = path.partition(".")
    return found(parsed(values.get(name)), rest)


def parsed(value: Any) -> Mapping[str, Any]:
    """An object, be it written as text; an empty one for anything else."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str:
    """A value as text; empty for None and for what is a list or an object."""
    if type(value) is str:  # nearly all are, and this is asked a dozen times a row
        return value.strip()
    return "" if value is None or isinstance(value, list | dict) else str(value).strip()


@dataclass(frozen=True, slots=True)
class Choices:
    """What is asked for beside the export itself. Empty: as the export has it.

    `task_type_field` and `labels` name fields of the rows; a dot leads into JSON, such as `metadata.team`.
    """

    task_type: str = ""
    task_type_field: str = ""
    provider: str = ""
    labels: tuple[str, ...] = ()
    is_repriced: bool = False

    def task_type_of(self, values: Values) -> str:
        """The task type that is asked for; empty where it is the export's to say."""
        return self.task_type or (text(found(values, self.task_type_field)) if self.task_type_field else "")

    def labels_of(self, values: Values, further: Sequence[str] = ()) -> dict[str, str]:
        """The labels that the row has."""
        return {path: told for path in (*self.labels, *further) if (told := text(found(values, path)))}


def number(value: Any) -> float | None:
    """A finite number, also where a text tells it. Raises Skipped for a text that is none; None for an empty one."""
    if value is None or value == "":
        return None
    try:
        told = float(value)
    except (TypeError, ValueError):
        raise Skipped("a number that is none") from None
    if told - told != 0:
        raise Skipped("a number that is none")
    return told


def count(value: Any) -> int:
    """A whole number; 0 where there is none."""
    return value if type(value) is int else round(number(value) or 0)


def moment_us(value: Any) -> int | None:
    """An instant in microseconds since 1970: ISO 8601, in UTC where it names no zone, or a number since 1970. None where there is none.

    Raises Skipped for anything else.
    """
    if isinstance(value, str) and value and not value.replace(".", "", 1).isdecimal():
        try:
            return _unix_us(datetime.fromisoformat(value.strip().removesuffix(" UTC")))
        except ValueError:
            raise Skipped("a time that is none") from None
    if isinstance(value, datetime):
        return _unix_us(value)
    since = number(value)
    if since is None:
        return None
    while since >= _SECONDS_MAX:
        since /= 1_000
    return round(since * _US_PER_S)


def duration(length_us: int) -> Duration:
    """A duration of the contract; one below zero is left for the collector to refuse."""
    seconds, rest = divmod(abs(length_us), _US_PER_S)
    sign = -1 if length_us < 0 else 1
    return Duration(seconds=sign * seconds, nanos=sign * rest * 1_000)


def timestamp(unix_us: int) -> Timestamp:
    """A time of the contract."""
    return Timestamp(seconds=unix_us // _US_PER_S, nanos=unix_us % _US_PER_S * 1_000)


def short_id(name: str) -> str:
    """An id that the contract takes: itself, or its hash where it is too long or holds U+0000."""
    return name if len(name.encode(errors="replace")) <= ID_BYTES_MAX and "\0" not in name else hash_id(name)


def hash_id(content: str) -> str:
    """An id that is the same whenever the content is."""
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()


def usage(
    *, input_count: int, output_count: int, cache_read_count: int = 0, cache_write_count: int = 0, reasoning_count: int = 0
) -> TokenUsage:
    """Tokens as the contract counts them: cache inside input, reasoning inside output.

    Where the cache has more than the input, the source told three counts that exclude each other, as Anthropic does; they are summed.
    """
    cached = cache_read_count + cache_write_count
    return TokenUsage(
        input_token_count=input_count if input_count >= cached else input_count + cached,
        output_token_count=output_count if output_count >= reasoning_count else output_count + reasoning_count,
        cache_read_token_count=cache_read_count,
        cache_write_token_count=cache_write_count,
        reasoning_token_count=reasoning_count,
    )


@lru_cache(_MODELS_REMEMBERED_MAX)
def provider_of(model: str) -> str:
    """Whose model this is by its name, as the price table knows it; empty where it does not."""
    try:
        return get_snapshot().find_provider(model, None, None).id
    except LookupError:
        return ""


def _unix_us(told: datetime) -> int:
    since = told - (_EPOCH if told.tzinfo is None else _EPOCH_UTC)
    return (since.days * _S_PER_DAY + since.seconds) * _US_PER_S + since.microseconds
