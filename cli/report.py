"""`assay report`: what happened, what changed, what it cost, and what to do; and when reports are made by themselves."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, ReporterUrlOption

USAGE = 2


class Form(Enum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"
    PDF = "pdf"


class Length(Enum):
    """How long a period is."""

    DAILY = "daily"
    WEEKLY = "weekly"


app = typer.Typer(help="Make, show and send reports.")
schedules = typer.Typer(help="Which reports are made when, and who gets them.", no_args_is_help=True)
app.add_typer(schedules, name="schedules")

FormatOption = Annotated[
    Form | None, typer.Option("--format", help="As what. To a terminal: Markdown; to a file: by its name.", show_default=False)
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write it there.", show_default=False)]
OpenOption = Annotated[bool, typer.Option("--open", help="Open it in a browser.")]
ZoneOption = Annotated[
    str, typer.Option("--zone", metavar="ZONE", help="IANA zone of the days. Default: the project's.", show_default=False)
]
SendOption = Annotated[
    list[str] | None, typer.Option("--send", metavar="RECEIVER", help="Send it to this receiver; can be repeated.", show_default=False)
]
IdArgument = Annotated[str, typer.Argument(metavar="REPORT_ID", help="From `assay report list`.", show_default=False)]
ScheduleArgument = Annotated[str, typer.Argument(metavar="SCHEDULE_ID", help="Its name, 1 to 40 of [A-Za-z0-9_.-].", show_default=False)]


@app.command()
def daily(
    *,
    start: Annotated[str, typer.Option(metavar="DAY", help="This day, such as 2026-11-20. Default: yesterday.", show_default=False)] = "",
    zone: ZoneOption = "",
    form: FormatOption = None,
    out: OutOption = None,
    is_opened: OpenOption = False,
    send: SendOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make the report of a day."""
    from cli.work import connection, report

    target = connection.find(data_dir, url, key, connection.REPORTER)
    question = report.question(project, Length.DAILY.name, start, "", zone)
    report.make(target, question, report.Showing(form and form.value, out, is_opened=is_opened, is_json=json), send or [])


@app.command()
def weekly(
    *,
    start: Annotated[
        str, typer.Option(metavar="DAY", help="The week of this day, Monday to Sunday. Default: last week.", show_default=False)
    ] = "",
    zone: ZoneOption = "",
    form: FormatOption = None,
    out: OutOption = None,
    is_opened: OpenOption = False,
    send: SendOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make the report of a week."""
    from cli.work import connection, report

    target = connection.find(data_dir, url, key, connection.REPORTER)
    question = report.question(project, Length.WEEKLY.name, start, "", zone)
    report.make(target, question, report.Showing(form and form.value, out, is_opened=is_opened, is_json=json), send or [])


@app.callback(invoke_without_command=True)
def custom(
    *,
    context: typer.Context,
    start: Annotated[str, typer.Option(metavar="TIME", help="From then: 2026-11-20 in the zone, or RFC 3339.", show_default=False)] = "",
    end: Annotated[str, typer.Option(metavar="TIME", help="Until then, likewise, exclusive. Default: now.", show_default=False)] = "",
    zone: ZoneOption = "",
    form: FormatOption = None,
    out: OutOption = None,
    is_opened: OpenOption = False,
    send: SendOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make, show and send reports: of a day, a week, or with --start of any other period."""
    if context.invoked_subcommand is not None:
        return
    if not start:
        print(context.get_help())
        raise typer.Exit(USAGE)
    from cli.work import connection, report

    target = connection.find(data_dir, url, key, connection.REPORTER)
    question = report.question(project, "UNSPECIFIED", start, end, zone)
    report.make(target, question, report.Showing(form and form.value, out, is_opened=is_opened, is_json=json), send or [])


@app.command("list")
def list_reports(
    *,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List the latest reports."""
    from cli.work import connection, report

    report.show_list(connection.find(data_dir, url, key, connection.REPORTER), project, json=json)


@app.command()
def show(
    *,
    report_id: IdArgument,
    form: FormatOption = None,
    out: OutOption = None,
    is_opened: OpenOption = False,
    send: SendOption = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show, write or send a report that was made before."""
    from cli.work import connection, report

    target = connection.find(data_dir, url, key, connection.REPORTER)
    report.show(target, project, report_id, report.Showing(form and form.value, out, is_opened=is_opened, is_json=json), send or [])


@schedules.command()
def create(
    *,
    schedule_id: ScheduleArgument,
    period: Annotated[Length, typer.Option(help="What its reports are about.")] = Length.WEEKLY,
    at: Annotated[
        str, typer.Option("--at", metavar="[DAY] HH:MM", help='At this time, such as "08:00" or "mon 08:00".', show_default=False)
    ] = "",
    cron: Annotated[str, typer.Option(metavar="LINE", help='Or five fields of a crontab, such as "30 8 1 * *".', show_default=False)] = "",
    zone: ZoneOption = "",
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="RECEIVER", help="Who gets them; can be repeated.", show_default=False)
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Have the report of the last day or week made by itself."""
    from cli.work import connection, report_schedules

    schedule = report_schedules.described(schedule_id, period.name, at=at, cron=cron, zone=zone, receiver_ids=to or [])
    report_schedules.create(connection.find(data_dir, url, key, connection.REPORTER), project, schedule, json=json)


@schedules.command("list")
def list_schedules(
    *,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List schedules."""
    from cli.work import connection, report_schedules

    report_schedules.show_list(connection.find(data_dir, url, key, connection.REPORTER), project, json=json)


@schedules.command()
def runs(
    *,
    schedule_id: ScheduleArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List what became of a schedule's runs, the latest first."""
    from cli.work import connection, report_schedules

    report_schedules.show_runs(connection.find(data_dir, url, key, connection.REPORTER), project, schedule_id, json=json)


@schedules.command()
def delete(
    *,
    schedule_id: ScheduleArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: ReporterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """End a schedule. Its reports stay."""
    from cli.work import connection, report_schedules

    report_schedules.delete(connection.find(data_dir, url, key, connection.REPORTER), project, schedule_id)
