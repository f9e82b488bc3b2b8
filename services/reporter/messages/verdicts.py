"""What was decided of prompts in a period, as the report's records."""

from datetime import UTC

from assay.analyzer.v1 import prompt_service_pb2 as contract

from services.reporter.domain.period import Period
from services.reporter.domain.period_data import PromptVerdict

# Metrics whose differences are shares, and of which more is better: what a version is promoted for.
METRICS = {contract.PROMPT_METRIC_SUCCESS: "success", contract.PROMPT_METRIC_QUALITY: "quality"}
_SIGNS = {contract.PROMPT_VERDICT_BETTER: 1, contract.PROMPT_VERDICT_WORSE: -1}


def verdict_of(response: contract.ComparePromptsResponse, period: Period) -> PromptVerdict | None:
    """The greatest difference that was decided in the period, None where none was.

    A version that is better in one metric and worse in another is left out: which of them counts is not ours to say.
    """
    found = [
        _verdict(response, version.version.prompt_version, effect)
        for version in response.versions
        if len({_SIGNS[effect.verdict] for effect in version.effects if effect.metric in METRICS and effect.verdict in _SIGNS}) == 1
        for effect in version.effects
        if effect.metric in METRICS and effect.verdict in _SIGNS and effect.HasField("decide_time")
    ]
    decided = [verdict for verdict in found if period.start <= verdict.decided_at < period.end]
    return max(decided, key=lambda verdict: verdict.difference, default=None)


def _verdict(response: contract.ComparePromptsResponse, version: str, effect: contract.PromptEffect) -> PromptVerdict:
    baseline = response.baseline.prompt_version
    is_better = _SIGNS[effect.verdict] > 0
    return PromptVerdict(
        task_type=response.task_type,
        prompt_name=response.prompt_name,
        better=version if is_better else baseline,
        other=baseline if is_better else version,
        metric=METRICS[effect.metric],
        difference=abs(effect.difference),
        low=effect.low if is_better else -effect.high,
        high=effect.high if is_better else -effect.low,
        call_count=round(effect.call_count),
        decided_at=effect.decide_time.ToDatetime(UTC),
    )
