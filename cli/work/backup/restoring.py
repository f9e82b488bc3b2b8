"""`assay restore`: an installation out of a backup, in an empty directory or an empty database."""

import asyncio
import os
import zipfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from cli.work.backup import archive as archives
from cli.work.backup import streams, tables
from cli.work.backup.archive import Manifest
from cli.work.backup.making import CONNECT_TIMEOUT_S, SECRETS, summary
from cli.work.bus import NATS_URL_SETTING, nats_tls
from cli.work.database import DATABASE_URL_SETTING, database_tls
from cli.work.output import Json, print_json, step_progress
from kit import bus, database
from kit.embedded.datadir import open_data_dir
from kit.embedded.files import plain_refusals, write_private
from kit.embedded.nats import Nats
from kit.embedded.postgres import Postgres
from kit.supervisor import Supervisor
from kit.tls import ClientFiles
from services.analyzer.store.restored import tell_again
from services.collector.settings import CollectorSettings

SECRET_BYTES_MAX = 4_096


@dataclass(frozen=True)
class Target:
    """Where to restore to. `directory` is where keys are put, None for a database that is not our own."""

    database_url: str
    database_files: ClientFiles | None
    nats_url: str
    nats_files: ClientFiles | None
    directory: Path | None


def restore(data_dir: Path, path: Path, *, json: bool) -> None:
    """Restores, and prints what is there now."""

    async def work() -> Json:
        with archives.reading(path) as (archive, manifest):
            async with _target(data_dir) as target:
                published = await load(archive, manifest, target)
        return summary(manifest) | {"published_message_count": published}

    shown = asyncio.run(work())
    if json:
        print_json(shown)
        return
    print(
        f"restored: {shown['call_count']:,} calls as of {shown['time']}, and {shown['published_message_count']:,} messages for the writer"
    )
    print("start Assay to go on")


async def load(archive: zipfile.ZipFile, manifest: Manifest, target: Target) -> int:
    """Fills an empty database, whole or not at all, and then the bus; returns how many messages the writer has yet to store.

    Raises RESTORE_NOT_EMPTY, BACKUP_NEWER, DATABASE_UNAVAILABLE, BUS_UNAVAILABLE.
    """
    url = target.database_url
    async with AsyncExitStack() as stack:
        stack.enter_context(database.away_is_unavailable())
        progress = stack.enter_context(step_progress("Restoring"))
        engine = await stack.enter_async_context(database.engine(url, name="assay restore", pool_size=2, files=target.database_files))
        connection = await stack.enter_async_context(bus.connect(target.nats_url, "assay restore", target.nats_files))
        await connection.connected(CONNECT_TIMEOUT_S)
        async with engine.begin() as transaction:
            await database.check_server(transaction)
            await tables.make_schemas(transaction, manifest.schemas)
            await tables.load(transaction, archive, manifest.tables, progress)
            await tables.set_sequences(transaction, manifest.sequences)
            if any((table.schema, table.name) == ("analyzer", "score") for table in manifest.tables):
                await tell_again(transaction)
        if target.directory is not None:
            _put_secrets(archive, manifest, target.directory)
        settings = CollectorSettings(database_url=SecretStr(url), nats_url=SecretStr(target.nats_url))
        return await streams.give_back(connection, engine, archive, manifest.streams, settings)


def _put_secrets(archive: zipfile.ZipFile, manifest: Manifest, directory: Path) -> None:
    for name in manifest.secrets:
        if name in SECRETS and archive.getinfo(f"secrets/{name}").file_size <= SECRET_BYTES_MAX:
            write_private(directory / name, archive.read(f"secrets/{name}").decode())


@asynccontextmanager
async def _target(data_dir: Path) -> AsyncIterator[Target]:
    """The servers that the environment names, or else our own on the data directory, which run until the block is left."""
    database_url, nats_url = os.environ.get(DATABASE_URL_SETTING, ""), os.environ.get(NATS_URL_SETTING, "")
    if database_url and nats_url:
        yield Target(database_url, database_tls(), nats_url, nats_tls(), None)
        return
    is_own = not database_url
    async with AsyncExitStack() as stack:
        data = stack.enter_context(open_data_dir(data_dir))
        supervisor = await stack.enter_async_context(Supervisor(data.logs))
        children = []
        postgres, nats = Postgres(data), Nats(data)
        if is_own:
            await supervisor.run(postgres.prepare())
            children.append(postgres.child())
        if not nats_url:
            children.append(nats.child())
        with plain_refusals(data.path):
            await supervisor.start(*children)
        yield Target(
            database_url=database_url or postgres.url(),
            database_files=database_tls(),
            nats_url=nats_url or nats.url(),
            nats_files=nats_tls(),
            directory=data.path if is_own else None,
        )
