"""Log levels of running processes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from assay.operations.v1.log_service_pb2 import SetLogLevelRequest
from assay.operations.v1.log_service_pb2_grpc import LogServiceStub

from cli.work.connection import ASK_TIMEOUT_S, Target, ask, find
from cli.work.output import print_json, print_table
from kit.embedded.datadir import read_run

ALL_MODULES = "all"


def set_levels(data_dir: Path, url: str | None, key: str | None, module: str, level: str, *, json: bool) -> None:
    """Sets a module's level (`all`: the root's) in the process at `url`, or in every one on the data directory, and prints what is set."""
    target = find(data_dir, url, key)
    addresses = {"process": target.address} if url else _listening(data_dir)
    request = SetLogLevelRequest(module="" if module == ALL_MODULES else module, level=level)
    levels = {name: _set(replace(target, address=address), request) for name, address in addresses.items()}
    if json:
        print_json(levels)
    else:
        rows = [(process, *each) for process, found in levels.items() for each in found.items()]
        print_table(("process", "module", "level"), rows, empty="")


def _set(target: Target, request: SetLogLevelRequest) -> Mapping[str, str]:
    answer = ask(target, lambda channel: LogServiceStub(channel).SetLogLevel(request, timeout=ASK_TIMEOUT_S))
    return {module or ALL_MODULES: level for module, level in sorted(answer.levels.items())}


def _listening(data_dir: Path) -> dict[str, str]:
    """Processes whose address is a plain "host:port"; the others are other programs, or speak HTTP alone."""
    processes = read_run(data_dir).processes
    return {name: process.url for name, process in processes.items() if process.url and "://" not in process.url}
