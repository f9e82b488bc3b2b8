"""What commands print."""

import pytest
from assay.access.v1.access_service_pb2 import AuditEvent, Key, Role
from assay.collector.v1.collector_service_pb2 import GetLedgerResponse, LedgerDay, RecordKind
from assay.collector.v1.metrics_service_pb2 import StoredCall
from assay.telemetry.v1.call_pb2 import Call, CallOutcome, TokenUsage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli.work.ledger import as_account, unaccounted_count
from cli.work.output import as_json, print_table


def test_a_message_becomes_json_with_the_names_of_the_proto() -> None:
    key = Key(key_id="k", roles=[Role.ROLE_READ, Role.ROLE_INSTALLATION_ADMIN], create_time=Timestamp(seconds=1))
    assert as_json(key) == {
        "key_id": "k",
        "project": "",
        "display_name": "",
        "roles": ["READ", "INSTALLATION_ADMIN"],
        "create_time": "1970-01-01T00:00:01Z",
        "expire_time": None,
        "revoke_time": None,
        "calls_per_s_limit": 0,
        "calls_burst_limit": 0,
        "open_streams_limit": 0,
    }


def test_messages_inside_maps_durations_and_unset_fields_are_shown_as_they_are() -> None:
    call = Call(latency=Duration(seconds=1, nanos=500_000_000), labels={"a": "b"}, usage=TokenUsage(input_token_count=2**40))
    shown = as_json(StoredCall(call=call))["call"]
    assert shown["latency"] == "1.500s"
    assert shown["labels"] == {"a": "b"}
    assert shown["usage"]["input_token_count"] == 2**40
    assert shown["time_to_first_token"] is None
    assert shown["cost_usd_nanos"] is None
    assert shown["outcome"] == "UNSPECIFIED"
    assert as_json(AuditEvent(details={"x": "y"}))["details"] == {"x": "y"}


def test_an_enum_value_of_a_newer_version_stays_a_number() -> None:
    call = Call()
    call.MergeFromString(bytes([12 << 3, 99]))
    assert as_json(call)["outcome"] == 99
    assert as_json(Call(outcome=CallOutcome.CALL_OUTCOME_TIMED_OUT))["outcome"] == "TIMED_OUT"


def test_both_kinds_are_among_the_totals_of_an_empty_ledger() -> None:
    account = as_account(GetLedgerResponse())
    assert account["days"] == []
    assert set(account["totals"]) == {"call", "evidence"}
    assert set(account["totals"]["call"].values()) == {0}


def test_what_the_ledger_cannot_account_for_is_counted() -> None:
    day = LedgerDay(
        date="2026-01-01",
        kind=RecordKind.RECORD_KIND_CALL,
        received_count=15,
        stored_count=5,
        rejected_count=4,
        duplicate_count=3,
        dead_lettered_count=2,
        in_flight_count=1,
        client_dropped_count=7,
        too_late_count=8,
    )
    (shown,) = as_account(GetLedgerResponse(days=[day], totals=[day]))["days"]
    assert (shown["date"], shown["kind"]) == ("2026-01-01", "call")
    assert unaccounted_count(shown) == 0
    assert unaccounted_count({**shown, "received_count": 16}) == 1


def test_a_table_shows_every_kind_of_value(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("number", "text", "flag", "none", "list"), [(1_234_567, "[bold]", True, None, ["a", "b"])], empty="nothing")
    printed = capsys.readouterr().out
    for text in ("number", "1,234,567", "[bold]", "yes", " - ", "a, b"):
        assert text in printed


def test_a_table_without_rows_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("a",), [], empty="there are none")
    assert capsys.readouterr().out == "there are none\n"
