"""Files for what memory cannot hold or the end cuts off: complete, exact, and taken over by whoever comes next."""

from pathlib import Path
from typing import Any

import pytest
from assay_client import Client, Stats
from assay_client.lane import Batch, Kind
from assay_client.spill import Spill
from hypothesis import given
from hypothesis import strategies as st

from tests.client.conftest import NewClient
from tests.client.neighbour import Neighbour, Server
from tests.client.programs import KILLED, run
from tests.client.support import DEADLINE_S, assert_balanced, await_encoded, eventually, record

ROOM_BYTES = 64 * 1024 * 1024
BATCHES = [Batch(Kind.CALLS, b"first", 3), Batch(Kind.EVIDENCE, b"", 1), Batch(Kind.CALLS, b"x" * 100_000, 700)]


def read_all(spill: Spill) -> list[tuple[Kind, bytes, int]]:
    """What is in the files."""
    found = []
    while (read := spill.read()) is not None:
        found.append((read[0].kind, read[0].request, read[0].count))
        spill.strike_out()
    return found


def expected(batches: list[Batch]) -> list[tuple[Kind, bytes, int]]:
    return [(batch.kind, batch.request, batch.count) for batch in batches]


def test_what_was_written_is_read_in_order_and_then_gone(tmp_path: Path) -> None:
    spill = Spill(tmp_path, ROOM_BYTES)
    for _ in range(2):
        assert all(spill.append(batch) for batch in BATCHES)
        assert read_all(spill) == expected(BATCHES)
    spill.close()
    assert not list(tmp_path.iterdir())


def test_what_a_process_left_belongs_to_the_next_but_not_while_it_lives(tmp_path: Path) -> None:
    first, second = Spill(tmp_path, ROOM_BYTES), Spill(tmp_path, ROOM_BYTES)
    assert all(first.append(batch) for batch in BATCHES)
    assert second.read() is None
    first.close()
    second._search_after_s = 0.0
    read = second.read()
    assert read is not None and read[1] is False
    assert read_all(second) == expected(BATCHES)
    second.close()
    assert not list(tmp_path.iterdir())


def test_what_was_not_struck_out_is_read_again(tmp_path: Path) -> None:
    first = Spill(tmp_path, ROOM_BYTES)
    assert all(first.append(batch) for batch in BATCHES)
    assert first.read() == first.read()
    first.close()
    assert read_all(Spill(tmp_path, ROOM_BYTES)) == expected(BATCHES)


def test_there_is_a_limit(tmp_path: Path) -> None:
    spill = Spill(tmp_path, 100_100)
    assert [spill.append(batch) for batch in (BATCHES[2], BATCHES[2], BATCHES[0])] == [True, False, True]
    spill.close()


@given(st.integers(0, 100_200), st.sampled_from(["cut", "flip"]))
def test_a_damaged_file_gives_what_is_before_the_damage(tmp_path_factory: pytest.TempPathFactory, place: int, damage: str) -> None:
    folder = tmp_path_factory.mktemp("spill")
    spill = Spill(folder, ROOM_BYTES)
    assert all(spill.append(batch) for batch in BATCHES)
    spill.close()
    (path,) = folder.iterdir()
    content = path.read_bytes()
    if place >= len(content):
        return
    path.write_bytes(content[:place] if damage == "cut" else content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    ends = [17 + len(BATCHES[0].request), 2 * 17 + len(BATCHES[0].request), len(content)]
    whole = sum(place >= end for end in ends)
    reader = Spill(folder, ROOM_BYTES)
    assert read_all(reader) == expected(BATCHES[:whole])
    reader.close()
    left = list(folder.iterdir())
    assert [each.suffix for each in left] == ([".damaged"] if place > ([0, *ends][whole]) or damage == "flip" else [])


def test_a_disk_that_refuses_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "spill"
    spill = Spill(folder, ROOM_BYTES)
    folder.rmdir()
    assert not spill.append(BATCHES[0]) and not spill.append(BATCHES[0])
    assert caplog.text.count("cannot write to") == 1


def test_more_than_memory_holds_is_kept_and_sent_when_the_collector_comes(
    new_client: NewClient, neighbour: Neighbour, server: Server, tmp_path: Path
) -> None:
    server.stop()
    client = new_client(bytes_max=1024 * 1024, spill_dir=tmp_path)
    for _ in range(150):
        record(client, 80)
        await_encoded(client)
        assert_balanced(client.stats())
    assert client.stats() == Stats(recorded=12_000, buffered=12_000)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 100_000
    server.start()
    assert client.flush(DEADLINE_S)
    eventually(lambda: client.stats().buffered == 0)
    assert client.stats() == Stats(recorded=12_000, sent=12_000)
    assert len(neighbour.calls) == 12_000
    neighbour.assert_nothing_twice()
    client.close(DEADLINE_S)
    assert not list(tmp_path.iterdir())


def test_what_the_end_cuts_off_is_sent_by_the_next_process(
    new_client: NewClient, neighbour: Neighbour, server: Server, tmp_path: Path
) -> None:
    server.stop()
    for _ in range(3):
        done = run("record(); client.feedback(call_id='c', accepted=True)", neighbour.address, **_spilling(tmp_path))
        assert done.returncode == 0 and "10 calls" not in done.stderr and "11 calls or pieces of evidence are kept" in done.stderr
    server.start()
    client = new_client(spill_dir=tmp_path)
    record(client)
    eventually(lambda: client.stats().recovered == client.stats().sent - 1 == 30)
    eventually(lambda: client.evidence_stats() == Stats(recovered=3, sent=3))
    assert_balanced(client.stats(), 1)
    eventually(lambda: not list(tmp_path.iterdir()))
    assert len(neighbour.calls) == 31
    neighbour.assert_nothing_twice()


def test_a_process_that_is_killed_leaves_what_it_had_written(
    new_client: NewClient, neighbour: Neighbour, tmp_path: Path, server: Server
) -> None:
    server.stop()
    body = """
    for _ in range(200):
        record(60)
        while client._engine.calls.items:
            client._engine._alarm.ring()
            time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
    """
    done = run(body, neighbour.address, **_spilling(tmp_path), ASSAY_CLIENT_BYTES_MAX=str(1024 * 1024))
    assert done.returncode == KILLED, done.stderr
    written = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert written > 100_000
    server.start()
    client = new_client(spill_dir=tmp_path)
    record(client)
    eventually(lambda: client.stats().sent > 1 and not client.stats().buffered and not list(tmp_path.iterdir()))
    assert_balanced(client.stats(), 1)
    assert client.stats().recovered == client.stats().sent - 1 == len(neighbour.calls) - 1
    neighbour.assert_nothing_twice()


def test_a_child_leaves_its_parents_file_alone(neighbour: Neighbour, server: Server, tmp_path: Path) -> None:
    server.stop()
    body = """
    while not any(path.endswith(".spill") for path in os.listdir(os.environ["ASSAY_CLIENT_SPILL_DIR"])):
        record(60)
        time.sleep(0.001)
    if not os.fork():
        record(5)
        sys.exit()
    assert os.wait()[1] == 0
    """
    done = run(body, neighbour.address, **_spilling(tmp_path), ASSAY_CLIENT_BYTES_MAX=str(1024 * 1024))
    assert done.returncode == 0, done.stderr
    assert "5 calls or pieces of evidence are kept" in done.stderr
    assert len(list(tmp_path.glob("*.spill"))) == 2
    assert len({path.name.split("-")[0] for path in tmp_path.iterdir()}) == 2


def test_a_folder_that_cannot_be_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        Client(spill_dir=tmp_path / "file")


def _spilling(folder: Path) -> dict[str, Any]:
    return {"ASSAY_CLIENT_SPILL_DIR": str(folder), "ASSAY_CLIENT_EXIT_TIMEOUT_S": "0.2"}
