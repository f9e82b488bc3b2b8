"""The SDKs of OpenAI and Anthropic against a server that answers as the providers do: what the callers see, and what is recorded."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from assay_client import Client, Outcome, tagged
from assay_client.integrations.anthropic import watch as watch_anthropic
from assay_client.integrations.openai import watch as watch_openai
from pydantic import BaseModel

from tests.client.integrations.conftest import Recorder, counts, told
from tests.client.integrations.providers import ANTHROPIC_COUNTS, EMBEDDING_COUNTS, FORBIDDEN, MODELS, OPENAI_COUNTS, PLAIN, TOOL, Providers
from tests.client.support import eventually

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
FORBIDDEN_HELLO: list[Any] = [{"role": "user", "content": FORBIDDEN}]
PARAMETERS: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
OPENAI_TOOLS: list[Any] = [{"type": "function", "function": {"name": TOOL, "parameters": PARAMETERS}}]
ANTHROPIC_TOOLS: list[Any] = [{"name": TOOL, "input_schema": PARAMETERS}]
NAMED = ("provider", "model", "task_type", "outcome", "error_type")
GPT, CLAUDE = MODELS["gpt-5"], MODELS["claude-x"]


class Answer(BaseModel):
    """What a structured answer is parsed into."""

    text: str


def new_openai(providers: Providers) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{providers.url}/v1", api_key="key", http_client=httpx2.Client(**PLAIN))


@pytest.fixture
def gpt(providers: Providers, recorder: Recorder) -> Iterator[openai.OpenAI]:
    """The SDK's client, watched."""
    with new_openai(providers) as client:
        yield watch_openai(client, recorder.client, asks_stream_usage=True, agent="tester")


@pytest.fixture
async def async_gpt(providers: Providers, recorder: Recorder) -> AsyncIterator[openai.AsyncOpenAI]:
    """The same for asyncio."""
    async with openai.AsyncOpenAI(base_url=f"{providers.url}/v1", api_key="key", http_client=httpx2.AsyncClient(**PLAIN)) as client:
        yield watch_openai(client, recorder.client, asks_stream_usage=True, agent="tester")


@pytest.fixture
def claude(providers: Providers, recorder: Recorder) -> Iterator[anthropic.Anthropic]:
    """The SDK's client, watched."""
    with anthropic.Anthropic(base_url=providers.url, api_key="key", http_client=httpx2.Client(**PLAIN)) as client:
        yield watch_anthropic(client, recorder.client)


@pytest.fixture
async def async_claude(providers: Providers, recorder: Recorder) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """The same for asyncio."""
    async with anthropic.AsyncAnthropic(base_url=providers.url, api_key="key", http_client=httpx2.AsyncClient(**PLAIN)) as client:
        yield watch_anthropic(client, recorder.client)


def stream_of_responses(gpt: openai.OpenAI) -> list[Any]:
    with gpt.responses.stream(model="gpt-5", input="Hello") as stream:
        return list(stream)


def stream_of_completions(gpt: openai.OpenAI) -> list[Any]:
    with gpt.chat.completions.stream(model="gpt-5", messages=HELLO) as stream:
        return list(stream)


def parsed_answer(gpt: openai.OpenAI) -> bool:
    answer = gpt.chat.completions.parse(model="gpt-5", messages=HELLO, response_format=Answer)
    return answer.choices[0].message.parsed == Answer(text="Hello")


OPENAI_CALLS: dict[str, tuple[Callable[[openai.OpenAI], Any], tuple[int, ...], str]] = {
    "a chat completion": (lambda gpt: gpt.chat.completions.create(model="gpt-5", messages=HELLO), OPENAI_COUNTS, "chat"),
    "with a tool": (lambda gpt: gpt.chat.completions.create(model="gpt-5", messages=HELLO, tools=OPENAI_TOOLS), OPENAI_COUNTS, "chat"),
    "an answer that is parsed": (parsed_answer, OPENAI_COUNTS, "chat"),
    "a completion": (lambda gpt: gpt.completions.create(model="gpt-5", prompt="Hello"), OPENAI_COUNTS, "text_completion"),
    "a response": (lambda gpt: gpt.responses.create(model="gpt-5", input="Hello"), OPENAI_COUNTS, "chat"),
    "embeddings": (lambda gpt: gpt.embeddings.create(model="text-embedding-3-small", input="Hello"), EMBEDDING_COUNTS, "embeddings"),
    "a raw response": (
        lambda gpt: gpt.chat.completions.with_raw_response.create(model="gpt-5", messages=HELLO).parse(),
        OPENAI_COUNTS,
        "chat",
    ),
    "other options": (
        lambda gpt: gpt.with_options(timeout=30).copy(max_retries=0).responses.create(model="gpt-5", input="Hello"),
        OPENAI_COUNTS,
        "chat",
    ),
    "a stream": (lambda gpt: list(gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=True)), OPENAI_COUNTS, "chat"),
    "a stream of a tool": (
        lambda gpt: list(gpt.chat.completions.create(model="gpt-5", messages=HELLO, tools=OPENAI_TOOLS, stream=True)),
        OPENAI_COUNTS,
        "chat",
    ),
    "a raw stream": (
        lambda gpt: list(gpt.chat.completions.with_raw_response.create(model="gpt-5", messages=HELLO, stream=True).parse()),
        OPENAI_COUNTS,
        "chat",
    ),
    "a stream of events": (stream_of_completions, OPENAI_COUNTS, "chat"),
    "a stream of a response": (stream_of_responses, OPENAI_COUNTS, "chat"),
}


@pytest.mark.parametrize("name", OPENAI_CALLS)
def test_a_call_of_openai_is_recorded_as_its_answer_says(gpt: openai.OpenAI, recorder: Recorder, name: str) -> None:
    make, expected, task_type = OPENAI_CALLS[name]
    assert make(gpt)
    call = recorder.call()
    assert told(call, *NAMED) == ("openai", call.model, task_type, Outcome.SUCCEEDED, "")
    assert call.model in {GPT, "text-embedding-3-small"}
    assert counts(call) == expected
    assert call.agent == "tester"
    assert call.HasField("time_to_first_token") == ("stream" in name)


async def aread(stream: Any) -> list[Any]:
    return [event async for event in stream]


ASYNC_OPENAI_CALLS: dict[str, Callable[[openai.AsyncOpenAI], Any]] = {
    "a chat completion": lambda gpt: gpt.chat.completions.create(model="gpt-5", messages=HELLO),
    "a raw response": lambda gpt: gpt.responses.with_raw_response.create(model="gpt-5", input="Hello"),
}
ASYNC_OPENAI_STREAMS: dict[str, Callable[[openai.AsyncOpenAI], Any]] = {
    "a stream": lambda gpt: gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=True),
    "a stream of a response": lambda gpt: gpt.with_options(timeout=30).responses.create(model="gpt-5", input="Hello", stream=True),
}


async def test_calls_of_openai_in_asyncio_are_recorded_as_their_answers_say(async_gpt: openai.AsyncOpenAI, recorder: Recorder) -> None:
    for make in ASYNC_OPENAI_CALLS.values():
        await make(async_gpt)
    for make in ASYNC_OPENAI_STREAMS.values():
        assert await aread(await make(async_gpt))
    async with async_gpt.chat.completions.with_streaming_response.create(model="gpt-5", messages=HELLO, stream=True) as raw:
        assert await aread(await raw.parse())
    calls = recorder.calls()
    assert {told(call, *NAMED) for call in calls} == {("openai", GPT, "chat", Outcome.SUCCEEDED, "")}
    assert [counts(call) for call in calls] == [OPENAI_COUNTS] * 5
    assert [call.HasField("time_to_first_token") for call in calls] == [False, False, True, True, True]


def parsed_stream(claude: anthropic.Anthropic) -> Any:
    with claude.messages.stream(model="claude-x", max_tokens=9, messages=HELLO) as stream:
        return stream.get_final_message()


ANTHROPIC_CALLS: dict[str, Callable[[anthropic.Anthropic], Any]] = {
    "a message": lambda claude: claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO),
    "a beta's message": lambda claude: claude.beta.messages.create(model="claude-x", max_tokens=9, messages=HELLO),
    "with a tool": lambda claude: claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, tools=ANTHROPIC_TOOLS),
    "a raw response": lambda claude: claude.messages.with_raw_response.create(model="claude-x", max_tokens=9, messages=HELLO),
    "a stream": lambda claude: list(claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, stream=True)),
    "a stream of a tool": lambda claude: list(
        claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, tools=ANTHROPIC_TOOLS, stream=True)
    ),
    "a stream that becomes a message": parsed_stream,
}


@pytest.mark.parametrize("name", ANTHROPIC_CALLS)
def test_a_call_of_anthropic_is_recorded_as_its_answer_says(claude: anthropic.Anthropic, recorder: Recorder, name: str) -> None:
    assert ANTHROPIC_CALLS[name](claude)
    call = recorder.call()
    assert told(call, *NAMED) == ("anthropic", CLAUDE, "chat", Outcome.SUCCEEDED, "")
    assert counts(call) == ANTHROPIC_COUNTS
    assert call.HasField("time_to_first_token") == ("stream" in name)


async def test_calls_of_anthropic_in_asyncio_are_recorded_as_their_answers_say(
    async_claude: anthropic.AsyncAnthropic, recorder: Recorder
) -> None:
    asked: dict[str, Any] = {"model": "claude-x", "max_tokens": 9, "messages": HELLO}
    assert (await async_claude.messages.create(**asked)).content
    assert await aread(await async_claude.messages.create(**asked, stream=True))
    async with async_claude.messages.stream(**asked) as stream:
        assert await stream.get_final_text() == "Hello"
    calls = recorder.calls()
    assert {told(call, *NAMED) for call in calls} == {("anthropic", CLAUDE, "chat", Outcome.SUCCEEDED, "")}
    assert [counts(call) for call in calls] == [ANTHROPIC_COUNTS] * 3
    assert [call.HasField("time_to_first_token") for call in calls] == [False, True, True]


@pytest.mark.parametrize("is_stream", [False, True])
def test_each_try_of_the_sdk_is_a_call_with_its_own_outcome(
    gpt: openai.OpenAI, claude: anthropic.Anthropic, providers: Providers, recorder: Recorder, *, is_stream: bool
) -> None:
    providers.troubles.extend([429, 500])
    with tagged(task_id="t-1") as tags:
        answer: Any = gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=is_stream)
        assert list(answer)
    providers.troubles.extend([529, 408])
    answer = claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, stream=is_stream)
    assert list(answer)
    calls = recorder.calls()
    assert [(Outcome(call.outcome).name, call.error_type) for call in calls] == [
        ("RATE_LIMITED", "RateLimitError"),
        ("FAILED", "InternalServerError"),
        ("SUCCEEDED", ""),
        ("FAILED", "OverloadedError"),
        ("FAILED", "RequestTimeoutError"),
        ("SUCCEEDED", ""),
    ]
    assert [call.HasField("usage") for call in calls] == [False, False, True] * 2
    assert {call.task_id for call in calls[:3]} == {"t-1"}
    assert list(tags.call_ids) == [call.call_id for call in calls[:3]]


async def test_each_try_in_asyncio_likewise(async_gpt: openai.AsyncOpenAI, providers: Providers, recorder: Recorder) -> None:
    providers.troubles.extend([503, 429])
    await async_gpt.responses.create(model="gpt-5", input="Hello")
    assert [call.error_type for call in recorder.calls()] == ["InternalServerError", "RateLimitError", ""]


def test_what_fails_raises_as_ever_and_is_recorded_under_the_name_that_the_model_has(
    gpt: openai.OpenAI, providers: Providers, recorder: Recorder
) -> None:
    ask = gpt.with_options(max_retries=0).responses
    providers.troubles.append(400)
    with pytest.raises(openai.BadRequestError):
        ask.create(model="gpt-5", input="Hello")
    ask.create(model="gpt-5", input="Hello")
    providers.troubles.append(429)
    with pytest.raises(openai.RateLimitError):
        ask.create(model="gpt-5", input="Hello")
    assert [told(call, "model", "outcome", "error_type") for call in recorder.calls()] == [
        ("gpt-5", Outcome.FAILED, "BadRequestError"),  # what it stands for is not known yet
        (GPT, Outcome.SUCCEEDED, ""),
        (GPT, Outcome.RATE_LIMITED, "RateLimitError"),
    ]


def test_what_is_not_answered_in_time_timed_out_each_time(
    gpt: openai.OpenAI, claude: anthropic.Anthropic, providers: Providers, recorder: Recorder
) -> None:
    providers.troubles.extend(["hang"] * 3)
    with pytest.raises(openai.APITimeoutError):
        gpt.with_options(timeout=0.05, max_retries=0).responses.create(model="gpt-5", input="Hello")
    with pytest.raises(anthropic.APITimeoutError):
        claude.with_options(timeout=0.05, max_retries=1).messages.create(model="claude-x", max_tokens=9, messages=HELLO)
    calls = recorder.calls()
    assert [told(call, "provider", "outcome", "error_type") for call in calls] == [
        ("openai", Outcome.TIMED_OUT, "APITimeoutError"),
        *[("anthropic", Outcome.TIMED_OUT, "APITimeoutError")] * 2,
    ]


async def test_a_caller_that_is_cancelled_cancels_its_call(async_gpt: openai.AsyncOpenAI, providers: Providers, recorder: Recorder) -> None:
    providers.troubles.append("hang")
    asking = asyncio.ensure_future(async_gpt.responses.create(model="gpt-5", input="Hello"))
    while not providers.requests:
        await asyncio.sleep(0.01)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert told(recorder.call(), "outcome", "error_type") == (Outcome.CANCELLED, "CancelledError")


def test_what_the_filter_refuses_is_refused(gpt: openai.OpenAI, claude: anthropic.Anthropic, recorder: Recorder) -> None:
    gpt.chat.completions.create(model="gpt-5", messages=FORBIDDEN_HELLO)
    list(gpt.chat.completions.create(model="gpt-5", messages=FORBIDDEN_HELLO, stream=True))
    list(gpt.responses.create(model="gpt-5", input=FORBIDDEN, stream=True))
    claude.messages.create(model="claude-x", max_tokens=9, messages=FORBIDDEN_HELLO)
    list(claude.messages.create(model="claude-x", max_tokens=9, messages=FORBIDDEN_HELLO, stream=True))
    calls = recorder.calls()
    assert [told(call, "outcome", "error_type") for call in calls] == [
        *[(Outcome.REFUSED, "content_filter")] * 3,
        *[(Outcome.REFUSED, "refusal")] * 2,
    ]


def test_a_response_that_says_that_it_failed_has(gpt: openai.OpenAI, providers: Providers, recorder: Recorder) -> None:
    providers.troubles.extend(["fail", "fail", "error"])
    assert gpt.responses.create(model="gpt-5", input="Hello").status == "failed"
    for _ in range(2):
        assert list(gpt.responses.create(model="gpt-5", input="Hello", stream=True))
    assert [told(call, "outcome", "error_type") for call in recorder.calls()] == [(Outcome.FAILED, "server_error")] * 3


def has_complained(recorder: Recorder) -> bool:
    """Whether the client has said that something could not be read, which it says once."""
    return any("ZeroDivisionError" in words for words in recorder.client._engine.notices._complaints)


def test_a_request_that_nobody_can_read_is_sent_as_ever(gpt: openai.OpenAI, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder.client, "call", lambda **_: 1 / 0)
    assert gpt.responses.create(model="gpt-5", input="Hello").output_text == "Hello"
    assert has_complained(recorder)


def test_a_stream_that_is_cut_off_failed(gpt: openai.OpenAI, claude: anthropic.Anthropic, providers: Providers, recorder: Recorder) -> None:
    providers.troubles.extend(["cut", "cut"])
    with pytest.raises((openai.APIConnectionError, httpx2.HTTPError)):
        list(gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=True))
    with pytest.raises(httpx2.HTTPError):
        list(claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, stream=True))
    calls = recorder.calls()
    assert [Outcome(call.outcome) for call in calls] == [Outcome.FAILED] * 2
    assert all(call.error_type and call.HasField("time_to_first_token") for call in calls)


def test_a_caller_that_leaves_a_stream_cancels_unless_the_answer_is_whole(gpt: openai.OpenAI, recorder: Recorder) -> None:
    with gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=True) as closed:
        next(closed)
    with gpt.chat.completions.stream(model="gpt-5", messages=HELLO) as events:
        next(events)
    for chunk in gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=True):
        if chunk.choices[0].finish_reason:
            break
    dropped: Any = gpt.responses.create(model="gpt-5", input="Hello", stream=True)
    next(dropped)
    del dropped, chunk
    gc.collect()
    eventually(lambda: len(recorder.neighbour.calls) == 4)
    assert [told(call, "outcome", "error_type") for call in recorder.calls()] == [
        *[(Outcome.CANCELLED, "GeneratorExit")] * 2,
        (Outcome.SUCCEEDED, ""),
        (Outcome.CANCELLED, "GeneratorExit"),
    ]


async def test_a_stream_in_asyncio_that_is_left_likewise(async_claude: anthropic.AsyncAnthropic, recorder: Recorder) -> None:
    async with await async_claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, stream=True) as stream:
        await anext(stream)
    assert told(recorder.call(), "outcome", "error_type") == (Outcome.CANCELLED, "GeneratorExit")


def test_the_first_token_is_the_first_piece_of_the_answer(claude: anthropic.Anthropic, providers: Providers, recorder: Recorder) -> None:
    providers.first_token_s = 0.1
    list(claude.messages.create(model="claude-x", max_tokens=9, messages=HELLO, stream=True))
    call = recorder.call()
    assert 0.1 <= call.time_to_first_token.ToNanoseconds() / 1e9 <= call.latency.ToNanoseconds() / 1e9


def test_usage_is_asked_for_where_that_is_known_to_work_and_never_shown_to_who_did_not_ask(
    gpt: openai.OpenAI, providers: Providers, recorder: Recorder
) -> None:
    ask = gpt.chat.completions.create
    seen = list(ask(model="gpt-5", messages=HELLO, stream=True))
    assert all(chunk.choices for chunk in seen)
    wanted = list(ask(model="gpt-5", messages=HELLO, stream=True, stream_options={"include_usage": True}))
    assert len(wanted) == len(seen) + 1 and wanted[-1].usage is not None
    unwanted = list(ask(model="gpt-5", messages=HELLO, stream=True, stream_options={"include_usage": False}))
    with new_openai(providers) as other:
        watch_openai(other, recorder.client, provider="local")
        assert len(list(other.chat.completions.create(model="gpt-5", messages=HELLO, stream=True))) == len(unwanted) == len(seen)
    assert [body.get("stream_options") for _, body in providers.requests] == [
        {"include_usage": True},
        {"include_usage": True},
        {"include_usage": False},
        None,
    ]
    calls = recorder.calls()
    assert [call.HasField("usage") for call in calls] == [True, True, False, False]
    assert calls[-1].provider == "local"


def test_who_answers_is_known_by_the_kind_of_client(providers: Providers, recorder: Recorder) -> None:
    with (
        openai.AzureOpenAI(azure_endpoint=providers.url, api_key="key", api_version="1") as azure,
        pytest.raises(openai.NotFoundError),
    ):
        watch_openai(azure, recorder.client).chat.completions.create(model="gpt-5", messages=HELLO)
    with (
        anthropic.AnthropicVertex(base_url=providers.url, access_token="a", project_id="b", region="c") as vertex,
        pytest.raises(anthropic.NotFoundError),
    ):
        watch_anthropic(vertex, recorder.client).messages.create(model="claude-x", max_tokens=9, messages=HELLO)
    assert [told(call, "provider", "model", "outcome") for call in recorder.calls()] == [
        ("azure", "gpt-5", Outcome.FAILED),
        ("google", "claude-x", Outcome.FAILED),
    ]


def test_tags_of_blocks_are_those_of_the_calls_in_them(gpt: openai.OpenAI, recorder: Recorder) -> None:
    def ask() -> None:
        gpt.responses.create(model="gpt-5", input="Hello")

    with tagged(task_type="planning", task_id="t-1", labels={"team": "blue"}):
        with tagged(task_type="code_review", agent="reviewer"):
            ask()
        ask()
    ask()
    inner, outer, none = recorder.calls()
    assert told(inner, "task_type", "task_id", "agent") == ("code_review", "t-1", "reviewer")
    assert told(outer, "task_type", "task_id", "agent") == ("planning", "t-1", "tester")
    assert told(none, "task_type", "task_id", "agent") == ("chat", "", "tester")
    assert dict(inner.labels) == dict(outer.labels) == {"team": "blue"} and not none.labels


def test_what_is_no_call_is_not_recorded(gpt: openai.OpenAI, recorder: Recorder) -> None:
    with pytest.raises(openai.NotFoundError):
        gpt.models.retrieve("gpt-5")
    with pytest.raises(openai.NotFoundError):
        gpt.files.create(file=b"", purpose="assistants")
    assert recorder.calls() == []


def test_an_answer_that_nobody_can_read_reaches_the_caller_and_is_a_call_without_tokens(
    gpt: openai.OpenAI, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay_client.usage.Usage.take", lambda *_: 1 / 0)
    monkeypatch.setattr("assay_client.call.Call.answered_by", lambda *_: 1 / 0)
    assert gpt.responses.create(model="gpt-5", input="Hello").output_text == "Hello"
    assert list(gpt.chat.completions.create(model="gpt-5", messages=HELLO, stream=True))
    calls = recorder.calls()
    assert [told(call, "model", "outcome") for call in calls] == [("gpt-5", Outcome.SUCCEEDED)] * 2
    assert has_complained(recorder)


def test_a_client_that_is_closed_disturbs_nobody(providers: Providers) -> None:
    assay = Client("127.0.0.1:1", "key", flush_on_sigterm=False)
    assay.close(0.0)
    with new_openai(providers) as gpt:
        assert watch_openai(gpt, assay).responses.create(model="gpt-5", input="Hello").output_text == "Hello"
    assert assay.stats().dropped == 1
