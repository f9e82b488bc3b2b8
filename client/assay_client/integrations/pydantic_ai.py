"""Requests of Pydantic AI's models: `Agent(ObservedModel("openai:gpt-5", assay))`."""

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, Unpack

from pydantic_ai.models.wrapper import WrapperModel

from assay_client.call import Call
from assay_client.client import Client
from assay_client.outcome import Outcome
from assay_client.tags import CallFields, current_tags, note_call

_FILTERED = "content_filter"
# States of an answer that its caller did not read to the end.
_LEFT = frozenset({"interrupted", "incomplete"})


class ObservedModel(WrapperModel):
    """A model, or the name of one, each request of which is recorded as a call.

    `default` is what `tagged` does not say of a call. Where the provider's SDK tries again by itself, that is a part of one call
    here; with an SDK's client that is watched, each try is one of its own, and this model is not needed.
    """

    def __init__(self, wrapped: Any, assay: Client, **default: Unpack[CallFields]) -> None:
        super().__init__(wrapped)
        self._assay = assay
        self._default = default

    async def request(self, *given: Any, **named: Any) -> Any:
        """As the wrapped model answers it."""
        with self._begun() as call:
            response = await super().request(*given, **named)
            self._tell(call, response)
            return response

    @asynccontextmanager
    async def request_stream(self, *given: Any, **named: Any) -> AsyncGenerator[Any, None]:
        """As the wrapped model streams it; the call lasts as long as the block."""
        began_s = time.perf_counter()
        with self._begun() as call:
            async with super().request_stream(*given, **named) as stream:
                try:
                    yield stream
                finally:
                    self._tell(call, stream.get(), stream.time_to_first_chunk(began_s))

    def _begun(self) -> Call:
        tags = current_tags()
        fields = {"task_type": "chat", **tags.fields_of(self.model_name, self._default)}
        call = self._assay.call(provider=self.system, model=self.model_name, **fields)
        note_call(tags, call.call_id)
        return call

    def _tell(self, call: Call, response: Any, first_token_s: float | None = None) -> None:
        try:
            usage = response.usage
            if usage.input_tokens or usage.output_tokens:
                call.usage(
                    input_token_count=usage.input_tokens,
                    output_token_count=usage.output_tokens,
                    cache_read_token_count=usage.cache_read_tokens,
                    cache_write_token_count=usage.cache_write_tokens,
                    reasoning_token_count=usage.details.get("reasoning_tokens", 0),
                )
            call.answered_by(response.model_name or "")
            if first_token_s is not None:
                call.first_token(first_token_s)
            if response.finish_reason == _FILTERED:
                call.outcome(Outcome.REFUSED, _FILTERED)
            elif response.state in _LEFT:
                call.outcome(Outcome.CANCELLED)
        except Exception as error:  # noqa: BLE001 - the agent's code must not hear of it
            self._assay.complain(f"an answer of Pydantic AI cannot be read: {error!r}")
