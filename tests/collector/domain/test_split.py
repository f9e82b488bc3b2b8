"""A batch is split by its content, into parts that the bus takes."""

import itertools

import numpy as np
from assay.events.v1 import ingest_pb2
from hypothesis import given
from hypothesis import strategies as st

from services.collector.domain import limits
from services.collector.domain.split import call_bytes, split_calls, split_items
from services.collector.messages.call_message import fill_calls, fill_prices
from services.collector.prices import PriceBook
from services.collector.pricing import model_names, price_calls
from tests.collector.ingest_samples import call, columns_of


@given(st.lists(st.integers(0, 2 * limits.PART_BYTES_MAX), max_size=50))
def test_parts_cover_the_batch_and_are_small(sizes: list[int]) -> None:
    parts = split_items(sizes)
    assert parts[0].start == 0
    assert parts[-1].stop == len(sizes)
    assert all(before.stop == after.start for before, after in itertools.pairwise(parts))
    for part in parts:
        of_part = sizes[part]
        assert len(of_part) <= 1 or sum(of_part) <= limits.PART_BYTES_MAX


def test_no_part_has_more_calls_than_allowed() -> None:
    parts = split_items(np.ones(2_500, np.int64))
    assert [part.stop - part.start for part in parts] == [1_000, 1_000, 500]


def test_an_empty_batch_is_one_empty_part() -> None:
    assert split_calls(columns_of()) == [slice(0, 0)]


def test_calls_with_the_longest_texts_fit_their_message() -> None:
    largest = call(
        call_id="x" * 64,
        task_id="x" * 64,
        **dict.fromkeys(("provider", "model", "task_type", "prompt_name", "prompt_version", "agent", "error_type"), "x" * 128),
        labels={f"{key:0128}": "x" * 1_024 for key in range(16)},
        ranking_id="x" * 64,
        selection_ratio=0.5,
        cost_usd_nanos=10**15,
    )
    calls = columns_of(*[largest] * 100)
    part = calls.take(np.arange(100)[split_calls(calls)[0]])
    message = ingest_pb2.IngestMessage(batch_id="x" * 64)
    fill_calls(message.calls, part)
    fill_prices(message.calls, price_calls(PriceBook(), part, model_names(part)), PriceBook.version)
    assert message.ByteSize() <= limits.PART_BYTES_MAX
    assert call_bytes(part).sum() <= limits.PART_BYTES_MAX


@given(
    st.lists(
        st.builds(
            call,
            call_id=st.text(max_size=9),
            task_id=st.text(max_size=9),
            agent=st.text(max_size=3),
            provider=st.text(max_size=9),
            error_type=st.text(max_size=9),
            labels=st.dictionaries(st.text(max_size=3), st.text(max_size=200), max_size=3),
        ),
        max_size=6,
    )
)
def test_the_estimate_is_never_too_small(calls: list[object]) -> None:
    columns = columns_of(*calls)  # type: ignore[arg-type]
    message = ingest_pb2.CallColumns()
    fill_calls(message, columns)
    fill_prices(message, price_calls(PriceBook(), columns, model_names(columns)), "")
    frame = 3 * len(message.DESCRIPTOR.fields)  # tag and length of each column
    assert message.ByteSize() <= call_bytes(columns).sum() + frame
