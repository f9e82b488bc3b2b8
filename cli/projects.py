"""`assay projects`: makes, lists and changes projects."""

from typing import Annotated

import typer

from cli.options import (
    DEFAULT_DATA_DIR,
    CallsBurstOption,
    CallsPerSOption,
    DataDirOption,
    JsonOption,
    KeyOption,
    OpenStreamsOption,
    UrlOption,
)

app = typer.Typer(help="Make, list and change projects.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PROJECT", help="1 to 32 of a-z, 0-9 and -.", show_default=False)]
TimeZone = Annotated[
    str | None, typer.Option("--time-zone", metavar="ZONE", help="IANA zone of its days, such as Europe/Berlin.", show_default=False)
]
SeriesLimit = Annotated[
    int | None, typer.Option("--series-limit", help="Series it may have before task type and prompt fold into `other`.", show_default=False)
]


@app.command()
def create(
    *,
    project: Name,
    time_zone: TimeZone = None,
    series_limit: SeriesLimit = None,
    calls_per_s: CallsPerSOption = None,
    calls_burst: CallsBurstOption = None,
    open_streams: OpenStreamsOption = None,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make a project."""
    from cli.work import access, connection

    quota = access.quota(calls_per_s, calls_burst, open_streams)
    access.create_project(connection.find(data_dir, url, key), project, time_zone or "", series_limit or 0, quota, json=json)


@app.command("list")
def list_projects(
    json: JsonOption = False, data_dir: DataDirOption = DEFAULT_DATA_DIR, url: UrlOption = None, key: KeyOption = None
) -> None:
    """List the projects that the key may see."""
    from cli.work import access, connection

    access.list_projects(connection.find(data_dir, url, key), json=json)


@app.command()
def update(
    *,
    project: Name,
    time_zone: TimeZone = None,
    series_limit: SeriesLimit = None,
    calls_per_s: CallsPerSOption = None,
    calls_burst: CallsBurstOption = None,
    open_streams: OpenStreamsOption = None,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Change a project's zone or limits. A new zone has its days summed up anew; new limits hold within 5 seconds."""
    from cli.work import access, connection

    quota = access.quota(calls_per_s, calls_burst, open_streams)
    access.update_project(connection.find(data_dir, url, key), project, time_zone, series_limit, quota, json=json)
