"""`assay doctor`: looks at everything that an installation needs."""

import typer

from cli.options import DEFAULT_DATA_DIR, DataDirOption, JsonOption, KeyOption, UrlOption


def doctor(
    *,
    json: JsonOption = False,
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    url: UrlOption = None,
    key: KeyOption = None,
) -> None:
    """Look at everything an installation needs, and say what to do.

    Settings, certificates, disk, clocks, database, bus, processes, keys and the ledger. Changes nothing. Exit code 1 if
    something does not work or may lose data.
    """
    from cli.work.doctor import examination

    if examination.examine(data_dir, url, key, json=json):
        raise typer.Exit(1)
