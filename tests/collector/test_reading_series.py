"""Listing series."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from assay.collector.v1 import metrics_service_pb2 as metrics

from kit.bus import Bus
from kit.embedded.stack import Stack
from kit.errors import AssayError
from kit.paging import encode_token
from services.collector.messages.listing_requests import series_query
from tests.collector.ingest_samples import call
from tests.collector.reading_support import DEFAULT, OTHER, Site, reading_site, refusal

Key = tuple[str, str, str, str, str]

# In the order in which they are listed.
KEYS: list[Key] = [
    ("anthropic", "haiku", "review", "", ""),
    ("anthropic", "haiku", "review", "p", "1"),
    ("anthropic", "haiku", "review", "p", "2"),
    ("anthropic", "opus", "review", "", ""),
    ("openai", "mini", "plan", "p", "1"),
    ("openai", "mini", "review", "p", "1"),
]


def named(number: int, key: Key) -> Any:
    provider, model, task_type, prompt_name, prompt_version = key
    return call(
        call_id=f"c-{number}",
        provider=provider,
        model=model,
        task_type=task_type,
        prompt_name=prompt_name,
        prompt_version=prompt_version,
    )


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, bus: Bus) -> AsyncIterator[Site]:
    async with reading_site(stack, bus) as running:
        await running.feeder.publish(DEFAULT, [named(number, key) for number, key in enumerate(reversed(KEYS))])
        await running.feeder.publish(OTHER, [named(0, ("theirs", "m", "t", "", ""))])
        await running.feeder.store()
        yield running


async def keys(site: Site, page_size: int = 0, project: str = DEFAULT, **fields: Any) -> list[Key]:
    """The keys of all pages."""
    found: list[Key] = []
    token = ""
    while True:
        page = await site.rpc.list_series(metrics.ListSeriesRequest(page_size=page_size, page_token=token, **fields), project)
        for one in page.series:
            key = one.key
            assert len(key.ListFields()) == 5  # a term that is empty is set
            assert one.HasField("first_store_time")
            found.append((key.provider, key.model, key.task_type, key.prompt_name, key.prompt_version))
        token = page.next_page_token
        if not token:
            return found
        assert len(page.series) == page_size


@pytest.mark.parametrize("page_size", [0, 1, 2, 3, 6, 5_000])
async def test_series_come_in_the_order_of_their_keys(site: Site, page_size: int) -> None:
    assert await keys(site, page_size) == KEYS


async def test_a_project_sees_its_own_series_alone(site: Site) -> None:
    assert await keys(site, project=OTHER) == [("theirs", "m", "t", "", "")]


@pytest.mark.parametrize("page_size", [0, 1])
async def test_a_filter_keeps_the_series_that_match_every_dimension(site: Site, page_size: int) -> None:
    async def filtered(**values: Any) -> list[Key]:
        return await keys(site, page_size, filter=values)

    assert await filtered(providers=["openai"]) == KEYS[4:]
    assert await filtered(task_types=["review"], prompt_names=["p"]) == [KEYS[1], KEYS[2], KEYS[5]]
    assert await filtered(models=["opus", "mini"], prompt_versions=["", "2"]) == [KEYS[3]]
    assert await filtered(providers=["theirs"]) == []


async def test_a_token_belongs_to_its_query_and_holds_a_place(site: Site) -> None:
    calls_token = (await site.rpc.list_calls(metrics.ListCallsRequest(page_size=1), DEFAULT)).next_page_token
    series_token = (await site.rpc.list_series(metrics.ListSeriesRequest(page_size=1), DEFAULT)).next_page_token
    assert calls_token
    for request, project in (
        (metrics.ListSeriesRequest(page_token=calls_token), DEFAULT),
        (metrics.ListSeriesRequest(page_token=series_token), OTHER),
        (metrics.ListSeriesRequest(page_token=series_token, filter=metrics.SeriesFilter(models=["opus"])), DEFAULT),
        (metrics.ListSeriesRequest(page_token="?"), DEFAULT),
    ):
        with pytest.raises(AssayError) as refused:
            await site.rpc.list_series(request, project)
        assert refusal(refused) == ("PAGE_TOKEN_INVALID", "page_token")


@pytest.mark.parametrize("position", [None, "1", [1], -1, 2**31], ids=repr)
async def test_a_token_that_somebody_made_up_is_refused(site: Site, position: Any) -> None:
    _, query, _ = series_query(metrics.ListSeriesRequest(), DEFAULT)
    with pytest.raises(AssayError) as refused:
        await site.rpc.list_series(metrics.ListSeriesRequest(page_token=encode_token(query, position)), DEFAULT)
    assert refusal(refused) == ("PAGE_TOKEN_INVALID", "page_token")


async def test_a_token_with_another_projects_place_shows_nothing_of_it(site: Site) -> None:
    _, query, _ = series_query(metrics.ListSeriesRequest(), DEFAULT)
    theirs = (await site.rpc.list_series(metrics.ListSeriesRequest(), OTHER)).series
    assert len(theirs) == 1
    for series_id in range(1, len(KEYS) + 2):
        page = await site.rpc.list_series(metrics.ListSeriesRequest(page_token=encode_token(query, series_id)), DEFAULT)
        assert all(one.key.provider != "theirs" for one in page.series)


async def test_calls_of_folded_series_show_the_folded_terms(site: Site) -> None:
    await site.feeder.add_project("small", series_limit=1)
    await site.feeder.feed("small", [named(1, ("p", "m", "a", "", ""))])
    await site.feeder.feed("small", [named(2, ("p", "m", "b", "name", "1"))])
    assert await keys(site, project="small") == [("p", "m", "a", "", ""), ("p", "m", "other", "", "")]
    folded = (await site.stored("c-2", "small")).call.call
    assert (folded.provider, folded.task_type, folded.prompt_name, folded.prompt_version) == ("p", "other", "", "")
