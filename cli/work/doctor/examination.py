"""`assay doctor`: finds what there is to look at, looks at it, and prints one line for each finding."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from cli.work import connection
from cli.work.bus import NATS_URL_SETTING, nats_tls, nats_url
from cli.work.connection import Target
from cli.work.database import DATABASE_URL_SETTING, database_tls, database_url
from cli.work.doctor import bus, certificates, database, machine, processes
from cli.work.doctor import settings as environment
from cli.work.doctor.finding import Finding, Grade, note, trouble
from cli.work.output import print_json
from kit.embedded.datadir import DataDir, RunFile, read_run
from kit.embedded.nats import SYSTEM_USER
from kit.errors import AssayError
from kit.settings import TlsSettings
from kit.tls import ClientFiles

# Not among the services that are asked by gRPC.
_SERVERS = frozenset({"gateway", "postgres", "nats"})
_MARKS = {Grade.OK: "ok     ", Grade.NOTE: "note   ", Grade.WARNING: "WARNING", Grade.TROUBLE: "TROUBLE"}
_INDENT = " " * 10


@dataclass(frozen=True)
class Premises:
    """What there is to look at. Empty URLs: it is not known where that is."""

    data_dir: Path
    database_url: str = ""
    nats_url: str = ""
    system_url: str | None = None
    services: Mapping[str, str] = field(default_factory=dict)
    gateway: str = ""
    files: ClientFiles | None = None
    target: Target | None = None


def examine(data_dir: Path, url: str | None, key: str | None, *, json: bool) -> bool:
    """Looks at everything and prints what was found; whether there is any trouble."""
    findings = _look(data_dir.expanduser(), url, key)
    is_well = not any(finding.grade is Grade.TROUBLE for finding in findings)
    if json:
        print_json({"is_well": is_well, "findings": [asdict(finding) | {"grade": finding.grade.value} for finding in findings]})
    else:
        for finding in findings:
            print(f"{_MARKS[finding.grade]}  {finding.subject}: {finding.seen}")
            if finding.advice:
                print(f"{_INDENT}→ {finding.advice}")
    return not is_well


def _look(data_dir: Path, url: str | None, key: str | None) -> list[Finding]:
    run = _run_or_none(data_dir)
    findings = environment.look_at_settings(os.environ, is_embedded=not os.environ.get(DATABASE_URL_SETTING))
    findings += [machine.look_at_disk(data_dir), *machine.look_at_secrets(data_dir)]
    try:
        tls = TlsSettings()
    except ValueError:
        return findings  # told of by the settings; nothing can be reached with what is wrong there
    findings += certificates.look_at_certificates(tls, machine.now())
    if run is None and not os.environ.get(DATABASE_URL_SETTING):
        advice = f"start one with `assay up`, or set {DATABASE_URL_SETTING} and {NATS_URL_SETTING} as its processes have them"
        return [*findings, trouble("processes", f"no suite runs on {data_dir}", advice)]
    return findings + asyncio.run(_look_beyond(_premises(data_dir, run, url, key)))


def _run_or_none(data_dir: Path) -> RunFile | None:
    try:
        return read_run(data_dir)
    except AssayError:
        return None


def _premises(data_dir: Path, run: RunFile | None, url: str | None, key: str | None) -> Premises:
    """What a running suite tells of itself; without one, what the environment does."""
    target = connection.find(data_dir, url, key) if run is not None or url is not None else None
    if run is None:
        bus_url = os.environ.get(NATS_URL_SETTING, "")
        collector = {} if target is None else {"collector": target.address}
        return Premises(data_dir, os.environ[DATABASE_URL_SETTING], bus_url, None, collector, "", target.tls if target else None, target)
    path = data_dir.resolve()
    own_bus = run.processes.get("nats")
    password = DataDir(path, path).secret("nats_system") if own_bus else ""
    return Premises(
        data_dir=data_dir,
        database_url=database_url(data_dir),
        nats_url=nats_url(data_dir),
        system_url=f"nats://{SYSTEM_USER}:{password}@{urlsplit(own_bus.url).netloc}" if own_bus else None,
        services={name: process.url for name, process in run.processes.items() if name not in _SERVERS},
        gateway=urlsplit(run.url).netloc,
        files=run.tls,
        target=target,
    )


async def _look_beyond(premises: Premises) -> list[Finding]:
    """What only the network tells."""
    findings = await database.look_at_database(premises.database_url, database_tls())
    if premises.nats_url:
        findings += await bus.look_at_bus(premises.nats_url, nats_tls(), premises.system_url)
    else:
        findings.append(note("bus", "it is not known where it is", f"set {NATS_URL_SETTING} as its processes have it"))
    findings += await processes.look_at_processes(premises.services, premises.files)
    if premises.gateway:
        findings += await asyncio.to_thread(processes.look_at_gateway, premises.gateway, premises.files)
    if premises.target is not None:
        findings += await processes.look_at_access(premises.target, machine.now())
    else:
        findings.append(note("processes", "it is not known where they are", "give --url and --key of a collector's front"))
    return findings
