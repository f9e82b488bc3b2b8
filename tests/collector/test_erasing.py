"""Erasing takes records out of everything that was made of them, and out of nothing else."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from assay.events.v1.erasures_pb2 import RecordsErased
from nats.js.errors import NotFoundError

from services.collector import streams
from services.collector.access import tables as _access  # noqa: F401 - adds its tables to the metadata
from services.collector.domain.erasure import ErasedSubject, ErasureKind, has_label, label_text
from services.collector.erasing import Eraser
from services.collector.store import erasing, erasures
from services.collector.tables import metadata
from tests.collector.feeding import Feeder
from tests.collector.writing_support import (
    DEFAULT,
    OTHER,
    assert_rollups_equal_calls,
    booked,
    call_ids,
    evaluation,
    rows,
    started,
    upkeep_of,
    value,
)

ALICE = {"user": "alice"}
LATE = timedelta(hours=1)


@pytest_asyncio.fixture
async def fed(feeder: Feeder) -> AsyncIterator[Feeder]:
    """A collector with the streams that erasing speaks to."""
    for stream in (streams.content_stream(1), streams.erased_stream(1)):
        with suppress(NotFoundError):
            await feeder.bus.jetstream.delete_stream(str(stream.name))
        await feeder.bus.ensure_stream(stream)
    yield feeder


async def feed_people(feeder: Feeder) -> None:
    """Alice's calls with and without a task, one of them of a task that Bob has a call of; and Bob's own. All with evidence."""
    calls = [
        started(feeder, 60, call_id="a-1", task_id="alices", labels=ALICE),
        started(feeder, 61, call_id="a-2", task_id="alices", labels={"user": "alice", "k": 'q"\\'}, model="m-2"),
        started(feeder, 62, call_id="a-3", task_id="", labels=ALICE),
        started(feeder, 63, call_id="a-4", task_id="shared", labels=ALICE),
        started(feeder, 64, call_id="b-1", task_id="shared", labels={"user": "bob"}),
        started(feeder, 65, call_id="b-2", task_id="bobs", labels={"user": "bob"}),
        started(feeder, 66, call_id="b-3", task_id="", labels={"friend": "alice"}),
    ]
    await feeder.feed(DEFAULT, calls)
    await feeder.feed(OTHER, [started(feeder, call_id="a-1", task_id="alices", labels=ALICE)])
    pieces = [evaluation(feeder, f"e-{number}", 0.5, call_id=call.call_id) for number, call in enumerate(calls)]
    pieces += [evaluation(feeder, f"t-{task}", 0.25, task_id=task) for task in ("alices", "shared", "bobs")]
    await feeder.publish_evidence(DEFAULT, pieces)
    await feeder.store()


async def ask(feeder: Feeder, kind: ErasureKind, subject: str, key: str = "", erasure_id: str = "x") -> None:
    project_id = await value(feeder.engine, "SELECT project_id FROM collector.project WHERE project = :project", project=DEFAULT)
    async with feeder.engine.begin() as connection:
        assert await erasures.add(connection, project_id, erasure_id, ErasedSubject(kind, subject, key), "key")


async def erase(feeder: Feeder, kind: ErasureKind, subject: str, key: str = "") -> None:
    """Both passes."""
    await ask(feeder, kind, subject, key)
    eraser = Eraser(feeder.engine, feeder.bus, timedelta(0))
    await eraser.erase_due()
    await eraser.erase_due()


async def erasure(feeder: Feeder) -> Any:
    ((project_id, erasure_id),) = await rows(feeder.engine, "SELECT project_id, erasure_id FROM collector.erasure")
    async with feeder.engine.connect() as connection:
        return await erasures.get(connection, project_id, erasure_id)


async def told(feeder: Feeder) -> tuple[set[str], set[str]]:
    """The calls and tasks that others were told of."""
    state = await feeder.bus.stream_state(streams.ERASED)
    found = [await feeder.bus.jetstream.get_msg(streams.ERASED, number) for number in range(state.first_sequence, state.last_sequence + 1)]
    events = [RecordsErased.FromString(message.data or b"") for message in found]
    return {one for event in events for one in event.call_ids}, {one for event in events for one in event.task_ids}


async def text_of_tables(feeder: Feeder) -> str:
    """All that the collector's tables hold, as one text."""
    names = [name for name in metadata.tables if name.startswith("collector.")]
    return str([await rows(feeder.engine, f"SELECT t::text FROM {name} t") for name in names])


@pytest.mark.parametrize("folded", [False, True])
async def test_a_task_is_gone_with_its_calls_scores_and_evidence(fed: Feeder, folded: bool) -> None:
    await feed_people(fed)
    if folded:
        await upkeep_of(fed).fold_tasks()
        await upkeep_of(fed).fold_rollups(everything=True)
    await erase(fed, ErasureKind.TASK, "alices")
    assert await call_ids(fed.engine) == ["a-3", "a-4", "b-1", "b-2", "b-3"]
    assert await call_ids(fed.engine, OTHER) == ["a-1"]
    found = await erasure(fed)
    assert (found.call_count, found.evidence_count) == (2, 3)
    assert await told(fed) == ({"a-1", "a-2"}, {"alices"})
    await assert_rollups_equal_calls(fed)
    assert await rows(
        fed.engine, "SELECT task_id FROM collector.task JOIN collector.project USING (project_id) WHERE project = 'default'"
    ) == [
        ("bobs",),
        ("shared",),
    ]
    assert await value(fed.engine, "SELECT count(*) FROM collector.score") == 5


async def test_a_label_takes_its_calls_and_the_tasks_that_have_one(fed: Feeder) -> None:
    await feed_people(fed)
    await erase(fed, ErasureKind.LABEL, "alice", "user")
    assert await call_ids(fed.engine) == ["b-2", "b-3"]
    assert await call_ids(fed.engine, OTHER) == ["a-1"]
    assert await told(fed) == ({"a-1", "a-2", "a-3", "a-4", "b-1"}, {"alices", "shared"})
    await assert_rollups_equal_calls(fed)


async def test_a_project_keeps_its_accounts_and_nothing_else(fed: Feeder) -> None:
    await feed_people(fed)
    await upkeep_of(fed).fold_tasks()
    await upkeep_of(fed).fold_rollups(everything=True)
    await fed.publish_evidence(DEFAULT, [evaluation(fed, "alone", 0.5, call_id="alices-unknown")])
    await fed.store()
    before = await booked(fed.engine)
    await erase(fed, ErasureKind.PROJECT, DEFAULT)
    assert await call_ids(fed.engine) == []
    assert await call_ids(fed.engine, OTHER) == ["a-1"]
    assert await booked(fed.engine) == before
    for table in ("task", "task_pending", "evidence", "score", "task_score", "rollup_pending"):
        owners = f"SELECT count(*) FROM collector.{table} JOIN collector.project USING (project_id) WHERE project = 'default'"
        assert await value(fed.engine, owners) == 0, table
    of_series = "SELECT count(*) FROM collector.rollup JOIN collector.series USING (series_id) JOIN collector.project USING (project_id) "
    assert await value(fed.engine, of_series + "WHERE project = 'default'") == 0
    assert await value(fed.engine, of_series + "WHERE project = 'other'") > 0
    await assert_rollups_equal_calls(fed)


async def test_nothing_tells_what_was_erased_when_it_is_over(fed: Feeder) -> None:
    await fed.feed(DEFAULT, [started(fed, call_id="c-1", task_id="alices-task", labels={"user": "alice@example.com"})])
    await fed.publish_evidence(DEFAULT, [evaluation(fed, "e-1", 0.5, task_id="alices-task")])
    await fed.store()
    assert "alices-task" in await text_of_tables(fed)
    await erase(fed, ErasureKind.LABEL, "alice@example.com", "user")
    found = await erasure(fed)
    left = await text_of_tables(fed)
    assert "alice" not in left
    assert b"alice".hex() not in left
    assert found.fingerprint == ErasedSubject(ErasureKind.LABEL, "alice@example.com", "user").fingerprint
    assert found.fingerprint in left
    ((action, details),) = await rows(fed.engine, "SELECT action, details FROM collector.audit_event")
    assert (action, details["call_count"], details["task_count"], details["evidence_count"]) == ("records.erased", "1", "1", "1")
    assert (await fed.bus.stream_state(streams.INGEST)).message_count == 0  # what was stored is kept there for a while otherwise


async def test_what_was_in_flight_at_the_first_pass_is_erased_by_the_last(fed: Feeder) -> None:
    await fed.feed(DEFAULT, [started(fed, call_id="c-1", task_id="t", labels=ALICE)])
    late = [started(fed, call_id="c-2", task_id="t"), started(fed, call_id="c-3", task_id="u", labels=ALICE), started(fed, call_id="c-4")]
    await fed.publish(DEFAULT, late)
    await ask(fed, ErasureKind.LABEL, "alice", "user")
    eraser = Eraser(fed.engine, fed.bus, timedelta(0))
    await eraser.erase_due()
    assert (await erasure(fed)).pass_count == 1
    await eraser.erase_due()
    assert (await erasure(fed)).pass_count == 1, "the stream is not stored yet"
    await fed.store()
    await eraser.erase_due()
    found = await erasure(fed)
    assert (found.pass_count, found.call_count) == (2, 3)
    assert found.done_time is not None
    assert await call_ids(fed.engine) == ["c-4"]
    await assert_rollups_equal_calls(fed)


async def test_the_last_pass_waits_its_time(fed: Feeder) -> None:
    await ask(fed, ErasureKind.TASK, "t")
    eraser = Eraser(fed.engine, fed.bus, LATE)
    await eraser.erase_due()
    await eraser.erase_due()
    assert (await erasure(fed)).pass_count == 1


async def test_erasers_beside_each_other_erase_once(fed: Feeder) -> None:
    await feed_people(fed)
    await ask(fed, ErasureKind.LABEL, "alice", "user")
    await asyncio.gather(*(Eraser(fed.engine, fed.bus, LATE).erase_due() for _ in range(3)))
    assert (await erasure(fed)).call_count == 5
    await assert_rollups_equal_calls(fed)


@pytest.mark.parametrize(("text", "left"), [("t-9", 1), ("nobody", 2)])
async def test_messages_kept_aside_that_speak_of_it_go_too(fed: Feeder, text: str, left: int) -> None:
    for sequence, payload in enumerate((b"\x01..t-9..", b"\x02..t-8..")):
        async with fed.engine.begin() as connection:
            await connection.exec_driver_sql(
                "INSERT INTO collector.dead_letter (stream_id, sequence, subject, store_time, reason, payload) "
                "VALUES (1, $1, 'assay.calls.default', now(), 'test', $2)",
                (sequence, payload),
            )
    await erase(fed, ErasureKind.TASK, text)
    assert await value(fed.engine, "SELECT count(*) FROM collector.dead_letter") == left


LABELS: Sequence[tuple[str, str, str, bool]] = [
    ('{"labels":{"user":"alice"}}', "user", "alice", True),
    ('{"labels":{"user":"alice2"}}', "user", "alice", False),
    ('{"labels":{"a":"\\"user\\":\\"alice\\""}}', "user", "alice", False),
    ('{"ranking_id":"r-1"}', "ranking_id", "r-1", False),
    ('{"labels":{"ä\\"":"\\n"}}', 'ä"', "\n", True),
    ("", "user", "alice", False),
]


@pytest.mark.parametrize(("extras", "key", "wanted", "has"), LABELS)
def test_a_label_is_told_from_what_looks_like_it(extras: str, key: str, wanted: str, has: bool) -> None:
    assert has_label(extras, key, wanted) is has
    assert not has or label_text(key, wanted) in extras


def test_a_fingerprint_tells_kinds_keys_and_values_apart() -> None:
    subjects = [
        ErasedSubject(ErasureKind.TASK, "a"),
        ErasedSubject(ErasureKind.PROJECT, "a"),
        ErasedSubject(ErasureKind.LABEL, "b", "a"),
        ErasedSubject(ErasureKind.LABEL, "a", "b"),
    ]
    assert len({subject.fingerprint for subject in subjects}) == len(subjects)


# Accounts, settings, names and positions: nothing of a call, a task or a person.
KEPT = {
    *("project", "access_key", "login_token", "audit_event", "price_version", "series", "ledger", "erasure"),
    *("stream", "message", "export_target"),
}


def test_every_table_is_erased_or_is_said_to_be_kept() -> None:
    source = Path(erasing.__file__).read_text()
    tables = {name.split(".")[1] for name in metadata.tables}
    assert {name for name in tables if not re.search(rf"DELETE FROM collector\.{name}\b", source)} == KEPT
