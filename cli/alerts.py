"""`assay alerts`: what is wrong now, the rules that say so, and who is told."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from cli import receivers, silences
from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, AlerterUrlOption, DataDirOption, JsonOption, KeyOption, ProjectOption

app = typer.Typer(help="List and acknowledge alerts; list, apply and back-test rules; silences and receivers.", no_args_is_help=True)
app.add_typer(silences.app, name="silence")
app.add_typer(receivers.app, name="receivers")

AlertIdArgument = Annotated[str, typer.Argument(metavar="ALERT_ID", help="From `assay alerts list`.", show_default=False)]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why.", show_default=False)]


class StateName(Enum):
    """Where an alert is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


@app.command("list")
def list_alerts(
    *,
    state: Annotated[list[StateName] | None, typer.Option("--state", help="Only these; can be given several times.")] = None,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List alerts, the latest begun first, at most 1,000."""
    from cli.work import connection
    from cli.work.alerts import show_alerts

    target = connection.find(data_dir, url, key, connection.ALERTER)
    show_alerts(target, project, [each.value for each in state or ()], json=json)


@app.command()
def show(
    *,
    alert_id: AlertIdArgument,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show an alert and what became of it."""
    from cli.work import connection
    from cli.work.alerts import show_alert

    show_alert(connection.find(data_dir, url, key, connection.ALERTER), project, alert_id, json=json)


@app.command()
def ack(
    *,
    alert_id: AlertIdArgument,
    comment: CommentOption = "",
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Say that you look after an alert: it is then not escalated."""
    from cli.work import connection
    from cli.work.alerts import acknowledge

    acknowledge(connection.find(data_dir, url, key, connection.ALERTER), project, alert_id, comment, json=json)


@app.command()
def resolve(
    *,
    alert_id: AlertIdArgument,
    comment: CommentOption = "",
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """End an alert. It is raised again when its condition ceases and comes back, or still holds a day later."""
    from cli.work import connection
    from cli.work.alerts import resolve as end

    end(connection.find(data_dir, url, key, connection.ALERTER), project, alert_id, comment, json=json)


@app.command()
def rules(
    *,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print a file that `assay alerts apply` takes.")] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """List the rules."""
    from cli.work import connection
    from cli.work.rules import show_rules

    show_rules(connection.find(data_dir, url, key, connection.ALERTER), project, as_file=yaml, json=json)


@app.command()
def apply(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="YAML, or - for standard input.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    prune: Annotated[bool, typer.Option("--prune", help="Delete the rules that the file has not.")] = False,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Make the rules what a file says, and show what changes. Doing it again changes nothing."""
    from cli.work import connection
    from cli.work.rules import apply_rules

    target = connection.find(data_dir, url, key, connection.ALERTER)
    apply_rules(target, project, file, dry_run=dry_run, prune=prune, json=json)


@app.command()
def backtest(
    *,
    rule_id: Annotated[str, typer.Argument(metavar="RULE_ID", help="From `assay alerts rules`, or of the file.", show_default=False)],
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="Take the rule from this file, unsaved.", show_default=False)
    ] = None,
    days: Annotated[float, typer.Option("--days", min=1 / 24, max=90, help="How far back.")] = 30,
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: AlerterUrlOption = None,
    key: KeyOption = None,
) -> None:
    """Tell how often a rule would have fired."""
    from cli.work import connection
    from cli.work.rules import backtest as run

    run(connection.find(data_dir, url, key, connection.ALERTER), project, rule_id, file, days, json=json)
