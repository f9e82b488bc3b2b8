"""`assay erase`: removes what was recorded of a task, of a label, or of a project."""

from typing import Annotated

import typer

from cli.options import (
    DEFAULT_DATA_DIR,
    DEFAULT_PROJECT,
    DataDirOption,
    JsonOption,
    KeyOption,
    ProjectOption,
    UrlOption,
)


def erase(
    *,
    task: Annotated[str | None, typer.Option("--task", metavar="ID", help="A task with all of its calls.", show_default=False)] = None,
    label: Annotated[
        str | None,
        typer.Option(
            "--label",
            metavar="KEY=VALUE",
            help="Calls with this label. A task that has one is erased whole.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All that was recorded in the project.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    erasure_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Its id, by which it can be repeated.", show_default="a new one")
    ] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Erase a task, what has a label, or a project.

    Calls, tasks, evidence, scores, and what they had added to metrics. The audit log notes that, and not what. Backups are
    not touched.
    """
    from cli.work import connection, erase

    if sum((task is not None, label is not None, everything)) != 1:
        raise typer.BadParameter("give one of --task, --label and --everything")
    request = erase.request(project, task=task, label=label, erasure_id=erasure_id)
    if not yes:
        typer.confirm(f"Erase {erase.in_words(request)} for good?", abort=True, err=True)
    erase.erase(connection.find(data_dir, url, key), request, json=json)
