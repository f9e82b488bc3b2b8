"""NATS: whether it answers, whether what it acknowledges is on its disk, how full its streams are, and how far the writer is behind."""

import asyncio
import json
from datetime import datetime

import nats
import nats.errors
from nats.js.api import DiscardPolicy, StreamInfo

from cli.work.doctor.finding import Finding, note, ok, trouble, warning
from cli.work.doctor.machine import now
from kit import bus
from kit.bus import Bus
from kit.errors import AssayError
from kit.tls import ClientFiles
from services.collector import streams
from services.collector.ingest import require_payload

ANSWER_TIMEOUT_S = 10.0
# The writer empties the ingest stream of what is stored at three quarters: beyond it, what is there is not stored.
FULL_WARNING_RATIO = 0.8
FULL_TROUBLE_RATIO = 0.95
# Under load a message is stored within seconds.
LAG_WARNING_S = 60.0
LAG_TROUBLE_S = 600.0


async def look_at_bus(url: str, files: ClientFiles | None, system_url: str | None) -> list[Finding]:
    """Everything about the bus at the URL. `system_url` is that of its system account, where it is known: of our own server."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S), bus.connect(url, "assay doctor", files) as connection:
            await connection.connected(ANSWER_TIMEOUT_S / 2)
            findings = _server(connection)
            found = {str(info.config.name): info for info in await connection.jetstream.streams_info()}
            findings += _streams(found)
            if streams.INGEST in found:
                findings.append(await _lag(connection, found[streams.INGEST]))
    except AssayError as error:
        return [trouble("bus", error.message, "see that NATS runs, and that ASSAY_NATS_URL and ASSAY_NATS_TLS_CA are right")]
    except (nats.errors.Error, OSError, TimeoutError) as error:
        return [trouble("bus", f"does not answer as it should: {error!r}", "see that JetStream is on: `jetstream {}` in its configuration")]
    return [*findings, await _sync(system_url)]


def _server(connection: Bus) -> list[Finding]:
    try:
        require_payload(connection.max_payload_bytes)
    except AssayError as error:
        return [trouble("bus", error.message, "raise max_payload in the server's configuration")]
    return [ok("bus", f"NATS answers, and takes messages of {connection.max_payload_bytes / 1_000_000:.1f} MB")]


def _streams(found: dict[str, StreamInfo]) -> list[Finding]:
    if streams.INGEST not in found:
        return [warning("bus", f"there is no stream {streams.INGEST} yet", "start the collector, which makes it")]
    return [finding for name, info in sorted(found.items()) if name.startswith("ASSAY_") for finding in _stream(name, info)]


def _stream(name: str, info: StreamInfo) -> list[Finding]:
    """How full a stream is that refuses what it has no room for; the others make room by themselves."""
    limit_bytes = info.config.max_bytes or -1
    if info.config.discard != DiscardPolicy.NEW or limit_bytes <= 0:
        return []
    ratio = info.state.bytes / limit_bytes
    seen = f"{name} is {ratio:.0%} full: {info.state.messages:,} messages, {info.state.bytes / 1_000_000:,.1f} MB"
    if ratio >= FULL_TROUBLE_RATIO:
        return [trouble("bus", seen, "see why the writer does not store: its log, and the database; clients are being refused")]
    if ratio >= FULL_WARNING_RATIO:
        return [warning("bus", seen, "see why the writer is behind, or run another one")]
    return [ok("bus", seen)]


async def _lag(connection: Bus, info: StreamInfo) -> Finding:
    """How old the oldest message is that is not stored."""
    floor = await connection.consumer(streams.INGEST, streams.WRITER).floor()
    count = info.state.last_seq - max(floor, info.state.first_seq - 1)
    oldest = await connection.message(streams.INGEST, max(floor + 1, info.state.first_seq)) if count > 0 else None
    received: datetime | None = getattr(oldest, "time", None)
    if received is None:
        return ok("lag", "everything that was acknowledged is stored")
    lag_s = (now() - received).total_seconds()
    seen = f"{count:,} messages are not stored yet, the oldest of them for {lag_s:.1f} s"
    if lag_s >= LAG_TROUBLE_S:
        return trouble("lag", seen, "see that a writer runs, and its log; nothing is lost until the stream is full")
    if lag_s >= LAG_WARNING_S:
        return warning("lag", seen, "see the writer's log, or run another one")
    return ok("lag", seen)


async def _sync(system_url: str | None) -> Finding:
    """Whether the server syncs what it acknowledges to its disk at once, as it tells its system account alone."""
    advice = "it must have `jetstream { sync_interval: always }`: without it, acknowledged calls can be lost with the power"
    if system_url is None:
        return note("sync", "whether NATS syncs each message to its disk cannot be seen from here", advice)
    client = await nats.connect(system_url, connect_timeout=2, allow_reconnect=False)
    try:
        answer = await client.request("$SYS.REQ.SERVER.PING.JSZ", b"{}", timeout=ANSWER_TIMEOUT_S)
        configuration = json.loads(answer.data)["data"]["config"]
    finally:
        await client.close()
    if configuration.get("sync_always"):
        return ok("sync", "NATS has each message on its disk before it acknowledges it")
    return trouble("sync", "NATS does not sync each message to its disk", advice)
