"""`assay doctor`: a healthy suite is well, and each thing that is wrong is named with what to do."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509

from cli.work.doctor import bus, certificates, database, machine, settings
from cli.work.doctor.finding import Finding, Grade
from kit.settings import TlsSettings
from tests.certificates import Authority
from tests.cli.suite import Suite, assay

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GB = 10**9
DEAD_PORT = "127.0.0.1:1"


def worst(findings: list[Finding]) -> Grade:
    return max((finding.grade for finding in findings), key=list(Grade).index)


def test_a_suite_that_runs_is_well(suite: Suite) -> None:
    found = suite.assay("doctor", "--json").json
    assert found["is_well"], found
    subjects = {finding["subject"] for finding in found["findings"]}
    assert subjects >= {
        "settings",
        "disk",
        "secrets",
        "certificates",
        "database",
        "clock",
        "tables",
        "bus",
        "lag",
        "sync",
        "processes",
        "keys",
    }
    assert not [finding for finding in found["findings"] if finding["grade"] != "ok" and not finding["advice"]][1:]
    told = suite.assay("doctor").stdout
    assert "ok       database: PostgreSQL 1" in told
    assert "NATS has each message on its disk before it acknowledges it" in told
    assert told.count(" is ready\n") == 6


def test_where_nothing_runs_it_says_so_and_fails(tmp_path: Path) -> None:
    answer = assay("doctor", "--data-dir", tmp_path)
    assert answer.exit_code == 1
    assert "TROUBLE  processes: no suite runs on" in answer.stdout
    assert "→ start one with `assay up`" in answer.stdout


def test_servers_that_do_not_answer_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", f"postgresql+asyncpg://u:p@{DEAD_PORT}/d")
    monkeypatch.setenv("ASSAY_NATS_URL", f"nats://u:p@{DEAD_PORT}")
    monkeypatch.setenv("ASSAY_SERVICE_KEY", "k")
    monkeypatch.setattr(bus, "ANSWER_TIMEOUT_S", 2.0)
    answer = assay("doctor", "--data-dir", tmp_path, "--url", DEAD_PORT, "--key", "k")
    assert answer.exit_code == 1
    for trouble in ("database: cannot be reached", "bus: the bus cannot be reached", f"the collector at {DEAD_PORT} does not answer"):
        assert f"TROUBLE  {trouble}" in answer.stdout or trouble in answer.stdout, answer.stdout
    assert "u:p" not in answer.stdout


SETTINGS = [
    ({"ASSAY_LOG_LEVEL": "DEBUG", "ASSAY_CLIENT_SPILL_DIR": "/x", "ASSAY_COLLECTOR_SERVICE_PORT_GRPC": "7001"}, Grade.OK, "3 in the env"),
    ({"ASSAY_LOGLEVEL": "DEBUG"}, Grade.WARNING, "ASSAY_LOGLEVEL is set, and nothing reads it"),
    ({"ASSAY_COLLECTOR_CALLS_KEPT_DAYS": "1"}, Grade.TROUBLE, "ASSAY_COLLECTOR_CALLS_KEPT_DAYS: "),
    ({"ASSAY_TLS_CERTIFICATE": "a.pem"}, Grade.TROUBLE, "go together"),
]


@pytest.mark.parametrize(("environment", "grade", "seen"), SETTINGS)
def test_settings_are_looked_at(environment: dict[str, str], grade: Grade, seen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = settings.look_at_settings(os.environ, is_embedded=True)
    assert worst(found) is grade
    assert any(seen in finding.seen for finding in found), found


def test_a_name_that_is_nearly_right_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_COLLECTOR_CALL_KEPT_DAYS", "40")
    (found,) = settings.look_at_settings(os.environ, is_embedded=True)
    assert found.advice == "did you mean ASSAY_COLLECTOR_CALLS_KEPT_DAYS?"
    assert worst(settings.look_at_settings({}, is_embedded=False)) is Grade.TROUBLE  # nobody gives them the database


@pytest.mark.parametrize(("free", "grade"), [(60 * GB, Grade.OK), (9 * GB, Grade.WARNING), (GB // 4, Grade.TROUBLE)])
def test_the_disk_has_room_or_not(free: int, grade: Grade, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free, total=100 * GB))
    assert machine.look_at_disk(tmp_path / "not" / "there").grade is grade


def test_a_secret_that_others_may_read_is_trouble(tmp_path: Path) -> None:
    assert machine.look_at_secrets(tmp_path) == []
    file = tmp_path / "admin.key"
    file.write_text("secret")
    file.chmod(0o600)
    assert worst(machine.look_at_secrets(tmp_path)) is Grade.OK
    file.chmod(0o640)
    (found,) = machine.look_at_secrets(tmp_path)
    assert (found.grade, found.advice.startswith(f"chmod 600 {file}")) == (Grade.TROUBLE, True)


@pytest.mark.parametrize(
    ("off_s", "took_s", "grade"),
    [(0.5, 0.1, Grade.OK), (5.0, 0.1, Grade.WARNING), (5.0, 10.0, Grade.OK), (-90.0, 0.1, Grade.TROUBLE)],
)
def test_a_clock_is_held_against_ours_and_the_time_of_the_question(off_s: float, took_s: float, grade: Grade) -> None:
    after = NOW + timedelta(seconds=took_s)
    theirs = NOW + timedelta(seconds=took_s / 2 + off_s)
    assert machine.look_at_clock("x", theirs, NOW, after).grade is grade


@pytest.mark.parametrize(
    ("before_end", "grade"),
    [
        (timedelta(days=100), Grade.OK),
        (timedelta(days=10), Grade.WARNING),
        (timedelta(0), Grade.TROUBLE),
        (timedelta(days=400_000), Grade.TROUBLE),
    ],
)
def test_certificates_hold_or_not(before_end: timedelta, grade: Grade, tmp_path: Path) -> None:
    pair = Authority(tmp_path, "ca").pair("server")
    pair.key.chmod(0o600)
    named = TlsSettings(tls_certificate=pair.certificate, tls_key=pair.key)
    end = x509.load_pem_x509_certificate(pair.certificate.read_bytes()).not_valid_after_utc
    found = certificates.look_at_certificates(named, end - before_end)
    assert worst(found) is grade, found
    pair.key.chmod(0o644)
    assert worst(certificates.look_at_certificates(named, end - before_end)) is Grade.TROUBLE


def test_files_that_are_no_certificates_are_trouble(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_text("nothing")
    named = TlsSettings(tls_certificate=tmp_path / "a.pem", tls_key=tmp_path / "missing.key", tls_ca=tmp_path / "missing.pem")
    found = certificates.look_at_certificates(named, NOW)
    assert [finding.grade for finding in found] == [Grade.TROUBLE] * 4
    assert certificates.look_at_certificates(TlsSettings(), NOW)[0].grade is Grade.NOTE


@pytest.mark.parametrize(("version", "grade"), [(None, Grade.WARNING), ("0000", Grade.WARNING), ("9999", Grade.TROUBLE)])
def test_versions_of_tables_are_held_against_the_program(version: str | None, grade: Grade) -> None:
    assert database._schema({"schema": "reporter", "version": version, "bytes": 0}).grade is grade


@pytest.mark.parametrize(("ratio", "grade"), [(0.1, Grade.OK), (0.85, Grade.WARNING), (0.99, Grade.TROUBLE)])
def test_a_stream_that_refuses_when_it_is_full_is_looked_at(ratio: float, grade: Grade) -> None:
    config = SimpleNamespace(max_bytes=1_000, discard="new")
    info = SimpleNamespace(config=config, state=SimpleNamespace(bytes=int(1_000 * ratio), messages=1))
    (found,) = bus._stream("ASSAY_INGEST", info)  # type: ignore[arg-type]
    assert found.grade is grade
    config.discard = "old"
    assert bus._stream("ASSAY_INGEST", info) == []  # type: ignore[arg-type]
