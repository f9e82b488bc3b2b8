"""A backup that is made while calls come in has everything that was acknowledged before, once, wherever it is restored to."""

import asyncio
import time
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text

from cli.work.backup import archive as archives
from cli.work.backup import restoring
from cli.work.backup.archive import Manifest, Message
from cli.work.backup.making import Source, write
from cli.work.backup.restoring import Target
from cli.work.database import SCHEMAS
from kit import bus as kit_bus
from kit import database
from kit.bus import Bus
from kit.embedded.stack import Stack, embedded_stack
from kit.errors import AssayError
from services.collector import streams
from tests.cli.suite import Suite, assay
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEFAULT,
    assert_rollups_equal_calls,
    booked,
    call_ids,
    collector,
    evaluation,
    running_writers,
    started,
    until,
    upkeep_of,
    value,
)
from tests.conftest import delete_stream

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CALLS_BEFORE = 100
BATCH = 20


@pytest_asyncio.fixture
async def feeder(stack: Stack, bus: Bus) -> AsyncIterator[Feeder]:
    """A collector with some calls stored, folded, and judged."""
    async with collector(stack, bus) as fed:
        await fed.bus.ensure_stream(streams.content_stream(1))
        await fed.feed(DEFAULT, [started(fed, number, call_id=f"c-{number}", task_id=f"t-{number // 3}") for number in range(CALLS_BEFORE)])
        await fed.publish_evidence(DEFAULT, [evaluation(fed, "e-1", 0.5, call_id="c-1"), evaluation(fed, "e-2", 0.5, task_id="t-2")])
        await fed.store()
        await upkeep_of(fed).fold_tasks()
        await upkeep_of(fed).fold_rollups()
        yield fed


def source(feeder: Feeder, stack: Stack) -> Source:
    return Source(feeder.engine.url.render_as_string(hide_password=False), None, stack.nats_url, None)


@pytest_asyncio.fixture(scope="module")
async def other(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Servers beside those of all tests: another place to restore to."""
    async with embedded_stack(tmp_path_factory.mktemp("other")) as running:
        yield running


@asynccontextmanager
async def restored_to(other: Stack, path: Path) -> AsyncIterator[tuple[Feeder, int]]:
    """The backup restored to other servers, which have nothing, and how many messages the writer was given there."""
    url = await other.create_database(f"test_restored_{time.time_ns()}")
    async with database.engine(url) as engine, kit_bus.connect(other.nats_url, "test") as connected:
        await connected.connected()
        for stream in await connected.jetstream.streams_info():
            await delete_stream(connected, str(stream.config.name))
        with archives.reading(path) as (archive, manifest):
            published = await restoring.load(archive, manifest, Target(url, None, other.nats_url, None, other.data.path))
        await connected.ensure_stream(streams.windows_stream(1))  # as the collector does when it starts
        yield Feeder(engine, connected, time.time_ns() // 1_000), published


async def test_a_backup_under_load_has_all_that_was_acknowledged_before_and_nothing_twice(
    feeder: Feeder, stack: Stack, other: Stack, tmp_path: Path
) -> None:
    acknowledged = [f"c-{number}" for number in range(CALLS_BEFORE)]

    async def load() -> None:
        for batch in range(10_000):
            ids = [f"l-{batch}-{number}" for number in range(BATCH)]
            await feeder.publish(DEFAULT, [started(feeder, 1, call_id=one, task_id=f"lt-{batch}") for one in ids], batch_id=f"load-{batch}")
            acknowledged.extend(ids)

    async def some_are_acknowledged() -> bool:
        return len(acknowledged) > CALLS_BEFORE + 10 * BATCH

    async with running_writers(feeder):
        loading = asyncio.create_task(load())
        try:
            await until(some_are_acknowledged, "load")
            before = set(acknowledged)
            manifest = await write(tmp_path / "backup.zip", source(feeder, stack), {"admin.key": b"secret\n"}, NOW)
        finally:
            loading.cancel()
            await asyncio.wait([loading])
    assert manifest.time == NOW.isoformat()
    assert (tmp_path / "backup.zip").stat().st_mode & 0o077 == 0
    async with restored_to(other, tmp_path / "backup.zip") as (restored, _):
        assert (other.data.path / "admin.key").read_text() == "secret\n"
        await restored.store()
        found = await call_ids(restored.engine)
        assert len(found) == len(set(found))
        assert before <= set(found) <= set(acknowledged)
        stored, rejected, duplicate, dead, *_ = await booked(restored.engine)
        assert (stored, rejected, duplicate, dead) == (len(found), 0, 0, 0)
        await assert_rollups_equal_calls(restored)
        await restored.feed(DEFAULT, [started(restored, call_id="after"), started(restored, call_id="c-1")])  # one of them is known
        assert len(await call_ids(restored.engine)) == len(found) + 1


async def test_what_was_not_stored_comes_with_the_messages(feeder: Feeder, stack: Stack, other: Stack, tmp_path: Path) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="waits-1")])
    await feeder.publish(DEFAULT, [started(feeder, call_id="waits-2")])
    await feeder.publish_evidence(DEFAULT, [evaluation(feeder, "e-3", 1.0, call_id="waits-1")])
    await feeder.store_first(1, acknowledge=False)  # as after a crash: stored, and not acknowledged
    await feeder.bus.publish(f"{streams.CONTENT_SUBJECT}.{DEFAULT}.content.0", b"a report", {})
    manifest = await write(tmp_path / "backup.zip", source(feeder, stack), {}, NOW)
    assert {entry.name: entry.message_count for entry in manifest.streams} == {streams.INGEST: 3, streams.CONTENT: 1}
    async with restored_to(other, tmp_path / "backup.zip") as (restored, published):
        assert published == 2
        await restored.store()
        assert {"waits-1", "waits-2"} <= set(await call_ids(restored.engine))
        assert await booked(restored.engine) == (CALLS_BEFORE + 2, 0, 0, 0, 0, 0)
        assert await booked(restored.engine, kind=2) == (3, 0, 0, 0, 0, 0)
        assert await restored.bus.last_payload(streams.CONTENT, f"{streams.CONTENT_SUBJECT}.{DEFAULT}.content.0") == b"a report"
        await assert_rollups_equal_calls(restored)


async def test_a_bus_that_survived_brings_what_came_after_the_backup(feeder: Feeder, stack: Stack, tmp_path: Path) -> None:
    await feeder.publish(DEFAULT, [started(feeder, call_id="waits")])
    await write(tmp_path / "backup.zip", source(feeder, stack), {}, NOW)
    await feeder.feed(DEFAULT, [started(feeder, call_id="later")])
    url = await stack.create_database(f"test_restored_{time.time_ns()}")
    with archives.reading(tmp_path / "backup.zip") as (archive, manifest):
        assert await restoring.load(archive, manifest, Target(url, None, stack.nats_url, None, None)) == 0
    async with database.engine(url) as engine:
        restored = Feeder(engine, feeder.bus, feeder.now_us)
        await restored.store()
        assert {"waits", "later"} <= set(await call_ids(engine))
        assert await booked(engine) == (CALLS_BEFORE + 2, 0, 0, 0, 0, 0)
        await assert_rollups_equal_calls(restored)


async def test_every_row_comes_back_and_numbers_go_on(feeder: Feeder, stack: Stack, tmp_path: Path) -> None:
    for service, package in SCHEMAS.items():
        await database.migrate(feeder.engine.url.render_as_string(hide_password=False), schema=service, package=package)
    async with feeder.engine.begin() as connection:
        await connection.execute(text("INSERT INTO analyzer.project (project) VALUES ('default')"))
    manifest = await write(tmp_path / "backup.zip", source(feeder, stack), {}, NOW)
    assert set(manifest.schemas) == set(SCHEMAS)
    url = await stack.create_database(f"test_restored_{time.time_ns()}")
    with archives.reading(tmp_path / "backup.zip") as (archive, told):
        await restoring.load(archive, told, Target(url, None, stack.nats_url, None, None))
        async with database.engine(url) as engine:
            for table in told.tables:
                name = f'"{table.schema}"."{table.name}"'
                everything = f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t"
                assert await value(engine, everything) == await value(feeder.engine, everything), name
                assert await value(engine, f"SELECT count(*) FROM {name}") == table.row_count
            assert sum(table.row_count for table in told.tables) > CALLS_BEFORE
            assert await value(engine, "SELECT nextval('collector.series_series_id_seq')") > 1
        with pytest.raises(AssayError) as refused:
            await restoring.load(archive, told, Target(url, None, stack.nats_url, None, None))
        assert refused.value.reason == "RESTORE_NOT_EMPTY"


async def test_a_restore_that_fails_leaves_nothing(feeder: Feeder, stack: Stack, tmp_path: Path) -> None:
    await write(tmp_path / "whole.zip", source(feeder, stack), {}, NOW)
    with zipfile.ZipFile(tmp_path / "whole.zip") as whole, zipfile.ZipFile(tmp_path / "damaged.zip", "w") as damaged:
        for name in whole.namelist():
            content = whole.read(name)
            damaged.writestr(name, content[: len(content) // 2] if name == "tables/collector.task" else content)
    url = await stack.create_database(f"test_restored_{time.time_ns()}")
    with archives.reading(tmp_path / "damaged.zip") as (archive, manifest), pytest.raises(Exception, match="COPY"):
        await restoring.load(archive, manifest, Target(url, None, stack.nats_url, None, None))
    async with database.engine(url) as engine:
        assert await value(engine, "SELECT count(*) FROM pg_namespace WHERE nspname = ANY(ARRAY['collector', 'analyzer'])") == 0


async def test_an_empty_database_is_not_backed_up(stack: Stack, tmp_path: Path) -> None:
    url = await stack.create_database(f"test_empty_{time.time_ns()}")
    with pytest.raises(AssayError) as refused:
        await write(tmp_path / "backup.zip", Source(url, None, stack.nats_url, None), {}, NOW)
    assert refused.value.reason == "BACKUP_NOTHING_THERE"
    assert not (tmp_path / "backup.zip").exists()


def test_the_command_backs_up_a_suite_that_runs(suite: Suite, tmp_path: Path) -> None:
    told = suite.assay("backup", tmp_path, "--json").json
    assert Path(told["file"]).parent == tmp_path
    assert set(told["schemas"]) == set(SCHEMAS)
    with archives.reading(Path(told["file"])) as (archive, manifest):
        assert archive.testzip() is None
        assert list(manifest.secrets) == ["admin.key", "receivers.key", "service.key"]
    there = tmp_path / "new"
    again = assay("restore", told["file"], "--data-dir", there, "--json").json
    assert (again["call_count"], again["time"]) == (told["call_count"], told["time"])
    assert (there / "admin.key").read_text() == (suite.data_dir / "admin.key").read_text()
    assert {path.name for path in there.iterdir()} >= {"postgres", "nats", "secrets.json", "service.key", "receivers.key"}
    answer = suite.assay("restore", told["file"])
    assert (answer.exit_code, "is in use by process" in answer.stderr) == (1, True)


BAD_FILES = {
    "missing": None,
    "no zip": b"nothing",
    "no manifest": {},
    "no json": {"manifest.json": "{"},
    "a strange manifest": {"manifest.json": '{"format": 1, "tables": []}'},
    "a newer form": {"manifest.json": '{"format": 99, "assay_version": "9"}'},
}


@pytest.mark.parametrize("bad", BAD_FILES)
def test_what_is_no_backup_is_refused_in_words(bad: str, tmp_path: Path) -> None:
    file, content = tmp_path / "b.zip", BAD_FILES[bad]
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        with zipfile.ZipFile(file, "w") as archive:
            for name, written in content.items():
                archive.writestr(name, written)
    answer = assay("restore", file, "--data-dir", tmp_path / "data")
    assert answer.exit_code == 1
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_messages_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = [Message("assay.calls.default", 7, {"Assay-Count": "3"}, b"\0payload"), Message("a.b", 9, {}, b"")]
    with archives.writing(tmp_path / "a.zip") as archive:
        with archives.member(archive, "streams/S") as file:
            for message in written:
                archives.write_message(file, message)
        archives.add_manifest(archive, Manifest("1", "now", {}))
    with archives.reading(tmp_path / "a.zip") as (archive, manifest):
        assert list(archives.messages(archive, "streams/S")) == written
        assert manifest == Manifest("1", "now", {}, [], {}, [], [])


def test_a_backup_that_is_not_finished_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), archives.writing(tmp_path / "a.zip"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(AssayError) as refused, archives.writing(tmp_path / "missing" / "a.zip"):
        raise AssertionError
    assert refused.value.reason == "BACKUP_FILE_UNUSABLE"
