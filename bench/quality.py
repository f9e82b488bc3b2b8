"""How fast evidence is read, and whether better code scores higher: on pairs of versions of this project's own files."""

import asyncio
import gzip
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import quality_visible
from bench.figures import Figure, Report
from bench.quality_pairs import ROOT, Pair, Version, differences, neutral_pairs, scored, worse_pairs
from services.analyzer.domain.quality.plain import evaluation_reading
from services.analyzer.domain.quality.score import score
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.pool import ReaderPool

AREA = "quality"
_PROCESS_COUNT = 2
_LINES_OF_A_LONG_FILE = 300
_FILE_S_MAX = 1.5
_READS_OF_ONE_FILE = 9
_PIECES_PER_S_MIN = 20.0
_SUSTAINED_S = 15.0
# A difference that is none: sums of floats.
_HIGHER = 1e-9
_NEUTRAL_MAX = 0.01
_RIGHT_MIN, _RIGHT_OF_A_KIND_MIN = 0.95, 0.85
EVIDENCE = ROOT.parent / "shared" / "data" / "llm_evidence.jsonl.gz"
CALLS = ROOT.parent / "shared" / "data" / "llm_calls.jsonl.gz"


async def run(report: Report) -> None:
    """Times the readers, scores the pairs, and scores recorded evaluations."""
    async with ReaderPool(_PROCESS_COUNT) as pool:
        await _speed(pool, report)
        worse, neutral = list(worse_pairs()), list(neutral_pairs())
        await quality_visible.run(AREA, report, worse)
        _report_worse(await differences(pool, worse), report)
        _report_neutral(await differences(pool, neutral), report)
    _report_replayed(report)


async def _speed(pool: ReaderPool, report: Report) -> None:
    code = _long_file()
    version = Version(code.decode())
    await asyncio.gather(*(scored(pool, version) for _ in range(_PROCESS_COUNT)))  # starts the processes
    times = [await _timed(pool, version) for _ in range(_READS_OF_ONE_FILE)]
    report(Figure(AREA, f"{_LINES_OF_A_LONG_FILE} lines of Python, p50", statistics.median(times), "s", _FILE_S_MAX, "lower"))
    report(Figure(AREA, f"{_LINES_OF_A_LONG_FILE} lines of Python, longest", max(times), "s", _FILE_S_MAX, "lower"))
    pairs = list(worse_pairs())
    report(Figure(AREA, "pieces, code and reports mixed", await _rate(pool, _mixed(pairs)), "pieces/s", _PIECES_PER_S_MIN, "higher"))
    report(
        Figure(AREA, f"files of {_LINES_OF_A_LONG_FILE} lines", await _rate(pool, [(ReportKind.CODE, code)]), "pieces/s", None, "higher")
    )


def _long_file() -> bytes:
    """A file of this project cut, at the end of a statement, to as many lines as are timed."""
    text = (ROOT / "cli" / "work" / "suite.py").read_text()
    return "".join(text.splitlines(keepends=True)[:_LINES_OF_A_LONG_FILE]).encode()


async def _timed(pool: ReaderPool, version: Version) -> float:
    began = time.perf_counter()
    await scored(pool, version)
    return time.perf_counter() - began


def _mixed(pairs: Sequence[Pair]) -> list[tuple[ReportKind, bytes]]:
    """What an answer comes with: half of it is code, the rest reports about it."""
    code = [(ReportKind.CODE, pair.better.code.encode()) for pair in pairs]
    reports = [(ReportKind.COBERTURA, pair.better.cobertura) for pair in pairs if pair.better.cobertura]
    reports += [(ReportKind.JUNIT, pair.better.junit) for pair in pairs if pair.better.junit]
    return [piece for both in zip(code, reports, strict=False) for piece in both]


async def _rate(pool: ReaderPool, pieces: Sequence[tuple[ReportKind, bytes]]) -> float:
    """Pieces a second over _SUSTAINED_S, with one more waiting than there are processes."""
    began, count = time.perf_counter(), 0

    async def read_on() -> None:
        nonlocal count
        while time.perf_counter() - began < _SUSTAINED_S:
            kind, content = pieces[count % len(pieces)]
            count += 1
            await pool.read(kind, content, language="python")

    await asyncio.gather(*(read_on() for _ in range(_PROCESS_COUNT + 1)))
    return count / (time.perf_counter() - began)


def _report_worse(found: Mapping[str, Sequence[tuple[float, Pair]]], report: Report) -> None:
    right = {kind: sum(difference > _HIGHER for difference, _ in pairs) for kind, pairs in found.items()}
    count = sum(map(len, found.values()))
    report(Figure(AREA, "pairs of a better and a worse version", count, "pairs", 300, "higher"))
    report(Figure(AREA, "kinds of change", len(found), "kinds", 8, "higher"))
    report(Figure(AREA, "better version scores higher", sum(right.values()) / count, "ratio", _RIGHT_MIN, "higher"))
    for kind, pairs in sorted(found.items()):
        report(Figure(AREA, f"- {kind}", right[kind] / len(pairs), "ratio", _RIGHT_OF_A_KIND_MIN, "higher"))


def _report_neutral(found: Mapping[str, Sequence[tuple[float, Pair]]], report: Report) -> None:
    moved = [abs(difference) for pairs in found.values() for difference, _ in pairs]
    report(Figure(AREA, "neutral pairs", len(moved), "pairs", 100, "higher"))
    kept = sum(difference <= _NEUTRAL_MAX for difference in moved) / len(moved)
    report(Figure(AREA, f"neutral change moves ≤ {_NEUTRAL_MAX}", kept, "ratio", _RIGHT_MIN, "higher"))


def _report_replayed(report: Report) -> None:
    """How far the mean score of each provider and kind of task is from the mean of its evaluations, where evaluations are all there is."""
    if not EVIDENCE.exists():
        print("recorded evaluations are skipped: there are none beside the project", file=sys.stderr)
        return
    series = {call["call_id"]: (call["provider"], call["task_type"]) for call in _lines(CALLS)}
    told: dict[tuple[str, str], list[float]] = defaultdict(list)
    made: dict[tuple[str, str], list[float]] = defaultdict(list)
    for evidence in _lines(EVIDENCE):
        key, evaluation = series[evidence["call_id"]], evidence["evaluation"]
        result = score([evaluation_reading(evaluation["evaluator"], evaluation["score_ratio"])], DEFAULT_WEIGHTS, key[1])
        told[key].append(evaluation["score_ratio"])
        made[key].append(result.value_ratio if result else float("nan"))
    furthest = max(abs(statistics.fmean(made[key]) - statistics.fmean(told[key])) for key in told)
    report(Figure(AREA, "evaluations alone: furthest from their mean", furthest, "ratio", 1e-12, "lower"))


def _lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]
