"""Looking at a running suite, and mending it: traces, log levels, the database."""

import asyncio
import json
import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from cli.work.connection import ADMIN_KEY_FILE
from cli.work.database import database_url
from kit import database
from tests.cli.samples import call, evidence, write_lines
from tests.cli.suite import ASSAY, Suite, assay, new_project


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
    assert set(levels) == {"collector", "writer", "analyzer", "alerter", "reporter"}
    assert all(each["services.collector"] == "DEBUG" for each in levels.values())
    assert "services.collector" in suite.assay("log", "all", "INFO").stdout
    address = suite.run_file()["processes"]["writer"]["url"]
    key = (suite.data_dir / ADMIN_KEY_FILE).read_text().strip()
    assert assay("log", "all", "INFO", "--url", address, "--key", key, "--json").json["process"]["all"] == "INFO"


def test_the_database_is_shown_and_migrated(suite: Suite) -> None:
    status = suite.assay("db", "status", "--json").json
    assert [schema["schema"] for schema in status["schemas"]] == ["collector", "analyzer", "alerter", "reporter"]
    assert all(schema["version"] and schema["table_count"] > 3 for schema in status["schemas"])
    migrated = suite.assay("db", "migrate", "--json").json["schemas"]
    assert [schema["version"] for schema in migrated] == [schema["version"] for schema in status["schemas"]]
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


def _lose_calls(suite: Suite, pattern: str) -> None:
    """Deletes calls behind the collector's back."""

    async def delete() -> None:
        async with database.engine(database_url(suite.data_dir)) as engine, engine.begin() as connection:
            deleted = await connection.execute(text("DELETE FROM collector.call WHERE call_id LIKE :pattern"), {"pattern": pattern})
            assert deleted.rowcount > 0

    asyncio.run(delete())
