"""`assay export targets`: where numbers are sent to."""

from assay.collector.v1.export_service_pb2 import EXPORT_TARGET_KIND_WINDOWS, ExportTarget

from cli.work.exporting.targets import _row
from tests.cli.suite import Suite


def test_without_targets_it_says_how_to_name_some(suite: Suite) -> None:
    assert suite.assay("export", "targets", "--json").json == []
    assert "ASSAY_COLLECTOR_EXPORTS_FILE" in suite.assay("export", "targets").stdout


def test_a_target_is_a_row() -> None:
    target = ExportTarget(
        target="influx", kind=EXPORT_TARGET_KIND_WINDOWS, address="https://h/write", is_sending=True, sent_count=3, trouble="HTTP 400"
    )
    target.send_time.FromSeconds(0)
    assert _row(target) == ("influx", "windows", "https://h/write", "at it", "1970-01-01 00:00:00", 3, 0, 0, "HTTP 400")
    assert _row(ExportTarget(target="new"))[3:5] == ("none", None)
