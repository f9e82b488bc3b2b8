"""What the stores give and take, in plain words."""

from dataclasses import dataclass
from datetime import datetime

from services.analyzer.domain.anomaly import Anomaly, Part
from services.analyzer.domain.metric import Metric
from services.analyzer.domain.series import SeriesKey


@dataclass(frozen=True, slots=True)
class Claim:
    """That a project is ours to work on, until somebody else has a higher epoch."""

    project: str
    owner: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Position:
    """How far the work on a project has come, seconds since 1970: all windows up to `position_s` have been looked at."""

    position_s: int
    learnt_from_s: int


@dataclass(frozen=True, slots=True)
class ProjectWork:
    """What was kept of the work on a project, which was met at `create_time`. `position` is None where its history is not learnt."""

    create_time: datetime
    position: Position | None
    state: bytes | None
    series: dict[int, SeriesKey]
    series_states: dict[int, bytes]
    intake: list[bytes]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is new in the work on a project, to be kept all or none. `intake` is None where nothing was taken of windows."""

    position: Position
    state: bytes
    series_states: dict[int, bytes]
    anomalies: list[Anomaly]
    intake: bytes | None
    intake_last_start_s: int
    intake_first_s: int


@dataclass(frozen=True, slots=True)
class StoredAnomaly:
    """An anomaly as it is kept, without its parts. Marks are counted as expected, useful and noise."""

    anomaly: Anomaly
    change_number: int
    mark_counts: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class StoredMark:
    """What somebody thought of an anomaly; `mark` as in the contract."""

    mark: int
    key_id: str
    mark_time: datetime
    comment: str


@dataclass(frozen=True, slots=True)
class WholeAnomaly:
    """An anomaly and what belongs to it."""

    stored: StoredAnomaly
    parts: list[Part]
    marks: list[StoredMark]


@dataclass(frozen=True, slots=True)
class BaselineVersion:
    """What was normal from a moment on. `body` holds the curve; `season` and `parent` are values of the domain's enums."""

    series_id: int
    metric: Metric
    from_time: datetime
    note_time: datetime
    season: int
    parent: int
    spread: float
    call_count: int
    confidence_ratio: float
    borrowed_ratio: float
    body: bytes


@dataclass(frozen=True, slots=True)
class Shift:
    """A level that became normal, or is to; it has no levels until it is applied. `key_id` is empty where it was accepted by itself."""

    shift_id: int
    series_id: int
    key: SeriesKey
    metric: Metric
    key_id: str
    accept_time: datetime
    from_centre: float | None
    to_centre: float | None
    is_applied: bool


@dataclass(frozen=True, slots=True)
class KeptRanking:
    """What was recommended from a moment on; question and ranking as the contract's messages."""

    project: str
    ranking_id: str
    make_time: datetime
    task_type: str
    question: bytes
    ranking: bytes


@dataclass(frozen=True, slots=True)
class WantedRankings:
    """Which of them are asked for; a `task_type` of "" and times of None leave it open."""

    project: str
    task_type: str
    start_time: datetime | None
    end_time: datetime | None
