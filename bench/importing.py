"""How fast rows of others' exports become calls, and what memory that takes."""

import asyncio
import csv
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil

from bench.figures import Figure, Report
from bench.suite import running_suite

AREA = "importing"
ROW_COUNT = 300_000
POLL_S = 0.2
_MODELS = (("gpt-4o", "openai"), ("claude-sonnet-4-5", "anthropic"), ("gemini-2.5-pro", "gemini"))
_HEADER = (
    *("request_id", "call_type", "api_key", "spend", "total_tokens", "prompt_tokens", "completion_tokens", "startTime", "endTime"),
    *("completionStartTime", "model", "model_group", "custom_llm_provider", "api_base", "user", "metadata", "cache_hit", "request_tags"),
    *("team_id", "end_user", "messages", "response", "session_id", "status"),
)


async def run(report: Report, *, row_count: int = ROW_COUNT) -> None:
    """Imports a file of spend logs into an empty suite, until all is stored, and then once more."""
    with tempfile.TemporaryDirectory(prefix="assay-bench-") as name:
        file = Path(name) / "spend.csv"
        with file.open("w", newline="") as opened:
            writer = csv.writer(opened)
            writer.writerow(_HEADER)
            writer.writerows(_rows(row_count))
        async with running_suite() as suite:
            for figure, goal in (("import", 20_000), ("import_again", None)):
                began = time.perf_counter()
                answer, peak_bytes = await _import(file, suite.data_dir)
                if answer["accepted"] + answer["stored_before"] != row_count:
                    raise RuntimeError(f"not all rows were imported: {answer}")
                report(Figure(AREA, figure, row_count / (time.perf_counter() - began), "rows/s", goal, "higher"))
                report(Figure(AREA, f"{figure}_memory", peak_bytes / 1_000_000, "MB", None, "lower"))


async def _import(file: Path, data_dir: Path) -> tuple[dict[str, int], int]:
    """What the command says, and the most memory that it held."""
    command = [sys.executable, "-P", "-m", "cli", "import", "litellm", str(file), "--data-dir", str(data_dir), "--json"]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    peak_bytes = 0
    reading = asyncio.create_task(process.communicate())
    while not reading.done():
        try:
            peak_bytes = max(peak_bytes, psutil.Process(process.pid).memory_info().rss)
        except psutil.NoSuchProcess:
            break
        await asyncio.wait([reading], timeout=POLL_S)
    stdout, _ = await reading
    answer: dict[str, int] = json.loads(stdout)
    return answer, peak_bytes


def _rows(count: int, seed: int = 1) -> Iterator[tuple[object, ...]]:
    """Rows as LiteLLM's proxy writes them, over the last twenty days."""
    rng = np.random.default_rng(seed)
    first = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=20)
    step = timedelta(days=20) / count
    for number in range(count):
        start = first + number * step
        latency = timedelta(milliseconds=int(rng.integers(300, 9_000)))
        prompt, completion = int(rng.integers(100, 4_000)), int(rng.integers(10, 900))
        model, provider = _MODELS[number % len(_MODELS)]
        usage = {
            "prompt_tokens_details": {"cached_tokens": prompt // 4},
            "completion_tokens_details": {"reasoning_tokens": completion // 3},
        }
        metadata = {"user_api_key_alias": "bench", "status": "success", "applied_guardrails": [], "additional_usage_values": usage}
        yield (
            *(f"chatcmpl-{number:012}", "acompletion", "f" * 64, 0.001, prompt + completion, prompt, completion, start, start + latency),
            *(start + latency / 3, model, model, provider, "https://api.example.com", "user", json.dumps(metadata), "False", "[]"),
            *("team", "", "{}", "{}", f"session-{number // 3}", "success"),
        )
