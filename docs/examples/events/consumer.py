"""Keeps what calls cost, by provider and model, from Assay's event log: a projection that counts each message once.

Usage: ASSAY_NATS_URL=nats://… python consumer.py FILE.sqlite [--once]
"""

import asyncio
import os
import sqlite3
import struct
import sys
from collections import Counter
from contextlib import suppress

import nats
from assay.events.v1.ingest_pb2 import CallColumns, IngestMessage
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

STREAM = "ASSAY_INGEST"
SUBJECT = "assay.calls.*"
FETCH_MAX = 100
FETCH_WAIT_S = 2.0
NOT_KNOWN = -1  # a cost that nobody knows

SCHEMA = """
CREATE TABLE IF NOT EXISTS cost (
    project TEXT, provider TEXT, model TEXT, calls INTEGER, usd_nanos INTEGER, PRIMARY KEY (project, provider, model)
);
CREATE TABLE IF NOT EXISTS position (stream TEXT, sequence INTEGER);
CREATE TABLE IF NOT EXISTS seen (project TEXT, call_id TEXT, PRIMARY KEY (project, call_id)) WITHOUT ROWID;
"""


async def main(file: str, *, once: bool) -> None:
    """Reads on from where it was."""
    database = sqlite3.connect(file)
    database.executescript(SCHEMA)
    connection = await nats.connect(os.environ["ASSAY_NATS_URL"])
    try:
        stream = connection.jetstream()
        info = await stream.stream_info(STREAM)
        incarnation = str(info.created)
        subscription = await subscribe(stream, start_of(database, incarnation))
        while True:
            messages = []
            with suppress(TimeoutError):
                messages = await subscription.fetch(FETCH_MAX, timeout=FETCH_WAIT_S)
            if messages:
                store(database, incarnation, messages)
            elif once:
                break
    finally:
        await connection.close()
    for row in database.execute("SELECT project, provider, model, calls, usd_nanos / 1e9 FROM cost ORDER BY project, provider, model"):
        print("{} {} {}: {} calls, {:.4f} USD".format(*row))


def start_of(database: sqlite3.Connection, incarnation: str) -> int:
    """The first sequence that was not read. A stream that was made anew is read from its first message."""
    row = database.execute("SELECT sequence FROM position WHERE stream = ?", [incarnation]).fetchone()
    return row[0] + 1 if row else 1


async def subscribe(stream: JetStreamContext, sequence: int) -> JetStreamContext.PullSubscription:
    """A consumer of our own. The position is ours to keep, so that it needs no name and no acknowledgements."""
    config = ConsumerConfig(
        filter_subject=SUBJECT,
        ack_policy=AckPolicy.NONE,
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=sequence,
    )
    return await stream.pull_subscribe(SUBJECT, stream=STREAM, config=config)


def store(database: sqlite3.Connection, incarnation: str, messages: list[Msg]) -> None:
    """Adds what the messages tell, and notes how far that is, in one transaction."""
    with database:
        for message in messages:
            project = message.subject.rpartition(".")[2]
            add(database, project, IngestMessage.FromString(message.data).calls)
        database.execute("DELETE FROM position")
        database.execute("INSERT INTO position VALUES (?, ?)", [incarnation, messages[-1].metadata.sequence.stream])


def add(database: sqlite3.Connection, project: str, calls: CallColumns) -> None:
    """Adds calls to the sums. A call that comes again, in whatever batch, is known by its id."""
    count = len(calls.call_ids)
    series = struct.unpack(f"<{count}H", calls.series_index)
    costs = struct.unpack(f"<{count}q", calls.cost_usd_nanos)
    call_counts: Counter[tuple[str, str]] = Counter()
    nanos: Counter[tuple[str, str]] = Counter()
    for place, call_id in enumerate(calls.call_ids):
        is_new = database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", [project, call_id]).rowcount
        if is_new:
            provider, model, *_ = calls.series[series[place]].split("\0")
            call_counts[provider, model] += 1
            nanos[provider, model] += costs[place] if costs[place] != NOT_KNOWN else 0
    database.executemany(
        "INSERT INTO cost VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT DO UPDATE SET calls = calls + excluded.calls, usd_nanos = usd_nanos + excluded.usd_nanos",
        [(project, *key, call_counts[key], nanos[key]) for key in call_counts],
    )


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], once="--once" in sys.argv))
