"""LangChain and Pydantic AI against a server that answers as the providers do: what is recorded is what its answers say."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import openai
import pytest
from assay_client import Outcome, tagged
from assay_client.integrations.langchain import RUNS_MAX, AssayHandler
from assay_client.integrations.pydantic_ai import ObservedModel
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from tests.client.integrations.conftest import Recorder, counts, told
from tests.client.integrations.providers import FORBIDDEN, MODELS, OPENAI_COUNTS, PLAIN, TOOL, Providers

NAMED = ("provider", "model", "task_type", "agent", "outcome", "error_type")
SUCCEEDED = ("openai", MODELS["gpt-5"], "planning", "tester", Outcome.SUCCEEDED, "")


@tool(TOOL)
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"rain in {city}"


@pytest.fixture
async def chat(providers: Providers, recorder: Recorder) -> AsyncIterator[ChatOpenAI]:
    """LangChain's model with the handler."""
    handler = AssayHandler(recorder.client, task_type="planning", agent="tester")
    settings: dict[str, Any] = {
        "model": "gpt-5",
        "base_url": f"{providers.url}/v1",
        "api_key": "key",
        "stream_usage": True,
        "max_retries": 0,
    }
    with httpx2.Client(**PLAIN) as client:
        async with httpx2.AsyncClient(**PLAIN) as async_client:
            yield ChatOpenAI(**settings, http_client=client, http_async_client=async_client, callbacks=[handler])


async def test_runs_of_langchain_are_calls(chat: ChatOpenAI, recorder: Recorder) -> None:
    with tagged(task_id="t-1") as tags:
        assert chat.invoke("Hello").text == "Hello"
        assert "".join(chunk.text for chunk in chat.stream("Hello")) == "Hello"
        assert (await chat.ainvoke("Hello")).text == "Hello"
        assert "".join([chunk.text async for chunk in chat.astream("Hello")]) == "Hello"
        assert chat.bind_tools([get_weather]).invoke("Hello").tool_calls[0]["name"] == TOOL
        assert list(chat.bind_tools([get_weather]).stream("Hello"))
    calls = recorder.calls()
    assert [told(call, *NAMED) for call in calls] == [SUCCEEDED] * 6
    assert [counts(call) for call in calls] == [OPENAI_COUNTS] * 6
    assert [call.HasField("time_to_first_token") for call in calls] == [False, True, False, True, False, True]
    assert {call.task_id for call in calls} == {"t-1"}
    assert list(tags.call_ids) == [call.call_id for call in calls]


def test_runs_of_langchain_that_fail_or_are_refused_or_left_say_so(chat: ChatOpenAI, providers: Providers, recorder: Recorder) -> None:
    providers.troubles.append(429)
    with pytest.raises(openai.RateLimitError):
        chat.invoke("Hello")
    chat.invoke(FORBIDDEN)
    left = chat.stream("Hello")
    next(left)
    left.close()  # type: ignore[attr-defined]  # it is a generator
    assert [told(call, "outcome", "error_type") for call in recorder.calls()] == [
        (Outcome.RATE_LIMITED, "OpenAIRateLimitError"),
        (Outcome.REFUSED, "content_filter"),
        (Outcome.CANCELLED, "GeneratorExit"),
    ]


def test_runs_of_langchain_that_nobody_ends_are_forgotten(recorder: Recorder) -> None:
    handler = AssayHandler(recorder.client)
    for number in range(RUNS_MAX + 5):
        handler.on_llm_start({}, [], run_id=number)  # type: ignore[arg-type]  # any key will do
    assert len(handler._calls) == RUNS_MAX


@pytest.fixture
async def agent(providers: Providers, recorder: Recorder) -> AsyncIterator[Agent[None, str]]:
    """Pydantic AI's agent with a model that is observed."""
    async with openai.AsyncOpenAI(
        base_url=f"{providers.url}/v1", api_key="key", max_retries=0, http_client=httpx2.AsyncClient(**PLAIN)
    ) as client:
        model = OpenAIChatModel("gpt-5", provider=OpenAIProvider(openai_client=client))
        yield Agent(ObservedModel(model, recorder.client, task_type="planning", agent="tester"))


async def test_requests_of_pydantic_ai_are_calls(agent: Agent[None, str], recorder: Recorder) -> None:
    with tagged(task_id="t-1") as tags:
        assert (await agent.run("Hello")).output == "Hello"
        async with agent.run_stream("Hello") as run:
            assert await run.get_output() == "Hello"
    calls = recorder.calls()
    assert [told(call, *NAMED) for call in calls] == [SUCCEEDED] * 2
    assert [counts(call) for call in calls] == [OPENAI_COUNTS] * 2
    assert [call.HasField("time_to_first_token") for call in calls] == [False, True]
    assert list(tags.call_ids) == [call.call_id for call in calls]


async def test_requests_of_pydantic_ai_that_fail_or_are_refused_or_left_say_so(
    agent: Agent[None, str], providers: Providers, recorder: Recorder
) -> None:
    providers.troubles.append(429)
    with pytest.raises(Exception, match="429"):
        await agent.run("Hello")
    await agent.run(FORBIDDEN)
    async with agent.run_stream("Hello") as run:
        async for _ in run.stream_text(debounce_by=None):
            break
    limited, refused, left = recorder.calls()
    assert told(limited, "model", "outcome") == ("gpt-5", Outcome.RATE_LIMITED)
    assert told(refused, "outcome", "error_type") == (Outcome.REFUSED, "content_filter")
    assert Outcome(left.outcome) is Outcome.CANCELLED
