"""Finds the bus as `database.py` finds the database."""

import os
from pathlib import Path

from kit.embedded.datadir import DataDir, read_run
from kit.embedded.nats import APPLICATION_USER
from kit.errors import AssayError, Kind
from kit.settings import TlsSettings, load
from kit.tls import ClientFiles

NATS_URL_SETTING = "ASSAY_NATS_URL"
_SCHEME = "nats://"


def nats_url(data_dir: Path) -> str:
    """The URL of the setting, or of the suite that runs on the data directory. Raises NOT_RUNNING, BUS_ELSEWHERE."""
    url = os.environ.get(NATS_URL_SETTING)
    if url:
        return url
    own = read_run(data_dir).processes.get("nats")
    if own is None:
        message = f"this suite uses a bus elsewhere: set {NATS_URL_SETTING} as for `assay up`"
        raise AssayError(Kind.FAILED_PRECONDITION, "BUS_ELSEWHERE", message)
    path = data_dir.expanduser().resolve()
    password = DataDir(path, path).secret("nats_application")
    return f"{_SCHEME}{APPLICATION_USER}:{password}@{own.url.removeprefix(_SCHEME)}"


def nats_tls() -> ClientFiles | None:
    """How the bus of the setting is reached by TLS. The suite's own has none."""
    return load(TlsSettings).nats_tls if os.environ.get(NATS_URL_SETTING) else None
