"""What the files themselves say: sums over JSON lines of calls and evidence, in plain Python and knowing nothing of how Assay does it."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

TOKEN_FIELDS = tuple(f"{kind}_token_count" for kind in ("input", "output", "cache_read", "cache_write", "reasoning"))
Json = dict[str, Any]


@dataclass
class Sums:
    """What is summed of a group of calls; scores are exact, so that their order does not matter."""

    calls: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    cost_usd_nanos: int = 0
    scores: list[Fraction] = field(default_factory=list)

    @property
    def success_ratio(self) -> float | None:
        """Succeeded by all but cancelled."""
        counted = self.calls - self.outcomes["CANCELLED"]
        return self.outcomes["SUCCEEDED"] / counted if counted else None

    @property
    def quality_ratio(self) -> float | None:
        """The mean score of the calls that have one."""
        return float(sum(self.scores) / len(self.scores)) if self.scores else None


def read_lines(path: Path) -> list[Json]:
    """The objects of a file of JSON lines, compressed or not."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
        return [json.loads(line) for line in lines]


def start_of(call: Json) -> datetime:
    """When the call was sent."""
    return datetime.fromisoformat(call["start_time"])


def sums_by(dimension: str, calls: Iterable[Json], evidence: Iterable[Json]) -> dict[str, Sums]:
    """The sums of each value of a field of the calls."""
    scores = _scores(evidence)
    groups: dict[str, Sums] = defaultdict(Sums)
    for call in calls:
        group = groups[call[dimension]]
        group.calls += 1
        group.outcomes[call["outcome"].removeprefix("CALL_OUTCOME_")] += 1
        group.tokens.update({name: int(count) for name, count in call.get("usage", {}).items()})
        group.cost_usd_nanos += int(call["cost_usd_nanos"])
        if call["call_id"] in scores:
            group.scores.append(scores[call["call_id"]])
    return dict(groups)


def _scores(evidence: Iterable[Json]) -> dict[str, Fraction]:
    """Each call's score: the newest word of each evaluator, averaged."""
    newest: dict[str, dict[str, tuple[datetime, Fraction]]] = defaultdict(dict)
    for call_id, evaluator, observed, score in _evaluations(evidence):
        said = newest[call_id]
        if evaluator not in said or said[evaluator][0] < observed:
            said[evaluator] = (observed, score)
    return {call_id: sum((score for _, score in said.values()), Fraction()) / len(said) for call_id, said in newest.items()}


def _evaluations(evidence: Iterable[Json]) -> Iterator[tuple[str, str, datetime, Fraction]]:
    for piece in evidence:
        said = piece["evaluation"]
        score = Fraction(str(said.get("score_ratio", 0)))  # protobuf JSON leaves a zero out
        yield piece["call_id"], said["evaluator"], datetime.fromisoformat(piece["observe_time"]), score
