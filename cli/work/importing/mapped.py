"""Any CSV or JSON lines as calls, by a file that says which column is what."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import yaml
from assay.telemetry.v1.call_pb2 import Call, CallOutcome
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cli.work.importing.fields import (
    NANOS_PER_USD,
    Choices,
    Skipped,
    count,
    duration,
    found,
    hash_id,
    moment_us,
    number,
    provider_of,
    short_id,
    text,
    timestamp,
    usage,
)
from cli.work.importing.rows import Values
from kit.errors import AssayError, Kind

FILE_BYTES_MAX = 256 * 1024
_UNITS_US = {"s": 1e6, "ms": 1e3}
_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")
_PREFIX = "CALL_OUTCOME_"

FieldName: TypeAlias = Literal[
    "call_id", "task_id", "start_time", "end_time", "latency_s", "latency_ms", "first_token_time", "time_to_first_token_s",
    "time_to_first_token_ms", "provider", "model", "task_type", "agent", "prompt_name", "prompt_version", "outcome", "error_type",
    "input_token_count", "output_token_count", "cache_read_token_count", "cache_write_token_count", "reasoning_token_count", "cost_usd",
    "revision_count",
]  # fmt: skip
OutcomeName: TypeAlias = Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "RATE_LIMITED", "REFUSED", "CANCELLED"]


class Mapped(BaseModel):
    """A mapping file: `columns` says in which column a field stands, `values` what is the same for all rows.

    `outcomes` translates the words of the outcome's column; a row with a word that is not among them is skipped. Without such a column,
    a call with an error type FAILED and another one SUCCEEDED.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: dict[FieldName, Annotated[str, Field(min_length=1)]]
    values: dict[FieldName, str | int | float] = {}
    outcomes: dict[str, OutcomeName] = {}
    labels: tuple[str, ...] = ()


def read_mapping(path: Path) -> Mapped:
    """The mapping of a YAML file. Raises MAPPING_INVALID with where and what is wrong."""
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise _wrong(path, f"larger than {FILE_BYTES_MAX:,} bytes")
        return Mapped.model_validate(yaml.safe_load(path.read_text()))
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(path, f"{'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from error
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise _wrong(path, str(error)) from error


class AnyRows:
    """Reads rows by a mapping."""

    sender = "csv-import"

    def __init__(self, mapping: Mapped, choices: Choices) -> None:
        self._mapping = mapping
        self._choices = choices

    def calls(self, row: Values) -> Iterator[Call]:
        """The row's one call. Raises Skipped where it is none."""
        told: dict[str, Any] = dict(self._mapping.values)  # type: ignore[arg-type]  # names of fields are texts
        for field, column in self._mapping.columns.items():
            value = found(row, column)
            if value not in (None, ""):
                told[field] = value
        start_us = moment_us(told.get("start_time"))
        if start_us is None:
            raise Skipped("no start_time")
        latency_us = _length_us(told, "latency", moment_us(told.get("end_time")), start_us)
        if latency_us is None:
            raise Skipped("neither latency nor end_time")
        model = text(told.get("model"))
        call = Call(
            # Without an id, a row is known by all that it says: the same row again is the same call.
            call_id=short_id(text(told.get("call_id"))) or hash_id(str(sorted(row.items()))),
            task_id=short_id(text(told.get("task_id"))),
            start_time=timestamp(start_us),
            latency=duration(latency_us),
            provider=text(told.get("provider")).lower() or self._choices.provider or provider_of(model),
            model=model,
            task_type=self._choices.task_type_of(row) or text(told.get("task_type")),
            agent=text(told.get("agent")),
            prompt_name=text(told.get("prompt_name")),
            prompt_version=text(told.get("prompt_version")),
            outcome=self._outcome(told),
            error_type=text(told.get("error_type")),
            labels=self._choices.labels_of(row, self._mapping.labels),
        )
        first_us = _length_us(told, "time_to_first_token", moment_us(told.get("first_token_time")), start_us)
        if first_us is not None:
            call.time_to_first_token.CopyFrom(duration(first_us))
        self._take_numbers(call, told)
        yield call

    def _outcome(self, told: Mapping[str, Any]) -> CallOutcome.ValueType:
        word = text(told.get("outcome"))
        if not word:
            return CallOutcome.Value(f"{_PREFIX}{'FAILED' if told.get('error_type') else 'SUCCEEDED'}")
        name = _PREFIX + self._mapping.outcomes.get(word, word).upper()
        if name not in CallOutcome.DESCRIPTOR.values_by_name:
            raise Skipped(f"the outcome {word[:40]!r}, which the mapping does not translate")
        return CallOutcome.Value(name)

    def _take_numbers(self, call: Call, told: Mapping[str, Any]) -> None:
        tokens = {f"{name}_count": count(told.get(f"{name}_token_count")) for name in _TOKENS}
        if any(f"{name}_token_count" in told for name in _TOKENS):
            call.usage.CopyFrom(usage(**tokens))
        cost_usd = number(told.get("cost_usd"))
        if cost_usd is not None and not self._choices.is_repriced:
            call.cost_usd_nanos = round(cost_usd * NANOS_PER_USD)
        if "revision_count" in told:
            call.revision_count = count(told["revision_count"])


def _length_us(told: Mapping[str, Any], name: str, until_us: int | None, start_us: int) -> int | None:
    """A length of time, told in seconds, in milliseconds, or by the instant at which it ended."""
    for unit, unit_us in _UNITS_US.items():
        length = number(told.get(f"{name}_{unit}"))
        if length is not None:
            return round(length * unit_us)
    return None if until_us is None else until_us - start_us


def _wrong(path: Path, what: str) -> AssayError:
    return AssayError(Kind.INVALID_ARGUMENT, "MAPPING_INVALID", f"{path}: {what}")
