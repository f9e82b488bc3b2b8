"""`assay alerts receivers`: who is told."""

from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, AlerterUrlOption, DataDirOption, JsonOption, KeyOption, ProjectOption

app = typer.Typer(help="List receivers, and send them samples.", no_args_is_help=True)


@app.command("list")
def list_receivers(
    *,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List receivers, without their secrets."""
    from cli.work import connection
    from cli.work.receivers import show_receivers

    show_receivers(connection.find(data_dir, url, key, connection.ALERTER), project, json=json)


@app.command("test")
def send_sample(
    *,
    receiver_id: Annotated[str, typer.Argument(metavar="RECEIVER_ID", help="From `assay alerts receivers list`.", show_default=False)],
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Send a sample. It fails if the receiver does not take it."""
    from cli.work import connection
    from cli.work.receivers import send_sample as send

    send(connection.find(data_dir, url, key, connection.ALERTER), project, receiver_id, json=json)
