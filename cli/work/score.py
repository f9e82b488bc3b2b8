"""Scores what was gathered, on this machine, and prints the score with what it is made of."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cli.work.output import print_json, print_table
from cli.work.score_evidence import Piece
from kit.errors import AssayError, Kind, invalid
from services.analyzer.domain.quality.reading import Finding, Reading
from services.analyzer.domain.quality.score import Score, lost_ratio, score
from services.analyzer.domain.quality.weights import DEFAULT_WEIGHTS
from services.analyzer.reading.pool import ReaderPool

# Two cores are everywhere, and a change has few pieces.
_PROCESS_COUNT = 2
# What fits a screen; JSON has all.
_SHOWN_FINDINGS_MAX = 20


def scored(pieces: Sequence[Piece], task_type: str) -> Score:
    """The score of the pieces together, with the weights that come with Assay.

    Raises AssayError where a report cannot be read, or nothing can be scored.
    """
    readings = asyncio.run(_read(pieces))
    result = score(readings, DEFAULT_WEIGHTS, task_type)
    if result is None:
        reasons = "; ".join(reading.missing_reason for reading in readings)
        raise AssayError(Kind.FAILED_PRECONDITION, "NOTHING_TO_SCORE", f"nothing can be scored: {reasons}")
    return result


async def _read(pieces: Sequence[Piece]) -> list[Reading]:
    async with ReaderPool(_PROCESS_COUNT) as pool:
        found = await asyncio.gather(*(_read_piece(pool, piece) for piece in pieces))
    return [reading for readings in found for reading in readings]


async def _read_piece(pool: ReaderPool, piece: Piece) -> list[Reading]:
    try:
        return await pool.read(piece.kind, piece.content, path=piece.name, diff=piece.diff)
    except AssayError as error:
        raise invalid(piece.name, error.message, error.reason) from None


def print_score(result: Score, *, json: bool) -> None:
    """Prints it for people, or as one line of JSON."""
    if json:
        print_json(_as_json(result))
        return
    print(f"Score {result.value_ratio:.3f} ({result.low_ratio:.3f} to {result.high_ratio:.3f} with 90 %)")
    lost = lost_ratio(result.components)
    print_table(
        ("component", "score", "counts for", "costs"),
        [
            (part.component.value.replace("_", " "), f"{part.score_ratio:.3f}", f"{part.share_ratio:.0%}", f"{lost[part.component]:.3f}")
            for part in result.components
        ],
        empty="",
    )
    for one in result.missing:
        print(f"missing: {one.component.value.replace('_', ' ')}, {one.source}: {one.reason}")
    shown = result.findings[:_SHOWN_FINDINGS_MAX]
    print_table(
        ("cost", "where", "rule", "what"),
        [(f"{found.cost_ratio:.4f}", _place(found), found.rule, found.message) for found in shown],
        empty="Nothing was found that speaks against it.",
    )
    if more := len(result.findings) - len(shown) + result.omitted_finding_count:
        print(f"and {more} more")


def _place(found: Finding) -> str:
    return f"{found.path}:{found.line}" if found.line else found.path


def _as_json(result: Score) -> dict[str, Any]:
    value = asdict(result)
    for key in ("components", "findings", "missing"):
        value[key] = [one | {"component": one["component"].value} for one in value[key]]
    return value
