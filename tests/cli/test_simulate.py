"""`assay simulate`: into files, and into a running suite."""

import gzip
import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from cli.simulate import seconds_of
from tests.cli.suite import ASSAY, Answer, Suite, assay, eventually, new_project, summed, total

START = "2026-05-04T00:00:00Z"
LIVE_DEADLINE_S = 90.0
FLEET = ("--seed", 5, "--start", START, "--duration", "2h", "--rate", 1)


def told(answer: Answer) -> dict[str, int]:
    counts: dict[str, int] = answer.json
    return counts


def test_the_same_arguments_write_the_same_bytes_compressed_or_not(tmp_path: Path) -> None:
    for name in ("a.jsonl", "b.jsonl", "a.gz", "b.gz"):
        assert assay("simulate", "--output", tmp_path / name, *FLEET).exit_code == 0
    plain = (tmp_path / "a.jsonl").read_bytes()
    assert plain == (tmp_path / "b.jsonl").read_bytes() == gzip.decompress((tmp_path / "a.gz").read_bytes())
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


def test_another_process_prints_the_same_lines(tmp_path: Path) -> None:
    counts = told(assay("simulate", "--output", tmp_path / "a.jsonl", *FLEET, "--json"))
    printed = subprocess.run([*ASSAY, "simulate", "--output", "-", *map(str, FLEET), "--json"], capture_output=True, check=True)
    assert printed.stdout == (tmp_path / "a.jsonl").read_bytes()
    lines = printed.stdout.splitlines()
    assert counts == {"calls": sum(b'"call_id":"' in line[:12] for line in lines), "evidence": counts["evidence"], "incidents": 8}
    assert len(lines) == counts["calls"] + counts["evidence"]
    assert f"{counts['calls']:,} calls" in printed.stderr.decode()


def test_whoever_stops_reading_is_no_trouble() -> None:
    command = " ".join([*ASSAY, "simulate", "--output", "-", "--rate", "10", "|", "head", "-n", "1"])
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)
    assert "Traceback" not in answer.stderr


def test_the_truth_tells_fleet_and_incidents(tmp_path: Path) -> None:
    truth = tmp_path / "truth.json"
    outage = "outage@30m+15m:provider=openai,size=1"
    assert assay("simulate", "--output", tmp_path / "a.jsonl", "--truth", truth, *FLEET, "--incident", outage).exit_code == 0
    found = json.loads(truth.read_text())
    (incident,) = found["incidents"]
    assert (incident["kind"], incident["scope"], incident["size"]) == ("outage", {"provider": "openai"}, 1.0)
    assert (incident["start_time"], incident["end_time"]) == ("2026-05-04T00:30:00.000000Z", "2026-05-04T00:45:00.000000Z")
    calls = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines() if line.startswith('{"call_id"')]
    during = [
        call for call in calls if call["provider"] == "openai" and incident["start_time"] <= call["start_time"] < incident["end_time"]
    ]
    assert len(during) > 10
    assert {call["error_type"] for call in during} == {"503"}


def test_incidents_are_listed_as_they_would_be(tmp_path: Path) -> None:
    listed = assay("simulate", "--list-incidents", *FLEET, "--json").json["incidents"]
    assay("simulate", "--output", tmp_path / "a.jsonl", "--truth", tmp_path / "truth.json", *FLEET)
    assert listed == json.loads((tmp_path / "truth.json").read_text())["incidents"]
    shown = assay("simulate", "--list-incidents", *FLEET).stdout
    assert all(incident["kind"] in shown for incident in listed)
    assert assay("simulate", "--list-incidents", "--no-incidents").stdout == "there are no incidents\n"
    assert len(assay("simulate", "--list-incidents", *FLEET, "--incident-every", "30m", "--json").json["incidents"]) == 4


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--live", "--list-incidents"),
        ("--output", "a", "--live"),
        ("--live", "--start", "2026-05-01"),
        ("--output", "a", "--history", "1d"),
        ("--output", "a", "--speed", "2"),
        ("--output", "a", "--duration", "long"),
        ("--output", "a", "--rate", "0"),
        ("--list-incidents", "--incident", "outage@1h+1h", "--no-incidents"),
    ],
)
def test_a_wrong_usage_is_told_with_exit_code_2(arguments: tuple[str, ...]) -> None:
    answer = assay("simulate", *arguments)
    assert (answer.exit_code, answer.stdout) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--list-incidents", "--incident", "flood@1h+1h"), "--incident: there is no kind flood"),
        (("--list-incidents", "--start", "1969-01-01"), "--start: must be after 1970"),
        (("--output", "/nonexistent/a.jsonl"), "cannot write /nonexistent/a.jsonl: No such file or directory"),
        (("--output", "a.jsonl", "--truth", "/nonexistent/t.json"), "cannot write /nonexistent/t.json: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = assay("simulate", *arguments)
    assert (answer.exit_code, answer.stdout, len(answer.stderr.splitlines())) == (1, "", 1)
    assert answer.stderr.startswith(message)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90.0), ("1.5h", 5_400.0), ("30d", 2_592_000.0)])
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_every_line_is_accepted_by_the_collector(suite: Suite, tmp_path: Path) -> None:
    """With each kind of incident in it."""
    project = new_project(suite, "simulated")
    file = tmp_path / "a.jsonl.gz"
    counts = assay("simulate", "--output", file, "--rate", 2, "--duration", "3h", "--json").json
    assert counts["calls"] > 1_000
    everything = counts["calls"] + counts["evidence"]
    assert suite.assay("replay", file, "--project", project, "--json").json == summed(everything, accepted=everything)
    eventually(lambda: total(suite, project, "evidence")["stored_count"] == counts["evidence"])


def live(suite: Suite, *arguments: object) -> "subprocess.Popen[str]":
    command = [*ASSAY, "simulate", "--live", *map(str, arguments), "--json", "--data-dir", str(suite.data_dir)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_live_simulation_records_its_history_and_goes_on_until_it_is_stopped(suite: Suite, tmp_path: Path) -> None:
    project, truth = new_project(suite, "living"), tmp_path / "truth.json"
    arguments = ("--rate", 20, "--history", "10m", "--project", project, "--truth", truth, "--incident", "outage@0s+1h:provider=openai")
    with live(suite, *arguments) as process:
        watchdog = threading.Timer(LIVE_DEADLINE_S, process.kill)
        watchdog.start()
        assert process.stderr is not None
        assert "outage, openai" in process.stderr.readline()  # told with the first call of the present
        at_once = total(suite, project)["received_count"]
        eventually(lambda: total(suite, project)["received_count"] > max(at_once, 2_000), LIVE_DEADLINE_S)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=LIVE_DEADLINE_S)
        watchdog.cancel()
    assert process.returncode == 0, errors
    tally = json.loads(printed)
    assert tally == summed(tally["sent"], accepted=tally["sent"])
    counts = {kind: total(suite, project, kind)["stored_count"] for kind in ("call", "evidence")}
    assert sum(counts.values()) == tally["sent"]
    (incident,) = json.loads(truth.read_text())["incidents"]
    assert incident["kind"] == "outage"


def test_a_live_simulation_ends_after_its_duration_and_passes_as_fast_as_asked(suite: Suite) -> None:
    project = new_project(suite, "hurried")
    with live(suite, "--duration", "5s", "--speed", 120, "--rate", 5, "--no-incidents", "--project", project) as process:
        printed, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    tally: Any = json.loads(printed)
    # Ten minutes pass: some 3,000 calls by the rate, less or more by the hour and the day.
    assert tally["accepted"] == tally["sent"] > 300
