"""`assay import`: history out of what others recorded."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption

if TYPE_CHECKING:
    from cli.work.importing.run import Reader, RowSource

app = typer.Typer(
    no_args_is_help=True,
    help="Import calls that others recorded.\n\nWhat is stored already is left out, so an import that was interrupted is simply run again. "
    "The key needs the roles record and read.",
)

FileArgument: TypeAlias = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV or JSON lines, gzip or not; `-` reads standard input.", show_default=False)
]
TaskTypeOption: TypeAlias = Annotated[
    str, typer.Option("--task-type", metavar="NAME", help="The task type of all calls.", show_default=False)
]
TaskTypeFromOption: TypeAlias = Annotated[
    str, typer.Option("--task-type-from", metavar="FIELD", help="Where the task type stands, such as metadata.kind.", show_default=False)
]
ProviderOption: TypeAlias = Annotated[
    str, typer.Option("--provider", metavar="NAME", help="The provider of rows that tell none.", show_default=False)
]
LabelOption: TypeAlias = Annotated[
    list[str] | None, typer.Option("--label", metavar="FIELD", help="Keep this field as a label; may be repeated.", show_default=False)
]
RepriceOption: TypeAlias = Annotated[bool, typer.Option("--reprice", help="Let Assay price the calls, whatever the rows say they cost.")]
DryRunOption: TypeAlias = Annotated[bool, typer.Option("--dry-run", help="Read all, say what would be left out, and send nothing.")]
TimeOption: TypeAlias = datetime | None


@app.command()
def litellm(
    *,
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="The table as CSV or JSON lines.", show_default=False)] = None,
    database_url: Annotated[
        str | None,
        typer.Option("--database-url", envvar="LITELLM_DATABASE_URL", metavar="URL", help="LiteLLM's PostgreSQL.", show_default=False),
    ] = None,
    start: Annotated[TimeOption, typer.Option("--start", parser=moment, metavar="TIME", help="With --database-url: first instant.")] = None,
    end: Annotated[TimeOption, typer.Option("--end", parser=moment, metavar="TIME", help="With --database-url: end, exclusive.")] = None,
    task_type: TaskTypeOption = "",
    task_type_from: TaskTypeFromOption = "",
    provider: ProviderOption = "",
    label: LabelOption = None,
    reprice: RepriceOption = False,
    dry_run: DryRunOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Import LiteLLM's spend logs, from its database or from a file of the table."""
    from cli.work.importing.fields import Choices
    from cli.work.importing.litellm import LiteLlm

    if (file is None) == (database_url is None):
        raise typer.BadParameter("give a file or --database-url")
    reader = LiteLlm(Choices(task_type, task_type_from, provider, tuple(label or ()), reprice))
    where = _Where(project, data_dir, url, key, is_tried=dry_run, as_json=json)
    if database_url is not None:
        from cli.work.importing.litellm_table import LiteLlmTable

        where.show(LiteLlmTable(database_url, start, end), reader)
    elif file is not None:
        where.show_file(file, reader)


@app.command()
def langfuse(
    *,
    file: FileArgument,
    task_type: TaskTypeOption = "",
    task_type_from: TaskTypeFromOption = "",
    provider: ProviderOption = "",
    label: LabelOption = None,
    reprice: RepriceOption = False,
    dry_run: DryRunOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Import the generations of an export of Langfuse's observations."""
    from cli.work.importing.fields import Choices
    from cli.work.importing.langfuse import Langfuse

    reader = Langfuse(Choices(task_type, task_type_from, provider, tuple(label or ()), reprice))
    _Where(project, data_dir, url, key, is_tried=dry_run, as_json=json).show_file(file, reader)


@app.command()
def openai(
    *,
    file: FileArgument,
    task_type: TaskTypeOption = "",
    task_type_from: TaskTypeFromOption = "",
    label: LabelOption = None,
    dry_run: DryRunOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Import OpenAI's usage export: counts, tokens and cost by model.

    It tells neither latencies nor outcomes. The calls are therefore CANCELLED, with the error type `usage_export`: that counts
    neither as a success nor in any latency of answers.
    """
    from cli.work.importing.fields import Choices
    from cli.work.importing.openai_usage import OpenAiUsage

    reader = OpenAiUsage(Choices(task_type, task_type_from, labels=tuple(label or ())))
    _Where(project, data_dir, url, key, is_tried=dry_run, as_json=json).show_file(file, reader)


@app.command()
def csv(
    *,
    file: FileArgument,
    mapping: Annotated[
        Path, typer.Option("--mapping", metavar="YAML", help="Which column is what: see docs/import.md.", show_default=False)
    ],
    task_type: TaskTypeOption = "",
    task_type_from: TaskTypeFromOption = "",
    provider: ProviderOption = "",
    label: LabelOption = None,
    reprice: RepriceOption = False,
    dry_run: DryRunOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Import any CSV or JSON lines, by a file that says which column is what."""
    from cli.work.importing.fields import Choices
    from cli.work.importing.mapped import AnyRows, read_mapping

    reader = AnyRows(read_mapping(mapping), Choices(task_type, task_type_from, provider, tuple(label or ()), reprice))
    _Where(project, data_dir, url, key, is_tried=dry_run, as_json=json).show_file(file, reader)


class _Where:
    """Where an import goes to, and how it is told."""

    def __init__(self, project: str, data_dir: Path, url: str | None, key: str | None, *, is_tried: bool, as_json: bool) -> None:
        self._project = project
        self._which = (data_dir, url, key)
        self._is_tried = is_tried
        self._as_json = as_json

    def show(self, rows: "RowSource", reader: "Reader") -> None:
        """Imports rows and prints the sum."""
        from cli.work import connection
        from cli.work.importing.run import show_import

        target = None if self._is_tried else connection.find(*self._which)
        show_import(target, rows, reader, self._project, json=self._as_json)

    def show_file(self, file: Path, reader: "Reader") -> None:
        """Imports the rows of a file."""
        from cli.work.importing.rows import FileRows
        from cli.work.records import open_source

        with open_source(file) as source:
            self.show(FileRows(source), reader)
