"""`assay trace`: the way of one call."""

from typing import Annotated

import typer

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption


def trace(
    *,
    call_id: Annotated[str, typer.Argument(metavar="CALL_ID", help="The call's id.", show_default=False)],
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Find a call: its batch, the messages that carried it, its row.

    The batch's id finds its lines in the logs.
    """
    from cli.work import connection
    from cli.work.trace import show_trace

    show_trace(connection.find(data_dir, url, key), project, call_id, json=json)
