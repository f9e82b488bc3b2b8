"""`assay score`: how good a change is, by its code, tests, coverage and what analysers say."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.db import moment
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption

EXIT_TOO_LOW = 1

_SUITE = "Scores of a suite"

DiffOption = Annotated[
    str | None, typer.Option(metavar="RANGE", help="A range of git, such as main...HEAD, or a file with a diff.", show_default=False)
]
CoverageOption = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Cobertura, LCOV or coverage.py's JSON; can be repeated.", show_default=False)
]
FailUnderOption = Annotated[
    float | None, typer.Option(metavar="RATIO", min=0, max=1, help="Exit with 1 if the score is lower.", show_default=False)
]
SendOption = Annotated[
    bool, typer.Option("--send", help="Record it as well, as evidence of --task-id or --call-id.", rich_help_panel=_SUITE)
]
RescoreOption = Annotated[bool, typer.Option("--rescore", help="Instead: have scores made anew.", rich_help_panel=_SUITE)]
StartOption = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="With --rescore: from this start on.", show_default=False, rich_help_panel=_SUITE),
]
EndOption = Annotated[
    datetime | None,
    typer.Option(parser=moment, metavar="TIME", help="With --rescore: before this start.", show_default=False, rich_help_panel=_SUITE),
]
CalibrateOption = Annotated[
    bool, typer.Option("--calibrate", help="Instead: fit weights to feedback, and show them.", rich_help_panel=_SUITE)
]
AnalyzerUrlOption = Annotated[
    str | None,
    typer.Option(
        envvar="ASSAY_ANALYZER_URL",
        metavar="HOST:PORT",
        help="As --url, with --rescore and --calibrate.",
        show_default=False,
        rich_help_panel="Which suite",
    ),
]


def score(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]…", help="Files of code, each whole.", show_default=False)] = None,
    *,
    diff: DiffOption = None,
    coverage: CoverageOption = None,
    junit: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="JUnit XML; can be repeated.", show_default=False)] = None,
    sarif: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="SARIF; can be repeated.", show_default=False)] = None,
    task_type: Annotated[str, typer.Option(metavar="TYPE", help="The kind of task, whose weights count.")] = "",
    fail_under: FailUnderOption = None,
    send: SendOption = False,
    task_id: Annotated[str, typer.Option(metavar="ID", help="The task whose result it is.", rich_help_panel=_SUITE)] = "",
    call_id: Annotated[str, typer.Option(metavar="ID", help="The call whose answer it is.", rich_help_panel=_SUITE)] = "",
    rescore: RescoreOption = False,
    start: StartOption = None,
    end: EndOption = None,
    calibrate: CalibrateOption = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    analyzer_url: AnalyzerUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Score a change by what is known of it: code, tests, coverage, static analysis.

    Prints the score with its 90 % interval, what it is made of, and what cost most. Coverage and static analysis count on the lines of
    the diff alone if there is one. Nothing of what is read is run. docs/quality.md tells how it is scored.
    """
    from cli.work import connection, score_remote
    from cli.work.score import print_score, scored
    from cli.work.score_evidence import gathered

    if rescore or calibrate:
        analyzer = connection.find(data_dir, analyzer_url, key, connection.ANALYZER)
        if rescore:
            score_remote.rescore(analyzer, project, start, end, json=json)
        else:
            score_remote.calibrate(analyzer, project, task_type, json=json)
        return
    pieces = gathered(files or [], diff=diff, coverage=coverage or [], junit=junit or [], sarif=sarif or [])
    result = scored(pieces, task_type)
    if send:
        score_remote.send(connection.find(data_dir, url, key), project, pieces, call_id=call_id, task_id=task_id)
    print_score(result, json=json)
    if fail_under is not None and result.value_ratio < fail_under:
        raise typer.Exit(EXIT_TOO_LOW)
