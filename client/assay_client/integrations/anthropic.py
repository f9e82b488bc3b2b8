"""Calls of the Anthropic SDK: `anthropic = watch(Anthropic(), assay)`, and it is used as ever."""

from typing import Any, TypeVar, Unpack

from assay_client.call import Call
from assay_client.client import Client
from assay_client.integrations.sdk import Dialect, Watch, watched
from assay_client.outcome import Outcome
from assay_client.tags import CallFields

Anthropic = TypeVar("Anthropic")

_OPERATIONS = {"/v1/messages": "chat"}
# The SDK's clients for the clouds that have these models, by the beginnings of their names, and what those are called elsewhere.
_CLOUDS = {"Bedrock": "aws", "Vertex": "google"}
_REFUSED = "refusal"


def watch(anthropic: Anthropic, assay: Client, *, provider: str = "", **default: Unpack[CallFields]) -> Anthropic:
    """Has an `Anthropic` or `AsyncAnthropic`, or a client for a cloud, report its messages; returns it.

    `default` is what `tagged` does not say of a call. `provider` is who answers: without it the cloud, or "anthropic".
    """
    name = type(anthropic).__name__
    cloud = next((provider for word, provider in _CLOUDS.items() if word in name), "anthropic")
    return watched(anthropic, Watch(assay, Dialect(_OPERATIONS, _read, _begins), provider or cloud, default))


def _read(call: Call, answer: Any) -> bool:
    """A message, or an event of one."""
    match answer.type:
        case "message":
            call.answered_by(answer.model)
            call.usage(answer)
            return _has_stopped(call, answer.stop_reason)
        case "message_start":
            call.answered_by(answer.message.model)
            call.usage(answer)
        case "message_delta":
            call.usage(answer)
            return _has_stopped(call, answer.delta.stop_reason)
    return False


def _has_stopped(call: Call, reason: str | None) -> bool:
    if reason == _REFUSED:
        call.outcome(Outcome.REFUSED, _REFUSED)
    return reason is not None


def _begins(event: Any) -> bool:
    return bool(event.type == "content_block_delta")
