"""`assay db`: looks after the database."""

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption, JsonOption

app = typer.Typer(help="Look after the database: the one of ASSAY_DATABASE_URL, or of the running suite.", no_args_is_help=True)


@app.command()
def migrate(json: JsonOption = False, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Bring the tables to what this version needs. The collector does so itself when it starts."""
    from cli.work import database

    database.migrate(data_dir, json=json)


@app.command()
def status(json: JsonOption = False, data_dir: DataDirOption = DEFAULT_DATA_DIR) -> None:
    """Show server, version of the tables, and how much room they take."""
    from cli.work import database

    database.show_status(data_dir, json=json)
