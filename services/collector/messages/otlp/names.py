"""The attributes by which spans tell what a call has: one table for all conventions.

GenAI: OpenTelemetry's semantic conventions for generative AI, up to 1.41 and as they move since. OpenInference: Arize's. OpenLLMetry:
Traceloop's, and what it had before it took up the GenAI names.
"""

from collections.abc import Mapping

# Of the names of one field, the first that a span has is taken: newest first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "model": ("gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "embedding.model_name"),
    "agent": ("gen_ai.agent.name", "traceloop.entity.name"),
    "prompt_name": ("gen_ai.prompt.name", "traceloop.prompt.key"),
    "prompt_version": ("gen_ai.prompt.version", "llm.prompt_template.version", "traceloop.prompt.version"),
    "input_token_count": ("gen_ai.usage.input_tokens", "llm.token_count.prompt", "gen_ai.usage.prompt_tokens"),
    "output_token_count": ("gen_ai.usage.output_tokens", "llm.token_count.completion", "gen_ai.usage.completion_tokens"),
    "cache_read_token_count": (
        "gen_ai.usage.cache_read.input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "gen_ai.usage.cache_read_input_tokens",
    ),
    "cache_write_token_count": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "llm.token_count.prompt_details.cache_write",
        "gen_ai.usage.cache_creation_input_tokens",
    ),
    "reasoning_token_count": (
        "gen_ai.usage.reasoning.output_tokens",
        "llm.token_count.completion_details.reasoning",
        "gen_ai.usage.reasoning_tokens",
    ),
    "time_to_first_token": ("gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"),
    "cost": ("gen_ai.usage.cost.amount", "llm.cost.total"),
    "currency": ("gen_ai.usage.cost.currency",),
    "error_type": ("error.type",),
    "finish_reasons": ("gen_ai.response.finish_reasons", "llm.finish_reason", "gen_ai.completion.0.finish_reason"),
    "task_type": ("assay.task_type", "traceloop.association.properties.task_type"),
    "task_id": ("assay.task_id", "traceloop.association.properties.task_id"),
    "revision_count": ("assay.revision_count", "traceloop.association.properties.revision_count"),
    "operation": ("gen_ai.operation.name",),
    "span_kind": ("openinference.span.kind",),
    "request_type": ("llm.request.type",),
    "invocation_parameters": ("llm.invocation_parameters",),
}

# What makes a span a call. Spans of agents and tools are none: the calls inside of them are spans of their own.
OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "embeddings"})
SPAN_KINDS = frozenset({"llm", "embedding"})

# Events that tell when the answer began, where no attribute does.
FIRST_TOKEN_EVENTS = frozenset(
    {"gen_ai.response.first_chunk", "First Token Stream Event", "gen_ai.content.completion.chunk", "llm.content.completion.chunk"}
)
EXCEPTION_EVENT = "exception"
EXCEPTION_TYPE = "exception.type"
