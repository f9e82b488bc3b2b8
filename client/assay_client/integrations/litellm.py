"""Calls of LiteLLM, the library and its proxy: `litellm.callbacks = [AssayLogger(assay)]`. With rankings, its router follows them."""

from collections import OrderedDict
from datetime import datetime
from typing import Any, Unpack

from litellm import get_llm_provider
from litellm.integrations.custom_logger import CustomLogger

from assay_client.choice import Candidate
from assay_client.client import Client
from assay_client.outcome import Outcome, outcome_of
from assay_client.rankings import Rankings
from assay_client.tags import CallFields, Tags, current_tags, note_call
from assay_client.usage import TokenCounts

# Where a request's metadata says what `tagged` would, for callers of the proxy, and where the router's choice is kept.
FIELDS_KEY, CHOICE_KEY = "assay", "assay_choice"
# Calls that have begun and not ended. Of more than any process has at once, the oldest will not end.
BEGUN_MAX = 10_000
_OPERATIONS = {"embedding": "embeddings", "text_completion": "text_completion"}
_FILTERED = "content_filter"


class AssayLogger(CustomLogger):
    """Records each call under its `litellm_call_id`; each try of the router is one. `default` is what nothing else says of a call.

    With `rankings`, asynchronous routers choose among the deployments that are healthy by the ranking of the call's kind of task,
    which the request's metadata says, else `tagged`, else `default`.
    """

    def __init__(self, assay: Client, *, rankings: Rankings | None = None, **default: Unpack[CallFields]) -> None:
        super().__init__()
        self._assay = assay
        self._rankings = rankings
        self._default = default
        self._begun: OrderedDict[str, Tags] = OrderedDict()

    def log_pre_api_call(self, model: str, messages: Any, kwargs: dict[str, Any]) -> None:
        """Where LiteLLM still is in its caller's thread or task, and so knows of the blocks around; how a call ends is told elsewhere."""
        call_id = kwargs.get("litellm_call_id") or ""
        tags = self._begun[call_id] = current_tags()
        note_call(tags, call_id)
        if len(self._begun) > BEGUN_MAX:
            self._begun.popitem(last=False)

    def log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: datetime, end_time: datetime) -> None:
        """A synchronous call was answered."""
        self._record(kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: datetime, end_time: datetime) -> None:
        """It was not."""
        self._record(kwargs, response_obj, start_time, end_time)

    async def async_log_success_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: datetime, end_time: datetime) -> None:
        """An asynchronous call was answered."""
        self._record(kwargs, response_obj, start_time, end_time)

    async def async_log_failure_event(self, kwargs: dict[str, Any], response_obj: Any, start_time: datetime, end_time: datetime) -> None:
        """It was not."""
        self._record(kwargs, response_obj, start_time, end_time)

    async def async_filter_deployments(
        self,
        model: str,
        healthy_deployments: list[Any],
        messages: Any,
        request_kwargs: dict[str, Any] | None = None,
        parent_otel_span: Any = None,
    ) -> list[Any]:
        """Leaves the deployments of the chosen candidate; the router picks one of those. What it chose travels with the request."""
        if self._rankings is None or request_kwargs is None or len(healthy_deployments) < 2:
            return healthy_deployments
        try:
            by_candidate: dict[Candidate, list[Any]] = {}
            for deployment in healthy_deployments:
                by_candidate.setdefault(_candidate_of(deployment["litellm_params"]), []).append(deployment)
            metadata = request_kwargs.setdefault("metadata", {})
            task_type = self._fields(metadata, current_tags(), model)["task_type"]
            choice = self._rankings.choose(task_type, list(by_candidate))
            metadata[CHOICE_KEY] = {"ranking_id": choice.ranking_id, "selection_ratio": choice.selection_ratio}
            return by_candidate[choice.candidate]
        except Exception as error:  # noqa: BLE001 - the request must be served
            self._assay.complain(f"a deployment of LiteLLM cannot be chosen: {error!r}")
            return healthy_deployments

    def _record(self, kwargs: dict[str, Any], response: Any, start: datetime, end: datetime) -> None:
        try:
            call_id = kwargs.get("litellm_call_id") or ""
            metadata = (kwargs.get("litellm_params") or {}).get("metadata") or {}
            outcome, error_type = _outcome(kwargs.get("exception"), response)
            first = kwargs.get("completion_start_time") if kwargs.get("stream") else None
            self._assay.record(
                call_id=call_id,
                provider=kwargs.get("custom_llm_provider") or "",
                model=kwargs.get("model") or "",
                start_unix_s=start.timestamp(),
                latency_s=(end - start).total_seconds(),
                time_to_first_token_s=None if first is None else (first - start).total_seconds(),
                outcome=outcome,
                error_type=error_type,
                usage=_counts(getattr(response, "usage", None)),
                **self._fields(metadata, self._begun.pop(call_id, Tags()), kwargs.get("call_type") or ""),
                **(metadata.get(CHOICE_KEY) or {}),
            )
        except Exception as error:  # noqa: BLE001 - as above
            self._assay.complain(f"a call of LiteLLM cannot be read: {error!r}")

    def _fields(self, metadata: dict[str, Any], tags: Tags, call_type: str) -> dict[str, Any]:
        operation = _OPERATIONS.get(call_type.removeprefix("a"), "chat")
        return {"task_type": operation, **self._default, **tags.fields, **(metadata.get(FIELDS_KEY) or {})}


def _candidate_of(params: dict[str, Any]) -> Candidate:
    """Provider and model as LiteLLM calls them when it tells of the call."""
    model, provider, *_ = get_llm_provider(params["model"], params.get("custom_llm_provider"), params.get("api_base"))
    return Candidate(provider, model)


def _outcome(error: Any, response: Any) -> tuple[Outcome, str]:
    if isinstance(error, BaseException):
        return outcome_of(error), type(error).__name__
    choices = getattr(response, "choices", None) or ()
    if any(getattr(choice, "finish_reason", None) == _FILTERED for choice in choices):
        return Outcome.REFUSED, _FILTERED
    return Outcome.SUCCEEDED, ""


def _counts(usage: Any) -> TokenCounts | None:
    """LiteLLM counts as the contract does, whoever answers. A stream that did not tell its tokens has none or LiteLLM's own count."""
    if usage is None or not (usage.prompt_tokens or usage.completion_tokens):
        return None
    inside, outside = (getattr(usage, f"{side}_tokens_details", None) for side in ("prompt", "completion"))
    return (
        usage.prompt_tokens,
        usage.completion_tokens or 0,
        getattr(inside, "cached_tokens", None) or 0,
        getattr(inside, "cache_creation_tokens", None) or 0,
        getattr(outside, "reasoning_tokens", None) or 0,
    )
