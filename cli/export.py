"""`assay export`: calls and roll-ups as files for other programs, and the targets that numbers are sent to."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption

ROLLUPS_RANGE = timedelta(days=7)

app = typer.Typer(help="Write calls or roll-ups as CSV or Parquet; see where numbers are sent to.", no_args_is_help=True)


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    PARQUET = "parquet"


class Dimension(StrEnum):
    """What roll-ups are grouped by."""

    PROVIDER = "provider"
    MODEL = "model"
    TASK_TYPE = "task_type"
    PROMPT_NAME = "prompt_name"
    PROMPT_VERSION = "prompt_version"


OutputOption: TypeAlias = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Where to; `-` is standard output.")]
FormatOption: TypeAlias = Annotated[Format, typer.Option("--format", help="Parquet needs assay[parquet].")]
EndOption: TypeAlias = Annotated[
    datetime | None, typer.Option("--end", parser=moment, metavar="TIME", help="End, exclusive.", show_default="now")
]
ProviderOption: TypeAlias = Annotated[list[str] | None, typer.Option("--provider", help="Only these; may be repeated.", show_default=False)]
ModelOption: TypeAlias = Annotated[list[str] | None, typer.Option("--model", help="Only these; may be repeated.", show_default=False)]
TaskTypeOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--task-type", help="Only these; may be repeated.", show_default=False)
]


@app.command()
def calls(
    *,
    output: OutputOption = Path("-"),
    file_format: FormatOption = Format.CSV,
    start: Annotated[
        datetime | None, typer.Option("--start", parser=moment, metavar="TIME", help="First start.", show_default="the first kept")
    ] = None,
    end: EndOption = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    task_type: TaskTypeOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Write the calls of a range of time, the latest first. They are kept for 30 days."""
    from assay.collector.v1.metrics_service_pb2 import SeriesFilter

    from cli.work import connection
    from cli.work.exporting.calls import calls_table
    from cli.work.exporting.run import show_export

    wanted = SeriesFilter(providers=provider, models=model, task_types=task_type)
    target = connection.find(data_dir, url, key)
    show_export(target, output, file_format.value, lambda channel: calls_table(channel, project, start, end, wanted))


@app.command()
def rollups(
    *,
    output: OutputOption = Path("-"),
    file_format: FormatOption = Format.CSV,
    start: Annotated[
        datetime | None, typer.Option("--start", parser=moment, metavar="TIME", help="First instant.", show_default="7 days ago")
    ] = None,
    end: EndOption = None,
    step_min: Annotated[int, typer.Option("--step-min", min=1, max=7 * 1_440, help="Minutes of a window; 1440 is a day.")] = 60,
    time_zone: Annotated[str, typer.Option("--time-zone", metavar="NAME", help="Whose hours and days.")] = "UTC",
    by: Annotated[
        list[Dimension] | None,
        typer.Option("--by", help="One row for each combination of these; may be repeated.", show_default="provider, model, task_type"),
    ] = None,
    provider: ProviderOption = None,
    model: ModelOption = None,
    task_type: TaskTypeOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Write what was measured by series and window. Minutes are kept for 14 days, quarters of an hour for 400, days for good."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    from assay.collector.v1.metrics_service_pb2 import SeriesFilter

    from cli.work import connection
    from cli.work.exporting.rollups import Question, rollups_table
    from cli.work.exporting.run import show_export

    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise typer.BadParameter("write the name of a zone, such as Europe/Berlin", param_hint="--time-zone") from None
    until = end or datetime.now(UTC)
    question = Question(
        project=project,
        start=start or until - ROLLUPS_RANGE,
        end=until,
        step_s=60 * step_min,
        zone=zone,
        group_by=[dimension.value for dimension in by or (Dimension.PROVIDER, Dimension.MODEL, Dimension.TASK_TYPE)],
        series_filter=SeriesFilter(providers=provider, models=model, task_types=task_type),
    )
    show_export(connection.find(data_dir, url, key), output, file_format.value, lambda channel: rollups_table(channel, question))


@app.command()
def targets(
    *,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show where the writers send numbers to by themselves, and how far that is. docs/prometheus.md says how to set it up."""
    from cli.work import connection
    from cli.work.exporting.targets import show_targets

    show_targets(connection.find(data_dir, url, key), project, json=json)
