"""`assay ledger`: the account of everything received."""

from cli.options import DEFAULT_DATA_DIR, DEFAULT_PROJECT, DataDirOption, JsonOption, KeyOption, ProjectOption, UrlOption


def ledger(
    project: ProjectOption = DEFAULT_PROJECT,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Show what became of everything received, by UTC day of receipt.

    Received = stored + rejected + duplicate + dead-lettered + in flight.
    """
    from cli.work import connection
    from cli.work.ledger import show_ledger

    show_ledger(connection.find(data_dir, url, key), project, json=json)
