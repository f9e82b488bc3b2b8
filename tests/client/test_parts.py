"""Ids, and what is read off the wire."""

import time

from assay_client import new_id, time_ordered_id
from assay_client.status import DETAILS_KEY, Details, read_details
from google.protobuf.any_pb2 import Any as Packed
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st

MS = st.integers(0, 2**42 - 1)


@given(MS, MS)
def test_ids_sort_by_time(one_ms: int, other_ms: int) -> None:
    one, other = time_ordered_id(one_ms), time_ordered_id(other_ms)
    assert len(one) == 15 and (one[:7] < other[:7]) == (one_ms < other_ms) and (one[:7] == other[:7]) == (one_ms == other_ms)


def test_ids_are_made_of_what_batch_ids_may_have_and_are_distinct() -> None:
    now_ms = int(time.time() * 1_000)
    ids = {time_ordered_id(now_ms) for _ in range(100_000)}
    assert len(ids) == 100_000
    assert set("".join(ids)) <= set("-_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
    assert new_id() >= time_ordered_id(now_ms)[:7]


def trailers(*details: object) -> tuple[tuple[str, str | bytes], ...]:
    status = Status(code=8, message="a message")
    for each in details:
        packed = Packed()
        packed.Pack(each)  # type: ignore[arg-type]
        status.details.append(packed)
    return (("other", "text"), (DETAILS_KEY, status.SerializeToString()))


@given(st.text(max_size=60), st.integers(0, 10**6), st.integers(0, 999_999_999))
def test_reason_and_delay_are_read_among_other_details(reason: str, seconds: int, nanos: int) -> None:
    delay = RetryInfo()
    delay.retry_delay.seconds, delay.retry_delay.nanos = seconds, nanos
    fields = BadRequest(field_violations=[BadRequest.FieldViolation(field="a", description="b")])
    told = trailers(fields, ErrorInfo(reason=reason, domain="assay", metadata={"reason": "other"}), delay)
    assert read_details(told) == Details(reason, seconds + nanos / 1e9)


def test_where_nothing_is_said_nothing_is_read() -> None:
    assert read_details(()) == read_details((("grpc-message", "text"),)) == read_details(trailers()) == Details()


@given(st.binary(max_size=200))
def test_bytes_that_are_no_status_do_no_harm(content: bytes) -> None:
    assert isinstance(read_details(((DETAILS_KEY, content),)), Details)
