"""Instrumentations of others as their users have them: calls of SDKs, through real exporters, as calls in Assay."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from assay.collector.v1.collector_service_pb2 import LedgerDay
from assay_client import Outcome
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from tests.client.integrations.conftest import counts
from tests.client.integrations.providers import (
    ANTHROPIC_COUNTS,
    EMBEDDING_COUNTS,
    MODELS,
    OPENAI_COUNTS,
    PLAIN,
    Providers,
    providing,
)
from tests.system.suite import STORED_TIMEOUT_S, Suite, eventually
from tests.system.test_otlp import calls_of

FLUSH_TIMEOUT_MS = 60_000
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
GPT, CLAUDE, EMBEDDING = MODELS["gpt-5"], MODELS["claude-x"], "text-embedding-3-small"
# OpenLLMetry tells no reasoning where it follows a stream of chat completions.
WITHOUT_REASONING = (*OPENAI_COUNTS[:4], 0)

Told = tuple[str, str, str, tuple[int, ...], bool]


@pytest.fixture(scope="module")
def providers() -> Iterator[Providers]:
    """Both providers."""
    with providing() as providers:
        yield providers


def ask_openai(providers: Providers) -> None:
    """A chat completion, a response, both again as streams, embeddings, and one that is refused for too many."""
    with openai.OpenAI(base_url=f"{providers.url}/v1", api_key="key", max_retries=0, http_client=httpx2.Client(**PLAIN)) as client:
        client.chat.completions.create(model="gpt-5", messages=HELLO)
        client.responses.create(model="gpt-5", input="Hello")
        options: Any = {"include_usage": True}
        list(client.chat.completions.create(model="gpt-5", messages=HELLO, stream=True, stream_options=options))
        list(client.responses.create(model="gpt-5", input="Hello", stream=True))
        client.embeddings.create(model=EMBEDDING, input="Hello")
        providers.troubles.append(429)
        with contextlib.suppress(openai.RateLimitError):
            client.chat.completions.create(model="gpt-5", messages=HELLO)


def ask_anthropic(providers: Providers) -> None:
    """A message, one as a stream, and one that is refused for too many."""
    with anthropic.Anthropic(base_url=providers.url, api_key="key", max_retries=0, http_client=httpx2.Client(**PLAIN)) as client:
        asked: dict[str, Any] = {"model": "claude-x", "max_tokens": 9, "messages": HELLO}
        client.messages.create(**asked)
        list(client.messages.create(**asked, stream=True))
        providers.troubles.append(429)
        with contextlib.suppress(anthropic.RateLimitError):
            client.messages.create(**asked)


def openai_told(streamed: tuple[int, ...], *, first_tokens: tuple[bool, bool]) -> list[Told]:
    """What becomes of `ask_openai`: the tokens of the streamed completion, and of which stream the first token is known."""
    return [
        ("openai", GPT, "SUCCEEDED", OPENAI_COUNTS, False),
        ("openai", GPT, "SUCCEEDED", OPENAI_COUNTS, False),
        ("openai", GPT, "SUCCEEDED", streamed, first_tokens[0]),
        ("openai", GPT, "SUCCEEDED", OPENAI_COUNTS, first_tokens[1]),
        ("openai", EMBEDDING, "SUCCEEDED", EMBEDDING_COUNTS, False),
        ("openai", "gpt-5", "RATE_LIMITED", (0,) * 5, False),
    ]


def anthropic_told(*, first_token: bool) -> list[Told]:
    """What becomes of `ask_anthropic`."""
    return [
        ("anthropic", CLAUDE, "SUCCEEDED", ANTHROPIC_COUNTS, False),
        ("anthropic", CLAUDE, "SUCCEEDED", ANTHROPIC_COUNTS, first_token),
        ("anthropic", "claude-x", "RATE_LIMITED", (0,) * 5, False),
    ]


CASES: dict[str, tuple[str, Callable[[Providers], None], list[Told]]] = {
    "opentelemetry.instrumentation.genai.openai": ("OpenAI", ask_openai, openai_told(OPENAI_COUNTS, first_tokens=(True, True))),
    "opentelemetry.instrumentation.genai.anthropic": ("Anthropic", ask_anthropic, anthropic_told(first_token=True)),
    "openinference.instrumentation.openai": ("OpenAI", ask_openai, openai_told(OPENAI_COUNTS, first_tokens=(True, True))),
    "openinference.instrumentation.anthropic": ("Anthropic", ask_anthropic, anthropic_told(first_token=False)),
    "opentelemetry.instrumentation.openai": ("OpenAI", ask_openai, openai_told(WITHOUT_REASONING, first_tokens=(True, False))),
}


@pytest.mark.filterwarnings("ignore:Support for class-based `config`:DeprecationWarning")  # OpenLLMetry's own
@pytest.mark.parametrize("module", CASES)
async def test_what_an_instrumentation_tells_is_what_was_called(suite: Suite, providers: Providers, module: str) -> None:
    sdk, ask, expected = CASES[module]
    project = await suite.new_project()
    secret, _ = await suite.new_key(project, "RECORD")
    exporter = OTLPSpanExporter(endpoint=suite.otlp, insecure=True, headers={"authorization": f"Bearer {secret}"}, timeout=60)
    provider = TracerProvider(resource=Resource.create({"assay.task_type": "planning"}), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    instrumentor: Any = getattr(import_module(module), f"{sdk}Instrumentor")()
    instrumentor.instrument(tracer_provider=provider)
    try:
        await asyncio.to_thread(ask, providers)
    finally:
        instrumentor.uninstrument()
        assert await asyncio.to_thread(provider.force_flush, FLUSH_TIMEOUT_MS)
        await asyncio.to_thread(provider.shutdown)

    async def booked() -> dict[int, LedgerDay] | None:
        return await suite.ledger(project) or None

    ledger = await eventually(booked, STORED_TIMEOUT_S, "the calls stored")
    assert [(line.stored_count, line.rejected_count) for line in ledger.values()] == [(len(expected), 0)]
    calls = sorted((stored.call for stored in await calls_of(suite, project)), key=lambda call: call.start_time.ToNanoseconds())
    assert {call.task_type for call in calls} == {"planning"}
    assert [
        (call.provider, call.model, Outcome(call.outcome).name, counts(call), call.HasField("time_to_first_token")) for call in calls
    ] == expected
