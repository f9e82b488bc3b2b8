"""The load of the chaos test: which batches a client sends, the same for the same client whenever it is asked, and what they sum up to.

A client goes through groups. Each group is evidence before its calls, then some batches of calls, then evidence after them, so
that at the end of a group no evidence waits. Calls repeat ids of the batch before, and a few ids are sent by every client.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from assay.collector.v1.collector_service_pb2 import RecordCallsRequest, RecordEvidenceRequest
from assay.telemetry.v1.call_pb2 import Call, CallOutcome, TokenUsage
from assay.telemetry.v1.evidence_pb2 import Evaluation, Evidence, Feedback

from tests.system.samples import duration, timestamp

CALL_BATCHES = 4  # of a group
BATCH_CALLS = 200
REPEATED_CALLS = 3  # of a batch that the next one sends again
COMMON_CALLS = 5  # of a group that every client sends
TASKS = 7  # of a group
JUDGED_CALLS = 10  # of a group: half of them before they are there
STEPS = CALL_BATCHES + 2
OUTCOMES = CallOutcome.values()[1:]
# With these labels a batch has about 2 MB: how a stream is filled quickly.
FAT_LABELS = {f"padding-{number}": "x" * 1_000 for number in range(10)}

Request = RecordCallsRequest | RecordEvidenceRequest


@dataclass(frozen=True)
class Load:
    """What one client sends. `base` is when the first call started."""

    client: str
    base: datetime

    def batch_id(self, number: int) -> str:
        """The id of the batch with this number, from 0 on."""
        return f"{self.client}-{number}"

    def batch(self, number: int, *, is_fat: bool) -> Request:
        """The batch, always the same but for the labels that make it fat."""
        group, step = divmod(number, STEPS)
        if step in {0, STEPS - 1}:
            return RecordEvidenceRequest(batch_id=self.batch_id(number), evidence=self.evidence(group, is_before=step == 0))
        request = RecordCallsRequest(batch_id=self.batch_id(number), calls=self.calls(group, step - 1))
        if is_fat:
            for call in request.calls:
                call.labels.update(FAT_LABELS)
        return request

    def calls(self, group: int, batch: int) -> list[Call]:
        """The calls of a batch, with those that it sends again and those that others send too."""
        again = (
            [self.call(group, index) for index in range((batch - 1) * BATCH_CALLS, (batch - 1) * BATCH_CALLS + REPEATED_CALLS)]
            if batch
            else []
        )
        common = [common_call(self.base, group, index) for index in range(COMMON_CALLS)] if batch == 0 else []
        return [*again, *common, *(self.call(group, index) for index in range(batch * BATCH_CALLS, (batch + 1) * BATCH_CALLS))]

    def call(self, group: int, index: int) -> Call:
        """One call of a group."""
        return _call(self.base, f"{self.client}-{group}-{index}", f"{self.client}-{group}-{index % TASKS}", group, index)

    def evidence(self, group: int, *, is_before: bool) -> list[Evidence]:
        """What is said of a group before its calls are sent, or after."""
        observed = timestamp(self.base + timedelta(seconds=group, milliseconds=1 if is_before else 2))
        first = 0 if is_before else JUDGED_CALLS // 2
        said = "before" if is_before else "after"
        pieces = [
            Evidence(
                evidence_id=f"{self.client}-{group}-{said}-{index}",
                call_id=f"{self.client}-{group}-{index}",
                observe_time=observed,
                evaluation=Evaluation(evaluator="judge", score_ratio=score_percent(group, index) / 100),
            )
            for index in range(first, first + JUDGED_CALLS // 2)
        ]
        task = 0 if is_before else 1
        feedback = Feedback(accepted=is_before)
        return [
            *pieces,
            Evidence(
                evidence_id=f"{self.client}-{group}-{said}",
                task_id=f"{self.client}-{group}-{task}",
                observe_time=observed,
                feedback=feedback,
            ),
        ]


def score_percent(group: int, index: int) -> int:
    """The score of a judged call."""
    return (group * 37 + index * 11) % 101


def common_call(base: datetime, group: int, index: int) -> Call:
    """A call that every client sends: all of them the same."""
    return _call(base, f"common-{group}-{index}", f"common-{group}", group, index)


def _call(base: datetime, call_id: str, task_id: str, group: int, index: int) -> Call:
    rng = random.Random(call_id)
    is_priced = index % 10 != 0
    return Call(
        call_id=call_id,
        task_id=task_id,
        start_time=timestamp(base + timedelta(milliseconds=group * 10, microseconds=index)),
        latency=duration(rng.randrange(1_000, 10_000_000)),
        provider=rng.choice(("anthropic", "openai")) if is_priced else "basement",
        model=rng.choice(("large", "small")),
        task_type=rng.choice(("code_review", "summary")),
        outcome=rng.choice(OUTCOMES),
        usage=TokenUsage(input_token_count=rng.randrange(1_000), output_token_count=rng.randrange(1_000)),
        cost_usd_nanos=rng.randrange(10**7) if is_priced else None,
    )


@dataclass(frozen=True)
class Attempt:
    """A line of a client's log: one try to send a batch, or, with `accepted_count`, its acknowledgement."""

    number: int
    is_fat: bool
    accepted_count: int | None = None


def read_log(lines: Iterator[str]) -> Iterator[Attempt]:
    """The attempts and acknowledgements of a log; a line that a kill cut off is none."""
    for line in lines:
        words = line.split()
        if line.endswith("\n") and words and words[0] in {"sent", "acknowledged"}:
            yield Attempt(int(words[1]), words[2] == "fat", int(words[3]) if words[0] == "acknowledged" else None)


def now_base() -> datetime:
    """A start for the calls of a load: far enough back that none of them is in the future."""
    return datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=20)
