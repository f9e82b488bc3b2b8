"""Files replayed into a running suite."""

import gzip
import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from cli.work import sending
from cli.work.replay import REFUSALS_SHOWN_MAX
from tests.cli.samples import call, evidence, write_lines
from tests.cli.suite import ASSAY, DEADLINE_S, Suite, assay, eventually, new_project, summed, total


def test_a_second_replay_adds_nothing_and_the_ledger_balances(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "twice")
    count = 1_234
    plain = write_lines(tmp_path / "calls.jsonl", (call(f"twice-{number}") for number in range(count)))
    compressed = tmp_path / "calls.jsonl.gz"
    compressed.write_bytes(gzip.compress(plain.read_bytes()))
    assert suite.assay("replay", plain, "--project", project, "--json").json == summed(count, accepted=count)
    assert suite.assay("replay", compressed, "--project", project, "--json").json == summed(count, duplicates=count)
    counts = total(suite, project)
    assert (counts["received_count"], counts["stored_count"], counts["duplicate_count"]) == (2 * count, count, count)
    assert "1,234" in suite.assay("ledger", "--project", project).stdout


def test_bad_lines_are_counted_and_told_and_the_others_are_stored(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "mixed")
    lines: list[dict[str, Any] | str] = [
        call("good-1"),
        "{",
        call("unnamed", provider=""),
        evidence("score-1", "good-1"),
        evidence("score-2", ""),
        call("good-2", usage={"input_token_count": 1, "cache_read_token_count": 2}),
        call("good-1"),
    ]
    answer = suite.assay("replay", write_lines(tmp_path / "mixed.jsonl", lines), "--project", project, "--json")
    assert answer.json == summed(7, accepted=2, rejected=4, duplicates=1)
    told = {int(number): reason for number, reason in re.findall(r"^line (\d+): (.*)$", answer.stderr, re.MULTILINE)}
    assert set(told) == {2, 3, 5, 6}
    assert told[3].startswith("provider: ")
    assert told[3].endswith("(MISSING)")
    assert told[6].endswith("(INCONSISTENT)")
    assert total(suite, project, "evidence")["stored_count"] == 1


def test_no_more_than_the_first_bad_lines_are_told(suite: Suite, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "bad.jsonl", ["{"] * (REFUSALS_SHOWN_MAX + 5))
    answer = suite.assay("replay", file)
    assert answer.stdout == "25 sent: 0 accepted, 25 rejected, 0 duplicates\n"
    assert len(answer.stderr.splitlines()) == REFUSALS_SHOWN_MAX + 1
    assert answer.stderr.endswith("… and 5 more\n")


def test_what_was_before_the_damage_of_a_file_is_stored(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "damaged")
    lines = b"".join(json.dumps(call(f"cut-{number}-{os.urandom(8).hex()}")).encode() + b"\n" for number in range(5_000))
    file = tmp_path / "cut.gz"
    file.write_bytes(gzip.compress(lines)[:-5_000])
    answer = suite.assay("replay", file, "--project", project)
    assert answer.exit_code == 1
    (number,) = re.findall(r"^the file is damaged after line (\d+)", answer.stderr)
    assert total(suite, project)["stored_count"] == int(number) > 0


def test_a_replay_reads_standard_input(suite: Suite, tmp_path: Path) -> None:
    file = write_lines(tmp_path / "calls.jsonl", [call("piped")])
    command = (*ASSAY, "replay", "-", "--json", "--data-dir", str(suite.data_dir))
    answer = subprocess.run(command, input=file.read_text(), capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == summed(1, accepted=1)


def test_ctrl_c_ends_a_replay_that_waits_for_input(suite: Suite) -> None:
    command = (*ASSAY, "replay", "-", "--data-dir", str(suite.data_dir))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(call("interrupted")) + "\n")
        process.stdin.flush()
        eventually(lambda: psutil.Process(process.pid).net_connections())
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=DEADLINE_S) == ("", "")
    assert process.returncode == 130


def test_a_replay_in_real_time_takes_as_long_as_it_took_and_can_end_now(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "paced")
    days_ago_s = 30 * 86_400.0
    lines = [call(f"paced-{number}", seconds_ago=days_ago_s - number) for number in range(4)]
    file = write_lines(tmp_path / "paced.jsonl", lines)
    started_s = time.monotonic()
    answer = suite.assay("replay", file, "--speed", "2", "--rebase", "--project", project, "--json")
    assert time.monotonic() - started_s >= 1.4
    assert answer.json == summed(4, accepted=4)
    shown = suite.assay("trace", "paced-3", "--project", project, "--json").json["call"]
    received, sent = shown["receive_time"], shown["call"]["start_time"]
    assert abs(_seconds(received) - _seconds(sent)) < 60  # and not 30 days


def test_a_rebase_needs_a_record_with_a_time(suite: Suite, tmp_path: Path) -> None:
    answer = suite.assay("replay", write_lines(tmp_path / "none.jsonl", ["{"]), "--rebase")
    assert answer.exit_code == 1
    assert "has no record with a time" in answer.stderr


def test_a_replay_with_a_key_that_does_not_work_sends_nothing(suite: Suite, tmp_path: Path) -> None:
    elsewhere = ("--url", suite.run_file()["processes"]["collector"]["url"], "--key", "nonsense")
    answer = assay("replay", write_lines(tmp_path / "one.jsonl", [call("refused")]), *elsewhere)
    assert (answer.exit_code, answer.stdout, answer.stderr) == (1, "", "the key is unknown, expired or revoked\n")


def test_a_store_that_does_not_go_on_is_told(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "STUCK_MAX_S", 0.5)
    project = new_project(suite, "stuck")
    writer = psutil.Process(suite.run_file()["processes"]["writer"]["pid"])
    writer.suspend()
    try:
        answer = suite.assay("replay", write_lines(tmp_path / "one.jsonl", [call("waits")]), "--project", project)
    finally:
        writer.resume()
    assert answer.exit_code == 1
    assert answer.stderr.startswith("1 batches are safe with the collector, but none was stored for 0.5 s")
    eventually(lambda: total(suite, project)["stored_count"] == 1)


def test_a_terminal_shows_how_far_a_replay_is(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # by which rich takes anything for a terminal
    answer = suite.assay("replay", write_lines(tmp_path / "one.jsonl", [call("shown")]))
    assert "1 sent" in answer.stderr
    assert "100%" in answer.stderr


def test_a_replay_survives_the_death_of_the_collector_and_counts_each_call_once(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "killed")
    count = 8_000
    file = write_lines(tmp_path / "calls.jsonl", (call(f"killed-{number}", seconds_ago=60 - number / 1_000) for number in range(count)))
    command = (*ASSAY, "replay", str(file), "--speed", "4", "--project", project, "--json", "--data-dir", str(suite.data_dir))
    before = suite.run_file()["processes"]["collector"]["pid"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: total(suite, project)["stored_count"] > 0)
        os.kill(before, signal.SIGKILL)
        stdout, stderr = process.communicate(timeout=DEADLINE_S)
    assert stderr == ""
    assert json.loads(stdout) == summed(count, accepted=count)
    assert suite.run_file()["processes"]["collector"]["pid"] != before
    assert total(suite, project)["stored_count"] == count


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
