"""Reading calls and evidence from JSON lines."""

import gzip
import io
import json
from pathlib import Path

import pytest
from assay.telemetry.v1.call_pb2 import Call
from assay.telemetry.v1.evidence_pb2 import Evidence
from hypothesis import given
from hypothesis import strategies as st

from cli.work.records import LINE_BYTES_MAX, BadLine, Record, open_source, read_records
from kit.errors import AssayError
from tests.cli.samples import call, evidence


def read(content: bytes) -> list[Record | BadLine]:
    return list(read_records(io.BytesIO(content)))


def test_both_spellings_of_field_names_mean_the_same() -> None:
    snake = b'{"call_id":"a","task_type":"t","usage":{"input_token_count":"5"},"cost_usd_nanos":7}\n'
    camel = b'{"callId":"a","taskType":"t","usage":{"inputTokenCount":5},"costUsdNanos":"7"}\n'
    first, second = read(snake + camel)
    assert isinstance(first, Record)
    assert isinstance(second, Record)
    assert first.message == second.message
    assert isinstance(first.message, Call)
    assert (first.message.usage.input_token_count, first.message.cost_usd_nanos) == (5, 7)


@pytest.mark.parametrize("name", ["evidence_id", "evidenceId"])
def test_a_line_with_an_evidence_id_is_evidence(name: str) -> None:
    (record,) = read(json.dumps({name: "e", "call_id": "c"}).encode())
    assert isinstance(record, Record)
    assert record.message == Evidence(evidence_id="e", call_id="c")


def test_the_time_of_a_record_is_when_it_happened() -> None:
    lines = [{"call_id": "c", "start_time": "1970-01-01T00:00:05Z"}, {"evidence_id": "e", "observe_time": "1970-01-01T00:00:07Z"}]
    records = read("\n".join(map(json.dumps, lines)).encode())
    assert [record.time.seconds for record in records if isinstance(record, Record)] == [5, 7]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Expecting property name"),
        (b"[1]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"call_id":"a","nonsense":1}', 'no field named "nonsense"'),
        (b'{"call_id":5}', "call_id"),
        (b'{"call_id":"\xff"}', "utf-8"),
        (b'{"call_id":"\\ud800"}', "call_id"),
        (b'{"start_time":"yesterday"}', "start_time"),
        (b'{"outcome":"CALL_OUTCOME_GREAT"}', "CALL_OUTCOME_GREAT"),
        (b'{"cost_usd_nanos":99999999999999999999}', "cost_usd_nanos"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_a_bad_line_is_told_and_the_next_one_is_read(line: bytes, reason: str) -> None:
    bad, good = read(line + b'\n{"call_id":"good"}\n')
    assert isinstance(bad, BadLine)
    assert bad.line_number == 1
    assert reason.lower() in bad.reason.lower()
    assert isinstance(good, Record)
    assert good.line_number == 2


def test_blank_lines_are_nothing_but_are_counted() -> None:
    (record,) = read(b'\n  \r\n{"call_id":"a"}\n\n')
    assert record.line_number == 3


def test_a_line_that_no_batch_could_hold_is_skipped_without_being_held() -> None:
    bad, good = read(b'{"call_id":"' + b"x" * (LINE_BYTES_MAX + 300_000) + b'"}\n{"call_id":"a"}')
    assert bad == BadLine(1, "longer than 8,388,608 bytes")
    assert isinstance(good, Record)


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b" "))))
def test_every_line_that_is_not_blank_gives_exactly_one_answer(lines: list[bytes]) -> None:
    numbers = [record.line_number for record in read(b"\n".join(lines))]
    assert numbers == [number for number, line in enumerate(lines, 1) if line and not line.isspace()]


@pytest.mark.parametrize("compressed", [False, True])
def test_compression_is_known_by_the_content(tmp_path: Path, compressed: bool) -> None:
    content = b"".join(json.dumps(each).encode() + b"\n" for each in (call("a"), evidence("e", "a")))
    file = tmp_path / "calls"
    file.write_bytes(gzip.compress(content) if compressed else content)
    with open_source(file) as source:
        assert source.size_bytes == file.stat().st_size
        assert [type(record.message) for record in read_records(source.lines) if isinstance(record, Record)] == [Call, Evidence]
        assert source.position_bytes() == source.size_bytes


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with open_source(tmp_path / "empty") as source:
        assert list(read_records(source.lines)) == []


def test_what_was_before_the_damage_of_a_file_is_read(tmp_path: Path) -> None:
    lines = b"".join(b'{"call_id":"%d"}\n' % number for number in range(100_000))
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(lines)[:-10_000])
    read_count = 0
    with open_source(file) as source:
        records = read_records(source.lines)
        with pytest.raises(AssayError, match="damaged after line") as caught:  # noqa: PT012 - it comes after many good ones
            for _ in records:
                read_count += 1
    assert caught.value.reason == "FILE_DAMAGED"
    assert 0 < read_count < 100_000


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssayError, match=r"nothing\.jsonl: No such file") as caught, open_source(tmp_path / "nothing.jsonl"):
        pass
    assert caught.value.reason == "FILE_UNREADABLE"
