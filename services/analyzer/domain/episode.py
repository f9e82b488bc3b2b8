"""One episode: what findings belong together from its begin to its end, and the record that is told of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from services.analyzer.domain.anomaly import Anomaly, Part
from services.analyzer.domain.explanation import Facts, explanation
from services.analyzer.domain.finding import Family, Finding, FindingId, Form
from services.analyzer.domain.metric import AnomalyKind, Metric, Outcome, Severity
from services.analyzer.domain.series import Scope
from services.analyzer.domain.severity import severity

# Parts that are listed; the rest is counted.
PARTS_MAX = 50
# Evidence beyond this is as good as certain, and floats end near 10^308.
LOG10_E_MAX = 300.0
_TINY = 1e-300


@dataclass(slots=True)
class Episode:
    """Mutable. `members` are the findings as last known, `live` those in alarm now; the lead ones are those of the episode's family.

    Evidence is that of all lead findings in alarm together: e-values of different series' calls multiply (Vovk, Wang, Annals of Statistics
    2021, sequential e-values). Silent series of a group share what is the group's evidence: there it is the greatest. The peak is where the
    distance from the expected, times the root of the calls, was greatest.
    """

    anomaly_id: str
    kind: AnomalyKind
    family: Family
    scope: Scope
    start_s: float
    detect_s: float
    peak_s: float
    peak_size: float = 0.0
    peak_log10_e: float = 0.0
    severity: Severity = Severity.INFO
    end_s: float | None = None
    version: int = 0
    told_s: float = -math.inf
    told_counts: tuple[int, int] = (0, 0)
    well_s: float = math.inf  # since when most of its calls are of members that are well again
    merged_into: str = ""
    outcome_counts: list[int] = field(default_factory=lambda: [0] * len(Outcome))
    members: dict[FindingId, Finding] = field(default_factory=dict)
    live: set[FindingId] = field(default_factory=set)

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.end_s is None

    def lead(self) -> list[Finding]:
        """The lead findings, the strongest first."""
        return sorted((finding for finding in self.members.values() if finding.family == self.family), key=lambda finding: finding.rank)

    def live_lead(self) -> list[Finding]:
        """The lead findings that are in alarm, the strongest first."""
        return [finding for finding in self.lead() if finding.id in self.live]

    def counts(self) -> tuple[int, int]:
        """Calls since the start, and those that show it."""
        lead = self.lead()
        return sum(finding.call_count for finding in lead), sum(finding.affected_count for finding in lead)

    def take(self, findings: Iterable[Finding]) -> None:
        """Takes findings that are in alarm in, or brings them up to date, and with them peak and severity."""
        for finding in findings:
            self.members[finding.id] = finding
            self.live.add(finding.id)
        lead = self.live_lead()
        sums = _Sums.of(self.family.metric, self.lead())
        self.peak_log10_e = max(self.peak_log10_e, _evidence(lead))
        size = abs(sums.observed - sums.expected) * math.sqrt(sums.call_count)
        if lead and size > self.peak_size:
            self.peak_size = size
            self.peak_s = max(finding.seen_s for finding in lead)
        is_replaced = bool(lead) and all(finding.is_replaced for finding in lead)
        now = severity(self.family, self.scope, sums.observed, sums.expected, is_replaced=is_replaced)
        self.severity = max(self.severity, now, key=lambda each: each.value)

    def count(self, outcomes: Sequence[int]) -> None:
        """Adds calls of its lead series since the start, by outcome."""
        self.outcome_counts = [mine + more for mine, more in zip(self.outcome_counts, outcomes, strict=True)]


def record(episode: Episode) -> Anomaly:
    """The episode as it is told now."""
    lead = episode.lead()
    sums = _Sums.of(episode.family.metric, lead)
    others = sorted((finding for finding in episode.members.values() if finding.family != episode.family), key=lambda finding: finding.rank)
    also = list(dict.fromkeys(finding.family for finding in others))
    failures: dict[Outcome, int] = {
        outcome: episode.outcome_counts[outcome.value] for outcome in Outcome if outcome not in {Outcome.SUCCEEDED, Outcome.CANCELLED}
    }
    main_outcome = max(failures, key=lambda outcome: failures[outcome]) if any(failures.values()) else None
    facts = Facts(
        *(episode.kind, episode.family, episode.scope, episode.start_s, episode.end_s, episode.detect_s, sums.observed, sums.expected),
        *(sums.call_count, sums.affected_count, main_outcome, len(lead), also, bool(episode.merged_into)),
    )
    listed = [*lead, *others]
    return Anomaly(
        anomaly_id=episode.anomaly_id,
        kind=episode.kind,
        metric=episode.family.metric,
        direction=episode.family.direction,
        severity=episode.severity,
        scope=episode.scope,
        parts=tuple(_part(finding) for finding in listed[:PARTS_MAX]),
        part_count=len(listed),
        start_s=episode.start_s,
        detect_s=episode.detect_s,
        peak_s=episode.peak_s,
        end_s=episode.end_s,
        observed=sums.observed,
        expected=sums.expected,
        expected_low=sums.low,
        expected_high=sums.high,
        log10_e=min(episode.peak_log10_e, LOG10_E_MAX),
        p_value=lead[0].p_value if len(lead) == 1 or episode.family.form is Form.SILENCE else None,
        call_count=sums.call_count,
        affected_count=sums.affected_count,
        outcome_counts={outcome: episode.outcome_counts[outcome.value] for outcome in Outcome},
        main_outcome=main_outcome,
        explanation=explanation(facts),
        is_open=episode.is_open,
        merged_into=episode.merged_into,
        version=episode.version,
    )


def _part(finding: Finding) -> Part:
    return Part(finding.key, finding.metric, finding.observed, finding.expected, finding.call_count, finding.affected_count)


def _evidence(lead: Sequence[Finding]) -> float:
    if lead and lead[0].form is Form.SILENCE:
        return max(finding.log10_e for finding in lead)
    return sum(finding.log10_e for finding in lead)


@dataclass(frozen=True, slots=True)
class _Sums:
    """What several series show together."""

    observed: float
    expected: float
    low: float
    high: float
    call_count: int
    affected_count: int

    @classmethod
    def of(cls, metric: Metric, findings: Sequence[Finding]) -> _Sums:
        """Means weighted by calls: of logarithms where the metric is a duration; sums of volumes."""
        together = _together(metric)
        weights = [max(finding.call_count, 1) for finding in findings]
        return cls(
            together([finding.observed for finding in findings], weights),
            together([finding.expected for finding in findings], weights),
            together([finding.low for finding in findings], weights),
            together([finding.high for finding in findings], weights),
            sum(finding.call_count for finding in findings),
            sum(finding.affected_count for finding in findings),
        )


def _together(metric: Metric) -> Callable[[Sequence[float], Sequence[int]], float]:
    if metric is Metric.CALL_VOLUME:
        return lambda values, _: math.fsum(values)
    if metric in {Metric.LATENCY, Metric.LATENCY_P95, Metric.TIME_TO_FIRST_TOKEN}:
        return lambda values, weights: math.exp(_mean([math.log(max(value, _TINY)) for value in values], weights))
    return _mean


def _mean(values: Sequence[float], weights: Sequence[int]) -> float:
    return math.fsum(value * weight for value, weight in zip(values, weights, strict=True)) / sum(weights)
