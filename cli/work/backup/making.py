"""`assay backup`: one file with all that an installation has. The suite goes on meanwhile."""

import asyncio
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from cli.work.backup import archive as archives
from cli.work.backup import streams, tables
from cli.work.backup.archive import Manifest
from cli.work.bus import nats_tls, nats_url
from cli.work.database import DATABASE_URL_SETTING, database_tls, database_url
from cli.work.output import Json, print_json, step_progress
from kit import bus, database
from kit.errors import AssayError, Kind
from kit.tls import ClientFiles
from services.collector.streams import INGEST

# Keys that a data directory has beside its database: agents and operators go on with theirs, and what receivers keep secret can be read.
SECRETS = ("admin.key", "service.key", "receivers.key")
CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Source:
    """What is backed up: a database and a bus, by their URLs and files for TLS."""

    database_url: str
    database_files: ClientFiles | None
    nats_url: str
    nats_files: ClientFiles | None


def back_up(data_dir: Path, path: Path, *, json: bool) -> None:
    """Writes the backup and prints what is in it. A directory is given a file named by the time."""
    now = datetime.now(UTC)
    file = path / f"assay-{now:%Y%m%dT%H%M%SZ}.zip" if path.is_dir() else path
    is_own = not os.environ.get(DATABASE_URL_SETTING)
    kept = [data_dir.expanduser() / name for name in SECRETS] if is_own else []
    secrets = {secret.name: secret.read_bytes() for secret in kept if secret.exists()}
    source = Source(database_url(data_dir), database_tls(), nats_url(data_dir), nats_tls())
    manifest = asyncio.run(write(file, source, secrets, now))
    shown = summary(manifest) | {"file": str(file), "bytes": file.stat().st_size}
    if json:
        print_json(shown)
        return
    waiting = f"{shown['message_count']:,} messages that are not stored yet"
    print(f"{file}: {shown['bytes'] / 1_000_000:,.1f} MB, {shown['call_count']:,} calls, and {waiting}")
    if secrets:
        print("it holds the installation's keys: keep it where nobody else can read it")


async def write(file: Path, source: Source, secrets: Mapping[str, bytes], now: datetime) -> Manifest:
    """Writes a backup.

    Raises BACKUP_FILE_UNUSABLE, BACKUP_NOTHING_THERE, BACKUP_INTERRUPTED, DATABASE_UNAVAILABLE, BUS_UNAVAILABLE.
    """
    async with AsyncExitStack() as stack:
        archive = stack.enter_context(archives.writing(file))
        progress = stack.enter_context(step_progress("Backing up"))
        stack.enter_context(database.away_is_unavailable())
        engine = await stack.enter_async_context(
            database.engine(source.database_url, name="assay backup", pool_size=2, files=source.database_files)
        )
        connection = await stack.enter_async_context(bus.connect(source.nats_url, "assay backup", source.nats_files))
        await connection.connected(CONNECT_TIMEOUT_S)
        saved = await streams.save(connection, archive)
        async with tables.snapshot(engine) as seen:
            schemas = await tables.versions(seen)
            written, sequences = await tables.dump(seen, archive, progress)
        async with engine.connect() as later:
            if await tables.versions(later) != schemas:
                message = "another version of Assay has changed the tables meanwhile: do it again"
                raise AssayError(Kind.FAILED_PRECONDITION, "BACKUP_INTERRUPTED", message)
        for name, content in secrets.items():
            archive.writestr(f"secrets/{name}", content)
        manifest = Manifest(version("assay"), now.isoformat(), schemas, written, sequences, saved, sorted(secrets))
        archives.add_manifest(archive, manifest)
        return manifest


def summary(manifest: Manifest) -> Json:
    """What is told of a backup."""
    calls = [table for table in manifest.tables if table.schema == "collector" and tables.is_calls(table.name)]
    return {
        "time": manifest.time,
        "assay_version": manifest.assay_version,
        "schemas": dict(manifest.schemas),
        "call_count": sum(table.row_count for table in calls),
        "row_count": sum(table.row_count for table in manifest.tables),
        "message_count": sum(stream.message_count for stream in manifest.streams if stream.name == INGEST),
    }
