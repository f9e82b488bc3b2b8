"""Runs the benches and prints their figures as they come."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module

import uvloop
from rich.console import Console

from bench.figures import Figure
from kit.errors import invalid

# Each is a module of the package bench with `run(report)`.
AREAS = (
    "ingest",
    "query",
    "client",
    "simulate",
    "integrations",
    "importing",
    "detection",
    "ranking",
    "quality",
    "alerts",
    "reports",
    "outputs",
    "backup",
)


def run_benches(areas: list[str], *, json: bool) -> None:
    """Runs the named areas, or all. Raises AssayError for one that there is not."""
    for area in areas:
        if area not in AREAS:
            raise invalid("AREA", f"there is no bench {area}: choose from {', '.join(AREAS)}")
    console = Console(highlight=False)

    def report(figure: Figure) -> None:
        if json:
            print(figure.to_json(), flush=True)
        else:
            console.print(_line(figure))

    for area in areas or AREAS:
        run: Callable[[Callable[[Figure], None]], Awaitable[None]] = import_module(f"bench.{area}").run
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_awaited(run(report)))


async def _awaited(work: Awaitable[None]) -> None:
    await work


def _line(figure: Figure) -> str:
    value = f"{figure.value:,.3g}" if figure.value < 100 else f"{figure.value:,.0f}"
    goal = ""
    if figure.goal is not None:
        sign, mark = ("≤" if figure.better == "lower" else "≥"), ("[green]✓[/]" if figure.is_reached else "[red]✗[/]")
        goal = f"{mark} {sign} {figure.goal:,g}"
    return f"{figure.area:<8} {figure.figure:<36} {value:>10} {figure.unit:<11} {goal}"
