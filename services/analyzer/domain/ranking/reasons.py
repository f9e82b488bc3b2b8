"""Why a candidate stands where it stands, in words."""

from collections.abc import Mapping
from typing import NamedTuple

from services.analyzer.domain.ranking.answer import Estimate
from services.analyzer.domain.ranking.evidence import COUNT_MIN, Candidate
from services.analyzer.domain.ranking.measures import Measure

# Differences in score below this are no reason: as much as one success in a hundred, where success alone counts.
_GAIN_MIN = 0.01
_GAINS_TOLD = 2
# With less evidence, in calls, the others' say more of a candidate than its own; this is told.
_FEW_CALLS = 20.0


class Standing(NamedTuple):
    """Where a candidate stands, and what is known of it beside the measures; fields as in RankedCandidate."""

    candidate: Candidate
    rank: int
    is_tied: bool
    call_count: float
    last_call_s: float | None
    is_known: bool
    incident: str


def reasons(standing: Standing, estimates: Mapping[Measure, Estimate], gains: Mapping[Measure, float]) -> tuple[str, ...]:
    """Sentences, the weightiest first. `gains`: how much each measure puts the candidate's score above that of the middle one."""
    told = [f"in an incident: {standing.incident}"] if standing.incident else []
    told += _evidence(standing)
    falling = sorted(gains, key=lambda measure: -abs(gains[measure]))
    better = [measure for measure in falling if gains[measure] >= _GAIN_MIN][:_GAINS_TOLD]
    worse = [measure for measure in falling if gains[measure] <= -_GAIN_MIN][:_GAINS_TOLD]
    told += [f"better than the middle candidate in {measure.words}: {estimates[measure].words}" for measure in better]
    told += [f"worse than the middle candidate in {measure.words}: {estimates[measure].words}" for measure in worse]
    if not better and not worse:
        told.append("close to the middle candidate in everything that counts")
    if standing.rank > 1 and standing.is_tied:
        told.append("cannot be told from the first by this evidence")
    return tuple(told)


def _evidence(standing: Standing) -> list[str]:
    if not standing.is_known:
        return ["never seen: judged by its provider's other models, if there are any"]
    if standing.call_count < COUNT_MIN:
        return ["never seen on this kind of task: judged by what it does on others"]
    if standing.call_count < _FEW_CALLS:
        return [f"little evidence: {standing.call_count:.2g} calls"]
    return []
