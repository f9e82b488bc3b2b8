"""Runs bandit on Python code, within this process: it only looks at the syntax tree. A `nosec` in the code changes nothing."""

import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any

from bandit.core.config import BanditConfig
from bandit.core.manager import BanditManager

from services.analyzer.domain.quality.penalty import ERROR_POINTS, NOTE_POINTS, Fault
from services.analyzer.reading.kinds import shortened

# A hole weighs more than a slip: what bandit holds for likely to hurt is an error at least.
_POINTS: Mapping[str, float] = MappingProxyType({"LOW": NOTE_POINTS, "MEDIUM": ERROR_POINTS, "HIGH": 2 * ERROR_POINTS})
_CONFIDENCE: Mapping[str, float] = MappingProxyType({"LOW": 0.3, "MEDIUM": 0.6, "HIGH": 1.0})
# `assert` is how tests are written.
_PROFILE = {"exclude": ["B101"]}


@cache
def _configuration() -> BanditConfig:
    logging.getLogger("bandit").setLevel(logging.CRITICAL)  # it would tell of code that it cannot read; we say so ourselves
    return BanditConfig()


def security_faults(text: str, path: str) -> list[Fault] | None:
    """What bandit finds; None where it cannot read the code."""
    manager = BanditManager(_configuration(), "file", quiet=True, profile=_PROFILE, ignore_nosec=True)
    with TemporaryDirectory(prefix="assay-reading-") as folder:
        file = Path(folder) / "answer.py"
        file.write_text(text, encoding="utf-8")
        manager.discover_files([str(file)])
        manager.run_tests()
    if manager.get_skipped():
        return None
    return [_fault(issue, path) for issue in manager.get_issue_list()]


def _fault(issue: Any, path: str) -> Fault:
    points = _POINTS.get(issue.severity, NOTE_POINTS) * _CONFIDENCE.get(issue.confidence, 1.0)
    return Fault(issue.test_id, shortened(issue.text), path, issue.lineno, points)
