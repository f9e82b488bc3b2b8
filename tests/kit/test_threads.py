"""The event loop gets the interpreter back soon from a thread that computes."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from kit import threads

WAKES = 40


@pytest.fixture(autouse=True)
def interval() -> Iterator[None]:
    before = sys.getswitchinterval()
    yield
    sys.setswitchinterval(before)


def woken_s() -> float:
    """How long it takes to wake up WAKES times beside a thread that computes without a pause."""
    is_over = threading.Event()

    def compute() -> None:
        while not is_over.is_set():
            sum(range(100))

    computing = threading.Thread(target=compute)
    computing.start()
    began = time.perf_counter()
    for _ in range(WAKES):
        time.sleep(0)
    took_s = time.perf_counter() - began
    is_over.set()
    computing.join()
    return took_s


def test_a_computing_thread_gives_way_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "gettrace", lambda: None)
    sys.setswitchinterval(0.05)
    before_s = woken_s()
    threads.favour_the_event_loop()
    assert woken_s() < before_s


def test_threads_take_turns_as_ever_while_something_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "gettrace", lambda: print)
    sys.setswitchinterval(0.05)
    threads.favour_the_event_loop()
    assert sys.getswitchinterval() == pytest.approx(0.05)


async def test_a_turn_lasts_as_long_as_its_thread_also_when_nobody_waits_any_more() -> None:
    turns, may_end, working = asyncio.Semaphore(1), threading.Event(), threading.Event()

    def work() -> int:
        working.set()
        may_end.wait(30)
        return 7

    given_up = asyncio.create_task(threads.in_turn(turns, work))
    await asyncio.to_thread(working.wait, 30)
    given_up.cancel()
    await asyncio.wait([given_up])
    assert turns.locked()
    may_end.set()
    assert await asyncio.wait_for(threads.in_turn(turns, work), 30) == 7


async def test_what_goes_wrong_in_a_turn_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await threads.in_turn(asyncio.Semaphore(1), lambda: 1 // 0)
