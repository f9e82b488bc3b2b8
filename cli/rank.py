"""`assay rank`: which provider and model to choose for a kind of task."""

from datetime import datetime
from typing import Annotated

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, AnalyzerUrlOption, DataDirOption, JsonOption, KeyOption, ProjectOption


def rank(
    *,
    task_type: Annotated[str, typer.Argument(metavar="TASK_TYPE", help="The kind of task.", show_default=False)],
    objective: Annotated[str, typer.Option(help="balanced, quality, cheapest, fastest or reliable.")] = "balanced",
    provider: Annotated[list[str] | None, typer.Option(help="These providers alone; can be repeated.", show_default=False)] = None,
    model: Annotated[list[str] | None, typer.Option(help="These models alone; can be repeated.", show_default=False)] = None,
    min_success: Annotated[float | None, typer.Option(metavar="RATIO", help="Surely this success ratio.", show_default=False)] = None,
    max_p95_latency: Annotated[float | None, typer.Option(metavar="S", help="Surely this p95 of latency.", show_default=False)] = None,
    max_cost_per_task: Annotated[
        float | None, typer.Option(metavar="USD", help="Surely this cost per accepted task.", show_default=False)
    ] = None,
    prompt: Annotated[str, typer.Option(metavar="NAME", help="Only calls with this prompt count.", show_default=False)] = "",
    prompt_version: Annotated[str, typer.Option(metavar="VERSION", help="Only calls with this version of it.", show_default=False)] = "",
    half_life: Annotated[float | None, typer.Option(metavar="DAYS", help="A call of so long ago counts half.", show_default="7")] = None,
    backtest: Annotated[
        tuple[datetime, datetime] | None,
        typer.Option(parser=moment, metavar="START END", help="What following the ranking would have brought then.", show_default=False),
    ] = None,
    history: Annotated[bool, typer.Option("--history", help="What was recommended until now, the latest first.")] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AnalyzerUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Rank providers and models for a kind of task, with how sure that is, and why."""
    from cli.work import connection
    from cli.work.rank import question, show_history, show_ranking
    from cli.work.rank_backtest import show_backtest

    target = connection.find(data_dir, url, key, connection.ANALYZER)
    if history:
        show_history(target, project, task_type, json=json)
        return

    asked = question(
        project,
        task_type,
        objective,
        providers=provider or [],
        models=model or [],
        success_ratio_min=min_success,
        p95_latency_s_max=max_p95_latency,
        cost_per_task_usd_max=max_cost_per_task,
        prompt=(prompt, prompt_version),
        half_life_days=half_life,
    )
    if backtest:
        show_backtest(target, asked, *backtest, json=json)
    else:
        show_ranking(target, asked, json=json)
