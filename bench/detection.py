"""How well anomalies are found: by `assay detect` in series that others have labelled, by the service's engine in simulated fleets."""

import csv
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench import detection_fleet
from bench.figures import Figure, Report
from cli.work.detect_row import seconds_of, value_of
from services.analyzer.domain.series_detector import SeriesDetector

AREA = "detection"
SHARED = Path(__file__).resolve().parents[2] / "shared"
SCORER = SHARED / "bench" / "score_detector.py"
SERIES = SHARED / "data" / "anomaly"
US_PER_ROW_MAX = 100.0
# The scorer's names, which of them we promise, and how good.
GOALS: dict[str, float | None] = {"nab_best": 60, "nab_fixed": 55, "average_precision": 0.55, "f1": 0.53, "precision": None, "recall": None}
FALSE_EPISODES = "false_episodes_per_10k"
FALSE_EPISODES_MAX = 5.0

Rows = list[tuple[float, float]]


async def run(report: Report) -> None:
    """Scores the command on all labelled series, times the detector alone, and measures the engine on simulated fleets."""
    _measure(report)
    detection_fleet.measure(report)


def _measure(report: Report) -> None:
    if not SCORER.exists():
        print("the labelled series are skipped: there are none beside the project", file=sys.stderr)
        return
    command = [sys.executable, "-m", "cli", "detect"]
    done = subprocess.run([sys.executable, SCORER, SERIES, "--", *command], capture_output=True, text=True, check=True)
    scores: dict[str, float] = json.loads(done.stdout)
    for name, goal in GOALS.items():
        report(Figure(AREA, name, scores[name], "", goal, "higher"))
    report(Figure(AREA, FALSE_EPISODES, scores[FALSE_EPISODES], "", FALSE_EPISODES_MAX, "lower"))
    report(Figure(AREA, "observe", _us_per_row([rows for _, _, rows in labelled_series()]), "µs/row", US_PER_ROW_MAX, "lower"))


def labelled_series() -> Iterator[tuple[str, str, Rows]]:
    """Kind, name, and rows of (seconds, value) of each series that has labels."""
    for kind in ("nab", "cloud"):
        for name in sorted(json.loads((SERIES / f"{kind}_labels.json").read_text())):
            with (SERIES / kind / f"{name}.csv").open(newline="") as file:
                yield kind, name, [(seconds_of(row["timestamp"]), value_of(row["value"])) for row in csv.DictReader(file)]


def _us_per_row(series: list[Rows]) -> float:
    began = time.perf_counter()
    for rows in series:
        detector = SeriesDetector()
        for time_s, value in rows:
            detector.observe(time_s, value)
    return (time.perf_counter() - began) / sum(map(len, series)) * 1e6
