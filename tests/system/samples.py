"""Calls and evidence as an agent platform would send them: made up, but the same for the same seed."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest
from assay.telemetry.v1.call_pb2 import Call, CallOutcome, TokenUsage
from assay.telemetry.v1.evidence_pb2 import Evaluation, Evidence
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

OUTCOMES = CallOutcome.values()[1:]
OUTCOME_WEIGHTS = (85, 6, 3, 3, 1, 2)
MODELS = {"anthropic": ("claude-sonnet-4-5", "claude-haiku-4-5"), "openai": ("gpt-5", "gpt-5-mini"), "local": ("llama",)}
TASK_TYPES = ("code_review", "summary", "tool_calling")


def timestamp(moment: datetime) -> Timestamp:
    """The instant, to the microsecond."""
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def duration(microseconds: int) -> Duration:
    """The length of time."""
    length = Duration()
    length.FromMicroseconds(microseconds)
    return length


def call(
    call_id: str, *, start_time: datetime | None = None, provider: str = "anthropic", task_id: str = "", cost_usd_nanos: int = 1_000
) -> Call:
    """A plain call that succeeded, by default just now."""
    return Call(
        call_id=call_id,
        task_id=task_id,
        start_time=timestamp(start_time or datetime.now(UTC) - timedelta(seconds=1)),
        latency=duration(800_000),
        provider=provider,
        model="claude-sonnet-4-5",
        task_type="code_review",
        outcome=CallOutcome.CALL_OUTCOME_SUCCEEDED,
        usage=TokenUsage(input_token_count=100, output_token_count=20),
        cost_usd_nanos=cost_usd_nanos,
    )


def evaluation(evidence_id: str, call_id: str, score_ratio: float, evaluator: str = "judge") -> Evidence:
    """A judge's word on a call's answer."""
    return Evidence(
        evidence_id=evidence_id,
        call_id=call_id,
        observe_time=timestamp(datetime.now(UTC)),
        evaluation=Evaluation(evaluator=evaluator, score_ratio=score_ratio),
    )


def varied_calls(seed: int, number: int, first: datetime, last: datetime, prefix: str) -> list[Call]:
    """Calls of many kinds, in the order of their start times, all with a cost of their own."""
    rng = random.Random(seed)
    span_us = int((last - first).total_seconds() * 1e6)
    starts_us = sorted(rng.randrange(span_us) for _ in range(number))
    return [_varied_call(rng, f"{prefix}{index}", first + timedelta(microseconds=start_us)) for index, start_us in enumerate(starts_us)]


def _varied_call(rng: random.Random, call_id: str, start_time: datetime) -> Call:
    provider = rng.choice(list(MODELS))
    input_tokens, output_tokens, latency_us = rng.randrange(20_000), rng.randrange(4_000), rng.randrange(20_000, 60_000_000)
    made = Call(
        call_id=call_id,
        task_id=rng.choice(("", f"task-{rng.randrange(60)}")),
        start_time=timestamp(start_time),
        latency=duration(latency_us),
        provider=provider,
        model=rng.choice(MODELS[provider]),
        task_type=rng.choice(TASK_TYPES),
        agent=rng.choice(("", "planner", "worker")),
        prompt_name=rng.choice(("", "review")),
        outcome=rng.choices(OUTCOMES, OUTCOME_WEIGHTS)[0],
        cost_usd_nanos=rng.randrange(10**8),
        labels={"team": "a"} if rng.random() < 0.1 else {},
    )
    if rng.random() < 0.9:
        made.usage.CopyFrom(
            TokenUsage(
                input_token_count=input_tokens,
                output_token_count=output_tokens,
                cache_read_token_count=input_tokens // 3,
                cache_write_token_count=input_tokens // 5,
                reasoning_token_count=output_tokens // 2,
            )
        )
    if rng.random() < 0.5:
        made.time_to_first_token.FromMicroseconds(latency_us // 4)
    return made


def varied_evidence(seed: int, calls: Sequence[Call]) -> list[Evidence]:
    """Evaluations of about half of the calls, some by two evaluators, some changed by their evaluator later."""
    rng = random.Random(seed)
    evidence = []
    for each in calls:
        for evaluator in rng.sample(("judge", "verifier", "person"), rng.choice((0, 0, 1, 1, 2))):
            for attempt in range(rng.choice((1, 1, 1, 2))):
                made = evaluation(f"{each.call_id}-{evaluator}-{attempt}", each.call_id, rng.randrange(1_001) / 1_000, evaluator)
                made.observe_time.FromDatetime(each.start_time.ToDatetime() + timedelta(seconds=60 + attempt))
                evidence.append(made)
    rng.shuffle(evidence)
    return evidence


def calls_batch(batch_id: str, calls: Sequence[Call], project: str = "") -> RecordCallsRequest:
    """A batch of calls."""
    return RecordCallsRequest(project=project, batch_id=batch_id, calls=calls)


def evidence_batch(batch_id: str, evidence: Sequence[Evidence], project: str = "") -> RecordEvidenceRequest:
    """A batch of evidence."""
    return RecordEvidenceRequest(project=project, batch_id=batch_id, evidence=evidence)
