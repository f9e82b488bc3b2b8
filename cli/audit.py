"""`assay audit`: who changed what."""

from typing import Annotated

import typer

from cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    DataDirOption,
    InstallationOption,
    JsonOption,
    KeyOption,
    ProjectOption,
    UrlOption,
    owner,
)


def audit(
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many events at most.")] = 100,
    alerting: Annotated[
        bool,
        typer.Option("--alerting", help="Instead: changes of rules, silences, receivers and how people are told. --url is the alerter's."),
    ] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    installation: InstallationOption = False,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show who changed what, the latest first."""
    from cli.work import access, connection

    if alerting:
        target = connection.find(data_dir, url, key, connection.ALERTER)
        access.list_alerting_events(target, project, limit, json=json)
        return
    access.list_audit_events(connection.find(data_dir, url, key), owner(project, of_installation=installation), limit, json=json)
