"""`assay anomalies`: what is not as it was."""

from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, AnalyzerUrlOption, DataDirOption, JsonOption, KeyOption, ProjectOption


def anomalies(
    *,
    project: ProjectOption = DEFAULT_PROJECT,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that go on.")] = False,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AnalyzerUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List what is, or was, not as usual: the latest begun first, at most 1,000."""
    from cli.work import connection
    from cli.work.anomalies import show_anomalies

    show_anomalies(connection.find(data_dir, url, key, connection.ANALYZER), project, open_only=open_only, json=json)
