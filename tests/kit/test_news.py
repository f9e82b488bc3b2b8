"""Announcements reach those who watch their project, and whoever may have missed some is told so."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from nats.js.api import StorageType, StreamConfig

from kit import bus as kit_bus
from kit import news as kit_news
from kit.bus import Bus
from kit.embedded.stack import Stack
from kit.lifecycle import background
from kit.news import News, Told
from tests.client.proxy import proxied

SUBJECT = "test.news"
IN_TIME_S = 60.0
LIST = Told(list_again=True, payloads=[])


async def told(watch: AsyncGenerator[Told, None]) -> Told:
    return await asyncio.wait_for(anext(watch), IN_TIME_S)


@asynccontextmanager
async def watching(bus: Bus) -> AsyncIterator[tuple[News, AsyncGenerator[Told, None]]]:
    """A watch of project `a` that has been told to list what there is, and misses nothing from then on."""
    news = News(bus, SUBJECT)
    async with aclosing(news.watch("a")) as watch:
        assert await told(watch) == LIST
        async with background(news.run):
            assert await told(watch) == LIST  # the subscription stands
            yield news, watch


async def announce(bus: Bus, project: str, *payloads: bytes) -> None:
    await bus.ensure_stream(StreamConfig(name="TEST_NEWS", subjects=[f"{SUBJECT}.*"], storage=StorageType.MEMORY))
    for payload in payloads:
        await bus.publish(f"{SUBJECT}.{project}", payload, {})


async def test_a_watch_is_told_what_is_announced_of_its_project_alone(bus: Bus) -> None:
    async with watching(bus) as (news, watch):
        await announce(bus, "b", b"other")
        await announce(bus, "a", b"1", b"2")
        seen: list[bytes] = []
        while len(seen) < 2:
            update = await told(watch)
            assert not update.list_again
            seen += update.payloads
        assert seen == [b"1", b"2"]
        async with aclosing(news.watch("a")) as newcomer:
            assert await told(newcomer) == LIST
            await announce(bus, "a", b"3")
            assert await told(newcomer) == await told(watch) == Told(list_again=False, payloads=[b"3"])


async def test_who_is_too_far_behind_lists_what_there_is(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit_news, "WAITING_MAX", 2)
    async with watching(bus) as (news, watch), aclosing(news.watch("a")) as other:
        assert await told(other) == LIST
        for payload in (b"1", b"2", b"3"):
            await announce(bus, "a", payload)
            assert await told(other) == Told(list_again=False, payloads=[payload])
        assert await told(watch) == LIST


async def test_a_lost_connection_is_told(stack: Stack) -> None:
    credentials, _, address = stack.nats_url.rpartition("@")
    with proxied(address) as proxy:
        async with kit_bus.connect(f"{credentials}@{proxy.address}", "test") as bus, watching(bus) as (_, watch):
            proxy.cut()
            assert await told(watch) == LIST
