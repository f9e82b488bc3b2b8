"""Answers over HTTP as OpenAI and Anthropic do: chat completions, responses, embeddings and messages, streamed or not."""

import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What a model is asked for as, and what it calls itself in its answers.
MODELS: dict[str, str] = {"gpt-5": "gpt-5-2025-08-07", "claude-x": "claude-x-20260101", "text-embedding-3-small": "text-embedding-3-small"}
# The same tokens in each API's own way of counting: input, output, cache read, cache write, reasoning as the contract has them.
OPENAI_COUNTS = (1_200, 300, 1_000, 0, 200)
ANTHROPIC_COUNTS = (1_200, 300, 1_000, 150, 0)
EMBEDDING_COUNTS = (8, 0, 0, 0, 0)
CHAT_USAGE = {
    "prompt_tokens": 1_200,
    "completion_tokens": 300,
    "total_tokens": 1_500,
    "prompt_tokens_details": {"cached_tokens": 1_000, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 200,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSE_USAGE = {
    "input_tokens": 1_200,
    "input_tokens_details": {"cached_tokens": 1_000, "cache_write_tokens": 0},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 200},
    "total_tokens": 1_500,
}
MESSAGE_USAGE = {"input_tokens": 50, "cache_creation_input_tokens": 150, "cache_read_input_tokens": 1_000, "output_tokens": 300}
# A prompt that the safety filter refuses.
FORBIDDEN = "forbidden"
TOOL = "get_weather"
ARGUMENTS = '{"city": "Oslo"}'
# A client that is told to wait so long between tries is told not to wait.
RETRY_HEADERS = {"retry-after-ms": "1"}

# For clients of httpx2 that are made for each test: reading the system's certificates takes a quarter of a second, and nothing needs them.
PLAIN: dict[str, Any] = {"verify": False, "trust_env": False}
PATHS = ("/chat/completions", "/completions", "/responses", "/embeddings", "/messages")

Json = dict[str, Any]


@dataclass
class Providers:
    """What is asked, and how it is answered: `troubles` one after the other before anything else.

    A trouble is a status, or "hang" for no answer until `release`, "cut" for a stream that ends in the middle, "fail" for a
    response that says that it failed, "error" for a stream of a response with an error in it. Between the
    head of a stream and its first piece `first_token_s` pass.
    """

    url: str = ""
    requests: list[tuple[str, Json]] = field(default_factory=list)
    troubles: deque[int | str] = field(default_factory=deque)
    first_token_s: float = 0.0
    release: threading.Event = field(default_factory=threading.Event)


@contextmanager
def providing() -> Iterator[Providers]:
    """Both providers at one address, until the block ends."""
    providers = Providers()

    class Handler(_Handler):
        state = providers

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    providers.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield providers
    finally:
        providers.release.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    state: Providers
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.loads(content) if self.headers["content-type"] == "application/json" else {}
        path = self.path.partition("?")[0].removeprefix("/v1")
        self.state.requests.append((path, body))
        trouble = self.state.troubles.popleft() if self.state.troubles else None
        if isinstance(trouble, int):
            self._send_json(trouble, {"type": "error", "error": {"type": "an_error", "message": "no", "code": None}}, RETRY_HEADERS)
            return
        if trouble == "hang":
            self.state.release.wait()
            self.close_connection = True
            return
        if trouble in {"fail", "error"}:
            body["trouble"] = trouble
        if path not in PATHS or body.get("model") not in MODELS:
            self._send_json(404, {"type": "error", "error": {"type": "not_found", "message": "no such thing"}}, {})
        elif body.get("stream"):
            self._send_events(path, body, is_cut=trouble == "cut")
        else:
            self._send_json(200, _answer(path, body), {})

    def do_GET(self) -> None:
        self.do_POST()

    def _send_json(self, status: int, answer: Json, headers: dict[str, str]) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _send_events(self, path: str, body: Json, *, is_cut: bool) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        events = list(_events(path, body))
        try:
            for place, event in enumerate(events):
                if place == 1:
                    time.sleep(self.state.first_token_s)
                if is_cut and place == len(events) // 2:
                    self.close_connection = True
                    return
                self._send_piece(event)
            if path == "/chat/completions":
                self._send_piece("[DONE]")
            self.wfile.write(b"0\r\n\r\n")
        except OSError:  # the caller has left
            self.close_connection = True

    def _send_piece(self, event: Json | str) -> None:
        text = f"data: {event}\n\n" if isinstance(event, str) else f"event: {event.get('type')}\ndata: {json.dumps(event)}\n\n"
        content = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(content), content))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        pass


def _answer(path: str, body: Json) -> Json:
    model = MODELS[body["model"]]
    is_refused, wants_tool = FORBIDDEN in json.dumps(body), bool(body.get("tools"))
    text = '{"text": "Hello"}' if body.get("response_format") else "Hello"
    match path:
        case "/chat/completions":
            message: Json = {"role": "assistant", "content": None if wants_tool else text, "refusal": None}
            if wants_tool:
                message["tool_calls"] = [{"id": "call_1", "type": "function", "function": {"name": TOOL, "arguments": ARGUMENTS}}]
            reason = "content_filter" if is_refused else "tool_calls" if wants_tool else "stop"
            choices = [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}]
            return {"id": "c-1", "object": "chat.completion", "created": 1, "model": model, "choices": choices, "usage": CHAT_USAGE}
        case "/completions":
            choices = [{"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}]
            return {"id": "c-1", "object": "text_completion", "created": 1, "model": model, "choices": choices, "usage": CHAT_USAGE}
        case "/responses":
            status = "failed" if body.get("trouble") == "fail" else "incomplete" if is_refused else "completed"
            return _response(model, status, wants_tool=wants_tool)
        case "/embeddings":
            data = [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}]
            return {"object": "list", "model": model, "data": data, "usage": {"prompt_tokens": 8, "total_tokens": 8}}
        case "/messages":
            content = {"type": "tool_use", "id": "t-1", "name": TOOL, "input": json.loads(ARGUMENTS)} if wants_tool else _TEXT
            reason = "refusal" if is_refused else "tool_use" if wants_tool else "end_turn"
            return {**_message(model, MESSAGE_USAGE), "content": [content], "stop_reason": reason}
    raise AssertionError(path)


_TEXT = {"type": "text", "text": "Hello", "citations": None}


def _message(model: str, usage: Json) -> Json:
    return {"id": "m-1", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None, "usage": usage}


def _response(model: str, status: str, *, wants_tool: bool = False) -> Json:
    call = {"type": "function_call", "id": "f-1", "call_id": "call_1", "name": TOOL, "arguments": ARGUMENTS, "status": "completed"}
    text = {"type": "output_text", "text": "Hello", "annotations": []}
    message = {"type": "message", "id": "m-1", "role": "assistant", "status": "completed", "content": [text]}
    is_over = status != "in_progress"
    return {
        "id": "r-1",
        "object": "response",
        "created_at": 1,
        "model": model,
        "status": status,
        "output": [call if wants_tool else message] if is_over else [],
        "usage": RESPONSE_USAGE if is_over else None,
        "incomplete_details": {"reason": "content_filter"} if status == "incomplete" else None,
        "error": {"code": "server_error", "message": "no"} if status == "failed" else None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def _events(path: str, body: Json) -> Iterator[Json]:
    model = MODELS[body["model"]]
    whole = _answer(path, body)
    match path:
        case "/chat/completions":
            yield from _chunks(model, whole["choices"][0], has_usage=bool((body.get("stream_options") or {}).get("include_usage")))
        case "/responses":
            for number, event in enumerate(_response_events(model, whole)):
                if number == 1 and body.get("trouble") == "error":
                    yield {"type": "error", "code": "server_error", "message": "no", "param": None, "sequence_number": number}
                    return
                yield {**event, "sequence_number": number}
        case "/messages":
            yield {"type": "message_start", "message": _message(model, {**MESSAGE_USAGE, "output_tokens": 1})}
            content = whole["content"][0]
            is_tool = content["type"] == "tool_use"
            empty: Json = {"input": {}} if is_tool else {"text": ""}
            yield {"type": "content_block_start", "index": 0, "content_block": {**content, **empty}}
            deltas: list[Json] = [{"type": "input_json_delta", "partial_json": ARGUMENTS}] if is_tool else []
            for delta in deltas or [{"type": "text_delta", "text": text} for text in ("Hel", "lo")]:
                yield {"type": "content_block_delta", "index": 0, "delta": delta}
            yield {"type": "content_block_stop", "index": 0}
            stop = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
            yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": MESSAGE_USAGE["output_tokens"]}}
            yield {"type": "message_stop"}


def _response_events(model: str, whole: Json) -> Iterator[Json]:
    yield {"type": "response.created", "response": _response(model, "in_progress")}
    (item,) = whole["output"]
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    (part,) = item["content"]
    yield {"type": "response.content_part.added", "part": {**part, "text": ""}, **place}
    for text in ("Hel", "lo"):
        yield {"type": "response.output_text.delta", "delta": text, "logprobs": [], **place}
    yield {"type": "response.output_text.done", "text": part["text"], "logprobs": [], **place}
    yield {"type": "response.content_part.done", "part": part, **place}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": f"response.{whole['status']}", "response": whole}


def _chunks(model: str, choice: Json, *, has_usage: bool) -> Iterator[Json]:
    chunk = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": model, "usage": None}
    message = choice["message"]
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    if message.get("tool_calls"):
        deltas += [{"tool_calls": [{"index": 0, **message["tool_calls"][0]}]}]
    else:
        deltas += [{"content": "Hel"}, {"content": "lo"}]
    for delta in deltas:
        yield {**chunk, "choices": [{"index": 0, "delta": delta, "finish_reason": None, "logprobs": None}]}
    yield {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": choice["finish_reason"], "logprobs": None}]}
    if has_usage:
        yield {**chunk, "choices": [], "usage": CHAT_USAGE}
