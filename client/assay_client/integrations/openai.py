"""Calls of the OpenAI SDK: `openai = watch(OpenAI(), assay)`, and it is used as ever. Also for those who speak OpenAI's API."""

from typing import Any, TypeVar, Unpack
from urllib.parse import urlsplit

from assay_client.call import Call
from assay_client.client import Client
from assay_client.integrations.sdk import Dialect, Watch, watched
from assay_client.outcome import Outcome
from assay_client.tags import CallFields

OpenAI = TypeVar("OpenAI")

_OPERATIONS = {"/chat/completions": "chat", "/responses": "chat", "/completions": "text_completion", "/embeddings": "embeddings"}
# Servers that are known to take `stream_options`; others that speak this API may refuse what they do not know.
_OWN_HOSTS = (".openai.com", ".openai.azure.com")
_FILTERED = "content_filter"
# Where a chunk has something of the answer. OpenAI tells no reasoning in chat completions; others do, under two names.
_PIECES = ("content", "tool_calls", "text", "refusal", "function_call", "reasoning_content", "reasoning")


def watch(
    openai: OpenAI, assay: Client, *, provider: str = "", asks_stream_usage: bool | None = None, **default: Unpack[CallFields]
) -> OpenAI:
    """Has an `OpenAI` or `AsyncOpenAI` report its chat completions, responses, completions and embeddings; returns it.

    `default` is what `tagged` does not say of a call. `provider` is who answers: without it "azure" for Azure's clients, else
    "openai". A stream of chat completions tells its tokens only if it is asked to, so that OpenAI and Azure are asked, and the
    chunk that tells is kept from a caller who did not ask; `asks_stream_usage` says to do so elsewhere, too, or nowhere.
    """
    is_azure = any(kind.__name__ == "BaseAzureClient" for kind in type(openai).__mro__)
    if asks_stream_usage is None:
        host = urlsplit(str(getattr(openai, "base_url", ""))).hostname or ""
        asks_stream_usage = f".{host}".endswith(_OWN_HOSTS)
    dialect = Dialect(_OPERATIONS, _read, _begins, _ask_usage) if asks_stream_usage else Dialect(_OPERATIONS, _read, _begins)
    return watched(openai, Watch(assay, dialect, provider or ("azure" if is_azure else "openai"), default))


def _ask_usage(options: Any) -> bool:
    """Asks for the usage of a stream of completions; not where the caller has decided."""
    asked = options.json_data.get("stream_options") or {}
    if options.url == "/responses" or "include_usage" in asked:
        return False
    options.json_data = {**options.json_data, "stream_options": {**asked, "include_usage": True}}
    return True


def _read(call: Call, answer: Any) -> bool:
    """A completion, a chunk of one, embeddings, a response, or an event of one, of which some carry what there is of it by then."""
    kind = getattr(answer, "type", None) or ""
    if kind == "error":
        call.outcome(Outcome.FAILED, answer.code or kind)
        return True
    if kind.startswith("response."):
        response = getattr(answer, "response", None)
        return response is not None and _read_response(call, response)
    return _read_response(call, answer) if getattr(answer, "object", "") == "response" else _read_completion(call, answer)


def _read_completion(call: Call, answer: Any) -> bool:
    call.answered_by(answer.model)
    if answer.usage is not None:
        call.usage(answer)
    is_whole = False
    for choice in getattr(answer, "choices", None) or ():
        is_whole = bool(choice.finish_reason) or is_whole
        if choice.finish_reason == _FILTERED:
            call.outcome(Outcome.REFUSED, _FILTERED)
    return is_whole


def _read_response(call: Call, response: Any) -> bool:
    """What the Responses API made, or is about to make: its status says which."""
    call.answered_by(response.model)
    if response.usage is not None:
        call.usage(response)
    reason = getattr(response.incomplete_details, "reason", None)
    if response.status == "failed":
        call.outcome(Outcome.FAILED, getattr(response.error, "code", None) or "failed")
    elif reason == _FILTERED:
        call.outcome(Outcome.REFUSED, _FILTERED)
    return response.status in {"completed", "incomplete", "failed", "cancelled"}


def _begins(event: Any) -> bool:
    """Whether there is anything of the answer: text, reasoning, a refusal, or a call of a tool."""
    kind = getattr(event, "type", None)
    if kind:
        return bool(kind.endswith(".delta"))
    for choice in event.choices:
        piece = getattr(choice, "delta", choice)
        if any(getattr(piece, name, None) for name in _PIECES):
            return True
    return False
