"""The columns of an ingest message as calls again."""

import struct
from collections.abc import Iterator, Sequence

from assay.events.v1.ingest_pb2 import CallColumns
from assay.telemetry.v1.call_pb2 import CallOutcome

from cli.work.output import Json

_SERIES = ("provider", "model", "task_type", "prompt_name", "prompt_version")
# Columns of numbers in which -1 says that there is none, and how they are packed.
_NUMBERS = {
    "start_unix_us": "q",
    "latency_us": "q",
    "first_token_us": "q",
    "outcome": "B",
    "input_token_count": "i",
    "output_token_count": "i",
    "cache_read_token_count": "i",
    "cache_write_token_count": "i",
    "reasoning_token_count": "i",
    "cost_usd_nanos": "q",
    "price_origin": "B",
    "revision_count": "i",
}


def calls_of(columns: CallColumns) -> Iterator[Json]:
    """Each call as an object with the columns' names. Raises ValueError where the columns do not fit together."""
    count = len(columns.call_ids)
    series = _unpacked(columns.series_index, "H", count)
    texts = {
        "task_id": _texts(columns.task_ids, columns.task_index, count),
        "agent": _texts(columns.agents, columns.agent_index, count),
        "error_type": _texts(columns.error_types, columns.error_type_index, count),
    }
    numbers = {name: _unpacked(getattr(columns, name), form, count) for name, form in _NUMBERS.items()}
    extras = {extra.index: extra for extra in columns.extras}
    for place, call_id in enumerate(columns.call_ids):
        call: Json = {"call_id": call_id, **dict(zip(_SERIES, columns.series[series[place]].split("\0"), strict=True))}
        call |= {name: column[place] for name, column in texts.items()}
        call |= {name: None if column[place] == -1 else column[place] for name, column in numbers.items()}
        call["outcome"] = CallOutcome.Name(numbers["outcome"][place]).removeprefix("CALL_OUTCOME_")  # type: ignore[arg-type]
        call["price_version"] = columns.price_version
        if extra := extras.get(place):
            ratio = extra.selection_ratio if extra.HasField("selection_ratio") else None
            call |= {"labels": dict(extra.labels), "ranking_id": extra.ranking_id, "selection_ratio": ratio}
        yield call


def _unpacked(packed: bytes, form: str, count: int) -> Sequence[int]:
    try:
        return struct.unpack(f"<{count}{form}", packed)
    except struct.error as error:
        raise ValueError(f"a column does not have {count} values") from error


def _texts(distinct: Sequence[str], index: bytes, count: int) -> list[str]:
    return ["" if place < 0 else distinct[place] for place in _unpacked(index, "i", count)]
