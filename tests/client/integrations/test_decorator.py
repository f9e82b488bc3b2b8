"""Functions that are calls, of every kind that Python has."""

from collections.abc import AsyncIterator, Iterator

import pytest
from assay_client import Outcome, observed, tagged

from tests.client.integrations.conftest import Recorder, counts, told

ANSWER = {"usage": {"prompt_tokens": 10, "completion_tokens": 5}}


async def test_a_run_of_a_function_is_a_call(recorder: Recorder) -> None:
    as_call = observed(recorder.client, provider="local", model="llama", agent="tester")

    @as_call
    def plain(text: str) -> dict[str, object]:
        """Answers."""
        return {**ANSWER, "text": text}

    @as_call
    async def coroutine() -> object:
        return ANSWER

    @as_call
    def generator() -> Iterator[object]:
        yield "Hel"
        yield ANSWER

    @as_call
    async def async_generator() -> AsyncIterator[object]:
        yield "Hel"
        yield ANSWER

    with tagged(task_type="planning") as tags:
        assert plain(text="Hello")["text"] == "Hello"
    assert await coroutine() is ANSWER
    assert list(generator()) == [item async for item in async_generator()] == ["Hel", ANSWER]
    assert (plain.__name__, plain.__doc__) == ("plain", "Answers.")
    calls = recorder.calls()
    assert [told(call, "provider", "model", "task_type", "agent") for call in calls] == [
        ("local", "llama", task_type, "tester") for task_type in ("planning", "chat", "chat", "chat")
    ]
    assert [counts(call)[:2] for call in calls] == [(10, 5)] * 4
    assert [call.HasField("time_to_first_token") for call in calls] == [False, False, True, True]
    assert list(tags.call_ids) == [calls[0].call_id]


def test_what_a_function_raises_passes_and_is_recorded(recorder: Recorder) -> None:
    @observed(recorder.client, provider="local", model="llama")
    def late() -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        late()
    assert told(recorder.call(), "outcome", "error_type") == (Outcome.TIMED_OUT, "TimeoutError")
