"""When a process is ready, and how others hear of it."""

import asyncio

from kit.health import Readiness


def test_ready_means_that_every_condition_holds() -> None:
    readiness = Readiness("database", "bus")
    assert readiness.reasons == {"database": "starting", "bus": "starting"}
    readiness.set("database", True)
    assert not readiness.is_ready
    readiness.set("bus", True)
    assert readiness.is_ready
    readiness.set("database", False, "connection refused")
    assert readiness.reasons == {"database": "connection refused"}


def test_a_condition_that_fails_needs_no_reason_to_count() -> None:
    readiness = Readiness()
    assert readiness.is_ready
    readiness.set("bus", False)
    assert not readiness.is_ready


def test_a_process_that_is_stopping_is_never_ready_again() -> None:
    readiness = Readiness()
    readiness.close()
    readiness.set("database", True)
    assert readiness.reasons == {"process": "stopping"}


async def test_every_watcher_hears_of_the_last_change() -> None:
    readiness = Readiness("database")
    watchers = [readiness.changes() for _ in range(3)]
    assert [await anext(watcher) for watcher in watchers] == [False] * 3
    waiting = [asyncio.ensure_future(anext(watcher)) for watcher in watchers]
    await asyncio.sleep(0)
    readiness.set("bus", False)
    readiness.set("bus", True)
    readiness.set("database", True)
    assert await asyncio.gather(*waiting) == [True] * 3
    readiness.set("database", False)
    readiness.set("database", True)
    readiness.close()
    assert [await anext(watcher) for watcher in watchers] == [False] * 3
    for watcher in watchers:
        await watcher.aclose()
