"""Listing calls and getting one."""

import random
from collections.abc import AsyncIterator, Callable
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio
from assay.collector.v1 import metrics_service_pb2 as metrics
from assay.telemetry.v1 import call_pb2

from kit.bus import Bus
from kit.embedded.stack import Stack
from kit.errors import AssayError, Kind
from kit.paging import encode_token
from services.collector.messages.listing_requests import calls_question
from services.collector.store import read_calls
from tests.collector.ingest_samples import NOW_S, NOW_US, call, evidence
from tests.collector.reading_support import DEFAULT, OTHER, Site, reading_site, refusal

DAY_S = 86_400
MINIMAL = {"task_id": None, "time_to_first_token": None, "agent": None, "prompt_name": None, "prompt_version": None, "usage": None}
# Distances of starts before now, in microseconds: many in the same instant, in the same minute, and spread over months.
DISTANCES_US = (
    0,
    0,
    1,
    30_000_000,
    30_000_000,
    59_999_999,
    60_000_000,
    3_600_000_000,
    DAY_S * 10**6,
    40 * DAY_S * 10**6,
    390 * DAY_S * 10**6,
)


def start(start_us: int) -> dict[str, int]:
    return {"seconds": start_us // 10**6, "nanos": start_us % 10**6 * 1_000}


def many_calls() -> list[call_pb2.Call]:
    chance = random.Random(7)
    return [
        call(
            call_id=f"c{number:03}",
            start_time=start(NOW_US + 1_000_000 - chance.choice(DISTANCES_US) - chance.choice((0, 0, 5))),
            provider=chance.choice(("anthropic", "openai")),
            model=chance.choice(("m1", "m2")),
            prompt_version=chance.choice(("", "7", "8")),
            outcome=chance.choice((1, 1, 2, 6)),
            agent=chance.choice(("", "reviewer", "writer")),
            task_id=chance.choice(("", "t-1", "t-2", "t-3")),
        )
        for number in range(150)
    ]


CALLS = many_calls()


@pytest_asyncio.fixture(scope="module")
async def site(stack: Stack, bus: Bus) -> AsyncIterator[Site]:
    async with reading_site(stack, bus) as running:
        feeder = running.feeder
        # Received on different days, so that several partitions are searched; t-3 stays in task_pending.
        for day in range(3):
            feeder.now_us = NOW_US + day * DAY_S * 10**6
            await feeder.publish(DEFAULT, CALLS[day::3], batch_id=f"many-{day}")
        feeder.now_us = NOW_US
        await feeder.publish(OTHER, [call(call_id="c000", task_id="t-1", agent="spy"), call(call_id="theirs", agent="spy")])
        await feeder.store()
        yield running


def started(one: call_pb2.Call) -> tuple[int, str]:
    return one.start_time.ToMicroseconds(), one.call_id


FILTERS: dict[str, tuple[dict[str, Any], Callable[[call_pb2.Call], bool]]] = {
    "all": ({}, lambda one: True),
    "a provider": ({"filter": {"providers": ["openai"]}}, lambda one: one.provider == "openai"),
    "no version": ({"filter": {"prompt_versions": [""]}}, lambda one: one.prompt_version == ""),
    "two dimensions": (
        {"filter": {"models": ["m1"], "prompt_versions": ["7", "8"]}},
        lambda one: one.model == "m1" and one.prompt_version in ("7", "8"),
    ),
    "no such series": ({"filter": {"models": ["m3"]}}, lambda one: False),
    "outcomes": ({"outcomes": [2, 6]}, lambda one: one.outcome in (2, 6)),
    "an agent": ({"agent": "writer"}, lambda one: one.agent == "writer"),
    "a task": ({"task_id": "t-2"}, lambda one: one.task_id == "t-2"),
    "a task and an outcome": ({"task_id": "t-1", "outcomes": [1]}, lambda one: one.task_id == "t-1" and one.outcome == 1),
    "no such task": ({"task_id": "t-9"}, lambda one: False),
    "from a time": ({"start_time": {"seconds": NOW_S - 60}}, lambda one: started(one)[0] >= NOW_US - 60 * 10**6),
    "until a time": ({"end_time": {"seconds": NOW_S - 59}}, lambda one: started(one)[0] < NOW_US - 59 * 10**6),
    "a month long ago": (
        {"start_time": {"seconds": NOW_S - 60 * DAY_S}, "end_time": {"seconds": NOW_S - 30 * DAY_S}},
        lambda one: 30 * DAY_S < NOW_S - one.start_time.seconds <= 60 * DAY_S,
    ),
}


@pytest.mark.parametrize("slice_calls_max", [10_000, 20])
@pytest.mark.parametrize("name", FILTERS)
async def test_pages_hold_every_matching_call_once_in_order(site: Site, name: str, slice_calls_max: int) -> None:
    fields, matches = FILTERS[name]
    expected = [one.call_id for one in sorted(CALLS, key=started, reverse=True) if matches(one)]
    assert expected or name.startswith("no such")
    found, token = [], ""
    with patch.object(read_calls, "SLICE_CALLS_MAX", slice_calls_max):
        for _ in range(len(expected) // 40 + 1):
            request = metrics.ListCallsRequest(page_size=40, page_token=token, **fields)
            page = await site.rpc.list_calls(request, DEFAULT)
            found += [one.call.call_id for one in page.calls]
            token = page.next_page_token
    assert found == expected
    assert token == ""


async def test_a_page_that_is_just_full_is_the_last_one(site: Site) -> None:
    page = await site.rpc.list_calls(metrics.ListCallsRequest(page_size=len(CALLS)), DEFAULT)
    assert (len(page.calls), page.next_page_token) == (len(CALLS), "")


async def test_a_page_has_50_calls_unless_asked_otherwise(site: Site) -> None:
    assert len(await site.call_ids()) == 50


async def test_tasks_are_found_before_and_after_they_are_folded(site: Site) -> None:
    await site.feeder.feed(DEFAULT, [call(call_id="folded-1", task_id="folded", start_time=start(NOW_US - 10**9))])
    assert await site.call_ids(task_id="folded") == ["folded-1"]
    await site.feeder.fold_tasks()
    assert await site.call_ids(task_id="folded") == ["folded-1"]
    await site.feeder.feed(DEFAULT, [call(call_id="folded-2", task_id="folded", start_time=start(NOW_US))])
    assert await site.call_ids(task_id="folded") == ["folded-2", "folded-1"]


REFUSED_LISTS: list[tuple[dict[str, Any], str, str]] = [
    ({"page_size": -1}, "FIELD_INVALID", "page_size"),
    ({"page_token": "nonsense"}, "PAGE_TOKEN_INVALID", "page_token"),
    ({"outcomes": [0]}, "FIELD_INVALID", "outcomes"),
    ({"outcomes": [99]}, "FIELD_INVALID", "outcomes"),
    ({"agent": "a\0b"}, "FIELD_INVALID", "agent"),
    ({"task_id": "\0"}, "FIELD_INVALID", "task_id"),
    ({"filter": {"models": ["\0"]}}, "FIELD_INVALID", "filter.models"),
    ({"filter": {"models": [str(number) for number in range(1_001)]}}, "FIELD_INVALID", "filter.models"),
    ({"start_time": {"nanos": -1}}, "FIELD_INVALID", "start_time"),
    ({"end_time": {"seconds": 2**62}}, "FIELD_INVALID", "end_time"),
    ({"start_time": {"seconds": 5}, "end_time": {"seconds": 5}}, "FIELD_INVALID", "end_time"),
]


@pytest.mark.parametrize(("fields", "reason", "field"), REFUSED_LISTS, ids=lambda value: str(value)[:40])
async def test_a_question_that_makes_no_sense_is_refused(site: Site, fields: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(AssayError) as refused:
        await site.rpc.list_calls(metrics.ListCallsRequest(**fields), DEFAULT)
    assert refusal(refused) == (reason, field)


@pytest.mark.parametrize("change", [{"agent": "writer"}, {"end_time": {"seconds": NOW_S}}, {"outcomes": [1]}])
async def test_a_token_belongs_to_its_query_and_project(site: Site, change: dict[str, Any]) -> None:
    token = (await site.rpc.list_calls(metrics.ListCallsRequest(page_size=1), DEFAULT)).next_page_token
    for request, project in (
        (metrics.ListCallsRequest(page_token=token, **change), DEFAULT),
        (metrics.ListCallsRequest(page_token=token), OTHER),
    ):
        with pytest.raises(AssayError) as refused:
            await site.rpc.list_calls(request, project)
        assert refused.value.reason == "PAGE_TOKEN_INVALID"


async def test_a_range_may_begin_later_with_each_page(site: Site) -> None:
    request = metrics.ListCallsRequest(page_size=1, start_time={"seconds": NOW_S - 30 * DAY_S})
    first = await site.rpc.list_calls(request, DEFAULT)
    request = metrics.ListCallsRequest(page_size=1, start_time={"seconds": NOW_S - 30 * DAY_S + 1}, page_token=first.next_page_token)
    second = await site.rpc.list_calls(request, DEFAULT)
    assert [one.call.call_id for one in [*first.calls, *second.calls]] == (await site.call_ids())[:2]


@pytest.mark.parametrize(
    "position", [None, 5, [1], ["1", "c"], [-1, "c"], [2**62, "c"], [1, "c\0"], [1, "c" * 65], [1, "\ud800"]], ids=repr
)
async def test_a_token_that_somebody_made_up_is_refused(site: Site, position: Any) -> None:
    _, query = calls_question(metrics.ListCallsRequest(), DEFAULT, site.project_id)
    with pytest.raises(AssayError) as refused:
        await site.rpc.list_calls(metrics.ListCallsRequest(page_token=encode_token(query, position)), DEFAULT)
    assert refusal(refused) == ("PAGE_TOKEN_INVALID", "page_token")


async def test_a_project_sees_its_own_calls_alone(site: Site) -> None:
    assert await site.call_ids(OTHER) == ["theirs", "c000"]
    assert await site.call_ids(agent="spy") == []
    assert (await site.stored("c000")).call.call.agent != "spy"
    assert (await site.stored("c000", OTHER)).call.call.agent == "spy"
    with pytest.raises(AssayError) as refused:
        await site.stored("theirs")
    assert (refused.value.kind, refused.value.reason) == (Kind.NOT_FOUND, "CALL_UNKNOWN")


async def test_a_project_that_does_not_exist_is_refused(site: Site) -> None:
    with pytest.raises(AssayError) as refused:
        await site.call_ids("nobody")
    assert refused.value.reason == "PROJECT_UNKNOWN"


async def test_a_call_comes_back_as_it_was_sent(site: Site) -> None:
    sent = call(
        call_id="full",
        start_time={"seconds": NOW_S, "nanos": 123_456_000},
        latency={"seconds": 3, "nanos": 1_000},
        time_to_first_token={"seconds": 0},
        outcome=call_pb2.CALL_OUTCOME_FAILED,
        error_type="overloaded_error",
        usage={
            "input_token_count": 5,
            "output_token_count": 4,
            "cache_read_token_count": 2,
            "cache_write_token_count": 1,
            "reasoning_token_count": 3,
        },
        cost_usd_nanos=0,
        revision_count=0,
        labels={"ü": "\N{SNOWMAN}\n", "team": ""},
        ranking_id="r-1",
        selection_ratio=0.1,
    )
    batch_id = await site.feeder.feed(DEFAULT, [sent])
    found = await site.stored("full")
    assert found.call.call == sent
    assert found.call.price_origin == metrics.PRICE_ORIGIN_CALLER
    assert found.call.price_version == ""
    assert not found.call.HasField("quality_ratio")
    assert found.call.receive_time.ToMicroseconds() == NOW_US
    assert found.call.batch_id == batch_id
    assert (await site.rpc.list_calls(metrics.ListCallsRequest(page_size=1, agent="reviewer"), DEFAULT)).calls[0].call.call_id


async def test_what_a_call_does_not_say_stays_unset(site: Site) -> None:
    sent = call(call_id="bare", provider="nobody", model="unheard-of", **MINIMAL)
    await site.feeder.feed(DEFAULT, [sent])
    found = (await site.stored("bare")).call
    assert found.price_origin == metrics.PRICE_ORIGIN_UNKNOWN
    sent.start_time.nanos, sent.latency.nanos = 123_456_000, 500_000_000  # kept to the microsecond
    assert found.call == sent


async def test_a_call_that_was_priced_tells_by_which_table(site: Site) -> None:
    await site.feeder.feed(DEFAULT, [call(call_id="priced")])
    found = (await site.stored("priced")).call
    assert found.call.cost_usd_nanos > 0
    assert found.price_origin == metrics.PRICE_ORIGIN_TABLE
    assert found.price_version.startswith("genai-prices ")


async def test_a_call_has_its_evidence_oldest_first_and_its_score(site: Site) -> None:
    await site.feeder.publish(DEFAULT, [call(call_id="judged")])
    pieces = [
        evidence(
            evidence_id="e-2", call_id="judged", observe_time={"seconds": NOW_S - 10}, evaluation={"evaluator": "a", "score_ratio": 0.5}
        ),
        evidence(
            evidence_id="e-1", call_id="judged", observe_time={"seconds": NOW_S - 20}, evaluation={"evaluator": "b", "score_ratio": 1.0}
        ),
    ]
    await site.feeder.publish_evidence(DEFAULT, pieces)
    await site.feeder.publish_evidence(OTHER, [evidence(evidence_id="e-3", call_id="judged")])
    await site.feeder.store()
    found = await site.stored("judged")
    assert list(found.evidence) == [pieces[1], pieces[0]]
    assert found.call.quality_ratio == 0.75
    assert [message.store_time.seconds > 0 for message in found.messages] == [True]
    with patch.object(read_calls, "EVIDENCE_MAX", 1):
        assert len((await site.stored("judged")).evidence) == 1


@pytest.mark.parametrize("call_id", ["", "unheard-of"])
async def test_a_call_that_is_not_there_is_unknown(site: Site, call_id: str) -> None:
    with pytest.raises(AssayError) as refused:
        await site.stored(call_id)
    assert refused.value.reason == "CALL_UNKNOWN"


async def test_a_call_id_with_a_null_is_refused(site: Site) -> None:
    with pytest.raises(AssayError) as refused:
        await site.stored("a\0")
    assert refusal(refused) == ("FIELD_INVALID", "call_id")


async def test_of_two_calls_with_one_id_the_later_received_is_shown_with_both_messages(site: Site) -> None:
    await site.feeder.feed(DEFAULT, [call(call_id="twice", agent="first")])
    site.feeder.now_us += 5 * DAY_S * 10**6  # beyond the days in which a repeat is recognised
    try:
        await site.feeder.feed(DEFAULT, [call(call_id="twice", agent="second")])
    finally:
        site.feeder.now_us = NOW_US
    found = await site.stored("twice")
    assert found.call.call.agent == "second"
    assert len(found.messages) == 2
    assert (await site.call_ids(agent="second"), await site.call_ids(agent="first")) == (["twice"], ["twice"])
