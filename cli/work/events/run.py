"""Prints events as JSON lines: as they come, or all that is kept."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from google.protobuf.message import DecodeError

from cli.work.events.kinds import KINDS
from cli.work.events.reading import EventReader, Start
from cli.work.output import Json, finite, print_json
from kit import bus
from kit.bus import Bus, Msg
from kit.embedded.datadir import DataDir, read_run
from kit.embedded.nats import Nats
from kit.errors import AssayError, Kind
from kit.settings import TlsSettings, load
from kit.tls import ClientFiles

NATS_URL_SETTING = "ASSAY_NATS_URL"
CONNECT_TIMEOUT_S = 15.0
# How long a question for messages stays open while one follows; what comes is given at once.
FOLLOW_WAIT_S = 5.0
# A message that is kept comes within milliseconds: after so long there is none.
KEPT_WAIT_S = 5.0
RETRY_S = 1.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Wish:
    """Which events, of one project or, with an empty name, of all, and from when on."""

    kinds: Sequence[str]
    project: str
    start: Start


def tail(data_dir: Path, wish: Wish) -> None:
    """Prints events as they come until it is interrupted. Raises AssayError."""

    async def follow(connection: Bus) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                for name in wish.kinds:
                    group.create_task(_follow(connection, name, wish))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from errors

    _with_bus(data_dir, follow)


def export(data_dir: Path, wish: Wish) -> None:
    """Prints all that is kept at this moment, one kind after the other. Raises AssayError."""

    async def read(connection: Bus) -> None:
        for name in wish.kinds:
            await _export(connection, name, wish)

    _with_bus(data_dir, read)


def address(data_dir: Path) -> str:
    """The bus, with its password. Raises NOT_RUNNING, BUS_ELSEWHERE."""
    return _bus_address(data_dir)[0]


async def _follow(connection: Bus, name: str, wish: Wish) -> None:
    reader = EventReader(connection, KINDS[name], wish.project, wish.start)
    while True:
        try:
            for message in await reader.next(FOLLOW_WAIT_S):
                print_json(_line(name, message))
        except AssayError as error:
            if error.kind is not Kind.UNAVAILABLE:
                raise
            await asyncio.sleep(RETRY_S)
        sys.stdout.flush()


async def _export(connection: Bus, name: str, wish: Wish) -> None:
    reader = EventReader(connection, KINDS[name], wish.project, wish.start)
    last_sequence = (await connection.stream_state(KINDS[name].stream)).last_sequence
    while messages := await reader.next(KEPT_WAIT_S):
        for message in messages:
            if message.metadata.sequence.stream > last_sequence:  # came while we read
                break
            print_json(_line(name, message))
        if messages[-1].metadata.num_pending == 0 or messages[-1].metadata.sequence.stream >= last_sequence:
            break
    await reader.close()


def _line(name: str, message: Msg) -> Json:
    """An event: where it stands, and what it says. One that this version cannot read has `trouble` instead."""
    place = message.metadata
    line: Json = {
        "kind": name,
        "project": message.subject.rpartition(".")[2],
        "stream": place.stream,
        "sequence": place.sequence.stream,
        "publish_time": place.timestamp.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    try:
        return {**line, "event": finite(KINDS[name].read(message.data))}
    except (DecodeError, ValueError, IndexError) as error:
        return {**line, "trouble": str(error)}


def _with_bus(data_dir: Path, work: Callable[[Bus], Awaitable[Result]]) -> Result:
    url, files = _bus_address(data_dir)

    async def connected() -> Result:
        async with bus.connect(url, "assay events", files) as connection:
            await connection.connected(CONNECT_TIMEOUT_S)
            return await work(connection)

    return asyncio.run(connected())


def _bus_address(data_dir: Path) -> tuple[str, ClientFiles | None]:
    """The bus of the setting and its TLS files, or that of the suite on the data directory. Raises NOT_RUNNING, BUS_ELSEWHERE."""
    url = os.environ.get(NATS_URL_SETTING)
    if url:
        return url, load(TlsSettings).nats_tls
    own = read_run(data_dir).processes.get("nats")
    if own is None:
        message = f"this suite uses a NATS server elsewhere: set {NATS_URL_SETTING} as for `assay up`"
        raise AssayError(Kind.FAILED_PRECONDITION, "BUS_ELSEWHERE", message)
    path = data_dir.expanduser().resolve()
    return Nats(DataDir(path, path), port=urlsplit(own.url).port or 0).url(), None
