"""Token counts out of what the SDKs return. The shapes are those of openai 2 and anthropic 0.7x."""

from types import SimpleNamespace
from typing import Any

import pytest
from assay_client.usage import Usage

CHAT = {
    "id": "chatcmpl-1",
    "usage": {
        "prompt_tokens": 1_200,
        "completion_tokens": 300,
        "total_tokens": 1_500,
        "prompt_tokens_details": {"cached_tokens": 1_000, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 0},
    },
}
RESPONSE = {
    "object": "response",
    "usage": {
        "input_tokens": 1_200,
        "input_tokens_details": {"cached_tokens": 1_000},
        "output_tokens": 300,
        "output_tokens_details": {"reasoning_tokens": 200},
        "total_tokens": 1_500,
    },
}
MESSAGE = {
    "type": "message",
    "usage": {"input_tokens": 50, "cache_creation_input_tokens": 150, "cache_read_input_tokens": 1_000, "output_tokens": 300},
}
STREAMS: dict[str, tuple[list[Any], tuple[int, ...] | None]] = {
    "a chat completion": ([CHAT], (1_200, 300, 1_000, 0, 200)),
    "its usage alone": ([CHAT["usage"]], (1_200, 300, 1_000, 0, 200)),
    "a chat completion without details": ([{"usage": {"prompt_tokens": 7, "completion_tokens": 0}}], (7, 0, 0, 0, 0)),
    "a compatible server that counts cache writes": (
        [{"usage": {"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}}}],
        (9, 1, 2, 3, 0),
    ),
    "a stream of chunks, the last with usage": ([{"choices": [{}], "usage": None}, {"choices": []}, CHAT], (1_200, 300, 1_000, 0, 200)),
    "a response": ([RESPONSE], (1_200, 300, 1_000, 0, 200)),
    "a stream of response events": (
        [{"type": "response.created", "response": {"usage": None}}, {"type": "response.completed", "response": RESPONSE}],
        (1_200, 300, 1_000, 0, 200),
    ),
    "a message": ([MESSAGE], (1_200, 300, 1_000, 150, 0)),
    "a message without a cache": ([{"usage": {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": None}}], (10, 5, 0, 0, 0)),
    "a stream of message events": (
        [
            {"type": "message_start", "message": {"usage": {**MESSAGE["usage"], "output_tokens": 1}}},  # type: ignore[dict-item]
            {"type": "content_block_delta", "delta": {"text": "a"}},
            {"type": "message_delta", "usage": {"output_tokens": 200}},
            {"type": "message_delta", "usage": {"input_tokens": None, "output_tokens": 300}},
        ],
        (1_200, 300, 1_000, 150, 0),
    ),
    "a stream that was cut before it told anything": ([{"choices": [{}]}, None, "text", 3], None),
    "counts that are no numbers": ([{"usage": {"input_tokens": "12", "output_tokens": None}}], None),
}


def as_object(value: Any) -> Any:
    """The same as the SDKs' own classes have it."""
    if isinstance(value, dict):
        return SimpleNamespace(**{name: as_object(each) for name, each in value.items()})
    return value


@pytest.mark.parametrize("form", [lambda value: value, as_object], ids=["dictionary", "object"])
@pytest.mark.parametrize("name", STREAMS)
def test_counts_have_the_meaning_of_the_contract(name: str, form: Any) -> None:
    events, counts = STREAMS[name]
    usage = Usage()
    for event in events:
        usage.take(form(event))
    assert usage.counts() == counts


def test_it_says_whether_it_was_told_anything() -> None:
    usage = Usage()
    assert not usage.take({"choices": []})
    assert usage.take(CHAT)
