"""The client: what an agent calls. Nothing here waits, and nothing but the constructor raises."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Never

from assay.telemetry.v1.evidence_pb2 import (
    CodeEvidence,
    CoverageEvidence,
    Evaluation,
    Evidence,
    Feedback,
    Revision,
    StaticAnalysisEvidence,
    TestEvidence,
)

from assay_client import lifecycle
from assay_client.call import Call
from assay_client.encode import encode_evidence
from assay_client.engine import Engine
from assay_client.ids import time_ordered_id
from assay_client.lane import Kind, Stats
from assay_client.outcome import Outcome
from assay_client.settings import read_settings
from assay_client.usage import TokenCounts

EvidenceContent = CodeEvidence | CoverageEvidence | TestEvidence | StaticAnalysisEvidence | Feedback | Revision | Evaluation

_FIELDS = {
    CodeEvidence: "code",
    CoverageEvidence: "coverage",
    TestEvidence: "tests",
    StaticAnalysisEvidence: "static_analysis",
    Feedback: "feedback",
    Revision: "revision",
    Evaluation: "evaluation",
}


class Client:
    """Records calls to providers. One for a process will do; threads and event loops may share it.

    Settings that are not given come from the environment: see docs/client.md. Raises ValueError for those that are wrong.
    """

    def __init__(
        self,
        url: str | None = None,
        key: str | None = None,
        *,
        project: str | None = None,
        tls_ca: Path | None = None,
        tls_certificate: Path | None = None,
        tls_key: Path | None = None,
        tls_server_name: str | None = None,
        insecure_connect: bool | None = None,
        bytes_max: int | None = None,
        batch_age_s: float | None = None,
        exit_timeout_s: float | None = None,
        flush_on_sigterm: bool | None = None,
        spill_dir: Path | None = None,
        spill_bytes_max: int | None = None,
    ) -> None:
        settings = read_settings(
            url=url,
            key=key,
            project=project,
            tls_ca=tls_ca,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
            tls_server_name=tls_server_name,
            insecure_connect=insecure_connect,
            bytes_max=bytes_max,
            batch_age_s=batch_age_s,
            exit_timeout_s=exit_timeout_s,
            flush_on_sigterm=flush_on_sigterm,
            spill_dir=spill_dir,
            spill_bytes_max=spill_bytes_max,
        )
        self._engine = Engine(settings)
        lifecycle.watch(self._engine)

    def call(
        self,
        *,
        provider: str = "",
        model: str = "",
        task_type: str = "",
        task_id: str = "",
        agent: str = "",
        prompt_name: str = "",
        prompt_version: str = "",
        revision_count: int | None = None,
        cost_usd_nanos: int | None = None,
        labels: Mapping[str, str] | None = None,
        ranking_id: str = "",
        selection_ratio: float | None = None,
        call_id: str = "",
        **unknown: Never,
    ) -> Call:
        """A block that makes one call and is timed; the fields are the contract's. Provider, model and task type are needed."""
        if unknown:
            self._complain("call", unknown)
        return Call(
            self._engine,
            (
                provider,
                model,
                task_type,
                (
                    task_id,
                    agent,
                    prompt_name,
                    prompt_version,
                    revision_count,
                    cost_usd_nanos,
                    dict(labels) if labels else None,
                    ranking_id,
                    selection_ratio,
                ),
            ),
            call_id,
        )

    def record(
        self,
        *,
        provider: str = "",
        model: str = "",
        task_type: str = "",
        latency_s: float = 0.0,
        start_unix_s: float | None = None,
        outcome: Outcome = Outcome.SUCCEEDED,
        error_type: str = "",
        time_to_first_token_s: float | None = None,
        usage: TokenCounts | None = None,
        task_id: str = "",
        agent: str = "",
        prompt_name: str = "",
        prompt_version: str = "",
        revision_count: int | None = None,
        cost_usd_nanos: int | None = None,
        labels: Mapping[str, str] | None = None,
        ranking_id: str = "",
        selection_ratio: float | None = None,
        call_id: str = "",
        **unknown: Never,
    ) -> None:
        """Records a call that has ended: now, unless `start_unix_s` says when it began.

        `usage` are the counts of input, output, cache read, cache write and reasoning, where input and output are the
        whole. Without a `call_id`, one is made; `assay_client.new_id()` gives one that you know.
        """
        try:
            if unknown:
                self._complain("record", unknown)
            self._engine.calls.put(
                (
                    provider,
                    model,
                    task_type,
                    time.time() - latency_s if start_unix_s is None else start_unix_s,
                    latency_s,
                    outcome,
                    error_type,
                    time_to_first_token_s,
                    usage,
                    task_id,
                    agent,
                    prompt_name,
                    prompt_version,
                    revision_count,
                    cost_usd_nanos,
                    dict(labels) if labels else None,
                    ranking_id,
                    selection_ratio,
                    call_id,
                )
            )
        except Exception as error:  # noqa: BLE001 - the agent's code must not hear of it
            self._refuse(Kind.CALLS, error)

    def feedback(
        self,
        *,
        call_id: str = "",
        task_id: str = "",
        rating_ratio: float | None = None,
        accepted: bool | None = None,
        comment: str = "",
        rater: str = "",
        **unknown: Never,
    ) -> None:
        """Records what a person said of a call's answer or of a task's result; ratings are 0 to 1."""
        try:
            if unknown:
                self._complain("feedback", unknown)
            content = Feedback(rating_ratio=rating_ratio, accepted=accepted, comment=comment, rater=rater)
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(Kind.EVIDENCE, error)
            return
        self.evidence(content, call_id=call_id, task_id=task_id)

    def evidence(
        self,
        content: EvidenceContent,
        *,
        call_id: str = "",
        task_id: str = "",
        observe_unix_s: float | None = None,
        evidence_id: str = "",
        **unknown: Never,
    ) -> None:
        """Records what became known of a call's answer or of a task's result, as a message of the contract."""
        try:
            if unknown:
                self._complain("evidence", unknown)
            now_s = time.time() if observe_unix_s is None else observe_unix_s
            evidence = Evidence(evidence_id=evidence_id or time_ordered_id(int(now_s * 1_000)))
            if call_id:
                evidence.call_id = call_id
            else:
                evidence.task_id = task_id
            evidence.observe_time.FromMicroseconds(int(now_s * 1e6))
            getattr(evidence, _FIELDS[type(content)]).CopyFrom(content)
            encoded = encode_evidence(evidence)
        except Exception as error:  # noqa: BLE001 - as above
            self._refuse(Kind.EVIDENCE, error)
            return
        self._engine.evidence.put(encoded)

    def stats(self) -> Stats:
        """What became of the calls so far."""
        return self._engine.stats(Kind.CALLS)

    def evidence_stats(self) -> Stats:
        """What became of the evidence so far, feedback included."""
        return self._engine.stats(Kind.EVIDENCE)

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Waits until what was recorded before is acknowledged, refused or dropped; False if that takes longer."""
        return self._engine.flush(timeout_s)

    def close(self, timeout_s: float = 10.0) -> bool:
        """Sends what there is and ends; False if not all could be sent in time. What is recorded later is dropped, and counted."""
        return self._engine.close(timeout_s)

    async def aflush(self, timeout_s: float = 10.0) -> bool:
        """`flush`, without holding up the event loop."""
        return await asyncio.to_thread(self.flush, timeout_s)

    async def aclose(self, timeout_s: float = 10.0) -> bool:
        """`close`, without holding up the event loop."""
        return await asyncio.to_thread(self.close, timeout_s)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        await self.aclose()

    def complain(self, words: str) -> None:
        """Says once in the log that something cannot be recorded; for integrations."""
        self._engine.notices.complain(words)

    def _complain(self, method: str, unknown: Mapping[str, object]) -> None:
        self.complain(f"client.{method} has no {', '.join(unknown)}")

    def _refuse(self, kind: Kind, error: Exception) -> None:
        self._engine.intakes[kind].refuse()
        self._engine.notices.complain(f"{kind.value} cannot be recorded: {error!r}")
