"""The block around a call: what it records, and that exceptions pass unchanged."""

import asyncio
import threading
import time
from collections.abc import Generator
from typing import Any

import httpx
import pytest
from assay.telemetry.v1.call_pb2 import Call as RecordedCall
from assay.telemetry.v1.call_pb2 import CallOutcome
from assay_client import Client, Outcome

from tests.client.conftest import NewClient
from tests.client.neighbour import Neighbour
from tests.client.support import DEADLINE_S

pytestmark = pytest.mark.usefixtures("server")
FIELDS: dict[str, Any] = {"provider": "openai", "model": "gpt-5", "task_type": "planning"}


class RateLimitError(Exception):
    """As the SDKs call it."""


class APITimeoutError(Exception):
    """Likewise."""


class StatusError(Exception):
    """An error with the answer's status, as most SDKs have it."""

    def __init__(self, status_code: object) -> None:
        super().__init__()
        self.status_code = status_code


class Trap(Exception):  # noqa: N818
    """An exception whose attributes cannot be looked at."""

    @property
    def response(self) -> object:
        raise RuntimeError("trap")


def sent(client: Client, neighbour: Neighbour) -> RecordedCall:
    """The one call that was recorded."""
    assert client.flush(DEADLINE_S)
    (call,) = neighbour.calls
    return call


def test_outcomes_are_those_of_the_contract() -> None:
    assert {outcome.name: outcome.value for outcome in Outcome} == {
        name.removeprefix("CALL_OUTCOME_"): number for name, number in CallOutcome.items() if number
    }


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ValueError(), Outcome.FAILED),
        (Trap(), Outcome.FAILED),
        (StatusError(500), Outcome.FAILED),
        (StatusError("429"), Outcome.FAILED),
        (TimeoutError(), Outcome.TIMED_OUT),
        (httpx.ReadTimeout(""), Outcome.TIMED_OUT),
        (APITimeoutError(), Outcome.TIMED_OUT),
        (StatusError(429), Outcome.RATE_LIMITED),
        (RateLimitError(), Outcome.RATE_LIMITED),
        (httpx.HTTPStatusError("", request=httpx.Request("GET", "http://x"), response=httpx.Response(429)), Outcome.RATE_LIMITED),
        (asyncio.CancelledError(), Outcome.CANCELLED),
        (KeyboardInterrupt(), Outcome.CANCELLED),
        (SystemExit(), Outcome.CANCELLED),
        (GeneratorExit(), Outcome.CANCELLED),
    ],
)
def test_an_exception_is_recorded_and_passes_unchanged(
    new_client: NewClient, neighbour: Neighbour, error: BaseException, outcome: Outcome
) -> None:
    client = new_client()
    with pytest.raises(type(error)) as caught, client.call(**FIELDS):
        raise error
    assert caught.value is error and error.__context__ is None and error.__cause__ is None
    call = sent(client, neighbour)
    assert (Outcome(call.outcome), call.error_type) == (outcome, type(error).__name__)


def test_a_call_has_its_time_and_its_first_token(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    began_s = time.time()
    with client.call(**FIELDS) as call:
        time.sleep(0.02)
        for _ in range(3):
            call.first_token()
            time.sleep(0.02)
    took_s = time.time() - began_s
    recorded = sent(client, neighbour)
    first_s, latency_s = recorded.time_to_first_token.ToMicroseconds() / 1e6, recorded.latency.ToMicroseconds() / 1e6
    assert 0.02 <= first_s <= latency_s - 0.06 and latency_s <= took_s + 0.001
    assert began_s - 0.001 <= recorded.start_time.ToMicroseconds() / 1e6 <= began_s + took_s
    assert Outcome(recorded.outcome) is Outcome.SUCCEEDED and not recorded.error_type


def test_what_the_block_says_of_its_end_holds(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    with pytest.raises(ValueError, match="filter"):  # noqa: PT012, SIM117 - what the block does is what is tested
        with client.call(**FIELDS) as call:
            call.outcome(Outcome.REFUSED, "content_filter")
            raise ValueError("filter")
    recorded = sent(client, neighbour)
    assert (Outcome(recorded.outcome), recorded.error_type) == (Outcome.REFUSED, "content_filter")


def test_a_call_tells_its_id_before_it_ends(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    with client.call(**FIELDS) as call:
        call_id = call.call_id
        assert call.call_id == call_id
    assert sent(client, neighbour).call_id == call_id


def test_labels_are_those_of_the_moment(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    labels = {"branch": "main"}
    call = client.call(labels=labels, **FIELDS)
    labels["branch"] = "other"
    with call:
        labels.clear()
    assert dict(sent(client, neighbour).labels) == {"branch": "main"}


def test_a_generator_that_is_abandoned_is_a_cancelled_call(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()

    def stream() -> Generator[int]:
        with client.call(**FIELDS) as call:
            for piece in range(10):
                call.first_token()
                yield piece

    pieces = stream()
    assert next(pieces) == 0
    pieces.close()
    assert Outcome(sent(client, neighbour).outcome) is Outcome.CANCELLED


async def test_calls_of_tasks_do_not_mix(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()

    async def work(number: int) -> None:
        async with client.call(task_id=str(number), **FIELDS) as call:
            await asyncio.sleep(0.001 * (number % 3))
            call.usage(input_token_count=number)

    await asyncio.gather(*(work(number) for number in range(50)))
    assert await client.aflush(DEADLINE_S)
    assert sorted((int(call.task_id), call.usage.input_token_count) for call in neighbour.calls) == [(each, each) for each in range(50)]
    assert await client.aclose(DEADLINE_S)


async def test_a_cancelled_task_and_a_timeout_inside_of_the_block_are_told_apart(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01), client.call(task_id="outside", **FIELDS):
            await asyncio.sleep(60)
    with pytest.raises(TimeoutError):
        async with client.call(task_id="inside", **FIELDS), asyncio.timeout(0.01):
            await asyncio.sleep(60)
    assert await client.aflush(DEADLINE_S)
    assert {call.task_id: Outcome(call.outcome) for call in neighbour.calls} == {"outside": Outcome.CANCELLED, "inside": Outcome.TIMED_OUT}


def test_threads_share_a_client(new_client: NewClient, neighbour: Neighbour) -> None:
    client = new_client()

    def work() -> None:
        for _ in range(500):
            with client.call(**FIELDS):
                pass

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert client.flush(DEADLINE_S)
    assert len(neighbour.calls) == client.stats().sent == 4_000
    neighbour.assert_nothing_twice()
