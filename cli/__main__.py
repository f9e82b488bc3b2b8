"""The command `assay`. Each command's module imports what it needs when it is run: help must come at once."""

import os
import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from cli import (
    alerts,
    anomalies,
    audit,
    backup,
    bench,
    db,
    demo,
    detect,
    doctor,
    erase,
    events,
    export,
    import_,
    keys,
    ledger,
    log,
    login,
    projects,
    prompts,
    rank,
    replay,
    report,
    score,
    simulate,
    sources,
    trace,
    up,
)
from cli.help import ACCESS, CALLS, OPERATION, START, Overview
from cli.options import TLS_CA, TLS_CERTIFICATE, TLS_KEY, TlsCaOption, TlsCertificateOption, TlsKeyOption
from kit.errors import AssayError

EXIT_FAILED = 1

app = typer.Typer(
    name="assay",
    cls=Overview,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("up", rich_help_panel=START)(up.up)
app.command("demo", rich_help_panel=START)(demo.demo)
app.command("login", rich_help_panel=START)(login.login)
app.command("replay", rich_help_panel=CALLS)(replay.replay)
app.add_typer(import_.app, name="import", rich_help_panel=CALLS)
app.add_typer(export.app, name="export", rich_help_panel=CALLS)
app.command("simulate", rich_help_panel=CALLS)(simulate.simulate)
app.command("ledger", rich_help_panel=CALLS)(ledger.ledger)
app.command("anomalies", rich_help_panel=CALLS)(anomalies.anomalies)
app.command("rank", rich_help_panel=CALLS)(rank.rank)
app.command("prompts", rich_help_panel=CALLS)(prompts.prompts)
app.add_typer(report.app, name="report", rich_help_panel=CALLS)
app.add_typer(alerts.app, name="alerts", rich_help_panel=CALLS)
app.command("sources", rich_help_panel=CALLS)(sources.sources)
app.command("trace", rich_help_panel=CALLS)(trace.trace)
app.command("score", rich_help_panel=CALLS)(score.score)
app.command("detect", rich_help_panel=CALLS)(detect.detect)
app.add_typer(keys.app, name="keys", rich_help_panel=ACCESS)
app.add_typer(projects.app, name="projects", rich_help_panel=ACCESS)
app.command("audit", rich_help_panel=ACCESS)(audit.audit)
app.command("log", rich_help_panel=OPERATION)(log.log)
app.command("backup", rich_help_panel=OPERATION)(backup.backup)
app.command("restore", rich_help_panel=OPERATION)(backup.restore)
app.command("erase", rich_help_panel=OPERATION)(erase.erase)
app.command("doctor", rich_help_panel=OPERATION)(doctor.doctor)
app.add_typer(events.app, name="events", rich_help_panel=OPERATION)
app.add_typer(db.app, name="db", rich_help_panel=OPERATION)
app.command("bench", rich_help_panel=OPERATION)(bench.bench)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(version("assay"))
        raise typer.Exit


@app.callback()
def assay(
    *,
    _version: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")] = False,
    tls_ca: TlsCaOption = None,
    tls_certificate: TlsCertificateOption = None,
    tls_key: TlsKeyOption = None,
) -> None:
    """How AI agents and the providers behind them perform.

    `assay up` starts everything in this directory; the other commands find it there.
    """
    for setting, file in {TLS_CA: tls_ca, TLS_CERTIFICATE: tls_certificate, TLS_KEY: tls_key}.items():
        if file is not None:
            os.environ[setting] = str(file)  # where everything that connects reads it


def main() -> None:
    """Runs the command. Expected trouble is one line on standard error and exit code 1, a wrong usage 2, Ctrl-C 130."""
    signal.signal(signal.SIGINT, _interrupt)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what it has to tell of a connection comes with an error, too, and we say it in words
    try:
        app()
    except AssayError as error:
        print(error.message, file=sys.stderr)
        sys.exit(EXIT_FAILED)
    finally:
        _flush()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Ctrl-C ends at once whatever is under way. (asyncio's own way waits for a blocking read of standard input.)"""
    raise KeyboardInterrupt


def _flush() -> None:
    """Whoever read our output may be gone, such as `head`: then nothing is left to be said, at exit either."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
