"""Readings, scores and weights as JSON and back, for columns that nothing is searched by."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.analyzer.domain.quality.encoding import reading_from_json, reading_to_json
from services.analyzer.domain.quality.reading import Component, Finding, Reading
from services.analyzer.domain.quality.score import ComponentScore, Missing, Score
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS, Weights


def readings_to_json(readings: Sequence[Reading]) -> str:
    """What was read of a piece."""
    return json.dumps([reading_to_json(reading) for reading in readings], separators=(",", ":"))


def readings_from_json(text: str) -> tuple[Reading, ...]:
    """The inverse."""
    return tuple(map(reading_from_json, json.loads(text)))


def score_to_json(score: Score | None, missing: Sequence[Missing], evidence_counts: Mapping[Component, int]) -> str:
    """A score but for what has columns of its own, what could not be read, and how many pieces each component has."""
    parts = score.components if score else ()
    content = {
        "counts": {component.value: count for component, count in evidence_counts.items()},
        "components": [[part.component.value, part.score_ratio, part.share_ratio, part.deviation, part.source_count] for part in parts],
        "findings": [_finding(finding) for finding in score.findings] if score else [],
        "omitted": score.omitted_finding_count if score else 0,
        "missing": [[one.component.value, one.source, one.reason] for one in missing],
    }
    # PostgreSQL takes no U+0000 in a text; in JSON it is escaped.
    return json.dumps(content, separators=(",", ":"))


class ScoreBody:
    """The inverse."""

    def __init__(self, text: str) -> None:
        self._content = json.loads(text)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What could not be read."""
        return tuple(Missing(Component(one[0]), one[1], one[2]) for one in self._content["missing"])

    @property
    def evidence_counts(self) -> dict[Component, int]:
        """How many pieces each component has."""
        return {Component(name): count for name, count in self._content["counts"].items()}

    def share_ratio(self, component: Component) -> float:
        """What a component counts for in the score, 0 where it has no part."""
        return next((float(part[2]) for part in self._content["components"] if part[0] == component.value), 0.0)

    def score(self, numbers: tuple[float, float, float, float], versions: tuple[int, int]) -> Score:
        """The score: `numbers` are its value, both ends of the interval and the deviation, `versions` those of weights and readers."""
        return Score(
            *numbers,
            components=tuple(ComponentScore(Component(part[0]), *part[1:]) for part in self._content["components"]),
            findings=tuple(map(_finding_from, self._content["findings"])),
            omitted_finding_count=self._content["omitted"],
            missing=self.missing,
            weights_version=versions[0],
            reader_version=versions[1],
        )


def weights_to_json(weights: Weights) -> str:
    """The weights by kind of task, "" for the others."""
    by_task_type = {"": weights.default, **weights.by_task_type}
    return json.dumps({name: {component.value: weight for component, weight in some.items()} for name, some in by_task_type.items()})


def weights_from_json(text: str, version: int) -> Weights:
    """The inverse; an empty text are the weights that come with Assay."""
    if not text:
        return Weights(version, DEFAULT_WEIGHTS.default)
    by_task_type = {name: {Component(each): weight for each, weight in some.items()} for name, some in json.loads(text).items()}
    return Weights(version, by_task_type.pop(""), by_task_type)


def _finding(finding: Finding) -> list[Any]:
    return [finding.component.value, finding.rule, finding.message, finding.path, finding.line, finding.cost_ratio]


def _finding_from(row: Sequence[Any]) -> Finding:
    return Finding(Component(row[0]), *row[1:])
