"""Pairs of versions of this project's own files, of which one is surely the better, or neither; and how they are scored."""

import ast
import asyncio
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.quality_mutations import NEUTRAL, WORSE, Change, is_python
from services.analyzer.domain.quality.score import score
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS
from services.analyzer.reading.kinds import ReportKind
from services.analyzer.reading.pool import ReaderPool

ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = ("services", "kit", "cli", "gateway", "client/assay_client", "simulation", "tests")
# What is shorter has nothing to change, and this project has nothing longer.
_LINES_MIN, _LINES_MAX = 50, 350
PAIRS_PER_KIND = 36
_SEED = 20_261_122
# Kinds of change to what stands beside the code: a report about it.
COVERAGE_LOST, TEST_FAILED = "coverage_lost", "test_failed"


@dataclass(frozen=True, slots=True)
class Version:
    """A file and the reports about it that a version comes with."""

    code: str
    cobertura: bytes = b""
    junit: bytes = b""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two versions of one file; `worse` is no different in a neutral pair."""

    kind: str
    path: str
    better: Version
    worse: Version


def worse_pairs() -> Iterator[Pair]:
    """PAIRS_PER_KIND pairs of each kind, or as many as the project's files allow; the same every time."""
    for kind, change in WORSE.items():
        yield from _pairs(kind, change)
    files = _files(_SEED)
    for kind in (COVERAGE_LOST, TEST_FAILED):
        for path, text in files[:PAIRS_PER_KIND]:
            yield Pair(kind, path, _with_reports(kind, text, worse=False), _with_reports(kind, text, worse=True))


def neutral_pairs() -> Iterator[Pair]:
    """As many of each neutral kind."""
    for kind, change in NEUTRAL.items():
        yield from _pairs(kind, change)


def _pairs(kind: str, change: Change) -> Iterator[Pair]:
    rng = random.Random(f"{_SEED} {kind}")
    count = 0
    for path, text in _files(kind):
        if "test" in kind and "/test_" not in path:
            continue
        changed = change(text, rng)
        if changed is not None and changed != text:
            yield Pair(kind, path, _version(kind, text), _version(kind, changed))
            count += 1
        if count == PAIRS_PER_KIND:
            return


def _files(seed: object) -> list[tuple[str, str]]:
    files = [
        (path, path.read_text())
        for folder in _FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "node_modules" not in path.parts
    ]
    sized = [(str(path.relative_to(ROOT)), text) for path, text in files if _LINES_MIN <= text.count("\n") <= _LINES_MAX]
    chosen = [(path, text) for path, text in sized if is_python(text)]
    random.Random(str(seed)).shuffle(chosen)
    return chosen


def _version(kind: str, text: str) -> Version:
    """A version with what comes with it: where tests are removed, the report of those that are left."""
    if kind != "removed_tests":
        return Version(text)
    tests = [
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]
    return Version(text, junit=_junit(tests, failed_count=0))


def _with_reports(kind: str, text: str, *, worse: bool) -> Version:
    if kind == TEST_FAILED:
        return Version(text, junit=_junit([f"test_{number}" for number in range(40)], failed_count=int(worse)))
    lines = sorted({node.lineno for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt)})
    hits = {line: int(position % 10 > (2 if worse else 0)) for position, line in enumerate(lines)}
    return Version(text, cobertura=_cobertura(hits))


def _junit(names: list[str], *, failed_count: int) -> bytes:
    cases = "".join(
        f'<testcase name="{name}">{"<failure/>" if number < failed_count else ""}</testcase>' for number, name in enumerate(names)
    )
    return f'<testsuite name="pytest">{cases}</testsuite>'.encode()


def _cobertura(hits: dict[int, int]) -> bytes:
    lines = "".join(f'<line number="{line}" hits="{count}"/>' for line, count in hits.items())
    unit = f'<class filename="a.py"><lines>{lines}</lines></class>'
    return f"<coverage><packages><package><classes>{unit}</classes></package></packages></coverage>".encode()


async def scored(pool: ReaderPool, version: Version) -> float:
    """The score of a version with all that comes with it."""
    readings = await pool.read(ReportKind.CODE, version.code.encode(), language="python")
    if version.cobertura:
        readings += await pool.read(ReportKind.COBERTURA, version.cobertura)
    if version.junit:
        readings += await pool.read(ReportKind.JUNIT, version.junit)
    result = score(readings, DEFAULT_WEIGHTS, "")
    return result.value_ratio if result else 0.0


async def differences(pool: ReaderPool, pairs: list[Pair]) -> dict[str, list[tuple[float, Pair]]]:
    """By kind: how much higher the better version of each pair is scored."""
    scores = await asyncio.gather(*(scored(pool, version) for pair in pairs for version in (pair.better, pair.worse)))
    found: dict[str, list[tuple[float, Pair]]] = defaultdict(list)
    for pair, better, worse in zip(pairs, scores[::2], scores[1::2], strict=True):
        found[pair.kind].append((better - worse, pair))
    return found
