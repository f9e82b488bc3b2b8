"""Gathering records into batches."""

from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence
from hypothesis import given
from hypothesis import strategies as st

from cli.work.batches import BATCH_BYTES_MAX, BATCH_RECORDS_MAX, Batch, Batcher
from cli.work.records import Record


def record(number: int, *, is_evidence: bool = False, line_bytes: int = 300) -> Record:
    message = Evidence(evidence_id=str(number)) if is_evidence else Call(call_id=str(number))
    return Record(number, line_bytes, message)


def gathered(records: list[Record]) -> list[Batch]:
    batcher = Batcher("default")
    return [batch for each in records for batch in batcher.add(each)] + list(batcher.rest())


def ids(batch: Batch) -> list[str]:
    if isinstance(batch.request, RecordCallsRequest):
        return [call.call_id for call in batch.request.calls]
    return [evidence.evidence_id for evidence in batch.request.evidence]


def test_a_batch_is_full_at_its_limit_and_the_rest_comes_last() -> None:
    batches = gathered([record(number) for number in range(2 * BATCH_RECORDS_MAX + 1)])
    assert [len(batch.line_numbers) for batch in batches] == [BATCH_RECORDS_MAX, BATCH_RECORDS_MAX, 1]
    assert all(batch.request.project == "default" for batch in batches)


def test_calls_and_evidence_go_into_batches_of_their_own() -> None:
    batches = gathered([record(number, is_evidence=number % 2 == 1) for number in range(10)])
    assert [type(batch.request) for batch in batches] == [RecordCallsRequest, RecordEvidenceRequest]


def test_a_line_that_would_make_a_batch_too_long_begins_the_next_one() -> None:
    batches = gathered([record(1, line_bytes=10), record(2, line_bytes=BATCH_BYTES_MAX), record(3, line_bytes=10)])
    assert [batch.line_numbers for batch in batches] == [[1], [2], [3]]


records = st.lists(st.tuples(st.booleans(), st.integers(1, BATCH_BYTES_MAX)), max_size=60)


@given(records)
def test_every_record_is_in_exactly_one_batch_in_order_and_no_batch_is_too_large(kinds: list[tuple[bool, int]]) -> None:
    made = [record(number, is_evidence=kind, line_bytes=size) for number, (kind, size) in enumerate(kinds)]
    batches = gathered(made)
    for kind, request in ((False, RecordCallsRequest), (True, RecordEvidenceRequest)):
        sent = [each for batch in batches if isinstance(batch.request, request) for each in ids(batch)]
        assert sent == [str(number) for number, (is_evidence, _) in enumerate(kinds) if is_evidence is kind]
    for batch in batches:
        assert ids(batch) == [str(number) for number in batch.line_numbers]
        assert len(batch.line_numbers) == 1 or sum(kinds[number][1] for number in batch.line_numbers) <= BATCH_BYTES_MAX
    assert len({batch.batch_id for batch in batches}) == len(batches)
