"""What others recorded comes in once, what Assay has goes out whole, and who sends it is told."""

import asyncio
import csv
import io
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from cli.work.connection import gateway_url
from cli.work.database import database_url
from tests.cli.samples import call, evidence, write_lines
from tests.cli.suite import ASSAY, DEADLINE_S, Suite, eventually, new_project, total

ROW_COUNT = 1_500
CONSUMER = Path(__file__).resolve().parents[2] / "docs/examples/events/consumer.py"


def spend_logs(path: Path, count: int) -> Path:
    """A CSV of LiteLLM's table; every tenth row is no call to a provider."""
    start = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=20)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ("request_id", "call_type", "spend", "prompt_tokens", "completion_tokens", "startTime", "endTime", "model", "cache_hit")
        )
        for number in range(count):
            at = start + timedelta(minutes=number)
            rows.writerow(
                (f"spend-{number}", "acompletion", 0.001, 100, 10, at, at + timedelta(seconds=2), "gpt-4o", str(number % 10 == 0))
            )
    return path


def test_an_import_run_again_adds_only_what_is_new(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "history")
    first = suite.assay("import", "litellm", spend_logs(tmp_path / "a.csv", 1_000), "--project", project, "--json").json
    assert (first["read"], first["accepted"], first["skipped"], first["stored_before"]) == (1_000, 900, 100, 0)
    eventually(lambda: total(suite, project)["stored_count"] == 900)
    more = spend_logs(tmp_path / "b.csv", ROW_COUNT)
    answer = suite.assay("import", "litellm", more, "--project", project, "--json").json
    assert (answer["read"], answer["sent"], answer["accepted"], answer["stored_before"]) == (ROW_COUNT, 450, 450, 900)
    assert total(suite, project)["stored_count"] == ROW_COUNT * 9 // 10
    (source,) = _sources(suite, project)
    assert source["sender"] == "litellm-import"
    assert "1,500 rows: 0 calls stored, 1,350 stored before" in suite.assay("import", "litellm", more, "--project", project).stdout


async def _fill_spend_logs(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            'CREATE TABLE public."LiteLLM_SpendLogs" (request_id text PRIMARY KEY, call_type text, spend float8, prompt_tokens int, '
            'completion_tokens int, "startTime" timestamp, "endTime" timestamp, model text, metadata jsonb)'
        )
        await connection.execute(
            'INSERT INTO public."LiteLLM_SpendLogs" '
            "SELECT 'row-' || n, 'completion', 0.5, 10, 5, t, t + interval '1 second', 'gpt-4o', '{}' "
            "FROM generate_series(1, 48) n, LATERAL (SELECT now() AT TIME ZONE 'UTC' - n * interval '1 hour' AS t) started"
        )
    finally:
        await connection.close()


def test_spend_logs_are_read_where_they_are(suite: Suite) -> None:
    project = new_project(suite, "table")
    url = database_url(suite.data_dir).replace("postgresql+asyncpg", "postgresql")
    options = ("--database-url", url, "--project", project, "--json")
    absent = suite.assay("import", "litellm", *options)
    assert (absent.exit_code, "no table LiteLLM_SpendLogs" in absent.stderr) == (1, True)
    asyncio.run(_fill_spend_logs(url))
    since = (datetime.now(UTC) - timedelta(hours=24, minutes=30)).isoformat()
    answer = suite.assay("import", "litellm", *options, "--start", since).json
    assert (answer["read"], answer["accepted"]) == (24, 24)
    assert suite.assay("import", "litellm", *options).json["stored_before"] == 24
    assert "cannot open" in suite.assay("import", "litellm", "--database-url", "postgresql://127.0.0.1:9/none").stderr


def test_every_call_and_every_window_is_exported(suite: Suite, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet needs pyarrow")
    project = new_project(suite, "outwards")
    sent = [call(f"out-{number}", seconds_ago=7_200 - number, labels={"team": "blue"}) for number in range(1_234)]
    suite.assay("replay", write_lines(tmp_path / "calls.jsonl", sent), "--project", project)
    printed = suite.assay("export", "calls", "--project", project).stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["call_id"] for row in rows] == [f"out-{number}" for number in range(1_233, -1, -1)]
    assert (rows[0]["latency_s"], rows[0]["outcome"], rows[0]["time_to_first_token_s"]) == ("1.5", "SUCCEEDED", "")
    assert json.loads(rows[0]["labels"]) == {"team": "blue"}
    file = tmp_path / "calls.parquet"
    suite.assay("export", "calls", "--project", project, "--format", "parquet", "--output", file)
    table = parquet.read_table(file)
    assert table.column("call_id").to_pylist() == [row["call_id"] for row in rows]
    assert table.column("cost_usd_nanos").to_pylist() == [1_000] * 1_234
    assert not list(tmp_path.glob("*.part"))
    windows = list(csv.DictReader(io.StringIO(suite.assay("export", "rollups", "--project", project, "--step-min", "15").stdout)))
    assert sum(int(window["call_count"]) for window in windows) == 1_234
    assert {window["provider"] for window in windows} == {"openai"}
    days = suite.assay("export", "rollups", "--project", project, "--step-min", "1440", "--time-zone", "Asia/Kathmandu", "--by", "model")
    assert sum(int(day["call_count"]) for day in csv.DictReader(io.StringIO(days.stdout))) == 1_234


def test_an_export_that_cannot_be_written_leaves_nothing(suite: Suite, tmp_path: Path) -> None:
    answer = suite.assay("export", "calls", "--output", tmp_path / "absent" / "calls.csv")
    assert (answer.exit_code, "cannot write" in answer.stderr) == (1, True)
    answer = suite.assay("export", "calls", "--format", "parquet")
    assert (answer.exit_code, "--output FILE" in answer.stderr) == (1, True)
    assert suite.assay("export", "rollups", "--time-zone", "Mars/Olympus").exit_code == 2


def test_the_event_log_is_printed_and_followed(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "events")
    sent = [call("event-1", labels={"team": "blue"}), call("event-2", usage={"input_token_count": 7}, task_id="task-1")]
    command = (*ASSAY, "events", "tail", "calls", "--project", project, "--data-dir", str(suite.data_dir))
    with subprocess.Popen((*command, "--start", "2026-01-01"), stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(DEADLINE_S, process.kill)
        watchdog.start()
        suite.assay("replay", write_lines(tmp_path / "calls.jsonl", sent), "--project", project)
        suite.assay("replay", write_lines(tmp_path / "scores.jsonl", [evidence("score-1", "event-1")]), "--project", project)
        assert process.stdout is not None
        followed = json.loads(process.stdout.readline())
        watchdog.cancel()
        process.terminate()
        process.communicate(timeout=DEADLINE_S)
    assert (followed["kind"], followed["project"], followed["stream"]) == ("calls", project, "ASSAY_INGEST")
    first, second = followed["event"]["calls"]
    assert (first["call_id"], first["labels"], first["input_token_count"]) == ("event-1", {"team": "blue"}, None)
    assert (second["task_id"], second["input_token_count"], second["outcome"]) == ("task-1", 7, "SUCCEEDED")
    kept = [json.loads(line) for line in suite.assay("events", "export", "--project", project).stdout.splitlines()]
    assert kept[0] == followed
    assert {event["kind"] for event in kept} >= {"calls", "evidence", "windows"}
    assert all("trouble" not in event for event in kept)


def _sources(suite: Suite, project: str) -> list[dict[str, Any]]:
    """The sources of a project, when there are some: they are written down every ten seconds."""

    def asked() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = suite.assay("sources", "--project", project, "--json").json
        return told

    eventually(asked)
    return asked()


def test_sources_are_told_with_what_they_leave_out(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "sources")
    sent = [call(f"source-{number}", agent="planner") for number in range(30)]
    suite.assay("replay", write_lines(tmp_path / "calls.jsonl", sent), "--project", project)
    (source,) = _sources(suite, project)
    states = {field["field"]: field["state"] for field in source["fields"]}
    assert source["sender"].startswith("grpc-python")
    assert (source["call_count"], states["agent"], states["time_to_first_token"]) == (30, "FILLED", "NEVER")
    key = (suite.data_dir / "admin.key").read_text().strip()
    url = f"{gateway_url(suite.data_dir)}/api/v1/sources"
    answer = httpx.get(url, params={"project": project}, headers={"authorization": f"Bearer {key}"}, timeout=DEADLINE_S)
    (told,) = answer.raise_for_status().json()["sources"]
    assert {field["field"]: field["state"] or "UNSPECIFIED" for field in told["fields"]} == states
    assert "how soon answers begin" in suite.assay("sources", "--project", project).stdout
    assert "100% filled" in suite.assay("sources", "--project", project, "--all").stdout


def test_the_consumer_of_the_documents_counts_each_call_once(suite: Suite, tmp_path: Path) -> None:
    project = new_project(suite, "consumed")
    lines = write_lines(tmp_path / "calls.jsonl", [call(f"consumed-{number}", cost_usd_nanos="500000000") for number in range(4)])
    suite.assay("replay", lines, "--project", project)
    environment = {**os.environ, "ASSAY_NATS_URL": suite.assay("events", "address").stdout.strip()}
    command = [sys.executable, str(CONSUMER), str(tmp_path / "costs.sqlite"), "--once"]
    for _ in range(2):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=DEADLINE_S, check=True)
        assert f"{project} openai gpt-4o: 4 calls, 2.0000 USD" in done.stdout.splitlines()
        suite.assay("replay", lines, "--project", project)  # sent again: known by their ids
