"""Runs all tests, the fast ones first, and then checks the coverage: `python -m tests.run`."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

ANALYZER_ON_SERVERS = [f"tests/analyzer/{name}" for name in ("service", "rankings_service", "quality_service")]

# Each stage only begins when the one before has passed, so that a plain mistake shows within seconds.
STAGES: dict[str, list[str]] = {
    "style, contract and domain": [
        "tests/test_tidy.py",
        "tests/contract",
        "tests/collector/domain",
        "tests/analyzer",
        *(f"--ignore={folder}" for folder in ANALYZER_ON_SERVERS),
        *("tests/reporter/domain", "tests/reporter/render", "tests/simulation"),
    ],
    "the parts, on real servers": [
        *("tests/kit", "tests/client", "tests/collector", "tests/gateway", "--ignore=tests/collector/domain"),
        *(*ANALYZER_ON_SERVERS, "tests/alerter", "tests/reporter/service"),
    ],
    "the whole, as processes": ["tests/cli", "tests/system", "tests/browser"],
}
# Two cores: more workers would only wait for each other. A file's tests share servers, so they stay together.
PARALLEL = ["-n", "2", "--dist", "loadfile"]
WHOLE_COVERAGE_MIN = 95
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|errors?)")


def main() -> int:
    """Returns the exit code of the first stage that fails, or 1 if too little is covered."""
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    began = time.monotonic()
    for name, paths in STAGES.items():
        print(f"\n── {name} ──", flush=True)
        code, found = run_stage(paths)
        for word, number in found.items():
            counts[word] += number
        print(f"{time.monotonic() - began:.0f} s", flush=True)
        if code:
            tell(counts)
            return code
    covered = check_coverage()
    tell(counts)
    return 0 if covered else 1


def run_stage(paths: list[str]) -> tuple[int, dict[str, int]]:
    """Runs pytest, passing its output on, and returns its exit code and counts."""
    command = [sys.executable, "-m", "pytest", "-q", "--cov", "--cov-report=", "--cov-append", *PARALLEL, *paths]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert process.stdout is not None
    last = ""
    for line in process.stdout:
        print(line, end="", flush=True)
        last = line if _COUNT.search(line) else last
    code = process.wait()
    found = {word: int(number) for number, word in _COUNT.findall(last)}
    failed = found.get("failed", 0) + found.get("error", 0) + found.get("errors", 0)
    return code, {"passed": found.get("passed", 0), "failed": failed, "skipped": found.get("skipped", 0)}


def check_coverage() -> bool:
    """Prints the coverage, branches included; whether the domain is covered whole and all of it well."""
    print("\n── coverage, branches included ──", flush=True)
    report = [sys.executable, "-m", "coverage", "report"]
    domain = subprocess.run([*report, "--include=*/domain/*,simulation/*", "--fail-under=100"], cwd=ROOT, check=False)
    whole = subprocess.run([*report, f"--fail-under={WHOLE_COVERAGE_MIN}"], cwd=ROOT, check=False)
    return domain.returncode == 0 and whole.returncode == 0


def tell(counts: dict[str, int]) -> None:
    """The sum of all stages, alone on a line."""
    print(f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)


if __name__ == "__main__":
    sys.exit(main())
