"""How a call ended, as its span tells."""

from collections.abc import Sequence

from assay.telemetry.v1 import call_pb2
from assay_client.outcome import RATE_LIMIT_NAMES, TIMEOUT_NAMES

# Names of exceptions, HTTP and gRPC status codes and the providers' own codes, without regard to case.
_TIMED_OUT = frozenset({name.lower() for name in TIMEOUT_NAMES} | {"timeout", "timeouterror", "deadline_exceeded", "408", "504"})
_RATE_LIMITED = frozenset(
    {name.lower() for name in RATE_LIMIT_NAMES} | {"rate_limit_exceeded", "rate_limit_error", "resource_exhausted", "429"}
)
_CANCELLED = frozenset({"cancellederror", "cancelled", "canceled", "keyboardinterrupt", "generatorexit", "499"})
# Why an answer ended when the provider's safety filter ended it: OpenAI, Anthropic, Google, Amazon Bedrock.
_REFUSALS = frozenset({"content_filter", "refusal", "safety", "guardrail_intervened", "prohibited_content"})


def outcome_of(*, is_error: bool, error_type: str, finish_reasons: Sequence[str]) -> call_pb2.CallOutcome.ValueType:
    """The outcome of a span with this status and error, and with the reasons for which its answers ended."""
    if is_error:
        name = error_type.rpartition(".")[2].lower()
        for names, outcome in _OUTCOMES:
            if name in names:
                return outcome
        return call_pb2.CALL_OUTCOME_FAILED
    if any(reason.lower() in _REFUSALS for reason in finish_reasons):
        return call_pb2.CALL_OUTCOME_REFUSED
    return call_pb2.CALL_OUTCOME_SUCCEEDED


_OUTCOMES = (
    (_TIMED_OUT, call_pb2.CALL_OUTCOME_TIMED_OUT),
    (_RATE_LIMITED, call_pb2.CALL_OUTCOME_RATE_LIMITED),
    (_CANCELLED, call_pb2.CALL_OUTCOME_CANCELLED),
    (_REFUSALS, call_pb2.CALL_OUTCOME_REFUSED),
)
