"""The commands against a running suite."""

import asyncio
import gzip
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import psutil
import pytest
from sqlalchemy import text

from cli.work import sending
from cli.work.connection import ADMIN_KEY_FILE
from cli.work.database import database_url
from cli.work.ledger import unaccounted_count
from cli.work.replay import REFUSALS_SHOWN_MAX
from kit import database
from tests.cli.samples import call, evidence, write_lines
from tests.cli.suite import ASSAY, Suite, assay, eventually

REVOKED_WITHIN_S = 5.0


@contextmanager
def logged_in(link: str) -> Iterator[httpx.Client]:
    """A browser that followed the link."""
    parts = urlsplit(link)
    (token,) = parse_qs(parts.query)["token"]
    with httpx.Client(base_url=f"{parts.scheme}://{parts.netloc}", trust_env=False) as client:
        answer = client.post("/api/v1/session", json={"token": token})
        assert answer.status_code == 204, answer.text
        yield client


def new_project(suite: Suite, project: str) -> str:
    """A project of a test's own, so that its counts are."""
    assert suite.assay("projects", "create", project, "--json").json["project"] == project
    return project


def total(suite: Suite, project: str, kind: str = "call") -> dict[str, int]:
    """The ledger's sum, which balances."""
    account = suite.assay("ledger", "--project", project, "--json").json
    assert all(unaccounted_count(counts) == 0 for counts in (*account["days"], *account["totals"].values()))
    counts: dict[str, int] = account["totals"][kind]
    return counts


def summed(sent: int, *, accepted: int = 0, rejected: int = 0, duplicates: int = 0) -> dict[str, int]:
    assert sent == accepted + rejected + duplicates
    return {"sent": sent, "accepted": accepted, "rejected": rejected, "duplicates": duplicates}


def test_the_printed_link_logs_a_browser_in_once(suite: Suite) -> None:
    with logged_in(suite.link) as browser:
        assert browser.get("/api/v1/session").json()["roles"] == ["INSTALLATION_ADMIN"]
    with pytest.raises(AssertionError, match="TOKEN_INVALID"), logged_in(suite.link):
        pass


def test_a_fresh_link_can_be_had_at_any_time(suite: Suite) -> None:
    with logged_in(suite.assay("login", "--json").json["url"]) as browser:
        assert browser.get("/api/v1/session").status_code == 200
    with logged_in(suite.assay("login").stdout.strip()) as browser:
        assert browser.get("/api/v1/session").status_code == 200


def test_the_admin_key_is_for_its_owner_alone_and_no_secret_is_told(suite: Suite) -> None:
    assert (suite.data_dir / ADMIN_KEY_FILE).stat().st_mode & 0o777 == 0o600
    run = suite.run_file()
    assert set(run["processes"]) == {"gateway", "collector", "writer", "postgres", "nats"}
    assert run["url"] == run["processes"]["gateway"]["url"] == suite.link.partition("/login")[0]
    for secret in json.loads((suite.data_dir / "secrets.json").read_text()).values():
        assert secret not in json.dumps(run)


def test_a_key_does_what_its_role_allows_until_it_is_revoked(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "read", "--name", "a reader", "--expires", "90d", "--json").json
    assert (made["project"], made["roles"], made["display_name"]) == ("default", ["READ"], "a reader")
    assert made["expire_time"] is not None
    elsewhere = ("--url", suite.run_file()["processes"]["collector"]["url"], "--key", made["key"])
    assert assay("ledger", "--json", *elsewhere).exit_code == 0
    refused = assay("keys", "list", *elsewhere)
    assert (refused.exit_code, refused.stderr) == (1, "this needs a key with the role ADMIN\n")

    assert made["key_id"] in suite.assay("keys", "list").stdout
    assert made["key"] not in suite.assay("keys", "list", "--json").stdout
    assert suite.assay("keys", "revoke", made["key_id"], "--json").json["revoke_time"] is not None
    eventually(lambda: "revoked" in assay("ledger", *elsewhere).stderr, REVOKED_WITHIN_S)
    actions = [event["action"] for event in suite.assay("audit", "--json").json["events"]]
    assert {"key.create", "key.revoke"} <= set(actions)


def test_a_key_alone_is_on_standard_output(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "record", "--role", "read")
    assert re.fullmatch(r"assay_\w{12}_[\w-]{43}\n", made.stdout)
    assert "once" in made.stderr


def test_the_installations_keys_are_apart_from_the_projects(suite: Suite) -> None:
    made = suite.assay("keys", "create", "--role", "installation-admin", "--json").json
    assert made["project"] is None
    assert made["key_id"] in suite.assay("keys", "list", "--installation").stdout
    assert made["key_id"] not in suite.assay("keys", "list").stdout
    assert "bootstrap key" in suite.assay("audit", "--installation").stdout
    assert suite.assay("keys", "revoke", made["key_id"], "--installation").stdout == f"{made['key_id']} is revoked\n"


def test_a_lifetime_that_the_collector_refuses_is_one_line(suite: Suite) -> None:
    answer = suite.assay("keys", "create", "--role", "read", "--expires", "999999w")
    assert (answer.exit_code, answer.stderr) == (1, "lifetime: use 1 s to ten years\n")


def test_projects_are_made_listed_and_changed(suite: Suite) -> None:
    made = suite.assay("projects", "create", "berlin", "--time-zone", "Europe/Berlin", "--series-limit", 5, "--json").json
    assert (made["time_zone"], made["series_limit"]) == ("Europe/Berlin", 5)
    assert suite.assay("projects", "update", "berlin", "--series-limit", 7, "--json").json["series_limit"] == 7
    assert "Europe/Berlin" in suite.assay("projects", "update", "berlin").stdout
    assert {"berlin", "default"} <= {each["project"] for each in suite.assay("projects", "list", "--json").json["projects"]}
    assert "berlin" in suite.assay("projects", "list").stdout
    again = suite.assay("projects", "create", "berlin")
    assert (again.exit_code, len(again.stderr.splitlines())) == (1, 1)


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
        assert process.communicate(timeout=10) == ("", "")
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
    assert abs(_seconds(received) - _seconds(sent)) < 5


def test_a_rebase_needs_a_record_with_a_time(suite: Suite, tmp_path: Path) -> None:
    answer = suite.assay("replay", write_lines(tmp_path / "none.jsonl", ["{"]), "--rebase")
    assert answer.exit_code == 1
    assert "has no record with a time" in answer.stderr


def test_a_call_is_found_with_its_batch_messages_and_row(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "traced")
    suite.assay("replay", write_lines(tmp_path / "two.jsonl", [call("t1", labels={"a": "b"}), evidence("te1", "t1")]), "--project", project)
    found = suite.assay("trace", "t1", "--project", project, "--json").json
    assert (found["call_id"], found["is_stored"], found["evidence_ids"]) == ("t1", True, ["te1"])
    (message,) = found["messages"]
    assert message["store_time"] >= message["receive_time"]
    assert (found["call"]["batch_id"], found["call"]["call"]["model"]) == (message["batch_id"], "gpt-4o")
    shown = suite.assay("trace", "t1", "--project", project).stdout
    for part in (message["batch_id"], "te1", "call.labels.a", "SUCCEEDED"):
        assert part in shown
    unknown = suite.assay("trace", "nobody", "--project", project)
    assert (unknown.exit_code, unknown.stderr) == (1, "no call nobody is stored or on its way in project traced\n")


def test_levels_are_set_in_every_process(suite: Suite) -> None:
    levels = suite.assay("log", "services.collector", "debug", "--json").json
    assert set(levels) == {"collector", "writer"}
    assert all(each["services.collector"] == "DEBUG" for each in levels.values())
    assert "services.collector" in suite.assay("log", "all", "INFO").stdout
    address = suite.run_file()["processes"]["writer"]["url"]
    key = (suite.data_dir / ADMIN_KEY_FILE).read_text().strip()
    assert assay("log", "all", "INFO", "--url", address, "--key", key, "--json").json["process"]["all"] == "INFO"


def test_the_database_is_shown_and_migrated(suite: Suite) -> None:
    status = suite.assay("db", "status", "--json").json
    (schema,) = status["schemas"]
    assert schema["schema"] == "collector"
    assert schema["version"]
    assert schema["table_count"] > 5
    assert suite.assay("db", "migrate", "--json").json["schemas"][0]["version"] == schema["version"]
    assert "PostgreSQL 18" in suite.assay("db", "status").stdout


def test_a_rebuild_changes_nothing_where_nothing_was_wrong(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "rebuilt")
    suite.assay("replay", write_lines(tmp_path / "calls.jsonl", (call(f"built-{number}") for number in range(50))), "--project", project)
    nothing = {"differing_window_count": 0, "mended_chunk_count": 0, "refused_chunk_count": 0}
    assert suite.assay("db", "rebuild", "--project", project, "--check", "--json").json == nothing
    assert suite.assay("db", "rebuild", "--project", project, "--start", "2020-01-01", "--json").json == nothing
    assert "0 windows differ" in suite.assay("db", "rebuild", "--project", project).stdout
    unknown = suite.assay("db", "rebuild", "--project", "nobodys")
    assert (unknown.exit_code, unknown.stderr) == (1, "there is no project nobodys\n")


def test_a_rebuild_mends_what_differs_and_a_check_tells_of_it_alone(suite: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = new_project(suite, "spoilt")
    suite.assay("replay", write_lines(tmp_path / "calls.jsonl", (call(f"spoilt-{number}") for number in range(50))), "--project", project)
    _lose_calls(suite, "spoilt-_")
    checked = suite.assay("db", "rebuild", "--project", project, "--check", "--json")
    assert checked.exit_code == 1
    assert json.loads(checked.stdout)["differing_window_count"] > 0
    monkeypatch.setenv("FORCE_COLOR", "1")
    mended = suite.assay("db", "rebuild", "--project", project, "--json")
    assert mended.json["mended_chunk_count"] > 0
    assert "Rebuilding" in mended.stderr
    assert suite.assay("db", "rebuild", "--project", project, "--check").exit_code == 0


def test_a_database_that_is_away_is_told_without_its_password(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", "postgresql+asyncpg://user:hidden@127.0.0.1:1/none")
    answer = suite.assay("db", "status")
    assert answer.exit_code == 1
    assert answer.stderr.startswith("cannot reach the database at postgresql+asyncpg://user:***@127.0.0.1:1/none")
    assert len(answer.stderr.splitlines()) == 1


def test_a_reader_that_goes_away_is_no_error(suite: Suite) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        answer = subprocess.run(
            (*ASSAY, "ledger", "--data-dir", str(suite.data_dir)), stdout=writer, stderr=subprocess.PIPE, text=True, check=False
        )
    finally:
        os.close(writer)
    assert answer.stderr == ""


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
        stdout, stderr = process.communicate(timeout=60)
    assert stderr == ""
    assert json.loads(stdout) == summed(count, accepted=count)
    assert suite.run_file()["processes"]["collector"]["pid"] != before
    assert total(suite, project)["stored_count"] == count


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


def _lose_calls(suite: Suite, pattern: str) -> None:
    """Deletes calls behind the collector's back."""

    async def delete() -> None:
        async with database.engine(database_url(suite.data_dir)) as engine, engine.begin() as connection:
            deleted = await connection.execute(text("DELETE FROM collector.call WHERE call_id LIKE :pattern"), {"pattern": pattern})
            assert deleted.rowcount > 0

    asyncio.run(delete())
