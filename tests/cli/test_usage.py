"""What the command says before it asks anybody anything."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer

from cli.db import moment
from cli.keys import lifetime
from cli.replay import speed_of
from cli.work import connection
from cli.work.connection import Target
from kit.errors import AssayError
from tests.cli.suite import ASSAY, assay

COMMANDS = [
    "up",
    "demo",
    "login",
    "replay",
    "import",
    "export",
    "simulate",
    "ledger",
    "anomalies",
    "rank",
    "prompts",
    "alerts",
    "sources",
    "trace",
    "detect",
    "keys",
    "projects",
    "audit",
    "log",
    "events",
    "db",
    "bench",
]


def test_help_names_every_command_and_what_it_does() -> None:
    answer = assay("--help")
    assert answer.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in answer.stdout
        assert assay(command, "--help").exit_code == 0


def test_help_loads_nothing_that_takes_time() -> None:
    slow = {"grpc", "sqlalchemy", "numpy", "pydantic", "rich", "google.protobuf"}
    check = f"import sys, cli.__main__; print(sorted({slow} & set(sys.modules)))"
    loaded = subprocess.run((ASSAY[0], "-c", check), capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_version_is_told() -> None:
    assert assay("--version").stdout.strip().count(".") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("replay",),
        ("replay", "calls.jsonl", "--speed", "fast"),
        ("replay", "-", "--rebase"),
        ("keys", "create"),
        ("keys", "create", "--role", "king"),
        ("keys", "create", "--role", "read", "--expires", "soon"),
        ("log", "kit", "LOUD"),
        ("db", "rebuild", "--start", "yesterday"),
        ("up", "--port", "70000"),
        ("login", "--url", "127.0.0.1:1", "--key", "k"),
    ],
)
def test_a_wrong_usage_is_told_with_exit_code_2(arguments: tuple[str, ...]) -> None:
    answer = assay(*arguments)
    assert answer.exit_code == 2
    assert answer.stderr
    assert not answer.stdout


@pytest.mark.parametrize(
    "arguments", [("ledger",), ("keys", "list"), ("login",), ("trace", "c"), ("log", "kit", "INFO"), ("db", "status"), ("replay", "x")]
)
def test_a_directory_on_which_nothing_runs_is_one_line_that_says_what_to_do(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = assay(*arguments, "--data-dir", tmp_path)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr == f"no suite runs on {tmp_path}: start one with `assay up`\n"


def test_an_address_where_nobody_listens_is_one_line() -> None:
    answer = assay("ledger", "--url", "127.0.0.1:1", "--key", "k")
    assert (answer.exit_code, answer.stderr) == (1, "nobody answers at 127.0.0.1:1: is the suite running there?\n")


@pytest.mark.parametrize(
    ("url", "key", "reason"),
    [("http://127.0.0.1:8080", "k", "URL_INVALID"), ("localhost", "k", "URL_INVALID"), ("127.0.0.1:7001", None, "KEY_MISSING")],
)
def test_an_address_is_a_collectors_and_needs_a_key_of_its_own(tmp_path: Path, url: str, key: str | None, reason: str) -> None:
    with pytest.raises(AssayError) as caught:
        connection.find(tmp_path, url, key)
    assert caught.value.reason == reason


def test_address_and_key_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connection.find(Path("unused"), "127.0.0.1:7001", "k") == Target("127.0.0.1:7001", "k")
    monkeypatch.setenv("ASSAY_URL", "127.0.0.1:1")
    monkeypatch.setenv("ASSAY_KEY", "k")
    assert "nobody answers at 127.0.0.1:1" in assay("ledger").stderr


@pytest.mark.parametrize(("text", "speed"), [("real", 1.0), ("60", 60.0), ("0.5", 0.5)])
def test_a_speed_is_real_time_or_a_multiple_of_it(text: str, speed: float) -> None:
    assert speed_of(text) == speed


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "", "fast"])
def test_no_other_speed_is_taken(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        speed_of(text)


@pytest.mark.parametrize(("text", "expected"), [("90d", timedelta(days=90)), ("2w", timedelta(weeks=2)), ("30m", timedelta(minutes=30))])
def test_a_lifetime_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert lifetime(text) == expected


@pytest.mark.parametrize("text", ["90", "d", "0d", "-1d", "1y", "1.5h", "999999999w", "9999999999s"])
def test_no_other_lifetime_is_taken(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        lifetime(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        ("2026-05-01T12:00:00Z", datetime(2026, 5, 1, 12, tzinfo=UTC)),
        ("2026-05-01T12:00:00+02:00", datetime(2026, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_an_instant_is_in_utc_unless_it_names_a_zone(text: str, expected: datetime) -> None:
    assert moment(text) == expected
