"""Calls of LangChain's chat models and LLMs: `model.invoke(…, config={"callbacks": [AssayHandler(assay)]})`."""

from collections import OrderedDict
from typing import Any, Unpack
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import LLMResult

from assay_client.call import Call
from assay_client.client import Client
from assay_client.outcome import Outcome
from assay_client.tags import CallFields, current_tags, note_call

# Runs that have begun and not ended. Of more than any process has at once, the oldest was forgotten by whoever began it.
RUNS_MAX = 10_000
_FILTERED = frozenset({"content_filter", "refusal"})


class AssayHandler(BaseCallbackHandler):
    """Records each run of a model as a call. One handler will do for all models, threads and event loops.

    `default` is what `tagged` does not say of a call. Where the provider's SDK tries again by itself, that is a part of one call.
    """

    # In asyncio LangChain would run the handler in a thread, where nobody knows of the caller's tags; it never waits.
    run_inline = True

    def __init__(self, assay: Client, **default: Unpack[CallFields]) -> None:
        self._assay = assay
        self._default = default
        self._calls: OrderedDict[UUID, Call] = OrderedDict()

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[Any]], *, run_id: UUID, metadata: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """A chat model is asked."""
        self._begin(run_id, metadata or {})

    def on_llm_start(
        self, serialized: dict[str, Any], prompts: list[str], *, run_id: UUID, metadata: dict[str, Any] | None = None, **_: Any
    ) -> None:
        """A model for text is asked."""
        self._begin(run_id, metadata or {})

    def on_llm_new_token(self, token: Any, *, run_id: UUID, chunk: Any = None, **_: Any) -> None:
        """A piece has come; those that open a stream, or tell its usage, have nothing of the answer."""
        call = self._calls.get(run_id)
        if call is not None and (token or getattr(getattr(chunk, "message", None), "tool_call_chunks", None)):
            call.first_token()

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        """The answer is whole."""
        call = self._calls.pop(run_id, None)
        if call is not None:
            self._tell(call, response)
            call.__exit__(None, None, None)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:
        """There is none."""
        call = self._calls.pop(run_id, None)
        if call is not None:
            call.__exit__(type(error), error, None)

    def _begin(self, run_id: UUID, metadata: dict[str, Any]) -> None:
        tags = current_tags()
        model = str(metadata.get("ls_model_name") or "")
        fields = {"task_type": "chat", **tags.fields_of(model, self._default)}
        call = self._assay.call(provider=str(metadata.get("ls_provider") or ""), model=model, **fields)
        note_call(tags, call.call_id)
        self._calls[run_id] = call.__enter__()
        if len(self._calls) > RUNS_MAX:
            self._calls.popitem(last=False)

    def _tell(self, call: Call, response: LLMResult) -> None:
        try:
            message = getattr(response.generations[0][0], "message", None)
            if message is None:
                call.usage((response.llm_output or {}).get("token_usage"))
                return
            about = message.response_metadata
            call.answered_by(about.get("model_name") or about.get("model") or "")
            reason = about.get("finish_reason") or about.get("stop_reason")
            if reason in _FILTERED:
                call.outcome(Outcome.REFUSED, reason)
            if message.usage_metadata is not None:
                self._tell_usage(call, message.usage_metadata)
        except Exception as error:  # noqa: BLE001 - the agent's code must not hear of it
            self._assay.complain(f"an answer of LangChain cannot be read: {error!r}")

    def _tell_usage(self, call: Call, usage: Any) -> None:
        """LangChain counts as the contract does: cached tokens are a part of the input, reasoning of the output."""
        inside, outside = usage.get("input_token_details") or {}, usage.get("output_token_details") or {}
        call.usage(
            input_token_count=usage["input_tokens"],
            output_token_count=usage["output_tokens"],
            cache_read_token_count=inside.get("cache_read") or 0,
            cache_write_token_count=inside.get("cache_creation") or 0,
            reasoning_token_count=outside.get("reasoning") or 0,
        )
