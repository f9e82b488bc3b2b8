"""How well the detector does on series that its configuration was not chosen by: `python -m bench.detection_cv`.

All series are split into halves at random, several times over. On one half the best configuration of a grid is chosen; the other half
is scored with it. The mean and the standard deviation over all halves are printed, and the same for the detector as it is configured.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from bench.detection import FALSE_EPISODES, FALSE_EPISODES_MAX, GOALS, SCORER, SERIES, Rows, labelled_series
from services.analyzer.domain.series_configuration import HOUR_S, SeriesConfiguration
from services.analyzer.domain.series_detector import DEFAULT, SeriesDetector

SPLIT_COUNT = 10
# What matters most, each to either side of the default.
GRID = [
    replace(DEFAULT, alarm_surprise=alarm, local_rate=local, tail_prior_count=prior, bar_fall_s=hours * HOUR_S)
    for alarm, local, prior, hours in product((2.75, 3.0, 3.25), (0.05, 0.1), (10, 20), (24, 30, 36))
]
FIGURES = ("nab_best", "nab_fixed", "average_precision", "f1", FALSE_EPISODES)


@dataclass(frozen=True)
class Scored:
    """A series' scores and flags by one configuration, and its labelled windows."""

    kind: str
    score: Any
    flag: Any
    windows: list[list[int]]


def main() -> None:
    """Scores every configuration of the grid on every series, then splits."""
    if not SCORER.exists():
        sys.exit("there are no labelled series beside the project")
    scorer = _scorer()
    labels = {kind: json.loads((SERIES / f"{kind}_labels.json").read_text()) for kind in ("nab", "cloud")}
    series = [(kind, labels[kind][name], rows) for kind, name, rows in labelled_series()]
    by_configuration = []
    for number, configuration in enumerate(GRID, 1):
        by_configuration.append([_detect(configuration, *one) for one in series])
        print(f"{number} of {len(GRID)} configurations", end="\r", file=sys.stderr, flush=True)
    default = by_configuration[GRID.index(DEFAULT)]
    _print("all series", [_figures(scorer, default)])
    chosen, fixed = [], []
    for learn, test in _halves([kind for kind, _, _ in series]):
        best = max(by_configuration, key=lambda scored: _merit(_figures(scorer, [scored[place] for place in learn])))
        chosen.append(_figures(scorer, [best[place] for place in test]))
        fixed.append(_figures(scorer, [default[place] for place in test]))
    _print("halves, chosen by the other", chosen)
    _print("halves, as configured", fixed)


def _scorer() -> dict[str, Any]:
    """The functions of the scorer, which runs when it is imported: all of it but its last line."""
    names: dict[str, Any] = {"__name__": "scorer"}
    exec(SCORER.read_text().rsplit("\nmain()", 1)[0], names)  # noqa: S102 - the scorer is a script, and trusted as one
    return names


def _detect(configuration: SeriesConfiguration, kind: str, windows: list[list[int]], rows: Rows) -> Scored:
    detector = SeriesDetector(configuration)
    observed = [detector.observe(time_s, value) for time_s, value in rows]
    return Scored(kind, np.array([seen.score for seen in observed]), np.array([seen.is_anomaly for seen in observed]), windows)


def _halves(kinds: Sequence[str]) -> list[tuple[list[int], list[int]]]:
    """Places to learn by and places to test, each half once as either; both kinds are halved."""
    halves = []
    for seed in range(SPLIT_COUNT):
        rng = np.random.default_rng(seed)
        first: list[int] = []
        for kind in dict.fromkeys(kinds):
            places = rng.permutation([place for place, one in enumerate(kinds) if one == kind])
            first += places[: len(places) // 2].tolist()
        second = [place for place in range(len(kinds)) if place not in first]
        halves += [(first, second), (second, first)]
    return halves


def _figures(scorer: dict[str, Any], scored: Sequence[Scored]) -> dict[str, float]:
    nab = [one for one in scored if one.kind == "nab"]
    _, curve = scorer["nab_curve"]([(one.score, one.windows) for one in nab])
    thresholds, fixed = scorer["nab_curve"]([(one.flag.astype(float), one.windows) for one in nab])
    cloud = scorer["cloud_figures"]([(one.score, one.flag, one.windows) for one in scored if one.kind == "cloud"])
    return {"nab_best": float(curve.max()), "nab_fixed": float(fixed[np.flatnonzero(thresholds >= 0.5)[-1]]), **cloud}


def _merit(figures: dict[str, float]) -> float:
    """How far the goals are reached: in full what is short of one, a third of what is beyond it; false episodes beyond theirs cost."""
    reached = [figures[name] / goal for name, goal in GOALS.items() if goal is not None]
    excess = max(0.0, figures[FALSE_EPISODES] / FALSE_EPISODES_MAX - 1)
    return sum(min(ratio, 1.0) + max(ratio - 1, 0.0) / 3 for ratio in reached) - excess / 3


def _print(title: str, rows: Sequence[dict[str, float]]) -> None:
    told = {name: [row[name] for row in rows] for name in FIGURES}
    print(f"{title}: " + ", ".join(f"{name} {np.mean(values):.3g} ± {np.std(values):.2g}" for name, values in told.items()), flush=True)


if __name__ == "__main__":
    main()
