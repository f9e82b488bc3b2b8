"""Taking some of the calls of a batch is as if the others had never been in it."""

from typing import Any

import numpy as np
from assay.events.v1 import ingest_pb2
from assay.telemetry.v1 import call_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain.received import NONE, ReceivedCalls, Times, text_terms
from services.collector.messages.call_message import fill_calls
from tests.collector.ingest_samples import call, columns_of

CALLS = st.builds(
    call,
    task_id=st.sampled_from(["", "t-1", "t-2"]),
    agent=st.sampled_from(["", "a"]),
    model=st.sampled_from(["m", "n"]),
    error_type=st.sampled_from(["", "429"]),
    usage=st.sampled_from([None, {"input_token_count": 3}]),
    ranking_id=st.sampled_from(["", "r"]),
    cost_usd_nanos=st.none() | st.integers(0, 9),
)


def texts(calls: ReceivedCalls) -> list[tuple[bytes, ...]]:
    """The repeating texts of each call, whatever their order in the dictionaries."""
    columns = [
        [terms.distinct[place] if place != NONE else b"" for place in terms.index.tolist()]
        for terms in (calls.tasks, calls.agents, calls.error_types)
    ]
    models = [calls.series.distinct[place][1] for place in calls.series.index.tolist()]
    return list(zip(calls.call_ids, models, *columns, strict=True))


def numbers(calls: ReceivedCalls) -> ingest_pb2.CallColumns:
    """The message of calls without what depends on the order of the dictionaries."""
    message: Any = ingest_pb2.CallColumns()
    fill_calls(message, calls)
    for field in ("series", "task", "agent", "error_type"):
        message.ClearField(f"{field}_index")
    for field in ("series", "task_ids", "agents", "error_types"):
        values = sorted(getattr(message, field))
        message.ClearField(field)
        getattr(message, field).extend(values)
    return message  # type: ignore[no-any-return]


@given(st.lists(CALLS, max_size=6), st.data())
def test_taken_calls_are_as_if_alone(calls: list[call_pb2.Call], data: st.DataObject) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(calls), max_size=len(calls)))
    taken = columns_of(*calls).take(np.flatnonzero(kept))
    alone = columns_of(*(one for one, is_kept in zip(calls, kept, strict=True) if is_kept))
    assert texts(taken) == texts(alone)
    assert numbers(taken) == numbers(alone)


def test_all_of_a_batch_is_the_batch() -> None:
    batch = columns_of(call(), call())
    assert batch.take(np.arange(2)) is batch
    assert len(batch) == 2


def test_a_number_of_each_text_becomes_one_of_each_call() -> None:
    terms = text_terms([b"a", b"", b"bb", b"a"])
    assert terms.of_calls(map(len, terms.distinct)).tolist() == [1, 0, 2, 1]


def test_times_are_rounded_down_and_absurd_ones_do_not_wrap() -> None:
    is_set = np.ones(4, np.bool_)
    seconds = np.array([1, -1, 2**63 - 1, -(2**63)])
    times = Times.of(is_set, seconds, np.array([1_999, 999, -1, 10**9]))
    assert times.microseconds.tolist()[:2] == [1_000_001, -1_000_000]
    assert times.microseconds[2] > 10**17
    assert times.microseconds[3] < -(10**17)
    assert times.is_normal.tolist() == [True, True, False, False]
