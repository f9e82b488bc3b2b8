"""`assay report` on a running suite."""

import json
from pathlib import Path

from tests.cli.suite import Suite, assay


def test_a_report_is_made_printed_written_and_listed(suite: Suite, tmp_path: Path) -> None:
    made = suite.assay("report", "daily", "--json").json
    assert (made["period"], made["delivery_ids"]) == ("DAILY", [])
    shown = suite.assay("report", "show", made["report_id"]).stdout
    assert shown.startswith(f"# {made['title']}")
    for name, start in (("r.html", "<!"), ("r.md", "#"), ("r.json", "{")):
        file = tmp_path / name
        assert "is in" in suite.assay("report", "show", made["report_id"], "--out", file).stdout
        assert file.read_text().startswith(start)
    assert json.loads((tmp_path / "r.json").read_text())["title"] == made["title"]
    assert made["report_id"] in suite.assay("report", "list").stdout
    weekly = suite.assay("report", "weekly", "--start", "2026-11-18", "--zone", "Europe/Berlin", "--json").json
    assert (weekly["start_time"], weekly["time_zone"]) == ("2026-11-15T23:00:00Z", "Europe/Berlin")
    other = suite.assay("report", "--start", "2026-11-01", "--zone", "Asia/Tokyo", "--end", "2026-11-03T12:00:00Z", "--json").json
    assert (other["period"], other["start_time"], other["end_time"]) == ("UNSPECIFIED", "2026-10-31T15:00:00Z", "2026-11-03T12:00:00Z")
    assert len(suite.assay("report", "list", "--json").json["reports"]) == 3


def test_what_there_can_be_no_report_of_is_told_in_a_line(suite: Suite, tmp_path: Path) -> None:
    for arguments, words in (
        (("daily", "--start", "2100-01-01"), "has not begun"),
        (("daily", "--start", "tomorrow"), "2026-11-20"),
        (("daily", "--zone", "Mars/Olympus"), "zone"),
        (("show", "none"), "no such report"),
        (("show", "none", "--out", tmp_path / "x.doc"), "--format"),
        (("show", "none", "--send", "nobody"), "no such report"),
        (("show", "none", "--format", "csv"), "--out"),
    ):
        refused = suite.assay("report", *arguments)
        assert refused.exit_code == 1 and words in refused.stderr and len(refused.stderr.splitlines()) == 1, refused.stderr
    assert assay("report").exit_code == 2


def test_a_schedule_is_made_listed_and_ended(suite: Suite) -> None:
    said = suite.assay("report", "schedules", "create", "mondays", "--at", "mon 08:00", "--zone", "Europe/Berlin").stdout
    assert said.startswith("mondays is due at ")
    made = suite.assay("report", "schedules", "create", "first", "--cron", "30 8 1 * *", "--period", "daily", "--json").json
    assert (made["cron"], made["period"], made["time_zone"]) == ("30 8 1 * *", "DAILY", "UTC")
    listed = suite.assay("report", "schedules", "list").stdout
    assert "mon 08:00" in listed and "30 8 1 * *" in listed
    assert "not due yet" in suite.assay("report", "schedules", "runs", "mondays").stdout
    for arguments, words in (
        (("--cron", "0 8 31 2 *"), "never be due"),
        (("--at", "noon"), "08:00"),
        ((), "--at"),
        (("--at", "8:00", "--zone", "Mars/Olympus"), "zone"),
    ):
        refused = suite.assay("report", "schedules", "create", "x", *arguments)
        assert refused.exit_code == 1 and words in refused.stderr
    for name in ("mondays", "first"):
        assert "is ended" in suite.assay("report", "schedules", "delete", name).stdout
    assert suite.assay("report", "schedules", "list", "--json").json["schedules"] == []
