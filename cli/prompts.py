"""`assay prompts`: which version of a prompt does better."""

from datetime import datetime
from typing import Annotated

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, AnalyzerUrlOption, DataDirOption, JsonOption, KeyOption, ProjectOption


def prompts(
    *,
    prompt_name: Annotated[str, typer.Argument(metavar="[PROMPT]", help="Which prompt. Without: list them.", show_default=False)] = "",
    task: Annotated[str, typer.Option(metavar="TASK_TYPE", help="On this kind of task alone.", show_default=False)] = "",
    baseline: Annotated[
        str | None, typer.Option(metavar="VERSION", help="What the others are compared with.", show_default="the one used first")
    ] = None,
    version: Annotated[list[str] | None, typer.Option(help="These versions alone; can be repeated.", show_default=False)] = None,
    rank: Annotated[
        str, typer.Option(metavar="METRIC", help="Order all versions by success, quality, latency, cost or revisions.", show_default=False)
    ] = "",
    start: Annotated[
        datetime | None, typer.Option(parser=moment, metavar="TIME", help="From when on.", show_default="its first call")
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AnalyzerUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List prompts, or compare the versions of one: better, worse, no difference worth having, or not known yet."""
    from cli.work import connection
    from cli.work import prompts as work

    target = connection.find(data_dir, url, key, connection.ANALYZER)
    if not prompt_name:
        work.show_prompts(target, project, start, json=json)
    elif rank:
        work.show_order(target, work.order(project, prompt_name, task, version or [], start, metric=rank), json=json)
    else:
        work.show_comparison(target, work.comparison(project, prompt_name, task, version or [], start, baseline=baseline), json=json)
