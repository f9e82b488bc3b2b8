"""What the wrappers of the SDKs add to a call's own time: the SDKs' answers, and in place of the SDKs something that has them at hand.

The SDKs themselves take a millisecond and more for a call, whose scatter would hide what is asked for.
"""

import logging
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

from assay_client import Client
from assay_client.integrations.anthropic import watch as watch_anthropic
from assay_client.integrations.openai import watch as watch_openai

from bench.figures import Figure, Report

# Nobody listens there, which is the client's worst case.
AWAY = "127.0.0.1:1"
# A loop is short enough to be over before other processes, or the client's own threads, disturb it: the best counts.
LOOP_CALLS = 100
LOOPS = 60
PAUSE_S = 0.02
CHUNKS = 20
_CHAT_USAGE = {"prompt_tokens": 1_200, "completion_tokens": 300, "total_tokens": 1_500, "prompt_tokens_details": {"cached_tokens": 1_000}}
_CHAT = {
    "id": "c-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-2025-08-07",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": _CHAT_USAGE,
}
_CHUNK = {
    "id": "c-1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-5-2025-08-07",
    "choices": [{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}],
}
_MESSAGE = {
    "id": "m-1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 50, "cache_read_input_tokens": 1_000, "output_tokens": 300},
}


class _Sdk:
    """Answers at once, as the client of an SDK that is asked by its `request`."""

    def __init__(self, answer: Callable[[], object]) -> None:
        self._answer = answer

    def request(self, *_given: object, **_named: object) -> object:
        """The answer."""
        return self._answer()

    def copy(self) -> "_Sdk":
        """As an SDK's client has it."""
        return _Sdk(self._answer)


class _Stream:
    """Chunks, as a stream of an SDK keeps them."""

    def __init__(self, chunks: list[Any]) -> None:
        self._iterator: Iterator[Any] = iter(chunks)
        self.response = SimpleNamespace(close=_Stream, aclose=_Stream)

    def __iter__(self) -> Iterator[Any]:
        return self._iterator


def run(report: Report, *, loops: int = LOOPS) -> None:
    """Measures calls, and a stream's chunks; nothing where the SDKs are not installed."""
    if find_spec("openai") is None or find_spec("anthropic") is None:
        return
    from anthropic.types import Message  # noqa: PLC0415 - need not be installed
    from openai.types.chat import ChatCompletion, ChatCompletionChunk  # noqa: PLC0415 - as above

    chat, message = ChatCompletion.model_validate(_CHAT), Message.model_validate(_MESSAGE)
    chunks = [ChatCompletionChunk.model_validate(_CHUNK)] * CHUNKS
    cases: list[tuple[str, Any, str, _Sdk, bool]] = [
        ("openai_call", watch_openai, "/chat/completions", _Sdk(lambda: chat), False),
        ("anthropic_call", watch_anthropic, "/v1/messages", _Sdk(lambda: message), False),
        (f"openai_stream_of_{CHUNKS}", watch_openai, "/chat/completions", _Sdk(lambda: _Stream(chunks)), True),
    ]
    logging.getLogger("assay_client").setLevel(logging.CRITICAL)  # that nobody is there is no news here
    assay = Client(AWAY, "key", flush_on_sigterm=False)
    for name, watch, path, sdk, is_stream in cases:
        options = SimpleNamespace(url=path, method="post", json_data={"model": "gpt-5", "stream": is_stream})
        plain_us = _best_us(sdk.request, options, loops, is_stream=is_stream)
        watched_us = _best_us(watch(sdk, assay, task_type="code_review").request, options, loops, is_stream=is_stream)
        report(Figure("integrations", f"{name}_overhead", watched_us - plain_us, "µs", None if is_stream else 30, "lower"))
    assay.close(0.0)


def _best_us(request: Callable[..., Any], options: object, loops: int, *, is_stream: bool) -> float:
    """Microseconds of a call, a stream's chunks included."""
    best_s = float("inf")
    for _ in range(loops):
        began_s = time.perf_counter()
        for _ in range(LOOP_CALLS):
            answer = request(None, options, stream=is_stream)
            if is_stream:
                for _ in answer:
                    pass
        best_s = min(best_s, (time.perf_counter() - began_s) / LOOP_CALLS)
        time.sleep(PAUSE_S)
    return best_s * 1e6
