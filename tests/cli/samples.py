"""Lines as they stand in files of calls and evidence."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


def call(call_id: str, *, seconds_ago: float = 60.0, **fields: Any) -> dict[str, Any]:
    """A call as its JSON has it."""
    start_time = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    return {
        "call_id": call_id,
        "start_time": start_time.isoformat().replace("+00:00", "Z"),
        "latency": "1.5s",
        "provider": "openai",
        "model": "gpt-4o",
        "task_type": "summary",
        "outcome": "CALL_OUTCOME_SUCCEEDED",
        "cost_usd_nanos": "1000",
        **fields,
    }


def evidence(evidence_id: str, call_id: str) -> dict[str, Any]:
    """A judge's score of a call's answer."""
    observe_time = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    score = {"evaluator": "judge", "score_ratio": 0.5}
    return {"evidence_id": evidence_id, "call_id": call_id, "observe_time": observe_time, "evaluation": score}


def write_lines(path: Path, lines: Iterable[dict[str, Any] | str]) -> Path:
    """A file of JSON lines; what is text already stands there as it is."""
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path
