"""What the store of quality gives and takes, in plain words."""

from dataclasses import dataclass
from typing import NamedTuple

from services.analyzer.domain.quality.reading import Component, Reading
from services.analyzer.domain.quality.score import Missing, Score
from services.analyzer.domain.series import SeriesKey

# Pieces of one subject that count: the newest. A task with more is one that somebody tests with.
SUBJECT_PIECES_MAX = 1_000


class Subject(NamedTuple):
    """A call or a task of a project."""

    is_task: bool
    subject_id: str


class ScoresMade(NamedTuple):
    """How many scores a project's owner has made so far, and when the latest one: microseconds since 1970, 0 where there is none."""

    score_count: int = 0
    score_us: int = 0


@dataclass(frozen=True, slots=True)
class ReadPiece:
    """A piece of evidence and what was read of it: `evidence` as it was stored, `content` what is kept of what it refers to."""

    subject: Subject
    evidence_id: str
    observe_us: int
    readings: tuple[Reading, ...]
    evidence: bytes
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class Location:
    """The series that a subject counts in, and when it, or its latest call, started, in microseconds since 1970."""

    key: SeriesKey
    start_us: int


@dataclass(frozen=True, slots=True)
class SubjectState:
    """A subject's score as it is kept. `score` is None where nothing could be read, `location` where the collector does not know it yet.

    `missing` are the components that could not be read, `evidence_counts` are pieces by component.
    `is_told`: the collector has it, or does without.
    """

    subject: Subject
    version: int
    location: Location | None
    score: Score | None
    missing: tuple[Missing, ...]
    evidence_count: int
    evidence_counts: dict[Component, int]
    weights_version: int
    reader_version: int
    score_us: int
    is_told: bool
    locate_us: int | None = None
    locate_count: int = 0


@dataclass(frozen=True, slots=True)
class ProjectQuality:
    """How far a project's evidence has been read, and its weights as JSON, empty for those that come with Assay."""

    position: int = 0
    weights_version: int = 0
    weights: str = ""
    keep_content: bool = False


@dataclass(frozen=True, slots=True)
class ScoringProgress:
    """What is new in the scores of a project, to be kept all or none; `weights_version` is the one that they were made with."""

    position: int
    weights_version: int
    pieces: list[ReadPiece]
    states: list[SubjectState]


@dataclass(frozen=True, slots=True)
class QualityQuery:
    """Which scores are asked for; the filter's dimensions by name. Times in microseconds since 1970."""

    project: str
    start_us: int
    end_us: int
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()
    is_task: bool | None = None


@dataclass(frozen=True, slots=True)
class GroupScores:
    """Scores of a group in a window: how many, the means of them, their squares and their variances, and by component mean and count."""

    key: tuple[str, ...]
    window_us: int
    count: int
    mean: float
    square_mean: float
    variance_mean: float
    component_means: tuple[float | None, ...]
    component_counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """A group's scores, and what they say of the group with a 90 % interval, as few as they are."""

    group: GroupScores
    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class FeedbackMark:
    """What a rater said of a subject of a group in a window; `share_ratio` is what it counts for in the subject's score."""

    key: tuple[str, ...]
    window_us: int
    rater: str
    value_ratio: float
    share_ratio: float
